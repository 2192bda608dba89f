"""The reviewers on the results page: what each did, and how far they agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from eval.evidence.results.charts import Amount, Dot
from eval.evidence.results.query import Query
from eval.evidence.results.snapshot import Snapshot
from eval.evidence.reviewers import Reviewer
from eval.evidence.winrate import Estimate

#: (field of eval.evidence.reviewers.Reviewer, heading) of the columns after the counts.
_SHARES = (
    ("left", "Left chosen"),
    ("win_rate", "Win rate"),
    ("repeats", "Repeats alike"),
    ("gold", "Known answers right"),
    ("without", "All others' win rate"),
)


@dataclass(frozen=True)
class Person:
    """One row of the reviewer table; `cells` are in the order of the table's headings."""

    name: str
    href: str
    judgements: int
    skips: int
    decisive: bool
    cells: tuple[Amount, ...]


@dataclass(frozen=True)
class Overlap:
    """How far reviewers agree; `pairs` are two reviewers each, with the share of equal verdicts and Cohen's kappa."""

    prompts: int
    single: int
    equal: Dot
    coefficients: tuple[Amount, ...]
    pairs: tuple[tuple[Dot, Amount], ...]


@dataclass(frozen=True)
class People:
    """`headings` are those of the cells: columns in which no reviewer has anything are left out."""

    headings: tuple[str, ...]
    rows: tuple[Person, ...]
    overlap: Overlap


def people(snapshot: Snapshot) -> People:
    """Everybody who judged, and their agreement."""
    found = snapshot.whole.reviewers
    skips = Counter(skip.reviewer for skip in snapshot.skips)
    shares = [one for one in _SHARES if any(getattr(row, one[0]).n for row in found.rows)]
    rows = tuple(
        Person(
            name=row.name,
            href=Query(reviewer=row.name).listed(),
            judgements=row.judgements,
            skips=skips[row.name],
            decisive=row.name in found.decisive,
            cells=(Amount.seconds("Median seconds", row.seconds), *(_cell(row, *one) for one in shares)),
        )
        for row in found.rows
    )
    return People(("Median seconds", *(heading for _, heading in shares)), rows, _overlap(snapshot))


def _cell(row: Reviewer, field: str, heading: str) -> Amount:
    estimate: Estimate = getattr(row, field)
    return Amount.share(heading, estimate)


def _overlap(snapshot: Snapshot) -> Overlap:
    found = snapshot.whole.agreement
    over = found.coefficients
    named = (("Krippendorff's alpha", over.alpha), ("Gwet's AC1", over.ac1), ("Fleiss' kappa", over.fleiss))
    return Overlap(
        prompts=found.prompts,
        single=found.single,
        equal=Dot("Equal verdicts", over.raw, null=None),
        coefficients=tuple(Amount.coefficient(*one) for one in named),
        pairs=tuple(
            (Dot(f"{two.first} and {two.second}", two.raw, null=None), Amount.coefficient("Cohen's kappa", two.kappa))
            for two in found.pairs
        ),
    )
