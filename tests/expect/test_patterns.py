"""Patterns are RE2's: found anywhere, in any script, and none of them can hang."""

from __future__ import annotations

import pytest

from eval.expect.patterns import Pattern

CASES = [
    (r"^\d{4}-\d{2}-\d{2}$", ["2026-01-31"], ["on 2026-01-31", "2026-1-31", "2026-01-31\n", ""]),
    (r"(?i)\bparis\b", ["It is PARIS.", "Paris"], ["comparison", "parís"]),
    (r"^(yes|no)\.?\s*$", ["yes", "no.\n"], ["yes!"]),
    (r"(?m)^- .+$", ["a\n- item\nb"], ["a - item", "-\n"]),
    (r"(?s)begin.*end", ["begin\nend", "beginend"], ["end begin"]),
    (r"begin.*end", ["begin end"], ["begin\nend"]),
    (r"\Astart|finish\z", ["start", "finish"], ["a start", "finish\n"]),
    (r"", ["", "a"], []),
    (r"^\p{Han}{2}$", ["你好"], ["你", "ab"]),
    (r"^.$", ["a", "中", "\U0001f60a", "\ud800"], ["", "ab"]),
    ("[\U0001f600-\U0001f64f]", ["so \U0001f60a"], ["a"]),
]


@pytest.mark.parametrize(("source", "found", "missing"), CASES, ids=[source or "empty" for source, _, _ in CASES])
def test_what_is_found_and_what_is_not(source: str, found: list[str], missing: list[str]) -> None:
    pattern = Pattern(source)
    assert [text for text in [*found, *missing] if pattern.found_in(text)] == found


@pytest.mark.parametrize("source", [r"(a+)+$", r"^(a|a)*$", r"(.*.*.*)*=$", r"(a|ab|b)*c", r"^(\w+\s?)*$"])
def test_patterns_that_hang_others_come_to_an_end(source: str) -> None:
    """`re` would need longer than the universe has for the first of these."""
    assert not Pattern(source).found_in("a" * 20_000 + "!")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (r"(a)\1", r"invalid escape sequence: \\1.*no back-references"),
        (r"(?=a)", r"invalid perl operator: \(\?=.*no look-around"),
        (r"(?<!a)b", "no look-around"),
        (r"a++b", r"bad repetition operator: \+\+"),
        (r"(", r"missing \)"),
        (r"中(", r"missing \): 中"),
        (r"(?:a{100}){100}", "invalid repetition size"),
        (r"(?:\pL{100}){9}", "too large"),
    ],
)
def test_what_cannot_be_searched_for_is_refused_with_the_reason(
    source: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match=f"^is not a regular expression of RE2 .*{reason}"):
        Pattern(source)
    assert capfd.readouterr().err == ""
