"""report.md: the finding, what was compared, every figure with its n and interval, every exclusion."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from blindside.markdown import plain
from blindside.words import counted
from eval.evidence.analysis import Analysis, all_figures
from eval.evidence.estimates.categories import INTERVALS, P_VALUES
from eval.evidence.estimates.metric import Metric
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.headline import CAN_WE_STOP, FORCED
from eval.report.tables import run_checks
from eval.run_info import Decoding

UNIT = (
    "The prompt is the unit: verdicts on one prompt are averaged first, and the interval is the Wilson interval at "
    "the effective number of prompts. Both-bad verdicts express no preference and are counted separately."
)

#: Sentences and names of figures are not cut.
_whole = partial(plain, longest=None)


def markdown(found: Analysis) -> str:
    """The whole report for people who read text."""
    parts = (_head(found), _figures(found), _categories(found), _reviewers(found), _foot(found))
    return "\n".join(line for part in parts for line in part)


def _head(found: Analysis) -> Iterator[str]:
    info = found.run.info
    yield from (f"# {plain(found.run.name)}", "")
    if run_checks.forced(found.run):
        yield from (FORCED, "")
    yield from (_whole(found.verdict.headline), "", f"{CAN_WE_STOP} {found.verdict.advice}.", "")
    yield from (_whole(found.verdict.two_claims), "")
    yield from ("| condition | | figure | where |", "|---|---|---|---|")
    for one in found.verdict.conditions:
        yield f"| {one.name} | {one.state} | {_whole(one.figure)} | {one.where} |"
    yield ""
    yield from ("| side | model | weights or revision |", "|---|---|---|")
    for side, model in info.models.items():
        pin = (model.weights_sha256 or model.revision or "not pinned")[:16]
        yield f"| {side} | {plain(model.name)} | {plain(pin)} |"
    yield ""
    yield _whole(how_asked(found))
    yield ""


def _figures(found: Analysis) -> Iterator[str]:
    yield from ("| figure | value | 95% interval | n |", "|---|---|---|---|")
    for figure in all_figures(found):
        yield f"| {_whole(figure.name)} | {figure.said} | {figure.interval} | {figure.n} {figure.unit} |"
    yield ""


def _categories(found: Analysis) -> Iterator[str]:
    if len(found.categories.rows) < 2:
        return
    yield from ("## By category", "")
    yield from ("| category | win rate | interval | n | p (Holm) |", "|---|---|---|---|---|")
    for row in found.categories.rows:
        share = Metric.share("", row.win_rate)
        corrected = "" if row.holm is None else f"{row.holm:.3g}"
        yield f"| {plain(row.name) or 'none'} | {share.said} | {share.interval} | {share.n} | {corrected} |"
    looked_at = f"The intervals hold for all {found.categories.looked_at} together ({INTERVALS}, 95%); p-values are"
    yield from ("", f"{looked_at} corrected over all of them ({P_VALUES}).", "")


def _reviewers(found: Analysis) -> Iterator[str]:
    if not found.reviewers.rows:
        return
    yield from ("## By reviewer", "")
    yield "| reviewer | judgements | median seconds | left preferred | repeats judged alike | known answers right |"
    yield "|---|---|---|---|---|---|"
    for row in found.reviewers.rows:
        cells = [Metric.number("", row.seconds).said, *(_short(one) for one in (row.left, row.repeats, row.gold))]
        yield f"| {plain(row.name)} | {row.judgements} | {' | '.join(cells)} |"
    yield ""
    if found.reviewers.decisive:
        names = " or ".join(map(plain, found.reviewers.decisive))
        yield from (f"The conclusion depends on one reviewer: without {names} it changes.", "")


def _short(estimate: Estimate) -> str:
    figure = Metric.share("", estimate)
    return f"{figure.said} (n={figure.n})" if figure.n else "none"


def _foot(found: Analysis) -> Iterator[str]:
    yield from map(_whole, run_checks.lines(found.run))
    giveaways = found.run.info.giveaways
    if giveaways:
        yield _whole(
            f"Answers that name their model: {giveaways.pairs} of {counted(giveaways.looked_at, 'pair')} "
            f"(policy: {giveaways.policy}; held back: {giveaways.held})."
        )
    yield from ("", left_out(found), "", UNIT, "")


def how_asked(found: Analysis) -> str:
    """Where the answers come from, as one sentence."""
    info = found.run.info
    source = Path(info.prompt_set.source).name
    return f"Answers {info.origin}, engine {info.engine}, {_decoding(info.decoding)}, prompts from {source}."


def left_out(found: Analysis) -> str:
    """What never became a pair, as one sentence."""
    gone = found.run.info.prompt_set
    return (
        f"Left out before collecting: {counted(gone.duplicates, 'duplicate')}, "
        f"{counted(gone.in_training_data, 'prompt')} found in the training data, {gone.retired} retired, "
        f"{counted(gone.unjoined, 'unmatched answer')}."
    )


def _decoding(decoding: Decoding | None) -> str:
    if decoding is None:
        return "decoding unknown"
    return f"temperature {decoding.temperature}, {decoding.words()}"
