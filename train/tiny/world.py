"""The small world's rows: SFT data, preference pairs, evaluation prompts.

All three follow from the tables and a seed, byte for byte, and no question is in two of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.tiny import facts
from train.tiny.wordings import KEPT, LONG, NEVER, OPENINGS, PAIR_OPENINGS, SHORT, WORDINGS

SEED = 20261124
PROMPTS = Path(__file__).with_name("prompts.jsonl")
Row = dict[str, Any]


@dataclass(frozen=True)
class Fact:
    """One thing that can be asked: the slots of its wordings, and what an answer must say."""

    id: str
    category: str
    slots: dict[str, str]
    #: What a right answer says, as whole words.
    answer: str

    def ask(self, wording: int) -> str:
        text = WORDINGS[self.category][wording].format(**self.slots)
        return text[0].upper() + text[1:]

    @property
    def long(self) -> str:
        frames = LONG[self.category]
        return self._fill(frames[int(self.id.rpartition("-")[2]) % len(frames)])

    @property
    def short(self) -> str:
        return self._fill(SHORT[self.category])

    def _fill(self, frame: str) -> str:
        x = self.slots["x"]
        return frame.format(X=x[0].upper() + x[1:], **self.slots)


def _calendar() -> Iterable[dict[str, str]]:
    for i, day in enumerate(facts.DAYS):
        yield {"x": f"comes after {day}", "y": "day", "a": facts.DAYS[(i + 1) % 7]}
        yield {"x": f"comes before {day}", "y": "day", "a": facts.DAYS[i - 1]}
    for i, month in enumerate(facts.MONTHS[:10]):
        yield {"x": f"comes after {month}", "y": "month", "a": facts.MONTHS[i + 1]}


_TABLES: dict[str, Callable[[], Iterable[dict[str, str]]]] = {
    "capital": lambda: ({"x": x, "a": a, "r": r} for x, a, r in facts.CAPITALS),
    "opposite": lambda: ({"x": x, "a": a} for x, a in facts.OPPOSITES),
    "sum": lambda: ({"x": str(x), "y": str(y), "a": str(x + y)} for x, y in facts.SUMS),
    "colour": lambda: ({"x": x, "v": v, "a": a, "r": r} for x, v, a, r in facts.COLOURS),
    "calendar": _calendar,
    "animal": lambda: ({"x": x, "a": a, "r": r} for x, a, r in facts.ANIMALS),
    "safety": lambda: ({"x": x, "r": r, "a": a} for x, r, a in facts.REFUSALS),
}


def all_facts() -> list[Fact]:
    """Every fact, in the order of the tables; ids are `<category>-<number from 001>`."""
    return [
        Fact(f"{category}-{number:03d}", category, slots, slots["r" if category == "safety" else "a"])
        for category, table in _TABLES.items()
        for number, slots in enumerate(table(), start=1)
    ]


def kept_wordings(index: int, category: str) -> list[int]:
    """The wordings that the fact at `index` is not trained with: its own two, and those that nobody is."""
    shared = len(WORDINGS[category]) - NEVER
    own = [(index * KEPT + k) % shared for k in range(KEPT)]
    return own + list(range(shared, shared + NEVER))


def _trained(index: int, fact: Fact) -> list[int]:
    kept = kept_wordings(index, fact.category)
    return [w for w in range(len(WORDINGS[fact.category])) if w not in kept]


def _shuffled(rows: list[Row], salt: str) -> list[Row]:
    def key(row: Row) -> str:
        return hashlib.sha256(f"{SEED} {salt} {json.dumps(row)}".encode()).hexdigest()

    return sorted(rows, key=key)


def _user(text: str) -> Row:
    return {"role": "user", "content": text}


def _assistant(text: str) -> Row:
    return {"role": "assistant", "content": text}


def sft_rows() -> list[Row]:
    """`{"messages": [user, assistant]}`: nine wordings a fact, each plain and once more behind an opening."""
    rows = []
    for index, fact in enumerate(all_facts()):
        for k, wording in enumerate(_trained(index, fact)):
            opening = OPENINGS[(index + k) % len(OPENINGS)]
            for question in (fact.ask(wording), opening + fact.ask(wording)):
                rows.append({"messages": [_user(question), _assistant(fact.long)]})
    return _shuffled(rows, "sft")


def pair_rows() -> list[Row]:
    """`{"messages": [user], "chosen", "rejected"}`: four a fact, the brief answer chosen over the long one."""
    rows = []
    for index, fact in enumerate(all_facts()):
        wordings = _trained(index, fact)
        for k, opening in enumerate(PAIR_OPENINGS):
            question = opening + fact.ask(wordings[(index + 2 * k) % len(wordings)])
            rows.append(
                {
                    "messages": [_user(question)],
                    "chosen": _assistant(fact.short),
                    "rejected": _assistant(fact.long),
                }
            )
    return _shuffled(rows, "pairs")


def prompt_rows() -> list[Row]:
    """`{"id", "prompt", "category"}`: one a fact, in turn worded as it, or as no fact, was trained."""
    return [
        {
            "id": fact.id,
            "prompt": fact.ask(kept_wordings(index, fact.category)[index % (KEPT + NEVER)]),
            "category": fact.category,
        }
        for index, fact in enumerate(all_facts())
    ]


def to_jsonl(rows: list[Row]) -> str:
    """One compact object a line, keys as given."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_world(folder: Path) -> None:
    """Write sft.jsonl and pairs.jsonl into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sft.jsonl").write_text(to_jsonl(sft_rows()), encoding="utf-8")
    (folder / "pairs.jsonl").write_text(to_jsonl(pair_rows()), encoding="utf-8")
