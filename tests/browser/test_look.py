"""The page on a desk and a phone: whole, reachable, and nothing hostile gets out of its pane."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from eval.judge.store.verdict_files import read_verdicts
from tests.browser.screen import Screen, screen
from tests.browser.servers import Page
from tests.judge.test_render import HOSTILE

pytestmark = pytest.mark.browser

SMALL_TARGETS = """() => Array.from(document.querySelectorAll("button, textarea, input, .bs-option")).filter((el) => {
  const box = el.getBoundingClientRect();
  return el.closest(".bs-top, .bs-bar, .bs-stage") && el.checkVisibility() && (box.height < 44 || box.width < 44);
}).map((el) => `${el.outerHTML.slice(0, 60)} ${el.getBoundingClientRect().height}`)"""


@pytest.fixture
def server(judging: dict[str, Page]) -> Page:
    return judging["talks"]


def test_the_notes_on_answers_and_the_frame_of_the_page(browser: Browser, server: Page) -> None:
    with screen(browser, server.url) as page:
        page.open("notes")
        texts: list[str] = []
        for _ in range(3):
            texts += page.panes()
            assert page.page.locator("h1").count() == 1
            assert page.page.is_hidden(".bs-system .bs-plain")
            page.page.evaluate("document.querySelector('.bs-prompt').scrollTo(0, 0)")
            page.page.click(".bs-system summary")
            assert page.page.inner_text(".bs-system .bs-plain") == "You are a careful guide."
            page.press("1")
        assert sum("it reached the token limit" in text for text in texts) == 3
        assert texts.count("This answer is empty.") == 1
        assert page.page.locator("footer:visible").count() == 0


def test_a_conversation_opens_at_its_last_question(browser: Browser, server: Page) -> None:
    with screen(browser, server.url) as page:
        page.open("conversation")
        assert page.page.inner_text(".bs-prompt").count("Hello") == 2
        prompt, asked = (page.page.locator(where).bounding_box() for where in (".bs-prompt", ".bs-asked"))
        assert prompt is not None
        assert asked is not None
        assert prompt["y"] <= asked["y"]
        assert asked["y"] + asked["height"] <= prompt["y"] + prompt["height"]


def test_each_script_has_its_language_and_its_direction(browser: Browser, server: Page) -> None:
    with screen(browser, server.url) as page:
        page.open("scripts")
        while "Rome is the capital" not in "".join(page.panes()):
            page.press("2")
        found = page.page.evaluate(
            """Array.from(document.querySelectorAll(".bs-pane:has([lang=he]) .bs-formatted p"), (p) =>
              [p.closest("[lang]").lang, getComputedStyle(p).direction])"""
        )
        assert found[1:] == [["zh", "ltr"], ["ja", "ltr"], ["ko", "ltr"], ["ar", "rtl"], ["he", "rtl"]]


def test_tab_shows_a_ring_and_enter_presses_what_has_it(browser: Browser, server: Page) -> None:
    with screen(browser, server.url) as page:
        page.open("tabber")
        page.page.focus("#bs-comment")
        page.page.keyboard.press("Tab")
        focused = page.page.locator('[data-vote="left"]:focus-visible')
        assert focused.evaluate("(el) => getComputedStyle(el).outlineWidth") == "3px"
        page.press("Enter")
        assert (page.count, page.status) == ("1 / 3", "Saved")


@pytest.mark.parametrize("name", ["talks", "full", "thumbs"])
def test_a_phone_has_everything_within_reach(browser: Browser, judging: dict[str, Page], name: str) -> None:
    with screen(browser, judging[name].url, width=390, height=844, touch=True) as page:
        page.open("phone owner")
        assert page.page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.page.evaluate(SMALL_TARGETS) == []
        bar = page.page.locator("#bs-bar").bounding_box()
        assert bar is not None
        assert round(bar["y"] + bar["height"]) == 844
        assert page.page.locator("#bs-bar kbd:visible").count() == 0
        shares = page.page.evaluate("Array.from(document.querySelectorAll('.bs-pane'), (p) => p.offsetWidth / 390)")
        assert all(0.75 < share <= (0.95 if name == "thumbs" else 0.9) for share in shares)


def test_differences_are_a_tap_away_on_a_phone(browser: Browser, judging: dict[str, Page]) -> None:
    with screen(browser, judging["plain"].url, width=390, height=844, touch=True) as page:
        page.open("phone tapper")
        before = page.turn
        page.page.tap("#bs-marked")
        page.wait_for_next(before)
        assert page.page.locator("mark").count() > 0
        before = page.turn
        page.page.tap('[data-vote="right"]')
        page.wait_for_next(before)
        assert page.count == "1 / 14"


def test_hostile_answers_run_nothing_ask_nothing_and_leave_the_page_alone(
    browser: Browser, judging: dict[str, Page]
) -> None:
    """HOSTILE is the table; each of its texts stands in an answer, and as a prompt."""
    server = judging["hostile"]
    with screen(browser, server.url) as page:
        page.open("brave")
        shown, asked = set(), set()
        while page.state == "ask":
            shown |= {visible_source(page, letter) for letter in ("a", "b")}
            asked.add(page.page.text_content(".bs-asked .bs-typed .bs-plain"))
            for _ in range(2):
                page.page.keyboard.press("r")
                assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert page.page.locator('[id="bs-send"]').count() == 1
            assert (
                page.page.locator(
                    ".bs-stage :is(script, style, form, img, iframe, svg, input, button:not(.bs-fold))"
                ).count()
                == 0
            )
            page.press("2")
        assert page.problems == []
        assert [url for url in page.asked if not url.startswith((server.url, "data:", "blob:"))] == []
    assert len(read_verdicts(server.run.verdicts_path)) == len(HOSTILE)
    whole = {text.replace("\0", "\ufffd").replace("\r", "\n") for text in HOSTILE.values()}
    assert whole <= shown
    assert whole <= asked


def visible_source(page: Screen, letter: str) -> str:
    """The raw text of a pane, as the browser has it."""
    return page.page.text_content(f"#bs-pane-{letter} .bs-source .bs-plain") or ""
