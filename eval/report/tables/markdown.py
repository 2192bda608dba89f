"""report.md: the finding, what was compared, every figure with its n and interval, every exclusion."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from blindside.markdown import as_text
from blindside.words import counted
from eval.evidence.analysis import Analysis, all_figures
from eval.evidence.estimates.categories import INTERVALS, P_VALUES
from eval.evidence.estimates.metric import Metric
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.summary import CAN_WE_STOP, FORCED
from eval.report.tables import run_checks
from eval.run_info import Decoding

UNIT = (
    "The prompt is the unit: verdicts on one prompt are averaged first, and the interval is the Wilson interval at "
    "the effective number of prompts. Both-bad verdicts express no preference and are counted separately."
)

#: Sentences and names of figures are not cut.
_whole = partial(as_text, longest=None)


def markdown(analysis: Analysis) -> str:
    """The whole report for people who read text."""
    parts = (_head(analysis), _figures(analysis), _categories(analysis), _reviewers(analysis), _foot(analysis))
    return "\n".join(line for part in parts for line in part)


def _head(analysis: Analysis) -> Iterator[str]:
    info = analysis.run.info
    yield from (f"# {as_text(analysis.run.name)}", "")
    if run_checks.forced(analysis.run):
        yield from (FORCED, "")
    yield from (_whole(analysis.verdict.headline), "", f"{CAN_WE_STOP} {analysis.verdict.advice}.", "")
    yield from (_whole(analysis.verdict.two_claims), "")
    yield from ("| condition | | figure | where |", "|---|---|---|---|")
    for one in analysis.verdict.conditions:
        yield f"| {one.name} | {one.state} | {_whole(one.figure)} | {one.where} |"
    yield ""
    yield from ("| side | model | weights or revision |", "|---|---|---|")
    for side, model in info.models.items():
        pin = (model.weights_sha256 or model.revision or "not pinned")[:16]
        yield f"| {side} | {as_text(model.name)} | {as_text(pin)} |"
    yield ""
    yield _whole(how_asked(analysis))
    yield ""


def _figures(analysis: Analysis) -> Iterator[str]:
    yield from ("| figure | value | 95% interval | n |", "|---|---|---|---|")
    for figure in all_figures(analysis):
        yield f"| {_whole(figure.name)} | {figure.said} | {figure.interval} | {figure.size} |"
    yield ""


def _categories(analysis: Analysis) -> Iterator[str]:
    if len(analysis.categories.rows) < 2:
        return
    yield from ("## By category", "")
    yield from ("| category | win rate | interval | n | p (Holm) |", "|---|---|---|---|---|")
    for row in analysis.categories.rows:
        share = Metric.share("", row.win_rate)
        corrected = "" if row.holm is None else f"{row.holm:.3g}"
        yield f"| {as_text(row.name) or 'none'} | {share.said} | {share.interval} | {share.n} | {corrected} |"
    looked_at = f"The intervals hold for all {analysis.categories.looked_at} together ({INTERVALS}, 95%); p-values are"
    yield from ("", f"{looked_at} corrected over all of them ({P_VALUES}).", "")


def _reviewers(analysis: Analysis) -> Iterator[str]:
    if not analysis.reviewers.rows:
        return
    yield from ("## By reviewer", "")
    yield "| reviewer | judgements | median seconds | left preferred | repeats judged alike | known answers right |"
    yield "|---|---|---|---|---|---|"
    for row in analysis.reviewers.rows:
        cells = [Metric.number("", row.seconds).said, *(_short(one) for one in (row.left, row.repeats, row.gold))]
        yield f"| {as_text(row.name)} | {row.judgements} | {' | '.join(cells)} |"
    yield ""
    if analysis.reviewers.decisive:
        names = " or ".join(map(as_text, analysis.reviewers.decisive))
        yield from (f"The conclusion depends on one reviewer: without {names} it changes.", "")


def _short(estimate: Estimate) -> str:
    figure = Metric.share("", estimate)
    return f"{figure.said} (n={figure.n})" if figure.n else "none"


def _foot(analysis: Analysis) -> Iterator[str]:
    yield from map(_whole, run_checks.check_lines(analysis.run))
    giveaways = analysis.run.info.giveaways
    if giveaways:
        yield _whole(
            f"Answers that name their model: {giveaways.pairs} of {counted(giveaways.looked_at, 'pair')} "
            f"(policy: {giveaways.policy}; held back: {giveaways.held})."
        )
    yield from ("", left_out(analysis), "", UNIT, "")


def how_asked(analysis: Analysis) -> str:
    """Where the answers come from, as one sentence."""
    info = analysis.run.info
    source = Path(info.prompt_set.source).name
    return f"Answers {info.origin}, engine {info.engine}, {_decoding(info.decoding)}, prompts from {source}."


def left_out(analysis: Analysis) -> str:
    """What never became a pair, as one sentence."""
    gone = analysis.run.info.prompt_set
    return (
        f"Left out before collecting: {counted(gone.duplicates, 'duplicate')}, "
        f"{counted(gone.in_training_data, 'prompt')} found in the training data, {gone.retired} retired, "
        f"{counted(gone.unjoined, 'unmatched answer')}."
    )


def _decoding(decoding: Decoding | None) -> str:
    if decoding is None:
        return "decoding unknown"
    return f"temperature {decoding.temperature}, {decoding.words()}"
