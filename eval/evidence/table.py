"""From a run's files to one typed table of judgements; every row that does not enter it is counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.answers import Answers, read_answers
from eval.judge.store import in_force, read_verdicts
from eval.records import OUTCOMES, Pair, Verdict
from eval.run import Run

#: Codes of `Table.outcome`: positions in eval.records.OUTCOMES.
BASE, TUNED, TIE, BOTH_BAD = range(len(OUTCOMES))


@dataclass(frozen=True)
class Table:
    """n judgements in force, column by column; `item` and `reviewer` are codes into `items` and `reviewers`."""

    item: NDArray[np.intp]
    reviewer: NDArray[np.intp]
    outcome: NDArray[np.intp]
    items: tuple[str, ...]
    reviewers: tuple[str, ...]
    #: Prompts asked; pairs that both sides answered; of these, pairs whose answers are the same text.
    asked: int
    pairs: int
    identical: int
    #: Rows of verdicts.csv that are not judgements in this table, by reason.
    excluded: dict[str, int]

    def __len__(self) -> int:
        return len(self.item)

    def count(self, outcome: int) -> int:
        return int(np.count_nonzero(self.outcome == outcome))


def read_table(run: Run) -> tuple[Table, list[Verdict]]:
    """The table of a run, and the verdicts in it, in file order. Raises InputError for files that can't be trusted."""
    answers = read_answers(run.responses_path)
    return build_table(run, answers, read_verdicts(run.verdicts_path, run=run.name))


def build_table(run: Run, answers: Answers, rows: Sequence[Verdict]) -> tuple[Table, list[Verdict]]:
    """As `read_table`, from rows in memory."""
    prompts = run.prompts()
    pairs = {pair.prompt_id: pair for pair in answers.pairs(prompts)}
    excluded: Counter[str] = Counter()
    standing = in_force(rows)
    excluded["replaced or withdrawn"] = len(rows) - len(standing)
    kept = []
    for verdict in standing:
        reason = _why_not(verdict, pairs)
        if reason:
            excluded[reason] += 1
        else:
            kept.append(verdict)
    items, item = _codes(verdict.item for verdict in kept)
    reviewers, reviewer = _codes(verdict.reviewer for verdict in kept)
    outcome = np.array([OUTCOMES.index(v.outcome) for v in kept if v.outcome != "withdrawn"], dtype=np.intp)
    identical = sum(pair.identical for pair in pairs.values())
    counts = {reason: n for reason, n in excluded.items() if n}
    table = Table(item, reviewer, outcome, items, reviewers, len(prompts), len(pairs), identical, counts)
    return table, kept


def _why_not(verdict: Verdict, pairs: dict[str, Pair]) -> str:
    """Why a verdict in force can't count, or nothing: it must be about the very texts that this run holds."""
    pair = pairs.get(verdict.item)
    if pair is None:
        return "on a prompt that this run has no pair for"
    if (verdict.base_sha256, verdict.tuned_sha256) != (pair.base.sha256, pair.tuned.sha256):
        return "on answers that have changed since"
    return ""


def _codes(values: Iterable[str]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Distinct values in order of appearance, and each value's position among them."""
    known: dict[str, int] = {}
    codes = [known.setdefault(value, len(known)) for value in values]
    return tuple(known), np.array(codes, dtype=np.intp)
