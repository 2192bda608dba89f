"""The results pages in light and dark, on a phone and on paper: readable, accessible, and nothing hostile runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from eval.answers import read_answers
from eval.run import Run
from tests.browser.audit import picture, violations
from tests.browser.fresh import Look
from tests.browser.results_tab import tab
from tests.evidence.judged import record, verdict_on
from tests.evidence.results_server import Results, results_of
from tests.judge.runs import make_run
from tests.judge.test_render import HOSTILE

pytestmark = pytest.mark.browser


PAGES = {
    "results": "",
    "browse": "?view=browse",
    "nothing": "?view=browse&q=nothing+of+the+kind",
    "item": "?item=hidden-item-0004",
    "unknown": "?item=nowhere",
    "compare": "?view=compare",
    "what-if": "?without=bob",
}
PHONE = Look(width=390, height=844, touch=True)
LOOKS = {"light": Look(still=True), "dark": Look(scheme="dark", still=True), "phone": Look(**PHONE, still=True)}


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_readable_and_accessible(browser: Browser, server: Results, look: str) -> None:
    with tab(browser, server.url, **LOOKS[look]) as page:
        for name, query in PAGES.items():
            page.open(query)
            picture(page.page, f"results-{name}-{look}")
            assert violations(page.page, everything=look == "light") == [], name
            assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            assert page.page.locator("h1").count() == 1
        assert page.problems == []


def test_a_phone_has_targets_that_a_thumb_hits(browser: Browser, server: Results) -> None:
    with tab(browser, server.url, **PHONE) as page:
        for query in PAGES.values():
            page.open(query)
            heights = page.page.evaluate(
                "Array.from(document.querySelectorAll('.rs-button, .rs-nav a, .rs-filters :is(input, select)'))"
                ".filter((el) => el.checkVisibility()).map((el) => el.getBoundingClientRect().height)"
            )
            assert min(heights) >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_is_light_has_one_column_and_every_figure(
    browser: Browser, server: Results, scheme: Any, tmp_path: Path
) -> None:
    with tab(browser, server.url, width=700, scheme=scheme) as page:
        page.open()
        page.page.emulate_media(media="print", color_scheme=scheme)
        assert page.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        card = page.page.locator(".rs-card").first
        assert card.evaluate("(el) => getComputedStyle(el).backgroundColor") == "rgb(255, 255, 255)"
        assert card.evaluate("(el) => getComputedStyle(el).color") == "rgb(27, 31, 39)"
        assert page.page.locator("button:visible, nav:visible").count() == 0
        pdf = page.page.pdf(path=tmp_path / "results.pdf", format="A4")
        assert pdf.startswith(b"%PDF")
        assert pdf.count(b"/Type /Page\n") >= 2


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Results]]:
    texts = [text for text in HOSTILE.values() if text.strip("\u200b")]
    run = make_run(tmp_path_factory.mktemp("hostile"), answers=[(text, f"{text} ") for text in texts])
    pairs = read_answers(run.responses_path).pairs(run.prompts())
    rows = [
        verdict_on(run, pair, "tie", comment=pair.base.text[:2000].replace("\0", ""), reviewer="<b onclick=x>eve")
        for pair in pairs
    ]
    record(run, rows)
    with results_of(run) as server:
        yield run, server


def test_hostile_texts_run_nothing_and_ask_nothing(browser: Browser, hostile: tuple[Run, Results]) -> None:
    run, server = hostile
    with tab(browser, server.url) as page:
        page.open()
        for number, asked in enumerate(run.prompts()):
            if number:
                page.click("a[rel=next]")
            else:
                page.click(".rs-nav >> text=Browse")
                page.click(".rs-list tbody a >> nth=0")
            assert page.page.inner_text("h1") == asked.id
            for show in ("Plain text", "Formatted"):
                page.click(f".rs-segments >> text={show}")
                assert page.page.locator(".rs-page :is(script, style, img, iframe, svg, object)").count() == 0
                assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (asked.id, show)
        assert page.problems == []
        assert [url for url in page.asked if not url.startswith((server.url, "data:", "blob:"))] == []


def test_the_pages_let_the_browser_load_nothing_from_elsewhere(browser: Browser, server: Results) -> None:
    with tab(browser, server.url) as page:
        answer = page.page.goto(server.url)
        assert answer is not None
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
