"""The reviewers on the results page: figures of each, and the finding without them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from eval.evidence.analysis import Analysis
from eval.evidence.estimates.metric import Metric
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.reviewers.reviewers import Reviewer, median
from eval.report.pages.query import Query, browse_link
from eval.report.pages.snapshot import Snapshot


@dataclass(frozen=True)
class Person:
    """One row of the reviewer table. `seconds` is a median; `what_if` leads to the figures without this person."""

    name: str
    href: str
    what_if: str
    judgements: int
    skips: int
    decisive: bool
    seconds: Metric
    #: Left chosen, win rate, repeats alike, known answers right, everybody else's win rate.
    shares: tuple[Metric, ...]


@dataclass(frozen=True)
class WhatIf:
    """The figures that move where some reviewers are left out: name, as it is, without them."""

    without: tuple[str, ...]
    moved: tuple[tuple[str, Metric, Metric], ...]
    finding: str
    #: Nobody else judged.
    nothing: bool


def people(snapshot: Snapshot) -> tuple[Person, ...]:
    """Everybody who judged, then those who only skipped."""
    found = snapshot.whole.reviewers
    skips = Counter(skip.reviewer for skip in snapshot.skips)
    judged = [_person(row, skips[row.name], decisive=row.name in found.decisive) for row in found.rows]
    others = sorted(skips.keys() - {person.name for person in judged})
    return (*judged, *(_skipper(name, skips[name]) for name in others))


def _person(row: Reviewer, skips: int, *, decisive: bool) -> Person:
    shares = (row.left, row.win_rate, row.repeats, row.gold, row.without)
    return Person(
        name=row.name,
        href=browse_link(reviewer=row.name),
        what_if=Query(without=(row.name,)).href(),
        judgements=row.judgements,
        skips=skips,
        decisive=decisive,
        seconds=Metric.number("median seconds", row.seconds, "verdicts"),
        shares=tuple(Metric.share(name, one, "verdicts") for name, one in zip(_SHARES, shares, strict=True)),
    )


def _skipper(name: str, skips: int) -> Person:
    none = Estimate(None, None, None, 0)
    return Person(
        name=name,
        href="",
        what_if="",
        judgements=0,
        skips=skips,
        decisive=False,
        seconds=Metric.number("median seconds", none, "verdicts"),
        shares=tuple(Metric.share(one, none, "verdicts") for one in _SHARES),
    )


def what_if(snapshot: Snapshot, without: tuple[str, ...]) -> WhatIf | None:
    """None where nobody of that name judged."""
    known = tuple(name for name in dict.fromkeys(without) if name in snapshot.table.reviewers)
    return snapshot.once(("what if", known), lambda: _moved(snapshot, known)) if known else None


def _moved(snapshot: Snapshot, known: tuple[str, ...]) -> WhatIf:
    now, then = snapshot.whole, snapshot.without(known)
    both = zip(_NAMES, _figures(now), _figures(then), strict=True)
    moved = tuple((name, one, other) for name, one, other in both if one.n or other.n)
    return WhatIf(known, moved, then.verdict.headline, not then.verdicts)


_SHARES = ("left chosen", "win rate", "repeats alike", "known answers right", "all others' win rate")
_NAMES = (
    *("Win rate", "People like these", "Ties left out", "At equal length", "Both bad", "Krippendorff's alpha"),
    *("Left answer chosen", "Median seconds"),
)


def _figures(analysis: Analysis) -> tuple[Metric, ...]:
    summary = analysis.summary
    return (
        Metric.share("", analysis.verdict.rate),
        Metric.share("", analysis.verdict.like_these),
        Metric.share("", summary.win_rate_without_ties),
        Metric.share("", analysis.bias.length.controlled),
        Metric.share("", summary.both_bad),
        Metric.number("", analysis.agreement.coefficients.alpha),
        Metric.share("", analysis.bias.left),
        Metric.number("", median(analysis.table.seconds), "verdicts"),
    )
