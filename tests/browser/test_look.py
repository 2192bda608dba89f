"""The page in light and dark, on a desk and a phone: readable, reachable, and nothing hostile gets out of its pane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from eval.judge.store import read_verdicts
from eval.run import Run
from tests.browser.screen import Screen, screen
from tests.browser.studies import conversations
from tests.judge.runs import make_run, make_run_of, prompt
from tests.judge.server import Served, served
from tests.judge.test_render import HOSTILE

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]

#: Ratio of each visible text to the first opaque colour behind it (WCAG 2.1, 1.4.3); those under 4.5 come back.
POOR_CONTRAST = """() => {
  const lum = (rgb) => {
    const [r, g, b] = rgb.map((c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = (el) => {
    for (; el; el = el.parentElement) {
      const colour = parse(getComputedStyle(el).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const el of document.querySelectorAll(".bs-top *, .bs-stage *, .bs-bar *")) {
    const own = Array.from(el.childNodes).some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !el.checkVisibility() || el.closest("button:disabled, .bs-unseen")) continue;
    const [a, b] = [lum(parse(getComputedStyle(el).color).slice(0, 3)), lum(behind(el))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${el.tagName}.${el.className} ${ratio.toFixed(2)} ${el.textContent.slice(0, 30)}`);
  }
  return poor;
}"""

SMALL_TARGETS = """() => Array.from(document.querySelectorAll("button, textarea, input")).filter((el) => {
  const box = el.getBoundingClientRect();
  return el.closest(".bs-top, .bs-bar, .bs-stage") && el.checkVisibility() && (box.height < 44 || box.width < 44);
}).map((el) => `${el.outerHTML.slice(0, 60)} ${el.getBoundingClientRect().height}`)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(conversations(tmp_path_factory.mktemp("look"))) as server:
        yield server


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_is_readable_in_light_and_dark(
    browser: Browser, server: Served, scheme: Scheme, tmp_path: Path
) -> None:
    with screen(browser, server.url, scheme=scheme) as page:
        page.open()
        assert page.page.evaluate(POOR_CONTRAST) == []
        page.page.screenshot(path=tmp_path / "welcome.png")
        page.page.fill("#bs-name", f"{scheme} desk")
        page.press("Enter")
        for state in ("ask", "undo"):
            assert page.page.evaluate(POOR_CONTRAST) == []
            page.page.screenshot(path=tmp_path / f"{state}.png")
            page.press("2")
            page.press("u")
        dark = page.page.evaluate("document.body.classList.contains('dark')")
        assert dark == (scheme == "dark")
        for _ in range(3):
            page.press("1")
        assert page.page.evaluate(POOR_CONTRAST) == []
        assert page.problems == []


def test_the_notes_on_answers_and_the_frame_of_the_page(browser: Browser, server: Served) -> None:
    with screen(browser, server.url) as page:
        page.open("notes")
        texts: list[str] = []
        for _ in range(3):
            texts += page.panes()
            assert page.page.locator("h1").count() == 1
            assert page.page.is_hidden(".bs-system .bs-plain")
            page.page.click(".bs-system summary")
            assert page.page.inner_text(".bs-system .bs-plain") == "You are a careful guide."
            page.press("1")
        assert sum("it reached the token limit" in text for text in texts) == 3
        assert texts.count("This answer is empty.") == 1
        assert page.page.locator("footer:visible").count() == 0


def test_tab_shows_a_ring_and_enter_presses_what_has_it(browser: Browser, server: Served) -> None:
    with screen(browser, server.url) as page:
        page.open("tabber")
        page.page.focus("#bs-comment")
        page.page.keyboard.press("Tab")
        focused = page.page.locator('[data-vote="left"]:focus-visible')
        assert focused.evaluate("(el) => getComputedStyle(el).outlineWidth") == "3px"
        page.press("Enter")
        assert (page.count, page.status) == ("1 / 3", "Saved")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_everything_within_reach(browser: Browser, server: Served, scheme: Scheme, tmp_path: Path) -> None:
    with screen(browser, server.url, width=390, height=844, scheme=scheme, touch=True) as page:
        page.open(f"{scheme} phone")
        assert page.page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.page.evaluate(SMALL_TARGETS) == []
        assert page.page.evaluate(POOR_CONTRAST) == []
        bar = page.page.locator("#bs-bar").bounding_box()
        assert bar is not None
        assert round(bar["y"] + bar["height"]) == 844
        assert page.page.locator("#bs-bar kbd:visible").count() == 0
        shares = page.page.evaluate("Array.from(document.querySelectorAll('.bs-pane'), (p) => p.offsetWidth / 390)")
        assert all(0.75 < share <= 0.9 for share in shares)
        page.page.screenshot(path=tmp_path / "phone.png")
        before = page.turn
        page.page.tap('[data-vote="right"]')
        page.wait_for_next(before)
        assert page.count == "1 / 3"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Run:
    texts = [text for text in HOSTILE.values() if text.strip("\u200b")]
    return make_run(
        tmp_path_factory.mktemp("hostile"), answers=[(text, f"harmless {i}") for i, text in enumerate(texts)]
    )


def test_hostile_answers_run_nothing_ask_nothing_and_leave_the_page_alone(browser: Browser, hostile: Run) -> None:
    with served(hostile) as server, screen(browser, server.url) as page:
        page.open("brave")
        shown = set()
        while page.state == "ask":
            shown |= {visible_source(page, letter) for letter in ("a", "b")}
            page.page.keyboard.press("r")
            page.page.keyboard.press("r")
            assert page.page.locator('[id="bs-send"]').count() == 1
            assert page.page.locator(".bs-stage :is(script, style, form, img, iframe, svg, input, button)").count() == 0
            assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.press("2")
        assert page.problems == []
        assert [url for url in page.asked if not url.startswith((server.url, "data:", "blob:"))] == []
    assert len(read_verdicts(hostile.verdicts_path)) == len(HOSTILE)
    assert {text.replace("\0", "\ufffd").replace("\r", "\n") for text in HOSTILE.values()} <= shown


def visible_source(page: Screen, letter: str) -> str:
    """The raw text of a pane, as the browser has it."""
    return page.page.text_content(f"#bs-pane-{letter} .bs-source .bs-plain") or ""


def test_a_run_without_pairs_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    run = make_run_of(tmp_path, [prompt(0)], [])
    with served(run) as server, screen(browser, server.url) as page:
        page.page.goto(server.url)
        page.page.wait_for_selector("text=No pairs to judge yet")
        assert "make eval" in page.page.inner_text(".bs-stage")
        assert page.page.is_hidden("#bs-bar")
