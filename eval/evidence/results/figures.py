"""What the results page shows, from a run's files. Every number comes from the functions of `blindside report`."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from eval.evidence import checks
from eval.evidence.categories import Categories
from eval.evidence.report import Summary
from eval.evidence.results.browse import Line, find, lines
from eval.evidence.results.charts import Dot, Segment, spoken
from eval.evidence.results.leanings import Given, Leanings, giveaways, leanings
from eval.evidence.results.people import People, people
from eval.evidence.results.query import Query, Which
from eval.evidence.results.snapshot import Snapshot
from eval.evidence.table import BASE, BOTH_BAD, TIE, TUNED
from eval.records import Side

#: How many pairs of a list the results page shows; all of them are in Browse.
EXCERPT = 5
#: Bytes of a picture: one of a long training has some ten thousand points.
_LARGEST = 1_000_000

_LISTS: tuple[tuple[Which, str, str], ...] = (
    ("disagreement", "Reviewers disagree", "No pair on which reviewers gave different verdicts."),
    ("base", "Base was better", "No verdict for base."),
    ("both_bad", "Both bad", "No verdict found both answers bad."),
    ("comment", "Comments", "No verdict has a comment."),
)


@dataclass(frozen=True)
class Model:
    """One side as it was compared; `pin` is the start of its weights hash or revision."""

    side: Side
    name: str
    pin: str


@dataclass(frozen=True)
class Excerpt:
    """The first pairs of a list, and the way to all of them."""

    which: Which
    title: str
    empty: str
    lines: tuple[Line, ...]
    found: int
    href: str


@dataclass(frozen=True)
class ByCategory:
    """Win rates whose intervals hold together; each of the `looked_at` that carry one is at `confidence`."""

    rows: tuple[Dot, ...]
    looked_at: int
    confidence: str


@dataclass(frozen=True)
class Findings:
    """The results page. `headline` and `others` are shares of prompts; `outcomes` counts judgements.

    `giveaways` is None where nobody has looked for them yet; `altered` says what of verdicts.csv is not as it was
    saved.
    """

    models: tuple[Model, ...]
    summary: Summary
    #: The sentence of the run's verdict.
    finding: str
    two_claims: str
    #: Thumbs up and down in force, where the study asks for these; None where it compares.
    thumbs: tuple[int, int] | None
    headline: Dot
    others: tuple[Dot, ...]
    outcomes: tuple[Segment, ...]
    outcomes_spoken: str
    categories: ByCategory
    people: People
    leanings: Leanings
    giveaways: Given | None
    servers: tuple[str, ...]
    #: How the training went, drawn, as an address that holds the picture; empty where there is none.
    picture: str
    forced: bool
    altered: tuple[str, ...]
    excerpts: tuple[Excerpt, ...]

    @property
    def empty(self) -> bool:
        return len(self.summary.table) == 0


@lru_cache(maxsize=1)
def findings(snapshot: Snapshot) -> Findings:
    """Everything that the results page shows of a snapshot; computed once for all who look at it."""
    whole = snapshot.whole
    summary = whole.summary
    outcomes = _outcomes(summary)
    return Findings(
        models=tuple(
            Model(side, model.name, (model.weights_sha256 or model.revision or "not pinned")[:12])
            for side, model in snapshot.run.info.models.items()
        ),
        summary=summary,
        finding=whole.verdict.headline,
        two_claims=whole.verdict.two_claims,
        thumbs=_thumbs(snapshot),
        headline=Dot("Win rate of the tuned model", whole.verdict.quoted),
        others=(
            Dot("For reviewers like these in general", whole.verdict.like_these),
            Dot("Ties left out", summary.win_rate_without_ties),
            Dot("Identical answers as ties", summary.win_rate_with_identical),
            Dot("Both bad", summary.both_bad, null=None),
        ),
        outcomes=outcomes,
        outcomes_spoken=spoken(outcomes, "judgements"),
        categories=_categories(whole.categories),
        people=people(snapshot),
        leanings=leanings(whole.bias),
        giveaways=giveaways(snapshot),
        altered=snapshot.altered,
        servers=tuple(checks.lines(snapshot.run)),
        picture=_picture(snapshot.run.picture_path),
        forced=checks.forced(snapshot.run),
        excerpts=tuple(_excerpt(snapshot, *one) for one in _LISTS),
    )


def _picture(path: Path) -> str:
    """As an image, in which no script runs and nothing is loaded."""
    if not path.is_file() or path.stat().st_size > _LARGEST:
        return ""
    return f"data:image/svg+xml;base64,{b64encode(path.read_bytes()).decode()}"


def _thumbs(snapshot: Snapshot) -> tuple[int, int] | None:
    if snapshot.study.mode != "thumbs":
        return None
    up = sum(thumb.outcome == "up" for thumb in snapshot.thumbs)
    return up, len(snapshot.thumbs) - up


def _outcomes(summary: Summary) -> tuple[Segment, ...]:
    """The two wins stand at the two ends of the bar."""
    kinds: tuple[tuple[Which, str, int], ...] = (
        ("tuned", "Tuned is better", TUNED),
        ("tie", "Tie", TIE),
        ("both_bad", "Both bad", BOTH_BAD),
        ("base", "Base is better", BASE),
    )
    return tuple(
        Segment(key, label, summary.table.count(code), Query(verdict=key).listed()) for key, label, code in kinds
    )


def _categories(found: Categories) -> ByCategory:
    rows = tuple(
        Dot(row.name or "no category", row.win_rate, href=Query(category=row.name).listed() if row.name else "")
        for row in found.rows
    )
    return ByCategory(rows, found.looked_at, f"{100 * found.confidence:.4g}%")


def _excerpt(snapshot: Snapshot, which: Which, title: str, empty: str) -> Excerpt:
    query = Query(view="browse", verdict=which)
    found = find(snapshot, query)
    return Excerpt(which, title, empty, lines(found[:EXCERPT], query), len(found), query.href())
