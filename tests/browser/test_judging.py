"""A reviewer's sitting in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from eval.answers import read_answers
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.records import Verdict
from eval.run import Run
from tests.browser.screen import Screen, screen
from tests.browser.servers import Page
from tests.judge.runs import make_run
from tests.judge.server import served

pytestmark = pytest.mark.browser


@pytest.fixture
def server(judging: dict[str, Page]) -> Page:
    return judging["plain"]


@pytest.fixture
def run(server: Page) -> Run:
    return server.run


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A reviewer of each test's own."""
    return str(request.node.name)[:60]


@pytest.fixture
def ana(browser: Browser, server: Page, name: str) -> Iterator[Screen]:
    """A page opened by a reviewer who is new to the run."""
    with screen(browser, server.url) as page:
        page.open(name)
        yield page
        assert page.problems == []


def rows_of(run: Run, reviewer: str) -> list[Verdict]:
    return [row for row in read_verdicts(run.verdicts_path) if row.reviewer == reviewer]


def side(text: str) -> str:
    return "base" if text.startswith("Long") else "tuned"


def number(text: str) -> int:
    """Which prompt a question or an answer is of."""
    found = re.search(r"\d+", text)
    assert found is not None
    return int(found.group())


def test_ten_pairs_by_keyboard_with_a_reload_and_an_undo(run: Run, ana: Screen, name: str) -> None:
    keys = ["1", "4", "2", "3", "ArrowLeft", "ArrowRight", "t", "x", "1"]
    expected = []
    for key in keys:
        left, right = ana.panes()
        chosen = {"1": side(left), "ArrowLeft": side(left), "4": side(right), "ArrowRight": side(right)}
        other = {"2": "tie", "t": "tie", "3": "both_bad", "x": "both_bad"}
        expected.append((number(left), side(left), {**chosen, **other}[key]))
        assert number(left) == number(right) == number(ana.question)
        ana.press(key)
        assert ana.status == "Saved"
        if len(expected) == 5:
            before = ana.panes()
            ana.open()
            assert (ana.panes(), ana.count) == (before, "5 / 14")
    assert ana.count == "9 / 14"
    before = ana.panes()
    ana.page.fill("#bs-comment", "hasty")
    ana.page.keyboard.press("Escape")
    ana.press("1")
    ana.press("u")
    assert (ana.panes(), ana.comment, ana.count) == (before, "hasty", "9 / 14")
    ana.page.fill("#bs-comment", "on reflection")
    ana.page.keyboard.press("Escape")
    ana.press("4")
    expected.append((number(before[0]), side(before[0]), side(before[1])))

    rows = rows_of(run, name)
    standing = in_force(rows)
    assert [(int(row.item[-4:]), row.left, row.outcome) for row in standing] == expected
    assert (len(rows), len(standing), ana.count) == (12, 10, "10 / 14")
    assert [row.comment for row in rows[-3:]] == ["hasty", "hasty", "on reflection"]
    assert all(row.seconds > 0 for row in standing)
    pairs = {pair.prompt_id: pair for pair in read_answers(run.responses_path).pairs(run.prompts())}
    assert all(row.tuned_sha256 == pairs[row.item].tuned.sha256 for row in rows)


def test_both_panes_show_the_whole_text_and_scroll_together(ana: Screen) -> None:
    for text in ana.panes():
        assert text.count("Paragraph") == 60
    tops = "Array.from(document.querySelectorAll('.bs-pane'), (pane) => pane.scrollTop)"
    for down, up in (("Space", "Shift+Space"), ("j", "k")):
        ana.page.keyboard.press(down)
        left, right = ana.page.evaluate(tops)
        assert left == right > 100
        ana.page.keyboard.press(up)
        assert ana.page.evaluate(tops) == [0, 0]
    ana.page.keyboard.press("Space")
    ana.press("2")
    assert ana.page.evaluate(tops) == [0, 0]


def test_differences_are_marked_until_they_are_not(ana: Screen) -> None:
    ana.page.fill("#bs-comment", "stays")
    ana.page.keyboard.press("Escape")
    before = ana.panes()
    assert ana.page.locator("mark").count() == 0
    ana.press("d")
    marks = ana.page.locator("#bs-pane-a mark, #bs-pane-b mark").all_inner_texts()
    assert {"Long", "Short"} == {text.strip() for text in marks} & {"Long", "Short"}
    assert (ana.comment, ana.status, ana.count) == ("stays", "", "0 / 14")
    ana.press("2")
    assert ana.page.locator("mark").count() > 0
    ana.press("u")
    ana.press("d")
    assert ana.page.locator("mark").count() == 0
    assert (ana.panes(), ana.comment) == (before, "stays")


def test_keys_are_dead_while_typing_and_come_back_with_escape(ana: Screen) -> None:
    ana.page.keyboard.press("c")
    for key in ("1", "2", "x", "4", "u", "s", "r", "?", "ArrowLeft", "ArrowRight", "Space"):
        ana.press_in_vain(key)
    assert ana.comment == "12x4usr? "
    ana.page.keyboard.press("Escape")
    ana.press("1")
    assert (ana.count, ana.comment) == ("1 / 14", "")


def test_keys_are_dead_with_modifiers_on_repeat_in_an_ime_and_under_a_dialog(ana: Screen) -> None:
    for key in ("Control+ArrowLeft", "Alt+1", "Meta+2", "Shift+1"):
        ana.press_in_vain(key)
    ana.type_by_hand(code="Digit1", repeat=True)
    ana.type_by_hand(code="Digit1", isComposing=True)
    ana.type_by_hand(code="Digit1", keyCode=229)
    ana.page.keyboard.press("?")
    assert ana.page.is_visible("#bs-help")
    ana.press_in_vain("1")
    ana.page.keyboard.press("Escape")
    assert ana.page.is_hidden("#bs-help")
    ana.page.wait_for_timeout(150)
    assert ana.count == "0 / 14"
    ana.press("Numpad1")
    assert ana.count == "1 / 14"


def test_keys_follow_the_place_on_the_keyboard(ana: Screen) -> None:
    """On AZERTY the key of 1 types an ampersand."""
    before = ana.turn
    ana.type_by_hand(code="Digit1", key="&")
    ana.wait_for_next(before)
    assert ana.count == "1 / 14"


def test_a_key_held_or_hit_in_a_hurry_judges_one_pair(run: Run, ana: Screen, name: str) -> None:
    before = ana.turn
    ana.type_by_hand(times=5, code="Digit1")
    ana.wait_for_next(before)
    assert len(rows_of(run, name)) == 1
    before = ana.turn
    ana.page.dblclick('[data-vote="right"]')
    ana.wait_for_next(before)
    ana.page.wait_for_timeout(300)
    assert len(rows_of(run, name)) == 2


def test_every_button_does_what_its_key_does(run: Run, ana: Screen, name: str) -> None:
    left, _ = ana.panes()
    for choice in ("left", "tie", "both_bad", "right"):
        ana.click(f'[data-vote="{choice}"]')
    ana.click('[data-act="undo"]')
    skipped = ana.panes()
    ana.click('[data-act="skip"]')
    assert ana.panes() != skipped
    outcomes = [row.outcome for row in rows_of(run, name)]
    assert outcomes[:3] == [side(left), "tie", "both_bad"]
    assert outcomes[4] == "withdrawn"
    ana.page.click("#bs-raw")
    assert ana.page.is_visible("#bs-pane-a .bs-source")
    assert ana.page.is_hidden("#bs-pane-a .bs-formatted")
    ana.page.keyboard.press("r")
    assert ana.page.is_hidden("#bs-pane-a .bs-source")


def test_all_done_says_thanks_and_undo_goes_back(ana: Screen) -> None:
    for _ in range(14):
        last = ana.panes()
        ana.press("2")
    assert ana.state == "done"
    assert "All done, thank you" in ana.page.inner_text(".bs-stage")
    assert ana.page.is_hidden("#bs-bar")
    ana.press_in_vain("1")
    ana.press("Backspace")
    assert (ana.panes(), ana.count) == (last, "13 / 14")


def test_two_tabs_of_one_reviewer(run: Run, browser: Browser, server: Page) -> None:
    with screen(browser, server.url) as one, screen(browser, server.url) as other:
        one.open("tabs")
        other.open("tabs")
        assert one.panes() == other.panes()
        one.press("1")
        other.press("4")
        assert "judged in another tab" in other.banner
        assert one.panes() == other.panes()
    assert len(rows_of(run, "tabs")) == 1


def test_a_reviewer_can_change_the_name(ana: Screen) -> None:
    ana.press("1")
    ana.click("#bs-who")
    assert ana.state == "welcome"
    ana.page.fill("#bs-name", "somebody else")
    ana.press("Enter")
    assert (ana.page.inner_text("#bs-who"), ana.count) == ("somebody else", "0 / 14")
    ana.open()
    assert ana.page.inner_text("#bs-who") == "somebody else"


def test_a_lost_server_is_told_and_nothing_is_lost(browser: Browser, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with screen(browser, "") as ana:
        with served(run) as server:
            port = int(server.url.rsplit(":", 1)[1])
            ana.url = server.url
            ana.open("Ana")
            ana.press("1")
        pair = ana.panes()
        ana.page.fill("#bs-comment", "typed before")
        ana.page.keyboard.press("Escape")
        ana.page.keyboard.press("4")
        ana.page.wait_for_selector("#bs-lost:visible")
        assert "was not saved: press the key again" in ana.banner
        assert (ana.panes(), ana.comment, ana.status) == (pair, "typed before", "Not saved")
        before = ana.turn
        with served(run, port=port):
            ana.wait_for_next(before)  # Gradio reloads the page of a server that came back
            assert "Connected again. Your verdict on this pair was not saved" in ana.banner
            assert (ana.panes(), ana.comment, ana.count) == (pair, "typed before", "1 / 12")
            ana.press("4")
            assert (ana.status, ana.banner) == ("Saved", "")
    assert [row.comment for row in read_verdicts(run.verdicts_path)] == ["", "typed before"]
