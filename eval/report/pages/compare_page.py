"""The compare page: this run against an earlier one, changed winners, the win rate of all runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from eval.errors import BlindsideError
from eval.evidence.build_judgements import read_table
from eval.evidence.estimates.metric import Metric
from eval.evidence.estimates.winrate import Estimate, prompt_scores, win_rate
from eval.evidence.judgements import by_cluster
from eval.journal import stamp_of
from eval.report.compare import Comparison, compare_runs
from eval.report.pages.drawing import Picture
from eval.report.pages.pictures.forest import Row, forest
from eval.report.pages.query import Query
from eval.report.pages.snapshot import Stamp
from eval.report.pages.words import Words
from eval.run import Run, list_runs, open_run

#: At most so many runs are drawn (the newest), and so many flipped prompts listed.
RUNS, FLIPS = 20, 50


@dataclass(frozen=True)
class Flipped:
    """A prompt whose winner changed, as text."""

    asked: str
    href: str
    before: str
    after: str
    better: bool


@dataclass(frozen=True)
class ComparePage:
    """`runs` can be chosen; `found` is None where none is chosen, or `trouble` says why there is none."""

    runs: tuple[str, ...]
    chosen: str
    trouble: str
    found: Comparison | None
    change: Metric | None
    halves: tuple[tuple[str, Metric, Metric], ...]
    flips: tuple[Flipped, ...]
    flipped: int
    trend: Picture | None


def compare_page(run: Run, query: Query, say: Words) -> ComparePage:
    """What the compare page shows; without a choice the run before this one is taken."""
    runs = _runs(run)
    names = tuple(one.name for one in runs if one.name != run.name)
    older = [one.name for one in runs[: [one.name for one in runs].index(run.name)]]
    chosen = query.other if query.other in names else older[-1] if older else names[-1] if names else ""
    found, trouble = _compared(run, chosen)
    return _shown(names, chosen, trouble, found, _trend(runs, run, say), say)


def versus_alone(comparison: Comparison, say: Words) -> ComparePage:
    """The same of one comparison, without a choice of runs."""
    names = (comparison.old.run.name,)
    return _shown(
        names, names[0], "", comparison, _trend([comparison.old.run, comparison.new.run], comparison.new.run, say), say
    )


def _shown(
    names: tuple[str, ...], chosen: str, trouble: str, comparison: Comparison | None, trend: Picture | None, say: Words
) -> ComparePage:
    flips = (
        tuple(_flipped(one.asked, one.item, one.before, one.after, say) for one in comparison.flips)
        if comparison
        else ()
    )
    return ComparePage(
        runs=names,
        chosen=chosen,
        trouble=trouble,
        found=comparison,
        change=Metric.points("", comparison.change) if comparison else None,
        halves=tuple(
            (half.run.name, Metric.share("", half.win_rate), Metric.share("", half.shared))
            for half in ((comparison.old, comparison.new) if comparison else ())
        ),
        flips=flips[:FLIPS],
        flipped=len(flips),
        trend=trend,
    )


def _compared(run: Run, other: str) -> tuple[Comparison | None, str]:
    if not other:
        return None, ""
    folders = (run.folder.parent / other, run.folder)
    try:
        return _comparison(*folders, tuple(stamp for folder in folders for stamp in _stamps(folder))), ""
    except BlindsideError as error:
        return None, str(error)


def _stamps(folder: Path) -> Stamp:
    return tuple(stamp_of(folder / name) for name in ("run.json", "prompts.jsonl", "responses.jsonl", "verdicts.csv"))


@lru_cache(maxsize=8)
def _comparison(old: Path, new: Path, stamps: Stamp) -> Comparison:
    """`stamps` tell whether it must be made again; so do those of `_rate`."""
    return compare_runs(*(open_run(folder.parent, folder.name) for folder in (old, new)))


def _flipped(asked: str, item: str, before: float, after: float, say: Words) -> Flipped:
    href = Query(view="browse", item=item).href()
    return Flipped(asked, href, _winner(before, say), _winner(after, say), after > before)


def _winner(score: float, say: Words) -> str:
    return say("Tuned") if score > 0.5 else say("Base") if score < 0.5 else say("Tie")


def _runs(run: Run) -> list[Run]:
    """Runs beside this one that can be read, by the time at which their verdicts began, this one among them."""
    found = []
    for folder in list_runs(run.folder.parent):
        try:
            found.append(open_run(folder.parent, folder.name))
        except BlindsideError:
            continue
    begun = sorted(found, key=lambda one: (one.info.times.get("started", ""), one.name))
    kept = begun[-RUNS:]
    return kept if any(one.name == run.name for one in kept) else [*kept[1:], run]


def _trend(runs: list[Run], here: Run, say: Words) -> Picture | None:
    rows = []
    for run in runs:
        try:
            rate = _rate(run.folder, _stamps(run.folder))
        except BlindsideError:
            continue
        href = "" if run.name == here.name else Query(view="compare", other=run.name).href()
        rows.append(Row(run.name, rate, href, kind="tuned" if run.name == here.name else "base"))
    note = say("Each run's win rate over its own base, the oldest first; this run is blue.")
    return forest("trend", say("Trend over runs"), rows, say, of=say("Run"), note=note)


@lru_cache(maxsize=64)
def _rate(folder: Path, stamps: Stamp) -> Estimate:
    return win_rate(prompt_scores(by_cluster(read_table(open_run(folder.parent, folder.name))[0])))
