"""Answers that are no versions of one text: sentences and paragraphs without a counterpart are marked, whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judge.page.views import Show, stage_html
from eval.judge.rendering.differences import LONGEST, differences
from eval.judge.rendering.passages import passages
from tests.judge.test_views import ask, pair

LEFT = "Working from home saves you the commute. Set up a desk in a quiet room.\nTake a walk at lunch."
RIGHT = "A quiet room with a desk is half of the work. Nobody sees your cat. Take walks whenever lunch is over."


def test_sentences_that_only_one_has_are_marked() -> None:
    assert differences(LEFT, RIGHT) is None
    marked = passages(LEFT, RIGHT)
    assert marked is not None
    assert [re.findall("<mark>(.*?)</mark>", one) for one in marked] == [
        ["Working from home saves you the commute."],
        ["Nobody sees your cat."],
    ]


def test_paragraphs_are_marked_where_no_sentence_has_a_counterpart() -> None:
    ours = "Plants need water. Plants need light. Give them both.\n\nDogs bark at night, mostly at strangers, loudly."
    theirs = "Without plants no water flows. By light they live, both of them.\n\nCats sleep through winter afternoons."
    marked = passages(ours, theirs)
    assert marked is not None
    assert "<mark>Dogs" in marked[0]
    assert "<mark>Cats" in marked[1]
    assert not any(one.startswith("<mark>") for one in marked)


def test_chinese_sentences() -> None:
    marked = passages("北京是中国的首都。长城很长。", "中国的首都就是北京。我爱吃烤鸭。")
    assert marked is not None
    assert "<mark>长城很长。</mark>" in marked[0]
    assert not marked[0].startswith("<mark>")


@pytest.mark.parametrize(
    ("left", "right"),
    [("", "x"), ("One text here.", "Nothing alike at all, sorry!"), ("same words here", "same words here")],
)
def test_all_or_nothing_is_not_marked(left: str, right: str) -> None:
    assert passages(left, right) is None


def test_endless_texts_are_not_compared() -> None:
    assert passages("word. " * LONGEST, "word.") is None
    assert passages("a. " * (LONGEST // 3), "b. " * (LONGEST // 3)) is None


@given(st.text("ab .\n<&é汉。", max_size=60), st.text("ab .\n<&é汉。", max_size=60))
def test_every_character_is_there(left: str, right: str) -> None:
    marked = passages(left, right)
    if marked is not None:
        assert tuple(re.sub("</?mark>", "", one) for one in marked) == tuple(
            re.sub("<", "&lt;", re.sub("&", "&amp;", text)) for text in (left, right)
        )


def test_the_page_marks_them_the_same_whichever_model_stands_left() -> None:
    one = stage_html(ask(pair(LEFT, RIGHT), left="base"), Show(marked=True))
    assert one == stage_html(ask(pair(RIGHT, LEFT), left="tuned"), Show(marked=True))
    assert "<mark>Nobody sees your cat.</mark>" in one
    # It is told where somebody asks for marks, and lies over the header: not once more on each pair after that.
    assert "what has no counterpart" not in one
    asked = stage_html(ask(pair(LEFT, RIGHT)), Show(marked=True, just_marked=True))
    assert "what has no counterpart" in asked
