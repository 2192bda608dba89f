"""Compares two runs on the prompts judged in both: what a release gained over the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from blindside.markdown import as_text
from blindside.words import counted
from eval.errors import RunError
from eval.evidence.build_judgements import read_table
from eval.evidence.estimates.bootstrap import SignedEstimate, signed_bootstrap
from eval.evidence.estimates.metric import with_interval
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.judgements import prompt_means
from eval.records import Prompt, sha256_text
from eval.run import Run


@dataclass(frozen=True)
class ComparedRun:
    """One run of a comparison: its win rate on all its prompts and on the shared ones."""

    run: Run
    win_rate: Estimate
    shared: Estimate


@dataclass(frozen=True)
class Flip:
    """One shared prompt: its id in the new run and in the old one, and its mean scores (tuned 1, tie 1/2, base 0)."""

    item: str
    item_before: str
    asked: str
    before: float
    after: float


@dataclass(frozen=True)
class Comparison:
    """`change` is new minus old per shared prompt; `better`, `worse`, `same` count shared prompts by its sign."""

    old: ComparedRun
    new: ComparedRun
    change: SignedEstimate
    better: int
    worse: int
    same: int
    only_old: int
    only_new: int
    warnings: tuple[str, ...]
    #: Prompts whose score lies on another side of one half in the new run, those that moved furthest first.
    flips: tuple[Flip, ...] = ()

    @property
    def n(self) -> int:
        return self.better + self.worse + self.same

    @property
    def in_words(self) -> str:
        """The finding as one sentence."""
        if self.change.value is None or self.change.low is None or self.change.high is None:
            return (
                f"{counted(self.n, 'prompt was', 'prompts were')} judged in both runs: insufficient for a comparison."
            )
        moved = f"On {counted(self.n, 'shared prompt')} the win rate moved by {100 * self.change.value:+.1f} points"
        interval = f"95% interval {100 * self.change.low:+.1f} to {100 * self.change.high:+.1f}"
        if self.change.low > 0:
            return f"{moved}, {interval}: the new run is better."
        if self.change.high < 0:
            return f"{moved}, {interval}: the new run is worse."
        return f"{moved}, {interval}: not distinguishable from no change."


def compare_runs(old: Run, new: Run, *, seed: int = 0) -> Comparison:
    """Compare two judged runs; a prompt is the same where its messages are, whatever its id.

    Raises RunError where no prompt was asked in both runs, InputError for files that can't be trusted.
    """
    scores = [_scores(run) for run in (old, new)]
    asked = [{_key(prompt) for prompt in run.prompts()} for run in (old, new)]
    if not asked[0] & asked[1]:
        raise RunError(f"runs {old.name} and {new.name} share no prompt: ask both the same prompts")
    shared = sorted(scores[0].keys() & scores[1].keys())
    before, after = (np.array([half[key] for key in shared], dtype=np.float64) for half in scores)
    change = after - before
    return Comparison(
        old=ComparedRun(old, win_rate(_array(scores[0])), win_rate(before)),
        new=ComparedRun(new, win_rate(_array(scores[1])), win_rate(after)),
        change=signed_bootstrap(change, seed=seed),
        better=int((change > 0).sum()),
        worse=int((change < 0).sum()),
        same=int((change == 0).sum()),
        only_old=len(scores[0].keys() - scores[1].keys()),
        only_new=len(scores[1].keys() - scores[0].keys()),
        warnings=tuple(_warnings(old, new)),
        flips=_flips(old, new, {key: (scores[0][key], scores[1][key]) for key in shared}),
    )


def markdown(comparison: Comparison) -> str:
    """The comparison for people: every figure with its n and interval."""
    rows = [
        f"| {as_text(half.run.name)} | {with_interval(half.win_rate)} | {with_interval(half.shared)} |"
        for half in (comparison.old, comparison.new)
    ]
    lines = [
        f"# {as_text(comparison.new.run.name)} after {as_text(comparison.old.run.name)}",
        "",
        comparison.in_words,
        "",
        "| run | win rate over its base, all its prompts | on the shared prompts |",
        "|---|---|---|",
        *rows,
        "",
        f"Of {counted(comparison.n, 'shared prompt')} {comparison.better} became better, {comparison.worse} worse, "
        f"{comparison.same} stayed. Judged in one run only, and left out: {comparison.only_old} of the old one, "
        f"{comparison.only_new} of the new one.",
        *[f"\nNote: {warning}" for warning in comparison.warnings],
        "",
    ]
    return "\n".join(lines)


def _flips(old: Run, new: Run, scores: Mapping[str, tuple[float, float]]) -> tuple[Flip, ...]:
    before = {_key(prompt): prompt.id for prompt in old.prompts()}
    known = ((prompt, key, scores.get(key)) for prompt in new.prompts() for key in [_key(prompt)])
    moved = [
        Flip(prompt.id, before[key], prompt.messages[-1].content, *both)
        for prompt, key, both in known
        if both is not None and np.sign(both[0] - 0.5) != np.sign(both[1] - 0.5)
    ]
    return tuple(sorted(moved, key=lambda one: (-abs(one.after - one.before), one.item)))


def _scores(run: Run) -> dict[str, float]:
    """Mean score of each judged prompt with a preference or tie, by the prompt's messages."""
    table, _ = read_table(run)
    keys = {prompt.id: _key(prompt) for prompt in run.prompts()}
    means = prompt_means(table.item, table.score, len(table.items)).tolist()
    return {keys[item]: mean for item, mean in zip(table.items, means, strict=True) if mean == mean}


def _key(prompt: Prompt) -> str:
    return sha256_text(prompt.model_dump_json(include={"messages"}))


def _array(scores: Mapping[str, float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(list(scores.values()), dtype=np.float64)


def _warnings(old: Run, new: Run) -> list[str]:
    """What makes the two less comparable."""
    pins = [run.info.models["base"].weights_sha256 or run.info.models["base"].revision for run in (old, new)]
    warnings = []
    if pins[0] != pins[1] or pins[0] is None:
        warnings.append("the two runs do not compare with the same base, so the change is not the tuned model's alone.")
    if old.info.decoding != new.info.decoding:
        warnings.append("the two runs decode differently (max_tokens).")
    return warnings
