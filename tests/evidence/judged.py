"""Runs that were judged, for the tests of the results pages: quick to write, and the same each time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.answers import read_answers
from eval.journal import Journal
from eval.judge.csv_codec import PLAIN, encode_row
from eval.judge.store.hash_chain import seal_of
from eval.records import SIDES, Mark, Pair, Prompt, Response, Side, Verdict
from eval.run import Run
from tests.judge.runs import make_run_of, prompt, response

CATEGORIES = ("colours", "geography", "算术", "code")
THINGS = ("boat", "house", "river", "machine")
QUESTION = (
    "Question {0}: what would you call a {1} that is painted in two colours, of which one cannot be seen at night?"
)
COMMENTS = ("too long", "=SUM(A1) is what it says", "回答很好", "wrong, and sure of itself", "<b>bold</b> claim")


def answers_to(prompts: Sequence[Prompt], dice: random.Random) -> list[Response]:
    """Long answers of the base and short ones of the tuned model; every ninth pair is alike, every seventh is cut."""
    rows = []
    for n, asked in enumerate(prompts):
        base = f"Reply {n}: " + "a longer answer, with more words than it needs. " * dice.randint(1, 8)
        tuned = base if n % 9 == 8 else f"Reply {n}: " + "short and **clear**. " * dice.randint(1, 3)
        ended = "length" if n % 7 == 0 else "eos_token"
        rows += [response(asked, "base", base), response(asked, "tuned", tuned, finish_reason=ended)]
    return rows


def make_judged(
    folder: Path, *, pairs: int, reviewers: Sequence[str] = ("ann",), share: float = 1.0, name: str = "trial"
) -> Run:
    """A run of `pairs` pairs, of which each reviewer judged about `share`; every ninth pair is answered alike."""
    dice = random.Random(7)
    prompts = [prompt(n, QUESTION.format(n, dice.choice(THINGS)), category=CATEGORIES[n % 4]) for n in range(pairs)]
    run = make_run_of(folder, prompts, answers_to(prompts, dice), name=name)
    open_pairs = [pair for pair in read_answers(run.responses_path).pairs(prompts) if not pair.identical]
    record(run, [_leaning(run, pair, who, dice) for pair in open_pairs for who in reviewers if dice.random() < share])
    return run


def record(run: Run, verdicts: Sequence[Verdict]) -> None:
    """Make the run's verdicts.csv of these rows, sealed, in one go."""
    rows, before = [], ""
    for verdict in verdicts:
        before = seal_of(verdict, before, PLAIN)
        rows.append(encode_row(verdict.model_copy(update={"seal": before})))
    if rows:
        Journal(run.verdicts_path).append(b"".join(rows), header=PLAIN.header())


def verdict_on(run: Run, pair: Pair, outcome: Mark, **changes: Any) -> Verdict:
    """A verdict on a pair, by ann, with `changes`."""
    reviewer = changes.pop("reviewer", "ann")
    fields: dict[str, Any] = {
        "verdict_id": f"{pair.prompt_id}-{reviewer}",
        "run": run.name,
        "item": pair.prompt_id,
        "category": pair.category,
        "reviewer": reviewer,
        "outcome": outcome,
        "left": "base",
        "base_sha256": pair.base.sha256,
        "tuned_sha256": pair.tuned.sha256,
        "comment": "",
        "seconds": 3.5,
        "judged_at": "2026-01-31T12:00:00.000Z",
    }
    return Verdict(**{**fields, **changes})


def _leaning(run: Run, pair: Pair, reviewer: str, dice: random.Random) -> Verdict:
    """A verdict that leans to tuned; one in ten has a comment."""
    outcome: Mark = dice.choices(("tuned", "base", "tie", "both_bad"), (5, 3, 1, 1))[0]
    comment = dice.choice(COMMENTS) if dice.random() < 0.1 else ""
    left: Side = dice.choice(SIDES)
    seconds = round(dice.uniform(2, 30), 2)
    return verdict_on(run, pair, outcome, reviewer=reviewer, comment=comment, left=left, seconds=seconds)
