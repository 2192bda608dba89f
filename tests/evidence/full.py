"""A run that has everything a report can tell of: people, a model judge, held-out pairs, must-pass, leftovers."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.answers import read_answers
from eval.collect.model_tasks.model_judge import settle
from eval.collect.model_tasks.rows import ModelVerdict, Preference, preferences_path, verdicts_path
from eval.evidence.judgements import BASE, TIE, TUNED
from eval.expect.expect import Expect
from eval.judge.store.side_files import Skip, append_skip
from eval.records import OUTCOMES, SIDES, Message, Pair, Prompt, Verdict, sha256_text
from eval.run import Run
from tests.evidence.judged import answers_to, record, verdict_on
from tests.judge.runs import make_run_of

CATEGORIES = ("colours", "geography", "算术", "")
REVIEWERS = ("Ann Lee", "bob", "李雷")
#: What a cell of a CSV may have to carry: a spreadsheet runs it, or a reader loses it.
HOSTILE_CELLS = (
    "=SUM(A1:A9)",
    "+1",
    "-2+3",
    "@cmd",
    "'quoted",
    "''=twice",
    '=HYPERLINK("http://example.org","press")',
    'says "so", twice',
    "two\nlines, one of them =1+1",
    "回答很好，但是太长了。",
    "＝全角",
    "naïve 👩‍👩‍👧‍👦 😀",
    "\ttab first",
    "  spaces around  ",
    "1/2",
    "TRUE",
    "2026-01-31",
    "12:30",
    "5%",
    "semi;colon",
    "مرحبا",
)


def make_full(folder: Path, *, pairs: int = 60, reviewers: Sequence[str] = REVIEWERS, name: str = "full") -> Run:
    """Each reviewer judges every pair; the same each time but for the moment at which answers were written."""
    dice = random.Random(11)
    prompts = [_prompt(n) for n in range(pairs)]
    run = make_run_of(folder, prompts, answers_to(prompts, dice), name=name)
    there = [pair for pair in read_answers(run.responses_path).pairs(prompts) if not pair.identical]
    record(run, [*_verdicts(run, there, reviewers, dice), *_leftovers(run, there, reviewers[:1])])
    skip = Skip(run=name, item=there[0].prompt_id, reviewer="Skipper", kind="judgement", skipped_at="2026-01-31T12:00Z")
    append_skip(run, skip)
    _judge(run, there, dice)
    _hold_out(run, dice)
    return run


def _prompt(n: int) -> Prompt:
    asked = (Message(role="user", content=f"={n}: what would you call a boat of two colours?\n=1+1, of course"),)
    expect = Expect(contains=("clear",)) if n % 10 == 3 else None
    return Prompt(id=f"item-{n:03}", messages=asked, category=CATEGORIES[n % 4], expect=expect)


def _verdicts(run: Run, pairs: Sequence[Pair], reviewers: Sequence[str], dice: random.Random) -> list[Verdict]:
    weights = [5 if code == TUNED else 3 if code == BASE else 1 for code in range(len(OUTCOMES))]
    given = [(pair, who) for pair in pairs for who in reviewers]
    return [
        verdict_on(
            run,
            pair,
            dice.choices(OUTCOMES, weights)[0],
            reviewer=who,
            left=dice.choice(SIDES),
            seconds=round(dice.uniform(2, 30), 2),
            comment=HOSTILE_CELLS[at] if at < len(HOSTILE_CELLS) else "",
        )
        for at, (pair, who) in enumerate(given)
    ]


def _leftovers(run: Run, pairs: Sequence[Pair], reviewers: Sequence[str]) -> list[Verdict]:
    """What is not a figure: a verdict that was replaced, one on answers that have changed."""
    first, last = pairs[0], pairs[-1]
    return [
        verdict_on(run, first, OUTCOMES[TIE], reviewer=who, verdict_id="changed", replaces=f"{first.prompt_id}-{who}")
        for who in reviewers
    ] + [verdict_on(run, last, OUTCOMES[TIE], reviewer="late", verdict_id="stale", base_sha256=sha256_text("gone"))]


def _judge(run: Run, pairs: Sequence[Pair], dice: random.Random) -> None:
    rows = []
    for pair in pairs:
        said = [dice.choices(SIDES, (1, 3))[0] for _ in SIDES]
        rows.append(
            ModelVerdict(
                run=run.name,
                item=pair.prompt_id,
                model="judge/large",
                base_first=said[0],
                tuned_first=said[1],
                outcome=settle(said[0], said[1]),
                base_sha256=pair.base.sha256,
                tuned_sha256=pair.tuned.sha256,
            )
        )
    _write(verdicts_path(run), [row.model_dump() for row in rows])


def _hold_out(run: Run, dice: random.Random) -> None:
    rows = [
        Preference(
            run=run.name,
            pair=f"pair-{n}",
            side=side,
            chosen=dice.gauss(-9, 2) + (2 if side == "tuned" else 0),
            rejected=dice.gauss(-9, 2),
            chosen_tokens=3,
            rejected_tokens=3,
        )
        for n in range(40)
        for side in SIDES
    ]
    _write(preferences_path(run), [row.model_dump() for row in rows])


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
