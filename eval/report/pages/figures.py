"""The results page of a snapshot: verdict with conditions, sections with pictures, lists."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blindside import console
from eval.evidence.analysis import all_figures
from eval.evidence.estimates.metric import Metric
from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED
from eval.evidence.signals.traits import winning
from eval.records import Side
from eval.report.pages import trust_strip
from eval.report.pages.browse import Line, find, lines
from eval.report.pages.drawing import Picture
from eval.report.pages.pictures import marks, tables
from eval.report.pages.pictures import people as by_reviewer
from eval.report.pages.pictures import prompts as by_prompt
from eval.report.pages.pictures.over_time import over_time
from eval.report.pages.query import Query, browse_link
from eval.report.pages.reasons import Group, comment_groups
from eval.report.pages.reviewer_table import Person, people
from eval.report.pages.snapshot import Snapshot
from eval.report.pages.words import Words
from eval.report.tables import run_checks
from eval.report.tables.markdown import how_asked, left_out
from eval.run import Run

#: How many pairs of a list the results page shows; all of them are in Browse.
EXCERPT = 5
#: Bytes of a picture: one of a long training has some ten thousand points.
_LARGEST = 1_000_000


@dataclass(frozen=True)
class Model:
    """One side as it was compared; `pin` is the start of its weights hash or revision."""

    side: Side
    name: str
    pin: str


@dataclass(frozen=True)
class OutcomeShare:
    """A part of the bar of outcomes; `key` names its colour."""

    key: str
    label: str
    count: int
    href: str


@dataclass(frozen=True)
class Excerpt:
    """The first pairs of a list, and the way to all of them."""

    title: str
    empty: str
    lines: tuple[Line, ...]
    found: int
    href: str


@dataclass(frozen=True)
class Section:
    """A heading of the page's navigation, with its pictures."""

    key: str
    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Findings:
    """The results page in one language. `headline` is what the verdict quotes; None where there is no such number."""

    models: tuple[Model, ...]
    headline: Metric
    finding: str
    two_claims: str
    marks: tuple[trust_strip.Mark, ...]
    #: Thumbs up and down in force, where the study asks for these; None where it compares.
    thumbs: tuple[int, int] | None
    outcomes: tuple[OutcomeShare, ...]
    sections: tuple[Section, ...]
    people: tuple[Person, ...]
    #: Reviewers without whom the finding would change.
    decisive: tuple[str, ...]
    why: tuple[Group, ...]
    excerpts: tuple[Excerpt, ...]
    figures: tuple[Metric, ...]
    servers: tuple[str, ...]
    #: What was asked, and what was left out; and the rows of verdicts.csv that do not count, by reason.
    notes: tuple[str, ...]
    excluded: tuple[tuple[str, int], ...]
    #: How trainings went, drawn: whose, and an address that holds the picture.
    trainings: tuple[tuple[str, str], ...]
    giveaways: str
    forced: bool
    altered: tuple[str, ...]
    judged: tuple[int, int, int]
    waiting: tuple[int, int]

    @property
    def empty(self) -> bool:
        return not self.judged[0]


def findings(snapshot: Snapshot, say: Words) -> Findings:
    """Everything that the results page shows of a snapshot; computed once for all who look at it."""
    return snapshot.once(("findings", say.language), lambda: _findings(snapshot, say))


def _findings(snapshot: Snapshot, say: Words) -> Findings:
    whole = snapshot.whole
    table, verdict = whole.table, whole.verdict
    sections = tuple(_sections(snapshot, say))
    anchors = {"reviewers", "agreement", *(picture.key for section in sections for picture in section.pictures)}
    return Findings(
        models=tuple(
            Model(side, model.name, (model.weights_sha256 or model.revision or say("not pinned"))[:12])
            for side, model in snapshot.run.info.models.items()
        ),
        headline=Metric.share("win rate", verdict.quoted),
        finding=say.sentence(verdict.headline),
        two_claims=say.sentence(verdict.two_claims),
        marks=trust_strip.trust_strip(verdict, say, anchors),
        thumbs=_thumbs(snapshot),
        outcomes=_outcomes(snapshot, say),
        sections=sections,
        people=people(snapshot),
        decisive=whole.reviewers.decisive,
        why=comment_groups(snapshot, say),
        excerpts=tuple(_excerpt(snapshot, say(title), say(empty), query) for title, empty, query in _LISTS),
        figures=tuple(all_figures(whole)),
        servers=tuple(map(say.sentence, run_checks.check_lines(snapshot.run))),
        notes=tuple(map(say.sentence, (how_asked(whole), left_out(whole)))),
        excluded=tuple((say.sentence(reason), n) for reason, n in sorted(table.excluded.items())),
        trainings=trainings(snapshot.run),
        giveaways=_giveaways(snapshot, say),
        forced=run_checks.forced(snapshot.run),
        altered=tuple(map(console.one_line, snapshot.altered)),
        judged=(len(table), len(table.items), len(table.reviewers)),
        waiting=(table.pairs - table.identical, table.asked),
    )


_LISTS: tuple[tuple[str, str, Query], ...] = (
    (
        "Reviewers disagree",
        "No pair on which reviewers gave different verdicts.",
        Query(view="browse", agreement="disagreement"),
    ),
    ("Base was better", "No verdict for base.", Query(view="browse", verdict="base", sort="base")),
    ("Both bad", "No verdict found both answers bad.", Query(view="browse", verdict="both_bad")),
    ("Skipped", "No pair was skipped and left.", Query(view="browse", verdict="skipped")),
)


def _sections(snapshot: Snapshot, say: Words) -> Iterator[Section]:
    """Those that have a picture, in the order of the page."""
    found = snapshot.whole
    traits = tables.traits(winning(snapshot.judged_traits), say)
    drawn = (
        (
            "verdicts",
            "Verdicts",
            [over_time(snapshot, say), by_prompt.strip(snapshot, say), tables.categories(found, say)],
        ),
        (
            "reviewers",
            "Reviewers",
            [by_reviewer.seconds(found, say), by_reviewer.matrix(found, say), tables.habits(found, say)],
        ),
        (
            "why",
            "Why",
            [marks.tags(found, say), marks.criteria(found, say), traits, by_prompt.lengths(snapshot, found, say)],
        ),
        (
            "models",
            "Models",
            [
                tables.answers(found, say),
                tables.others(found, say) if len(found.table) else None,
                tables.held_out(found, say),
                *(tables.judge(one, say) for one in found.judge_assisted),
            ],
        ),
    )
    for key, title, pictures in drawn:
        yield Section(key, say(title), tuple(picture for picture in pictures if picture is not None))


def trainings(run: Run) -> tuple[tuple[str, str], ...]:
    """The pictures that the models' trainings left with the run: the base's round first."""
    anchors = (("base", run.base_picture_path), ("tuned", run.picture_path))
    return tuple((side, _image(path)) for side, path in anchors if path.is_file() and path.stat().st_size <= _LARGEST)


def _image(path: Path) -> str:
    """As an address that holds an image, in which no script runs and nothing is loaded."""
    return f"data:image/svg+xml;base64,{b64encode(path.read_bytes()).decode()}"


def _thumbs(snapshot: Snapshot) -> tuple[int, int] | None:
    if snapshot.study.mode != "thumbs":
        return None
    up = sum(thumb.outcome == "up" for thumb in snapshot.thumbs)
    return up, len(snapshot.thumbs) - up


def _outcomes(snapshot: Snapshot, say: Words) -> tuple[OutcomeShare, ...]:
    """The two wins stand at the two ends of the bar."""
    codes = {"tuned": TUNED, "tie": TIE, "both_bad": BOTH_BAD, "base": BASE}
    return tuple(
        OutcomeShare(key, say(by_prompt.WORDS[key]), snapshot.table.count(code), browse_link(verdict=key))
        for key, code in codes.items()
    )


def _giveaways(snapshot: Snapshot, say: Words) -> str:
    found = snapshot.run.info.giveaways
    if not found:
        return say("Answers that name their model: not looked for yet, that is done when judging begins.")
    became = {"mark": "they were shown as they are", "mask": "the words were masked", "hold": "they were held back"}
    return say(
        "Answers that name their model: {pairs} of {looked} pairs ({base} by base, {tuned} by tuned); {became}.",
        pairs=f"{found.pairs:,}",
        looked=f"{found.looked_at:,}",
        base=found.by_side["base"],
        tuned=found.by_side["tuned"],
        became=say(became[found.policy]) if found.pairs else say("none to deal with"),
    )


def _excerpt(snapshot: Snapshot, title: str, empty: str, query: Query) -> Excerpt:
    found = find(snapshot, query)
    return Excerpt(title, empty, lines(found[:EXCERPT], query), len(found), query.href())
