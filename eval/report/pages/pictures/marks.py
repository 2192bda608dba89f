"""Pictures of tags and criteria, base and tuned side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from eval.evidence.analysis import Analysis
from eval.evidence.estimates.bootstrap import signed_bootstrap
from eval.evidence.estimates.winrate import win_rate
from eval.evidence.reviewers.criteria import chosen, means, number, numeric, tagged
from eval.judge.study.forms import tag_word, value_word
from eval.judge.study.study import Criterion, Study
from eval.records import SIDES, Verdict
from eval.report.pages.drawing import Picture
from eval.report.pages.pictures.bars import Bars, paired, shares
from eval.report.pages.query import browse_link
from eval.report.pages.words import Words


def tags(analysis: Analysis, say: Words) -> Picture | None:
    """None where the study has no tags, or nobody gave one."""
    rows = [
        shares(
            tag_word(analysis.study, tag, say.language),
            win_rate(means(analysis.verdicts, partial(tagged, tag, "base"))),
            win_rate(means(analysis.verdicts, partial(tagged, tag, "tuned"))),
            (browse_link(tag=f"base:{tag}"), browse_link(tag=f"tuned:{tag}")),
        )
        for tag in analysis.study.tags
    ]
    return paired("tags", say("Tags"), rows, say, of=say("Tag"), note=say("Share of prompts' verdicts with the tag."))


def criteria(analysis: Analysis, say: Words) -> Picture | None:
    """None where the study asks nothing more, or nobody answered."""
    rows = [
        row for criterion in analysis.study.criteria for row in _rows(analysis.study, criterion, analysis.verdicts, say)
    ]
    return paired("criteria", say("Criteria"), rows, say, of=say("Criterion"))


def _rows(study: Study, criterion: Criterion, verdicts: Sequence[Verdict], say: Words) -> Iterator[Bars]:
    name = criterion.name
    if criterion.scale == "pairwise":
        rates = [win_rate(means(verdicts, partial(chosen, name, side))) for side in SIDES]
        hrefs = [browse_link(criterion=f"{name}={side}") for side in SIDES]
        yield shares(say("{name}: better", name=name), rates[0], rates[1], (hrefs[0], hrefs[1]))
    elif numeric(criterion):
        yield _rated(criterion, verdicts, say)
    else:
        for value in criterion.values:
            columns = [f"{name}_{side}" for side in SIDES]
            rates = [win_rate(means(verdicts, partial(chosen, column, value))) for column in columns]
            hrefs = [browse_link(criterion=f"{column}={value}") for column in columns]
            word = value_word(study, name, value, say.language)
            yield shares(f"{name}: {word}", rates[0], rates[1], (hrefs[0], hrefs[1]))


def _rated(criterion: Criterion, verdicts: Sequence[Verdict], say: Words) -> Bars:
    found = [signed_bootstrap(means(verdicts, partial(number, f"{criterion.name}_{side}"))) for side in SIDES]
    values = ["–" if one.value is None else f"{one.value:.2f}" for one in found]
    intervals = ["–" if one.low is None or one.high is None else f"{one.low:.2f} – {one.high:.2f}" for one in found]
    return Bars(
        say("{name}, mean", name=criterion.name),
        (found[0].value, found[1].value),
        (values[0], values[1]),
        (intervals[0], intervals[1]),
        found[0].n,
        most=max(float(value) for value in criterion.values) or 1.0,
    )
