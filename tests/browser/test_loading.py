"""A part of the page that cannot be fetched, as where the network changes while it is opened."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.audit import picture
from tests.browser.fresh import LOCALE
from tests.browser.screen import screen
from tests.browser.servers import Page

pytestmark = pytest.mark.browser

#: Gradio fetches this for the button by which the page sends: without it the page looks right and nothing is sent.
PART = "**/assets/ImagePreview*.css"
#: Whether nothing lies over an element.
SEEN = """(el) => {
  const place = el.getBoundingClientRect();
  return document.elementFromPoint(place.x + 9, place.y + 9) === el;
}"""


def test_it_is_reloaded_and_takes_verdicts(browser: Browser, judging: dict[str, Page]) -> None:
    refused: list[str] = []

    def once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    with screen(browser, judging["plain"].url, locale=LOCALE) as page:
        page.page.route(PART, once)
        page.open("loader")
        assert refused
        page.press("1")
        assert page.status == "Saved"


@pytest.mark.parametrize(("stores", "times"), [(True, 4), (False, 1)])
def test_what_never_comes_is_told_and_the_page_takes_nothing(
    browser: Browser, judging: dict[str, Page], stores: bool, times: int
) -> None:
    """Where the browser keeps nothing, tries could not be counted, and there is one."""
    with screen(browser, judging["plain"].url, locale=LOCALE) as page:
        opened: list[str] = []
        if not stores:
            page.page.add_init_script("Storage.prototype.setItem = () => { throw new Error('quota'); };")
        page.page.on("framenavigated", lambda frame: opened.append(frame.url))
        page.page.route(PART, lambda route: route.abort())
        page.page.goto(page.url)
        page.page.wait_for_selector(".bs-incomplete")
        picture(page.page, "incomplete")
        assert "could not be fetched. Reload the page" in page.page.inner_text(".bs-incomplete")
        assert page.page.locator(".bs-incomplete").evaluate(SEEN)
        assert page.page.locator('[data-vote][aria-disabled="false"]').count() == 0
        assert len(opened) == times
