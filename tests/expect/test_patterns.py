"""Patterns mean what they mean in `re`, and none of them can hang."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eval.expect.patterns import Pattern

CASES = [
    (r"^\d{4}-\d{2}-\d{2}$", ["2026-01-31", "on 2026-01-31", "2026-01-31\n", "2026-1-31", ""]),
    (r"(?i)\bparis\b", ["It is PARIS.", "comparison", "parís", "Paris"]),
    (r"^(yes|no)\.?$", ["yes", "no.", "yes!", "no\n", "no\n\n"]),
    (r"(?m)^- .+$", ["a\n- item\nb", "a - item", "-\n"]),
    (r"(?s)begin.*end", ["begin\nend", "beginend", "end begin"]),
    (r"begin.*end", ["begin\nend", "begin end"]),
    (r"colou?r", ["color", "colour", "colouur"]),
    (r"[^\W\d_]{3,5}", ["ab1", "abc", "中文字", "___"]),
    (r"a{2}b*?c+?|x", ["aac", "aabbbc", "abc", "x", ""]),
    (r"\Astart|finish\Z", ["start", "a start", "finish", "finish\n"]),
    (r"", ["", "a"]),
    (r"(a|b)*c(?:d|)", ["ababc", "c", "ab"]),
    (r"(?i:ß)[à-ü]", ["ßé", "SSé", "ẞÉ"]),
    (r"\B.\B", ["abc", "a b", "a"]),
    (r"[\]\-^]", ["]", "-", "^", "a"]),
    (r"(?a)\w\b", ["é", "e", "中"]),
    ("[\U0001f600-\U0001f64f]", ["\U0001f60a", "a"]),
]


@pytest.mark.parametrize(("source", "texts"), CASES, ids=[source or "empty" for source, _ in CASES])
def test_the_same_as_re(source: str, texts: list[str]) -> None:
    pattern = Pattern(source)
    assert {text: pattern.found_in(text) for text in texts} == {text: bool(re.search(source, text)) for text in texts}


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeats = st.sampled_from(["*", "+", "?", "*?", "{2}", "{1,2}", "{0,1}"])
    return st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, repeats),
    )


PATTERNS = st.recursive(st.sampled_from(["a", "b", ".", "[^a]", r"\w", r"\b", "^", "$", r"\n"]), _grown, max_leaves=6)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(source=PATTERNS, text=st.text(alphabet="ab \n", max_size=8))
@example(source="(?:a*)*b", text="aaac")
@example(source="(?:^|a)*$", text="b")
def test_whatever_is_composed_is_the_same_as_re(source: str, text: str) -> None:
    assert Pattern(source).found_in(text) == bool(re.search(source, text))


@pytest.mark.parametrize("source", [r"(a+)+$", r"^(a|a)*$", r"(.*.*.*)*=$", r"(a|ab|b)*c", r"^(\w+\s?)*$"])
def test_patterns_that_hang_others_come_to_an_end(source: str) -> None:
    """`re` would need longer than the universe has for the first of these."""
    assert not Pattern(source).found_in("a" * 20_000 + "!")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (r"(a)\1", "back-reference"),
        (r"(?=a)", "look-around"),
        (r"(?<!a)b", "look-around"),
        (r"(?>a+)b", "atomic group"),
        (r"a++b", "possessive"),
        (r"(", "no regular expression"),
        (r"(?:a{100}){100}", "repeats too often"),
        (r"a" * 600, "too long"),
    ],
)
def test_what_cannot_be_searched_for_is_refused_with_the_reason(source: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Pattern(source)
