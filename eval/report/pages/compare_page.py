"""The compare page: this run against an earlier one, changed winners, the win rate of all runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from blindside import console
from eval.errors import BlindsideError
from eval.evidence.build_judgements import read_table
from eval.evidence.estimates.metric import Metric
from eval.evidence.estimates.winrate import Estimate, prompt_scores, win_rate
from eval.evidence.judgements import by_cluster
from eval.journal import stamp_of
from eval.report.compare import Comparison, Flip, compare_runs
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
    """What the compare page shows; without a choice the run before this one is taken. The older one is the old one."""
    runs = _runs(run)
    all_names = [one.name for one in runs]
    names, here = tuple(name for name in all_names if name != run.name), all_names.index(run.name)
    chosen = query.other if query.other in names else names[max(here - 1, 0)] if names else ""
    folders, is_newer = [run.folder.parent / chosen, run.folder], chosen in all_names[here:]
    if is_newer:
        folders.reverse()
    found, trouble = _compared(*folders) if chosen else (None, "")
    return _shown(names, chosen, trouble, found, _trend(runs, run, say), say, older=is_newer)


def versus_alone(comparison: Comparison, say: Words) -> ComparePage:
    """The same of one comparison, without a choice of runs."""
    names = (comparison.old.run.name,)
    return _shown(
        names, names[0], "", comparison, _trend([comparison.old.run, comparison.new.run], comparison.new.run, say), say
    )


def _shown(
    names: tuple[str, ...],
    chosen: str,
    trouble: str,
    comparison: Comparison | None,
    trend: Picture | None,
    say: Words,
    *,
    older: bool = False,
) -> ComparePage:
    """`older`: the pages' own run is the older one of the two, so links lead to its prompts."""
    flips = (
        tuple(_flipped(one, one.item_before if older else one.item, say) for one in comparison.flips)
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


def _compared(old: Path, new: Path) -> tuple[Comparison | None, str]:
    try:
        return _comparison(old, new, (*_stamps(old), *_stamps(new))), ""
    except BlindsideError as error:
        return None, console.one_line(str(error))


def _stamps(folder: Path) -> Stamp:
    return tuple(stamp_of(folder / name) for name in ("run.json", "prompts.jsonl", "responses.jsonl", "verdicts.csv"))


@lru_cache(maxsize=8)
def _comparison(old: Path, new: Path, stamps: Stamp) -> Comparison:
    """`stamps` tell whether it must be made again; so do those of `_rate`."""
    return compare_runs(*(open_run(folder.parent, folder.name) for folder in (old, new)))


def _flipped(flip: Flip, item: str, say: Words) -> Flipped:
    href = Query(view="browse", item=item).href()
    return Flipped(flip.asked, href, _winner(flip.before, say), _winner(flip.after, say), flip.after > flip.before)


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
