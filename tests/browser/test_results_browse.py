"""Browse in a real browser: search, filters, pages, one pair, and links that can be shared."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from eval.answers import read_answers
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.run import Run
from tests.browser.results_tab import Tab, tab
from tests.evidence.results_server import Results, results_of
from tests.judge.runs import BASE_NAME, TUNED_NAME, make_run

pytestmark = pytest.mark.browser


def test_search_filters_and_pages_are_in_the_address(run: Run, page: Tab) -> None:
    page.open("?view=browse")
    assert page.count == "250 of 250"
    assert len(page.rows) == 100
    assert all(len(row) <= 90 for row in page.rows)
    page.click("text=Next >> nth=0")
    page.click("text=Next >> nth=0")
    assert len(page.rows) == 50
    assert page.address == "?view=browse&page=3"
    page.page.fill("#rs-q", "boat")
    page.press("Enter")
    boats = sum("boat" in asked.messages[-1].content for asked in run.prompts())
    assert page.count == f"{boats} of 250"
    page.choose("reviewer", "李雷")
    page.choose("verdict", "tuned")
    page.choose("category", "code")
    rows = [row for row in in_force(read_verdicts(run.verdicts_path)) if row.reviewer == "李雷"]
    boat = {asked.id for asked in run.prompts() if "boat" in asked.messages[-1].content}
    wanted = [row for row in rows if row.outcome == "tuned" and row.category == "code" and row.item in boat]
    assert page.count == f"{len(wanted)} of 250"
    address = page.address
    page.open(address)
    assert page.count == f"{len(wanted)} of 250"
    page.click("text=Clear the filters")
    assert page.count == "250 of 250"
    page.back()
    assert page.address == address
    assert page.count == f"{len(wanted)} of 250"


def test_further_filters_sorting_and_keys(page: Tab) -> None:
    page.open("?view=browse")
    page.page.click("text=More filters")
    page.choose("length", "half")
    assert "length=half" in page.address
    page.choose("sort", "ratio")
    assert "sort=ratio" in page.address
    assert "The tuned answer is: at most half as long" in page.text
    first, second = (page.page.locator(".rs-list tbody a").nth(at) for at in (0, 1))
    names = [one.inner_text() for one in (first, second)]
    page.page.keyboard.press("j")
    page.page.keyboard.press("j")
    page.page.keyboard.press("k")
    assert page.page.evaluate("document.activeElement.textContent") == names[0]
    page.press("Enter")
    item = page.page.inner_text("h1")
    page.press("j")
    assert page.page.inner_text("h1") != item
    page.press("k")
    assert page.page.inner_text("h1") == item
    page.open("?view=browse")
    page.page.keyboard.press("/")
    page.page.keyboard.type("jk t")
    assert page.page.input_value("#rs-q") == "jk t"


def test_nothing_found_says_so(page: Tab) -> None:
    page.open("?view=browse&q=no+such+words")
    assert page.count == "0 of 250"
    assert "Nothing found" in page.text


def test_an_item_names_both_answers_and_tells_all_verdicts(run: Run, page: Tab) -> None:
    pair = next(pair for pair in read_answers(run.responses_path).pairs(run.prompts()) if not pair.identical)
    rows = [row for row in in_force(read_verdicts(run.verdicts_path)) if row.item == pair.prompt_id]
    page.open(f"?item={pair.prompt_id}")
    panes = page.page.locator(".rs-pane").all_inner_texts()
    assert [BASE_NAME in panes[0], TUNED_NAME in panes[1]] == [True, True]
    assert "short and clear." in panes[1]
    assert page.page.locator(".rs-verdicts tbody tr").count() == len(rows)
    page.click(".rs-segments >> text=Plain text")
    assert "short and **clear**." in page.page.inner_text(".rs-pane >> nth=1")
    assert page.address.endswith("show=raw")
    page.click(".rs-segments >> text=Formatted")
    page.click("a[rel=next]")
    assert page.page.inner_text("h1") == "hidden-item-0001"


def test_differences_are_marked_where_there_is_something_in_common(browser: Browser, tmp_path: Path) -> None:
    run = make_run(
        tmp_path, answers=[("The house is red today.", "The house is blue today."), ("abc", "something else")]
    )
    with results_of(run) as server, tab(browser, server.url) as page:
        page.open("?item=hidden-item-0000&show=differences")
        assert page.page.locator("mark").all_inner_texts() == ["red ", "blue "]
        page.open("?item=hidden-item-0001&show=differences")
        assert page.page.locator("mark").count() == 0
        assert "too little in common" in page.text


def test_a_link_to_an_item_can_be_copied_and_shared(browser: Browser, server: Results) -> None:
    with tab(browser, server.url) as page:
        page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.open("?item=hidden-item-0003&view=browse&q=boat&show=raw")
        page.page.click("text=Copy link")
        page.page.wait_for_selector("text=Copied")
        link = page.page.evaluate("navigator.clipboard.readText()")
        page.page.context.clear_permissions()
    assert link == f"{server.url}/?item=hidden-item-0003"
    with tab(browser, server.url) as page:
        page.page.goto(link)
        page.page.wait_for_selector("h1:has-text('hidden-item-0003')")


def test_an_unknown_item_says_so_and_shows_its_name_as_text(page: Tab) -> None:
    page.open("?item=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E")
    assert "No such prompt" in page.text
    assert "<img src=x onerror=alert(1)>" in page.text
    page.click("text=Browse all prompts")
    assert page.count == "250 of 250"


def test_the_header_stays_while_the_page_scrolls(page: Tab) -> None:
    page.open("?view=browse")
    page.page.evaluate("scrollTo(0, 2000)")
    box = page.page.locator(".rs-top").bounding_box()
    assert box is not None
    assert round(box["y"]) == 0


def test_going_back_returns_to_where_the_list_was(page: Tab) -> None:
    page.open("?view=browse")
    page.page.evaluate("scrollTo(0, 2000)")
    page.click(".rs-list tbody tr:nth-child(60) a")
    page.back()
    page.page.wait_for_function("scrollY > 1500")
