"""What else may have moved the verdicts: place, length, time, and words that give a model away."""

from __future__ import annotations

from dataclasses import dataclass

from eval.evidence.bias import Bias
from eval.evidence.contrast import Contrast
from eval.evidence.results.charts import Amount, Dot
from eval.evidence.results.query import Query
from eval.evidence.results.snapshot import Snapshot


@dataclass(frozen=True)
class Leanings:
    """`groups` are win rates, two of the same judgements after each other; `differences` the first less the second.

    `extrapolated`: no answers were equally long, so the last of `length` goes beyond what was seen.
    """

    left: Dot
    groups: tuple[Dot, ...]
    differences: tuple[Amount, ...]
    length: tuple[Dot, ...]
    bins: tuple[Dot, ...]
    extrapolated: bool


@dataclass(frozen=True)
class Given:
    """What was found in answers that gives their model away, as run.json has it."""

    policy: str
    looked_at: int
    pairs: int
    held: int
    by_side: dict[str, int]
    href: str


def leanings(found: Bias) -> Leanings:
    """The audit of the judgements."""
    length = found.length
    parts = _contrasts(found)
    return Leanings(
        left=Dot("Left answer chosen", found.left),
        groups=tuple(
            Dot(label, estimate)
            for _, first, second, one in parts
            for label, estimate in ((first, one.first), (second, one.second))
        ),
        differences=tuple(Amount.points(title, one.difference) for title, _, _, one in parts),
        length=(
            Dot("The longer answer won", length.longer),
            Dot("Win rate as it is", length.raw),
            Dot("Win rate expected at equal length", length.controlled),
        ),
        bins=tuple(Dot(one.label, one.win_rate) for one in length.bins),
        extrapolated=length.extrapolated,
    )


def giveaways(snapshot: Snapshot) -> Given | None:
    """None where nobody has looked for them yet: that is done when judging begins."""
    found = snapshot.run.info.giveaways
    if not found:
        return None
    href = Query(verdict="giveaway").listed()
    return Given(**{name: found[name] for name in ("policy", "looked_at", "pairs", "held", "by_side")}, href=href)


def _contrasts(found: Bias) -> tuple[tuple[str, str, str, Contrast], ...]:
    return (
        ("Tuned on the left, less tuned on the right", "Tuned stood left", "Tuned stood right", found.places),
        ("Second half less first half", "Second half of a reviewer's verdicts", "First half", found.late),
        ("Fast less slow", "Faster than the reviewer's median", "Slower", found.fast),
    )
