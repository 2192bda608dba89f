"""Differences are marked on both sides, whole, and only where that helps."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judge.rendering.differences import LONGEST, differences


def test_what_the_other_lacks_is_marked() -> None:
    assert differences("The sky is blue today.", "The sky is very grey today.") == (
        "The sky is <mark>blue </mark>today.",
        "The sky is <mark>very grey </mark>today.",
    )


def test_chinese_is_compared_by_the_character() -> None:
    assert differences("天空是蓝色的。", "天空是灰色的。") == (
        "天空是<mark>蓝</mark>色的。",
        "天空是<mark>灰</mark>色的。",
    )


@pytest.mark.parametrize(
    ("left", "right"), [("One text here.", "Nothing alike at all, sorry!"), ("a" * (LONGEST + 1), "a"), ("", "x")]
)
def test_unrelated_and_endless_texts_are_not_compared(left: str, right: str) -> None:
    assert differences(left, right) is None


def test_markup_in_an_answer_stays_text() -> None:
    marked = differences("a b c d <script>x</script>", "a b c d <script>y</script>")
    assert marked is not None
    assert "<script" not in "".join(marked)


@given(st.text("ab <&é汉\n", max_size=30), st.text("ab <&é汉\n", max_size=30))
def test_every_character_is_there(left: str, right: str) -> None:
    marked = differences(left, right)
    if marked is not None:
        assert tuple(one.replace("<mark>", "").replace("</mark>", "") for one in marked) == tuple(
            re.sub("<", "&lt;", re.sub("&", "&amp;", text)) for text in (left, right)
        )
