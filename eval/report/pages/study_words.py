"""What reviewers gave beside their verdicts, in the study's own words: answers to criteria, grades and tags."""

from __future__ import annotations

from collections.abc import Iterator

from eval.judge.study.forms import tag_word, value_word
from eval.judge.study.study import STRENGTH, Criterion, Study
from eval.records import SIDES, Thumb, Verdict
from eval.report.pages.drawing import cut
from eval.report.pages.words import Words

#: Columns of text that a question may take (a Chinese character two).
_ASKED = 48
_GRADES = {"1": "better", "2": "much better"}


def answer_words(study: Study, column: str, value: str, say: Words) -> str:
    """A criterion's column and what stands in it: whose answer it is about, the question, the value; grades in ours."""
    if column == STRENGTH:
        return _of(say("Grade"), say(_GRADES.get(value, value)), say)
    for criterion in study.criteria:
        if column in criterion.columns(study.mode):
            return _answered(study, criterion, column, value, say)
    return f"{column}: {value}"


def side_tag(study: Study, side: str, tag: str, say: Words) -> str:
    """A tag of one model's answer."""
    return _of(say(side.capitalize()), tag_word(study, tag, say.language), say)


def chips(study: Study, row: Verdict | Thumb, say: Words) -> Iterator[str]:
    """All that a reviewer gave beside a verdict or a thumb, one after another."""
    yield from (answer_words(study, column, value, say) for column, value in row.criteria.items() if value)
    if isinstance(row, Thumb):
        yield from (tag_word(study, tag, say.language) for tag in row.tags)
    else:
        yield from (side_tag(study, "base", tag, say) for tag in row.tags_base)
        yield from (side_tag(study, "tuned", tag, say) for tag in row.tags_tuned)


def _answered(study: Study, criterion: Criterion, column: str, value: str, say: Words) -> str:
    asked, chinese = cut(criterion.question.say(say.language), _ASKED), say.language == "zh"
    side = column.removeprefix(f"{criterion.name}_")
    whose = _of(say(side.capitalize()), "", say) if side in SIDES and column != criterion.name else ""
    word = say(value.capitalize()) if criterion.scale == "pairwise" else value_word(study, column, value, say.language)
    if asked.endswith(("?", "？")):
        return f"{whose}{asked}{'' if chinese else ' '}{word}"
    return whose + _of(asked, word, say)


def _of(name: str, words: str, say: Words) -> str:
    return f"{name}：{words}" if say.language == "zh" else f"{name}: {words}"
