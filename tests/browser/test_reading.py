"""Room for the answers, and how they are read: heights, scrolling, the prompt, notices, on every size of screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.screen import Screen, screen
from tests.browser.servers import Page

pytestmark = pytest.mark.browser

SIZES = [(1440, 900), (1280, 720), (640, 360), (390, 844), (1920, 1080)]
#: Of each pane what is seen of its text, in pixels: below its head and above the bar.
SEEN = """() => Array.from(document.querySelectorAll(".bs-pane"), (pane) => {
  const [box, head] = [pane.getBoundingClientRect(), pane.querySelector(".bs-head").getBoundingClientRect()];
  return Math.min(box.bottom, document.getElementById("bs-bar").getBoundingClientRect().top) - head.bottom;
})"""
BOXES = """() => Array.from(document.querySelectorAll(".bs-prompt, .bs-pane, .bs-form, .bs-bar button"), (el) => {
  const box = el.getBoundingClientRect();
  return [el.className, box.x, box.y, box.width, box.height].join(" ");
})"""
#: Whatever a click would reach that is not the page's own.
FOREIGN = """() => {
  const found = new Set();
  for (let y = 1; y < innerHeight; y += 3) for (let x = 1; x < innerWidth; x += 31) {
    const el = document.elementFromPoint(x, y);
    if (el && el !== document.body && el !== document.documentElement && !el.closest(".bs-top, .bs-stage, .bs-bar"))
      found.add(`${el.className} at ${x}, ${y}`);
  }
  return Array.from(found);
}"""
TOPS = "Array.from(document.querySelectorAll('.bs-pane'), (pane) => pane.scrollTop)"
SHARES = "Array.from(document.querySelectorAll('.bs-pane'), (p) => p.scrollTop / (p.scrollHeight - p.clientHeight))"
BELOW = ".bs-below span"


@pytest.fixture
def guided(browser: Browser, judging: dict[str, Page], request: pytest.FixtureRequest) -> Iterator[Screen]:
    """Long answers of which one is four times as long, after the practice pair."""
    with screen(browser, judging["guided"].url) as page:
        past_practice(page, str(request.node.name)[:60])
        yield page
        assert page.problems == []


def past_practice(page: Screen, name: str) -> None:
    page.open(name)
    page.press("5")
    page.press("Enter")
    no_notice(page)


def no_notice(page: Screen) -> None:
    """Without the notice that would go by itself, in eight seconds."""
    page.page.evaluate("document.querySelectorAll('.bs-passing').forEach((notice) => notice.remove())")


def start(page: Screen, judging: dict[str, Page], study: str, name: str) -> None:
    """To the first real pair of a study."""
    if study == "guided":
        past_practice(page, name)
        return
    page.open(name)
    page.keys("f", "3", "3", "Escape")
    page.press("1")
    page.press("Enter")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (1440, 900)])
@pytest.mark.parametrize("study", ["full", "guided"])
def test_the_answers_have_half_of_the_height(
    browser: Browser, judging: dict[str, Page], study: str, width: int, height: int
) -> None:
    with screen(browser, judging[study].url, width=width, height=height) as page:
        start(page, judging, study, f"half {width}")
        assert page.page.locator(".bs-row").count() >= 2
        assert min(page.page.evaluate(SEEN)) >= height / 2
        if height > 560:
            page.press("2")
            if study == "guided":
                page.press("u")
            assert page.page.is_visible(".bs-strip") == (study == "guided")
            assert min(page.page.evaluate(SEEN)) >= height / 2


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_question_stands_above_the_verdicts_and_every_click_is_ours(
    browser: Browser, judging: dict[str, Page], width: int, height: int
) -> None:
    with screen(browser, judging["guided"].url, width=width, height=height, touch=width < 500) as page:
        page.open(f"question {width}")
        question, button = (page.page.locator(one).bounding_box() for one in ("#bs-question", "[data-vote=tie]"))
        assert question is not None
        assert button is not None
        assert page.page.inner_text("#bs-question") == "Which answer is safer?"
        assert question["y"] + question["height"] <= button["y"]
        assert page.page.evaluate(FOREIGN) == []
        assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        cut = "el => el.scrollWidth > el.clientWidth + 1"
        assert [one.inner_text() for one in page.page.locator(".bs-buttons button").all() if one.evaluate(cut)] == []


def test_little_height_is_one_page_over_a_bar_of_one_row(browser: Browser, judging: dict[str, Page]) -> None:
    with screen(browser, judging["full"].url, width=640, height=360) as page:
        start(page, judging, "full", "short")
        rows = page.page.evaluate("Array.from(document.querySelectorAll('.bs-buttons button'), (el) => el.offsetTop)")
        assert len(set(rows)) == 1
        bar = page.page.locator("#bs-bar").bounding_box()
        assert bar is not None
        assert bar["height"] <= 80
        page.keys("End")
        form = page.page.locator(".bs-form").bounding_box()
        assert form is not None
        assert form["y"] + form["height"] <= bar["y"]
        page.keys("Home")
        assert page.page.evaluate("document.querySelector('.bs-stage').scrollTop") == 0
        page.keys("Space")
        assert page.page.evaluate("document.querySelector('.bs-stage').scrollTop") > 100


def test_the_buttons_have_the_bars_width_where_there_is_no_comment(browser: Browser, judging: dict[str, Page]) -> None:
    with screen(browser, judging["thumbs"].url, width=640, height=360, locale="zh-CN") as page:
        page.open("no comment")
        widths = page.page.locator("[data-vote]").evaluate_all("(all) => all.map((el) => el.offsetWidth)")
        assert len(widths) == 2
        assert min(widths) > 120


def test_the_first_card_is_read_from_its_beginning_where_there_is_little_height(
    browser: Browser, judging: dict[str, Page]
) -> None:
    with screen(browser, judging["guided"].url, width=640, height=360) as page:
        page.open()
        assert page.page.evaluate("document.activeElement.id") == "bs-name"
        assert page.page.evaluate("document.querySelector('.bs-card').scrollTop") == 0
        assert page.page.is_visible(".bs-card h2")


def test_a_wide_screen_gives_the_answers_its_width_and_height(browser: Browser, judging: dict[str, Page]) -> None:
    with screen(browser, judging["guided"].url, width=1920, height=1080) as page:
        past_practice(page, "wide")
        prompt, left, right = (
            page.page.locator(one).bounding_box() for one in (".bs-prompt", "#bs-pane-a", "#bs-pane-b")
        )
        assert prompt is not None
        assert left is not None
        assert right is not None
        assert prompt["x"] + prompt["width"] <= left["x"]
        assert left["width"] + right["width"] > 1400
        assert left["height"] > 1080 * 0.75


def test_a_notice_lies_over_the_page_and_moves_nothing(browser: Browser, judging: dict[str, Page]) -> None:
    with screen(browser, judging["full"].url, width=1280, height=720) as page:
        start(page, judging, "full", "unmoved")
        no_notice(page)
        before = page.page.evaluate(BOXES)
        page.press("1")
        assert page.banner == "Please answer first: Overall quality"
        assert page.page.evaluate(BOXES) == before
        # A click through it reaches what lies below.
        box = page.page.locator(".bs-stage > .bs-banner").bounding_box()
        assert box is not None
        under = "([x, y]) => Boolean(document.elementFromPoint(x, y).closest('.bs-banner'))"
        assert not page.page.evaluate(under, [box["x"] + 5, box["y"] + 5])


def test_the_comment_is_a_word_until_it_is_wanted(guided: Screen) -> None:
    before = guided.page.evaluate(BOXES)
    small = guided.page.locator("#bs-comment").bounding_box()
    guided.keys("c")
    large = guided.page.locator("#bs-comment").bounding_box()
    assert small is not None
    assert large is not None
    assert (small["height"] < 40, large["height"] > 80, large["width"] > 400) == (True, True, True)
    guided.page.keyboard.type("two\nlines")
    guided.keys("Escape")
    assert (guided.comment, guided.page.evaluate(BOXES)) == ("two\nlines", before)


def test_the_prompt_opens_whole_folds_and_comes_back(guided: Screen) -> None:
    prompt = guided.page.locator(".bs-prompt")
    height = "document.querySelector('.bs-prompt').clientHeight"
    text = guided.page.locator(".bs-asked li").first
    assert text.evaluate("(el) => getComputedStyle(el).fontWeight") == "400"
    assert guided.page.locator(".bs-asked em").count() == 40
    usual = guided.page.evaluate(height)
    assert usual <= 800 * 0.35
    assert guided.page.inner_text(".bs-fold span") == "Open in full"
    guided.keys("p")
    assert guided.page.evaluate(height) > usual * 2
    assert guided.page.inner_text(".bs-fold span") == "Fold"
    guided.page.click(".bs-fold")
    assert guided.page.evaluate(height) < 50
    guided.keys("p")
    assert guided.page.evaluate(height) == usual
    guided.keys("p", "r")
    assert "- point 39 of *many*" in prompt.inner_text()
    guided.keys("r")
    guided.press("3")
    assert guided.page.evaluate(height) <= 800 * 0.35


def test_both_answers_scroll_by_their_share(guided: Screen) -> None:
    pane = guided.page.locator("#bs-pane-a").bounding_box()
    assert pane is not None
    guided.page.mouse.move(pane["x"] + 50, pane["y"] + 100)
    guided.page.mouse.wheel(0, 400)
    guided.page.wait_for_function(f"{TOPS}.every((top) => top > 0)")
    left, right = guided.page.evaluate(SHARES)
    assert left == pytest.approx(right, abs=0.01)
    tops = guided.page.evaluate(TOPS)
    assert max(tops) > 2 * min(tops)
    guided.keys("End")
    assert guided.page.evaluate(SHARES) == pytest.approx([1, 1], abs=0.01)
    guided.keys("Home")
    assert guided.page.evaluate(TOPS) == [0, 0]
    guided.keys("j", "Space")
    left, right = guided.page.evaluate(SHARES)
    assert left == pytest.approx(right, abs=0.01)
    assert left > 0


def test_l_unlinks_and_stays_so(guided: Screen) -> None:
    assert guided.page.get_attribute("#bs-linked", "aria-pressed") == "true"
    guided.keys("Home", "l")
    assert guided.page.get_attribute("#bs-linked", "aria-pressed") == "false"
    guided.page.hover("#bs-pane-b .bs-head")
    guided.keys("Space")
    guided.page.wait_for_timeout(100)
    left, right = guided.page.evaluate(TOPS)
    assert (left, right > 100) == (0, True)
    guided.press("3")
    assert guided.page.evaluate(TOPS) == [0, 0]
    guided.open()
    assert guided.page.get_attribute("#bs-linked", "aria-pressed") == "false"
    guided.page.click("#bs-linked")
    guided.keys("End")
    assert guided.page.evaluate(SHARES) == pytest.approx([1, 1], abs=0.01)


def test_what_is_left_below_is_told_until_the_end(guided: Screen) -> None:
    rest: Any = "(p) => Math.round(100 * (1 - (p.scrollTop + p.clientHeight) / p.scrollHeight))"
    panes = guided.page.locator(".bs-pane")
    shares = [panes.nth(i).evaluate(rest) for i in range(2)]
    assert guided.page.locator(BELOW).all_inner_texts() == [f"{share}% more below" for share in shares]
    guided.keys("Space")
    fewer = [panes.nth(i).evaluate(rest) for i in range(2)]
    assert guided.page.locator(BELOW).all_inner_texts() == [f"{share}% more below" for share in fewer]
    assert fewer[0] < shares[0]
    guided.keys("End")
    assert guided.page.locator(BELOW).all_inner_texts() == ["", ""]
    guided.press("3")
    assert guided.page.locator(BELOW).all_inner_texts() == [f"{share}% more below" for share in shares] or set(
        guided.page.locator(BELOW).all_inner_texts()
    ) == {f"{share}% more below" for share in shares}


def test_scrollbars_are_dark_where_the_page_is(browser: Browser, judging: dict[str, Page]) -> None:
    for scheme in ("light", "dark"):
        with screen(browser, judging["guided"].url, scheme=scheme) as page:
            page.open(f"bars {scheme}")
            found = page.page.evaluate("getComputedStyle(document.querySelector('.bs-prompt')).colorScheme")
            assert ("dark" in found) == (scheme == "dark")


def test_the_same_pair_shown_again_stays_where_it_was(guided: Screen) -> None:
    guided.keys("Space", "Space")
    before = guided.page.evaluate(TOPS)
    assert min(before) > 50
    guided.press("m")
    assert guided.page.evaluate(TOPS) == before
    guided.press("3")
    assert guided.page.evaluate(TOPS) == [0, 0]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (390, 844)])
def test_a_passing_word_hides_nothing_that_is_read(
    browser: Browser, judging: dict[str, Page], width: int, height: int
) -> None:
    with screen(browser, judging["plain"].url, width=width, height=height) as page:
        page.open(f"passing {width}")
        page.press("1")
        page.press("u")
        assert page.banner == "Undone. Judge this pair again."
        told = page.page.locator(".bs-passing").bounding_box()
        prompt = page.page.locator(".bs-prompt").bounding_box()
        assert told is not None
        assert prompt is not None
        assert told["y"] + told["height"] <= prompt["y"]
        # It lies before the header: what would be hit there, if it took clicks.
        page.page.add_style_tag(content=".bs-stage > .bs-passing { pointer-events: auto !important; }")
        hit = "([x, y]) => document.elementFromPoint(x, y).className"
        assert "bs-passing" in page.page.evaluate(hit, [told["x"] + told["width"] / 2, told["y"] + 8])
        # The comment's field is all on the page.
        page.page.locator("#bs-comment").click()
        field = page.page.locator("#bs-comment").bounding_box()
        assert field is not None
        assert field["x"] >= 0
        assert field["x"] + field["width"] <= width
        page.page.locator(".bs-passing").evaluate("(el) => el.getAnimations().forEach((shown) => shown.finish())")
        assert page.banner == ""
