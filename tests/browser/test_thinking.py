"""Thinking in a browser: folded under both answers, opened and folded together, and open as long as its pair is."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.audit import violations
from tests.browser.results_tab import tab
from tests.browser.screen import Screen, screen
from tests.browser.servers import Page
from tests.browser.studies import thoughtful
from tests.evidence.results_server import results_of

pytestmark = pytest.mark.browser

#: How far below the top of its answer each thinking begins.
_TOPS = """Array.from(document.querySelectorAll(".bs-thinking"), (el) =>
  el.getBoundingClientRect().top - el.closest(".bs-pane").querySelector(".bs-head").getBoundingClientRect().bottom)"""
_OPEN = "Array.from(document.querySelectorAll('.bs-thinking'), (el) => el.open)"


@pytest.fixture
def server(judging: dict[str, Page]) -> Page:
    return judging["thoughts"]


def opened(page: Screen) -> list[bool]:
    found: list[bool] = page.page.evaluate(_OPEN)
    return found


def test_a_key_opens_both_and_brings_them_to_the_top(browser: Browser, server: Page) -> None:
    with screen(browser, server.url, still=True) as page:
        page.open("thinker")
        assert opened(page) == [False, False]
        below = page.page.locator(".bs-below span").all_inner_texts()
        page.keys("h")
        assert opened(page) == [True, True]
        # The shorter one may end before it can go up so far.
        nearest, other = sorted(page.page.evaluate(_TOPS))
        assert abs(nearest) < 4
        assert other < 400
        assert violations(page.page) == []
        # What is unfolded is below too.
        page.keys("Home")
        assert page.page.locator(".bs-below span").all_inner_texts() != below
        page.keys("h")
        assert opened(page) == [False, False]
        assert page.page.locator(".bs-below span").all_inner_texts() == below


def test_a_click_on_one_opens_the_other_and_they_stay_open_with_their_pair(browser: Browser, server: Page) -> None:
    with screen(browser, server.url) as page:
        page.open("clicker of thoughts")
        page.page.click(".bs-thinking summary >> nth=1")
        assert opened(page) == [True, True]
        page.press("d")
        page.press("m")
        assert opened(page) == [True, True]
        page.keys("r")
        family = "getComputedStyle(document.querySelector('.bs-thinking .bs-plain')).fontFamily"
        assert "mono" in page.page.evaluate(family)
        page.press("1")
        assert opened(page) == [False, False]


def test_where_the_page_scrolls_as_a_whole_it_goes_to_the_thinking(browser: Browser, server: Page) -> None:
    with screen(browser, server.url, width=640, height=360) as page:
        page.open("thinker at 200%")
        page.keys("h")
        assert opened(page) == [True, True]
        tops = page.page.evaluate(
            "Array.from(document.querySelectorAll('.bs-thinking'), (el) => el.getBoundingClientRect().top)"
        )
        assert 0 < min(tops) < 120


def test_a_phone_opens_it_with_a_thumb(browser: Browser, server: Page) -> None:
    with screen(browser, server.url, width=390, height=844, touch=True) as page:
        page.open("thumb on thoughts")
        page.page.locator(".bs-thinking summary").first.tap()
        assert opened(page) == [True, True]
        assert page.page.locator(".bs-thinking summary").first.evaluate("(el) => el.offsetHeight") >= 44


def test_the_list_of_keys_has_it_where_the_study_shows_it(
    browser: Browser, server: Page, judging: dict[str, Page]
) -> None:
    for served, there in ((server, True), (judging["plain"], False)):
        with screen(browser, served.url) as page:
            page.open("keys of thoughts")
            page.keys("?")
            assert ("thinking of both answers" in page.page.inner_text("#bs-help")) == there


def test_the_results_pages_show_it_beside_each_answer(browser: Browser, tmp_path: Path) -> None:
    run = thoughtful(tmp_path)
    with results_of(run) as served, tab(browser, served.url, still=True) as page:
        page.open("?item=hidden-item-0001")
        assert page.page.locator(".rs-pane .bs-thinking").count() == 2
        page.page.click(".rs-pane .bs-thinking summary >> nth=0")
        assert "First **0**, then 1." in page.page.inner_text(".rs-pane >> nth=0")
        assert violations(page.page) == []
