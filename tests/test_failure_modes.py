"""docs/failure-modes.md promises a test for every line: each of them must be there, under that name."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.support import ROOT

PAGE = ROOT / "docs" / "failure-modes.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
#: What the page must speak of, whatever else it has.
ASKED = (
    *("weights", "template", "rope", "truncated", "identical", "sampled", "drifts", "trained on", "harvested"),
    *("names", "order", "timing", "byte", "pressing left", "length", "fatigue", "fast clicking", "few prompts"),
    *(
        "independent",
        "peeking",
        "many categories",
        "both bad",
        "one reviewer carries",
        "low agreement",
        "row is edited",
    ),
    *("policy", "model judge", "lost", "twice", "spreadsheet", "formula", "hostile", "gives its model away"),
)


def _rows() -> list[str]:
    """The lines of the tables, without their heads."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [line for line in lines if not line.startswith(("| what goes wrong |", "|---"))]


@cache
def _tests(path: str) -> frozenset[str]:
    """The names of a file's tests; none for a file that is not there."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def test_every_line_names_tests_and_each_of_them_is_there() -> None:
    bare = [row for row in _rows() if row.count(" | ") != 2 or not TEST.search(row)]
    assert bare == []
    named = [match.groups() for row in _rows() for match in TEST.finditer(row)]
    assert [f"{path}::{name}" for path, name in named if name not in _tests(path)] == []


def test_every_attack_of_the_security_page_names_a_test_that_is_there() -> None:
    named = [match.groups() for match in TEST.finditer((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))]
    assert len(named) >= 10
    assert [f"{path}::{name}" for path, name in named if name not in _tests(path)] == []


def test_every_danger_that_was_asked_about_has_its_line() -> None:
    said = "\n".join(row.rsplit(" | ", 1)[0] for row in _rows()).casefold()
    assert [danger for danger in ASKED if danger not in said] == []
