"""Every string that a reviewer sees stands in one table, in both languages; nothing is said past it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest

from eval.judge.page.views import ALARMS, ASSETS, CHOICES, ENDS
from eval.judge.study.page_texts import strings_json, tag_text, text_of
from eval.judge.study.string_table import LANGUAGES, STRINGS

TEMPLATES = sorted(ASSETS.glob("*.jinja"))
SCRIPTS = sorted(ASSETS.glob("*.js"))
#: Names, keys of a keyboard, and the letters that answers go by.
NO_WORDS = {"blindside", "Esc", "Home", "End", *"ABCDEFGHJKLMPRSTUX"}
#: Attributes that are read out or shown.
SPOKEN = {"aria-label", "title", "placeholder", "alt", "content", "label"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Words(HTMLParser):
    """The words that stand in a piece of HTML, commands to type apart."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_code = 0
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_code += tag == "code"
        self._note(" ".join(value or "" for name, value in attrs if name in SPOKEN and tag != "meta"))

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            self._note(data)

    def _note(self, text: str) -> None:
        self.found += [word for word in re.findall(r"[^\W\d_]+", text) if word not in NO_WORDS]


def without_jinja(source: str) -> str:
    return re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL)


def literals(source: str) -> list[str]:
    """The strings in a script, its comments apart."""
    code = re.sub(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", "", source, flags=re.DOTALL)
    return [found[1:-1] for found in re.findall(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`", code)]


def is_said(literal: str) -> bool:
    """Whether a literal is words for people: Chinese, or two words, or one with a capital, that is no selector."""
    if CHINESE.search(literal):
        return True
    if re.search(r"[.#\[\]=>{}()*]|^(use strict|GET|POST)$", literal):
        return False
    return bool(re.search(r"[a-z]+ [a-z]+", literal)) or (literal[:1].isupper() and literal not in KEY_NAMES)


KEY_NAMES = {
    *("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Backspace", "Space", "Escape", "Enter", "AbortError"),
    *("KeyF", "Home", "End", "DOMContentLoaded"),
}


def notices() -> Iterator[str]:
    """The key of every notice that a session may give."""
    for path in sorted(ASSETS.parents[1].rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Notice":
                assert node.args, f"{path}: a notice without a key"
                keys = [leaf.value for leaf in ast.walk(node.args[0]) if isinstance(leaf, ast.Constant)]
                assert keys, f"{path}:{node.lineno}: the key is to be written out"
                yield from map(str, keys)


@pytest.mark.parametrize("key", STRINGS)
def test_each_string_is_there_in_both_languages(key: str) -> None:
    english, chinese = STRINGS[key]
    assert english.strip()
    assert chinese.strip()
    fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (english, chinese)]
    assert fields[1] == fields[0] - ({"detail"} if key == "notice_not_saved" else set())
    if key != "other_language":
        assert not CHINESE.search(english)
        assert CHINESE.search(chinese)
        assert not re.search(r"[A-Za-z]{2,}", re.sub(r"\{\w+\}|Esc|Hugging Face", "", chinese))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_a_word_of_its_own(path: Path) -> None:
    source = path.read_text("utf-8")
    assert Words(without_jinja(source)).found == []
    said = re.findall(r"\"([^\"]*)\"", " ".join(re.findall(r"\{\{.*?\}\}", source, re.DOTALL)))
    assert [text for text in said if is_said(text) and text not in NO_WORDS] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_says_a_word_of_its_own(path: Path) -> None:
    assert [text for text in literals(path.read_text("utf-8")) if is_said(text)] == []


def test_the_checks_find_what_is_said_past_the_table() -> None:
    assert Words(without_jinja('<p title="Hello">{# no #}<b>world</b></p>')).found == ["Hello", "world"]
    assert [text for text in literals('say("Not saved"); by("bs-who"); x = `保存`;') if is_said(text)] == [
        "Not saved",
        "保存",
    ]


def test_every_key_that_is_asked_for_is_there_and_the_others_are_gone() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in [*TEMPLATES, *SCRIPTS])
    asked = set(re.findall(r"\bt\(\s*[\"'](\w+)[\"']", sources)) | set(
        re.findall(r"data-t(?:-\w+)?=\"(\w+)\"", sources)
    )
    assert asked - STRINGS.keys() == set()
    named = {literal for path in [*TEMPLATES, *SCRIPTS] for literal in re.findall(r"[\"'](\w+)[\"']", path.read_text())}
    made = {f"notice_{key}" for key in notices()} | {"coarse", "unlike"} | set(ENDS.values())
    made |= {key for choices in CHOICES.values() for one in choices for key in (one.word, one.means, one.explained)}
    unused = STRINGS.keys() - asked - named - made
    assert {key for key in unused if not key.startswith("tag_")} == set()


def test_every_notice_has_its_sentence() -> None:
    told = set(notices())
    assert "stale" in told
    assert {f"notice_{key}" for key in told} - STRINGS.keys() == set()
    assert set(ALARMS) <= told


def test_tags_of_ones_own_show_as_they_are() -> None:
    assert tag_text("too_long", "zh") == "太长"
    assert tag_text("my own {tag}", "zh") == "my own {tag}"


def test_details_are_put_in_as_they_are() -> None:
    assert text_of("notice_criterion_missing", "en", detail="{x} <b>") == "Please answer first: {x} <b>"


def test_the_scripts_table_cannot_end_its_script() -> None:
    assert "<" not in strings_json()
    assert json.loads(strings_json())["zh"].keys() == STRINGS.keys()
    assert list(json.loads(strings_json())) == list(LANGUAGES)
