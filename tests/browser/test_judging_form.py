"""What is asked beside the verdict, one's own last verdicts, practice, thumbs and the language, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from eval.judge.store.verdict_files import in_force, read_thumbs, read_verdicts
from eval.records import Verdict
from tests.browser.screen import Screen, screen
from tests.browser.servers import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A reviewer of each test's own."""
    return str(request.node.name)[:60]


@pytest.fixture
def full(browser: Browser, judging: dict[str, Page], name: str) -> Iterator[Screen]:
    """A page that asks everything, after its practice pair."""
    with screen(browser, judging["full"].url) as page:
        page.open(name)
        page.keys("f", "3", "3", "Escape")
        page.press("2")
        page.press("Enter")
        assert page.count == "0 / 3"
        yield page
        assert page.problems == []


def rows_of(judging: dict[str, Page], reviewer: str) -> list[Verdict]:
    return [row for row in read_verdicts(judging["full"].run.verdicts_path) if row.reviewer == reviewer]


def given(page: Screen) -> dict[str, object]:
    """What the form holds."""
    found: dict[str, object] = page.page.evaluate("window.blindside.form.given()")
    return found


def test_criteria_and_tags_by_keyboard_reach_the_file(full: Screen, judging: dict[str, Page], name: str) -> None:
    left = "base" if full.pane("a").startswith("Rome\n\nThe capital") else "tuned"
    right = "tuned" if left == "base" else "base"
    # Two scales and a comparison in one go; then tags, the ones of A and of B.
    full.keys("f", "5", "2", "1")
    assert full.page.evaluate("document.activeElement.tagName") == "BODY"
    full.keys("f", "1", "3", "3", "f", "4", "Escape")
    full.keys("c")
    full.page.keyboard.type("why")
    full.keys("Escape")
    assert given(full) == {
        "comment": "why",
        "criteria": {"quality.left": "5", "quality.right": "2", "helpful": "left"},
        "tags": {"left": ["incorrect"], "right": ["ignores_instruction"]},
    }
    full.press("1")
    assert full.status == "Saved"
    (row,) = rows_of(judging, name)
    assert (row.left, row.outcome, row.comment) == (left, left, "why")
    assert row.criteria == {"helpful": left, f"quality_{left}": "5", f"quality_{right}": "2"}
    tags = {left: ("incorrect",), right: ("ignores_instruction",)}
    assert (row.tags_base, row.tags_tuned) == (tags["base"], tags["tuned"])
    assert given(full) == {"comment": "", "criteria": {}, "tags": {"left": [], "right": []}}
    full.press("u")
    assert given(full)["tags"] == {"left": ["incorrect"], "right": ["ignores_instruction"]}
    assert full.page.locator(".bs-option input:checked").count() == 5


def test_verdict_keys_are_dead_in_the_form_and_alive_after_a_click(
    full: Screen, judging: dict[str, Page], name: str
) -> None:
    full.keys("f")
    for key in ("u", "s", "x", "t", "e", "d"):
        full.press_in_vain(key)
    full.keys("Escape")
    option = '[data-name="quality.left"] .bs-option:nth-child(2)'
    full.page.click(option)
    assert given(full)["criteria"] == {"quality.left": "2"}
    full.page.click(option)
    assert given(full)["criteria"] == {}
    full.page.click(option)
    full.page.click('[data-name="quality.right"] .bs-option:nth-child(4)')
    full.press("1")
    assert full.status == "Saved"
    assert len(rows_of(judging, name)) == 1


def test_what_is_required_is_asked_for_and_nothing_typed_is_lost(
    full: Screen, judging: dict[str, Page], name: str
) -> None:
    full.keys("f", "4", "f", "f", "2", "Escape")
    full.page.fill("#bs-comment", "kept")
    full.keys("Escape")
    before = given(full)
    full.press("1")
    assert full.banner == "Please answer first: Overall quality"
    assert full.status == "Answer missing"
    assert given(full) == before
    assert full.page.get_attribute(".bs-missing", "data-name") == "quality.right"
    full.keys("f", "1", "Escape")
    full.press("1")
    assert [row.comment for row in rows_of(judging, name)] == ["kept"]


def test_a_required_reason_is_asked_for(browser: Browser, judging: dict[str, Page]) -> None:
    with screen(browser, judging["reasoned"].url) as page:
        page.open("reasoned")
        page.press("1")
        assert page.banner == "Please give a reason first: the comment field is for it."
        assert page.page.get_attribute("#bs-comment", "aria-invalid") == "true"
        page.page.fill("#bs-comment", "it is right")
        page.keys("Escape")
        page.press("1")
        assert (page.status, page.count) == ("Saved", "1 / 3")
    assert [row.comment for row in read_verdicts(judging["reasoned"].run.verdicts_path)] == ["it is right"]


def test_identical_answers_are_not_asked(browser: Browser, judging: dict[str, Page]) -> None:
    with screen(browser, judging["reasoned"].url) as page:
        page.open("twins")
        assert page.count == "0 / 3"
        shown: list[str] = []
        for _ in range(3):
            shown += page.panes()
            page.press("s")
        assert len(set(shown)) == 6
        assert "The same." not in shown


def test_practice_is_marked_and_not_recorded(browser: Browser, judging: dict[str, Page], name: str) -> None:
    with screen(browser, judging["full"].url) as page:
        page.open(name)
        assert "Not recorded" in page.page.inner_text(".bs-strip")
        assert page.count == "Practice 1 / 1"
        page.keys("f", "3", "3", "Escape")
        page.press("1")
        assert (page.status, page.count) == ("", "Practice 1 / 1")
        assert page.page.inner_text(".bs-strip").split("\n") == [
            "Correct.",
            "180 is correct, and B is wrong.",
            "Continue",
            "⏎",
        ]
        page.press("Enter")
        assert (page.status, page.count) == ("", "0 / 3")
        assert page.banner == "Practice is over: from here on every verdict is recorded."
        assert page.page.locator(".bs-strip").count() == 0
        page.open()
        assert page.count == "0 / 3"
    assert rows_of(judging, name) == []


def test_an_earlier_verdict_is_changed_from_the_list(full: Screen, judging: dict[str, Page], name: str) -> None:
    shown = []
    for key in ("1", "2"):
        shown.append(full.panes())
        full.keys("f", "3", "3", "Escape")
        full.press(key)
    full.page.fill("#bs-comment", "half a thought")
    full.keys("Escape")
    full.press("e")
    assert full.page.locator(".bs-entry .bs-choice").all_inner_texts() == ["Tie", "A is better"]
    full.keys("j", "k", "ArrowDown")
    full.press("Enter")
    strip = full.page.inner_text(".bs-strip")
    assert strip.startswith("You are changing an earlier verdict.\nYour verdict was: A is better.")
    assert full.page.locator(".bs-was").get_attribute("data-vote") == "left"
    assert full.panes() == shown[0]
    assert given(full)["criteria"] == {"quality.left": "3", "quality.right": "3"}
    full.press("Escape")
    assert (full.banner, full.comment) == ("Nothing was changed.", "half a thought")
    full.press("e")
    full.keys("Escape")
    assert full.page.locator("dialog[open]").count() == 0
    full.press("e")
    full.keys("j")
    full.press("Enter")
    full.press("4")
    assert (full.banner, full.status, full.count) == ("Changed.", "Saved", "2 / 3")
    assert full.comment == "half a thought"
    rows = rows_of(judging, name)
    assert len(rows) == 3
    other = "tuned" if rows[0].left == "base" else "base"
    assert [row.outcome for row in in_force(rows) if row.item == rows[0].item] == [other]


def test_thumbs_up_and_down(browser: Browser, judging: dict[str, Page]) -> None:
    with screen(browser, judging["thumbs"].url) as page:
        page.open("thumbs")
        assert page.page.locator(".bs-pane").count() == 1
        assert page.page.locator("#bs-comment, #bs-marked, #bs-pane-b").count() == 0
        for key in ("ArrowDown", "ArrowUp", "3", "4", "t", "x", "d", "c"):
            page.press_in_vain(key)
        page.keys("f", "4", "f", "2", "Escape")
        page.press("1")
        page.press("ArrowRight")
        page.press("u")
        page.click('[data-vote="up"]')
        assert page.count == "2 / 3"
    rows = [row for row in read_thumbs(judging["thumbs"].run.folder / "thumbs.csv") if row.reviewer == "thumbs"]
    assert [row.outcome for row in rows] == ["up", "down", "withdrawn", "up"]
    assert (rows[0].criteria, rows[0].tags) == ({"quality": "4"}, ("too_long",))
    assert {row.side for row in rows} == {"tuned"}


def test_the_language_changes_and_nothing_typed_is_lost(full: Screen) -> None:
    full.keys("f", "4", "Escape")
    full.page.fill("#bs-comment", "stays")
    full.keys("Escape")
    before = (full.page.locator(".bs-formatted").all_inner_texts(), given(full))
    full.click(".bs-top [data-act=language]")
    assert full.page.inner_text('[data-vote="left"] span') == "A 更好"
    assert full.page.inner_text(".bs-required >> nth=0") == "必填"
    assert full.page.evaluate("document.documentElement.lang") == "zh-CN"
    assert (full.page.locator(".bs-formatted").all_inner_texts(), given(full)) == before
    full.open()
    assert full.page.inner_text('[data-vote="left"] span') == "A 更好"
    full.click(".bs-top [data-act=language]")
    assert full.page.inner_text('[data-vote="left"] span') == "A is better"


def test_a_name_being_typed_outlives_the_language(browser: Browser, judging: dict[str, Page]) -> None:
    with screen(browser, judging["full"].url, locale="zh-TW") as page:
        page.open()
        assert page.page.inner_text("#bs-welcome h2") == "您更愿意发送哪个回答？"
        page.page.fill("#bs-name", "half a na")
        page.click(".bs-top [data-act=language]")
        assert page.page.inner_text("#bs-welcome h2") == "Which answer would you rather send?"
        assert page.page.input_value("#bs-name") == "half a na"


def test_a_draft_with_its_form_outlives_a_reload(full: Screen) -> None:
    full.keys("f", "4", "2", "Escape")
    full.page.fill("#bs-comment", "half")
    before = (full.panes(), given(full))
    full.open()
    assert (full.panes(), given(full)) == before
