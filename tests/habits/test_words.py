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
#: What models are trained on or asked, word for word.
MATERIAL = ("train/tiny/wordings.py", "train/tiny/facts.py", "eval/collect/probing/probes.py")

#: Words and phrases of our own that were replaced, as regular expressions, in any case. What may follow or go before
#: is good English: a bound that a value lies above, a reviewer who is told something, "is no longer".
REPLACED = (
    *("answers that are there", "made of recipe", "runs there are", "Go on though", "the run tells", "Serve nothing"),
    *("if left out", "speaks TLS", "How like TGI", "comes? home", "to be had", r"\d% is promised", "machine lacks"),
    *("again for each", "nobody answers", "where a completion belongs", "belongs into", "good news", "without partner"),
    *("leans as", "hangs on", "Whoever", r"\berrs?\b", r"\bmend(s|ed|ing)?\b", r"\banew\b", r"\bbut for\b", "。 "),
    *(r"\b(goes|went|going) on\b", r"\blies? (in|on disk|at|beside|here|there|elsewhere)\b", "held against"),
    *(r"(?<!you )(?<!reviewer )\b(is|are) told\b(?! (about|once which))", r"(server|engine|TGI|it|they) tells?\b"),
    *(
        "whole (log|UTF|gzip)",
        "shown whole",
        r"(?<!there )\bis no (?!longer|better|merit|more|less)\w+",
        "may not read",
    ),
    *(
        r"is (there|here) already",
        r"(recipe|server|image|kernels?) wants?\b",
        "all the same",
        "stands? (left|right|there)",
    ),
    *(
        r"(reads?|decide|prefer|asked|rounds) otherwise",
        "bec(ame|omes) of it",
        "so many prompts",
        r"passe[sd] over (by|a)\b",
    ),
    *(r"\b(row|line|pair|prompt|folder|file|question|reviewer)s? an? (row|line|pair|prompt|side|stage|reviewer)\b",),
    *(r"\b(bytes|bits|nats|seconds|tokens) an? (parameter|weight|answer|pair|prompt|row|second)\b",),
    *(
        r"\bdials?\b",
        r"\b(servers?|answers|requests|GPUs?|TGI|prompts|replicas) a side\b",
        "without a word",
        r"\bas ever\b",
    ),
    *(
        r"\b(taken?|takes) (it |them |that )?off\b",
        r"\b(verdicts|model|them|token) home\b",
        r"\bthe road\b",
        r"let go\b",
    ),
    *(r"\b(that|which) is said\b", r"\bpa(ys|id) for\b", r"\bgoe?s? by (the|its|their|that|it)\b", r"all that is in\b"),
    *(
        r"(?:^|\. )Who (has|had|can|is not|could|gives)\b(?![^.]*\?)",
        "which is meant:",
        "asked no more",
        r"\bat hand\b",
    ),
    *(
        r"\bends? what (uses|has)\b",
        "gives? the command again",
        "nor is asked",
        r"where there is none\b",
        "is not asked about",
        r"\b(in|over) the sitting\b",
        r"\bstood (left|right)\b",
        r"\bcounted apart\b",
    ),
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
    """Strings of the program, the help of its commands, templates, scripts, settings, and all Markdown."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if str(path.relative_to(ROOT)) not in MATERIAL:
                for text in _strings(ast.parse(path.read_text(encoding="utf-8")), helps="cli" in path.parts):
                    yield str(path.relative_to(ROOT)), text
        for kind in ("jinja", "yml", "js", "md", "txt", "env", "env.example"):
            for path in sorted((ROOT / package).rglob(f"*.{kind}")):
                yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "reports").glob("*.md")]
    for path in [*pages, *(ROOT / ".github").rglob("*.yml"), ROOT / "Makefile", ROOT / "CITATION.cff"]:
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def _strings(tree: ast.Module, *, helps: bool) -> Iterator[str]:
    """Its strings but docstrings; with `helps` those of public functions too, which typer prints."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
        if not (helps and isinstance(node, ast.FunctionDef) and not node.name.startswith("_"))
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


TEXTS = list(read_by_users())


@pytest.mark.parametrize("phrase", REPLACED)
def test_a_phrase_that_was_replaced_does_not_come_back(phrase: str) -> None:
    assert len(TEXTS) > 3000
    found = [(where, match[0]) for where, text in TEXTS for match in re.finditer(phrase, text, re.IGNORECASE)]
    assert found == []
