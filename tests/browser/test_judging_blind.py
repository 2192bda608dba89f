"""Nothing that the browser gets or shows before a verdict tells which side is which, and when."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from eval.answers import read_answers
from tests.browser.screen import Screen, screen
from tests.browser.servers import Page
from tests.judge.runs import BASE_NAME, TUNED_NAME
from tests.judge.server import Tab

pytestmark = pytest.mark.browser

#: Keeps what both panes show whenever the page has changed, and in every frame.
WATCH = """() => {
  const seen = window.seen = new Set();
  const look = () => {
    const panes = Array.from(document.querySelectorAll(".bs-source"), (el) => el.textContent);
    if (panes.length) seen.add(JSON.stringify(panes.map((text) => /\\d+/.exec(text)[0])));
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
  const frame = () => { look(); requestAnimationFrame(frame); };
  frame();
}"""


@pytest.fixture
def plain(browser: Browser, judging: dict[str, Page]) -> Iterator[Screen]:
    with screen(browser, judging["plain"].url) as page:
        yield page
        assert page.problems == []


@pytest.mark.parametrize("name", ["plain", "full", "guided", "thumbs"])
def test_nothing_that_the_browser_receives_tells_the_sides(
    browser: Browser, judging: dict[str, Page], name: str
) -> None:
    served = judging[name]
    with screen(browser, served.url) as page:
        page.open("curious")
        page.press("s")
        page.press("e")
        page.keys("Escape")
        page.press("m")
        received = page.received()
        assert "bs-pane-a" in received
        answers = read_answers(served.run.responses_path).responses.values()
        secrets = {BASE_NAME, TUNED_NAME, str(served.run.folder), "hidden-item", "eos_token", "0.123456", "9.87654"}
        secrets |= {answer.sha256 for answer in answers} | {"b" * 64, "c" * 64}
        assert [secret for secret in secrets if secret in received] == []
        shown = [text for text in re.findall(r'"data":\["((?:[^"\\]|\\.)*)"', received) if "bs-stage" in text]
        assert len(shown) >= 3
        assert not any(re.search(r"\b(base|tuned|gold|repeat)\b", text) for text in shown)
        assert [url for url in page.asked if not url.startswith((page.url, "data:", "blob:"))] == []


def test_both_panes_change_in_the_same_moment(plain: Screen) -> None:
    """One pane that came sooner would tell the model whose answer is quicker to show."""
    plain.open("watcher")
    plain.page.evaluate(WATCH)
    for _ in range(6):
        plain.press("2")
    seen = [json.loads(panes) for panes in plain.page.evaluate("Array.from(window.seen)")]
    assert len(seen) == 7
    assert all(left == right for left, right in seen)


def test_both_answers_come_in_one_message(plain: Screen) -> None:
    plain.open("reader")
    messages = [body for body in plain.received().split("\n") if "Long reply" in body or "Short reply" in body]
    assert 1 <= len(messages) <= 2  # this pair, and the next one if it has been prepared already
    assert all("Long reply" in body and "Short reply" in body for body in messages)


def test_a_page_that_closes_gives_its_pair_back(browser: Browser, judging: dict[str, Page]) -> None:
    """Each pair goes to one reviewer here: while somebody looks at one, nobody else gets it."""
    url = judging["shared"].url
    with screen(browser, url) as page:
        page.open("leaver")
        held = page.pane("a")
        assert held not in first_seen(url, "meanwhile")
        page.page.goto("about:blank")
        assert held in first_seen(url, "afterwards") | first_seen(url, "later")


def first_seen(url: str, name: str) -> set[str]:
    """The answers that a dozen newcomers are shown first; each leaves before the next one comes."""
    seen: set[str] = set()
    for i in range(12):
        tab = Tab(url, f"{name} {i}")
        seen |= set(tab.shown.answers)
        tab.act("leave", nonce=tab.shown.data["turn"])
    return seen
