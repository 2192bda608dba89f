"""The content of a sweep's pages: candidates, differences, trainings, all answers to one prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from blindside.words import counted
from eval.evidence.estimates.metric import Metric
from eval.evidence.estimates.winrate import Estimate
from eval.records import OUTCOMES, Outcome, Prompt, Response, Row, Verdict
from eval.report.pages.browse import snippet
from eval.report.pages.drawing import Picture
from eval.report.pages.pictures import forest
from eval.report.pages.words import Words
from eval.report.sweep.curves import curves
from eval.report.sweep.snapshot import SweepSnapshot
from eval.sweep import Candidate

PAGE = 100


class SweepQuery(Row):
    """One address of the pages; with `item` that prompt's."""

    view: Literal["results", "browse"] = "results"
    item: str = ""
    page: int = 1
    show: Literal["formatted", "raw"] = "formatted"

    def href(self, **changes: Any) -> str:
        """A link to this address with `changes`."""
        return "?" + urlencode(self.model_copy(update=changes).model_dump(exclude_defaults=True))


def parse_sweep(address: str) -> SweepQuery:
    """The query of an address; what no link of ours says is read as the default."""
    try:
        given = dict(parse_qsl(address.removeprefix("?"), max_num_fields=20))
    except ValueError:
        return SweepQuery()
    page = given.get("page", "")
    return SweepQuery(
        view="browse" if given.get("view") == "browse" or "item" in given else "results",
        item=given.get("item", ""),
        page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 9 else 1,
        show="raw" if given.get("show") == "raw" else "formatted",
    )


@dataclass(frozen=True)
class CandidateRow:
    """A candidate of the table: `changes` and `what` as words, figures of its training by the table's columns."""

    one: Candidate
    changes: str
    what: str
    rate: Metric | None
    verdicts: int
    training: tuple[str, ...]


@dataclass(frozen=True)
class SweepFindings:
    """The results page."""

    sentence: str
    forest: Picture | None
    candidates: tuple[CandidateRow, ...]
    differences: tuple[tuple[str, str, Metric], ...]
    curves: tuple[Picture, ...]


def findings(snapshot: SweepSnapshot, say: Words) -> SweepFindings:
    """What the results page shows."""
    race = snapshot.standings.race
    rows = [
        forest.Row(name, _estimate(snapshot, name), kind="tuned" if name in race.running else "base")
        for name in sorted(race.bounds, key=lambda one: (one in race.dropped, -(race.bounds[one].value or 0)))
    ]
    note = say("Intervals hold for all candidates together, at any look. Orange: dropped.")
    title = say("Win rate over the base, identical answers as ties")
    return SweepFindings(
        sentence=sentence(snapshot),
        forest=forest.forest("sweep", title, rows, say, of=say("Candidate"), note=note),
        candidates=tuple(_row(snapshot, one) for one in snapshot.sweep.candidates),
        differences=tuple(
            (one.first, one.second, Metric.points("", one.change)) for one in snapshot.standings.differences
        ),
        curves=tuple(curves(snapshot.runs, say)),
    )


def sentence(snapshot: SweepSnapshot) -> str:
    """How the sweep stands, for pages, files and terminal."""
    standing, race = snapshot.standings, snapshot.standings.race
    verdicts = sum(len(own) for own in standing.verdicts.values())
    if not verdicts:
        return (
            f"{counted(len(snapshot.runs), 'candidate')} of {len(snapshot.sweep.candidates)} to judge, no verdict yet."
        )
    best = race.bounds[race.best]
    lead = f"{race.best} leads with {best.value:.1%}" if best.value is not None else "nobody leads yet"
    left = len(race.running)
    still = "it is the only one left" if left == 1 else f"{left} of {snapshot.sweep.of} candidates are still judged"
    if standing.over and left > 1:
        still = "every planned judgement is given"
    return f"{lead} after {verdicts:,} verdicts; {still}."


def _estimate(snapshot: SweepSnapshot, name: str) -> Estimate:
    bounds = snapshot.standings.race.bounds[name]
    return Estimate(bounds.value, bounds.low, bounds.high, bounds.n)


def _row(snapshot: SweepSnapshot, one: Candidate) -> CandidateRow:
    race = snapshot.standings.race
    what = one.reason or one.state
    if one.name in race.bounds:
        what = f"dropped: {race.dropped[one.name]}" if one.name in race.dropped else "still judged"
    kind = "held_out" if "held_out_accuracy" in one.figures else "training"
    figures = [one.figures.get(f"{kind}_{name}") for name in ("accuracy", "margin", "logps_chosen")]
    return CandidateRow(
        one=one,
        changes=", ".join(f"{key}: {value}" for key, value in one.changes.items()) or one.model or ", ".join(one.urls),
        what=what,
        rate=Metric.share("", _estimate(snapshot, one.name)) if one.name in race.bounds else None,
        verdicts=len(snapshot.standings.verdicts.get(one.name, ())),
        training=tuple("" if value is None else f"{value:.3g}" for value in figures),
    )


@dataclass(frozen=True)
class PromptRow:
    """A prompt of the list, with the verdicts of each candidate by outcome."""

    prompt: Prompt
    asked: str
    outcomes: tuple[tuple[tuple[Outcome, int], ...], ...]


@dataclass(frozen=True)
class PromptList:
    names: tuple[str, ...]
    rows: tuple[PromptRow, ...]
    page: int
    pages: int


def prompt_list(snapshot: SweepSnapshot, query: SweepQuery) -> PromptList:
    """One page of the prompts; one beyond the last is the last."""
    prompts = list(snapshot.prompts.values())
    pages = max(1, -(-len(prompts) // PAGE))
    page = min(query.page, pages)
    rows = [
        PromptRow(
            one, snippet(one.messages[-1].content), tuple(_outcomes(snapshot, name, one.id) for name in snapshot.runs)
        )
        for one in prompts[(page - 1) * PAGE : page * PAGE]
    ]
    return PromptList(tuple(snapshot.runs), tuple(rows), page, pages)


@dataclass(frozen=True)
class Answered:
    """One answer to a prompt, of the base (`name` empty) or of a candidate, with the verdicts on it."""

    name: str
    response: Response | None
    outcomes: tuple[tuple[Outcome, int], ...] = ()
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class PromptPage:
    prompt: Prompt
    answers: Sequence[Answered]
    before: str
    after: str


def prompt_page(snapshot: SweepSnapshot, query: SweepQuery) -> PromptPage | None:
    """The base's answer and each candidate's; None for a prompt that the sweep does not have."""
    prompt = snapshot.prompts.get(query.item)
    if prompt is None:
        return None
    first = next(iter(snapshot.answers.values()))
    base = Answered("", first.responses.get((prompt.id, "base")))
    own = [
        Answered(
            name,
            answers.responses.get((prompt.id, "tuned")),
            _outcomes(snapshot, name, prompt.id),
            tuple(snapshot.verdicts[name].get(prompt.id, ())),
        )
        for name, answers in snapshot.answers.items()
    ]
    ids = list(snapshot.prompts)
    at = ids.index(prompt.id)
    return PromptPage(prompt, [base, *own], ids[at - 1] if at else "", ids[at + 1] if at + 1 < len(ids) else "")


def _outcomes(snapshot: SweepSnapshot, name: str, item: str) -> tuple[tuple[Outcome, int], ...]:
    counts = Counter(verdict.outcome for verdict in snapshot.verdicts[name].get(item, ()))
    return tuple((outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome])
