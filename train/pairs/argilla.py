"""Argilla's exports: fields and responses, nested or flattened, ranking or label, of version 1 and 2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from blindside.tables.rows import MALFORMED, Message, Unusable, number
from blindside.tables.turns import Fields, text_of, turns
from blindside.words import counted

UNSETTLED = "people disagree"
TIE = "tied"
UNANSWERED = "no response"
_PROMPT = ("prompt", "instruction", "question", "input", "text")
_ANSWER = ("response", "generation", "answer", "completion", "output")
_TIES = frozenset({"tie", "both", "equal", "same", "neither", "bothgood", "bothbad"})
#: (best, worst): names of fields.
Ranked = tuple[str, str]


def is_argilla(values: Mapping[str, Any]) -> bool:
    """Whether a row has at least two answers and what people said of them."""
    return len(_answers(_fields(values))) >= 2 and any(True for _ in _submitted_values(values))


def from_argilla(values: Mapping[str, Any], fields: Fields) -> tuple[tuple[Message, ...], str, str]:
    """The answer that most people put first, against the one that they put last. Raises Unusable."""
    shown = _fields(values)
    answers = _answers(shown)
    prompt = fields.prompt or next((name for name in _PROMPT if shown.get(name)), "prompt")
    votes: Counter[Ranked | None] = Counter(_ranked(value, answers) for value in _submitted_values(values))
    if not votes:
        raise Unusable(UNANSWERED, "nobody has submitted a response")
    (first, count), *others = votes.most_common()
    if others and others[0][1] == count:
        raise Unusable(UNSETTLED, "people disagree, and no ranking has most votes")
    if first is None:
        raise Unusable(TIE, "its answers are ranked as equal")
    best, worst = (text_of(shown[name], name) for name in first)
    return turns(shown.get(prompt), prompt, fields), best, worst


def _fields(values: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = values.get("fields")
    return inner if isinstance(inner, Mapping) else values


def _answers(shown: Mapping[str, Any]) -> list[str]:
    """Names of the fields that are answers, in their order."""
    return [
        name
        for name, value in shown.items()
        if name.lower().startswith(_ANSWER) and isinstance(value, str) and "." not in name
    ]


def _submitted_values(values: Mapping[str, Any]) -> Iterator[Any]:
    """What people submitted to ranking and label questions; drafts and discarded responses are not."""
    nested = values.get("responses")
    if isinstance(nested, Mapping):
        for items in nested.values():
            yield from _submitted(items)
        return
    for name, items in values.items():
        if name.endswith(".responses") and isinstance(items, list):
            statuses = values.get(f"{name}.status") or ["submitted"] * len(items)
            yield from (value for value, status in zip(items, statuses, strict=False) if status in ("submitted", None))
        elif isinstance(items, list) and items and all(isinstance(i, Mapping) and "value" in i for i in items):
            yield from _submitted(items)


def _submitted(items: Any) -> Iterator[Any]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and item.get("status", "submitted") in ("submitted", None):
            yield item.get("value")


def _ranked(value: Any, answers: list[str]) -> Ranked | None:
    """First and last of one response; None for a tie. Raises Unusable for a response that names no answer."""
    if isinstance(value, str):
        return _labelled(value, answers)
    if not isinstance(value, list) or len(value) < 2:
        raise Unusable(MALFORMED, f"has a response that is not a ranking: {value!r:.80}")
    if all(isinstance(item, Mapping) for item in value):
        ranked = [(rank, item.get("value")) for item in value if (rank := number(item.get("rank"))) is not None]
        if len(ranked) < 2:
            raise Unusable(MALFORMED, "has a ranking of fewer than two answers")
        ranked.sort(key=lambda one: one[0])
        if ranked[0][0] == ranked[-1][0]:
            return None
        value = [name for _, name in ranked]
    return _name(value[0], answers), _name(value[-1], answers)


def _labelled(value: str, answers: list[str]) -> Ranked | None:
    plain = _plain(value)
    if plain in _TIES:
        return None
    if len(answers) != 2:
        raise Unusable(MALFORMED, f"has the label {value!r} for {counted(len(answers), 'answer')}; two can be paired")
    best = _name(value, answers)
    return best, next(name for name in answers if name != best)


def _plain(text: object) -> str:
    return "".join(letter for letter in str(text).lower() if letter.isalnum())


def _name(value: Any, answers: list[str]) -> str:
    """The field that a label means: by its name, or as A, B by its place. A bare number may count from 0 or from 1."""
    plain = _plain(value)
    found = next((name for name in answers if _plain(name) == plain), None)
    if found is None and plain in ("a", "b"):
        found = answers["ab".index(plain)]
    if found is None:
        raise Unusable(MALFORMED, f"has a response that names no answer: {value!r:.80}")
    return found
