"""What users read: the two READMEs say the same, and words of our own that nobody else uses stay out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT

ENGLISH, CHINESE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
PACKAGES = ("blindside", "train", "compose", "eval")

#: Phrases that were replaced, as they would stand in a message, a help text or a page.
REPLACED = (
    *("answers that are there", "made of recipe", "one folder a stage", "runs there are", "Go on though"),
    *("the run tells", "Serve nothing", r"in which (runs|models) lie", "collected or judged if left out"),
    *("speaks TLS", "How like TGI", "comes home", "none is to be had", r"\d% is promised", "what the machine lacks"),
    *("again for each", "answers would read otherwise", "。 "),
)


def commands(page: str) -> list[str]:
    """Indented command lines, and what stands in backticks and is a command, a path or code."""
    lines = re.findall(r"^    (\S.*)$", page, re.MULTILINE)
    return lines + [one for one in re.findall(r"`([^`]+)`", page) if one.isascii()]


def links(page: str) -> list[str]:
    """Where links and pictures lead, without the link to the other README."""
    found = re.findall(r"\]\(([^)]+)\)|<(http[^>]+)>", page)
    return [one for pair in found for one in pair if one and not one.startswith("README")]


def test_both_readmes_have_the_same_commands_links_and_headings() -> None:
    assert commands(CHINESE) == commands(ENGLISH)
    assert links(CHINESE) == links(ENGLISH)
    assert len(commands(ENGLISH)) > 10
    assert [line.count("#") for line in CHINESE.splitlines() if line.startswith("#")] == [
        line.count("#") for line in ENGLISH.splitlines() if line.startswith("#")
    ]
    assert re.findall(r"<kbd>.</kbd>", CHINESE) == re.findall(r"<kbd>.</kbd>", ENGLISH)


def test_the_readme_fits_two_screens() -> None:
    assert len(ENGLISH.splitlines()) <= 60


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = [one.partition("#")[0] for one in links(page.read_text(encoding="utf-8")) if "://" not in one]
    assert [one for one in targets if one and not (page.parent / one).exists()] == []


def test_chinese_has_no_space_beside_its_punctuation() -> None:
    assert re.findall(r"[，。、；：？！（）] | [，。、；：？！（）]", CHINESE) == []


def read_by_users() -> Iterator[tuple[str, str]]:
    """Strings of the program that are no docstrings, templates, scripts, and pages of documentation."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for text in _strings(ast.parse(path.read_text(encoding="utf-8"))):
                yield str(path.relative_to(ROOT)), text
        for kind in ("jinja", "yml", "js"):
            for path in sorted((ROOT / package).rglob(f"*.{kind}")):
                yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in [*ROOT.glob("*.md"), ROOT / "Makefile", *(ROOT / "docs").glob("*.md")]:
        if path.name != "CHANGELOG.md":
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def _strings(tree: ast.Module) -> Iterator[str]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


TEXTS = list(read_by_users())


@pytest.mark.parametrize("phrase", REPLACED)
def test_a_phrase_that_was_replaced_does_not_come_back(phrase: str) -> None:
    assert len(TEXTS) > 1000
    assert sorted({where for where, text in TEXTS if re.search(phrase, text)}) == []
