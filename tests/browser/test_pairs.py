"""The page of a pair file in a real browser: leaf through, filter, search, compare."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.audit import violations
from tests.browser.fresh import profile
from tests.judge.asking import ask
from tests.support import ROOT

pytestmark = pytest.mark.browser

_SERVE = """
import sys
from pathlib import Path
from eval.report.pairs.page import serve
serve(Path(sys.argv[1]), port=0, open_browser=False)
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    rows = [
        {
            "messages": [{"role": "user", "content": f"Question {n}: which is the capital?"}],
            "chosen": f"The capital is Zagreb, number {n}.",
            "rejected": f"The capital is Split, number {n}." + " And so on." * (n % 2),
        }
        for n in range(5)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-c", _SERVE, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip().removeprefix("Pairs at ")
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    wrong: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            wrong.append(request.url)

    with profile(browser) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", asked)
        page.goto(address)
        expect(page.get_by_text("Pair 1 of 5")).to_be_visible()
        yield page
        assert wrong == []


def test_a_reader_leafs_filters_searches_and_compares(page: Page) -> None:
    expect(page.get_by_role("region", name="Chosen")).to_contain_text("The capital is Zagreb, number 0.")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Pair 2 of 5")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_text("Pair 3 of 5")).to_be_visible()
    page.keyboard.press("k")
    page.get_by_role("link", name="Previous").click()
    expect(page.get_by_text("Pair 1 of 5")).to_be_visible()
    page.get_by_role("link", name="Differences").click()
    expect(page.get_by_role("region", name="Rejected").locator("mark")).to_have_text("Split")
    page.get_by_label("Filter").select_option("Chosen is longer")
    expect(page.get_by_text("Pair 1 of 3")).to_be_visible()
    page.get_by_label("Search").fill("question 4")
    page.get_by_label("Search").press("Enter")
    expect(page.get_by_text("Pair 1 of 1")).to_be_visible()
    expect(page.get_by_role("region", name="The conversation")).to_contain_text("Question 4")
    expect(page.get_by_role("figure")).to_contain_text("Chosen is the longer one in 1 of 1.")
    assert violations(page) == []


def test_another_website_and_what_no_page_needs_are_refused(address: str) -> None:
    assert ask(address, host="pairs.evil.test").status == 403
    assert ask(address, "POST", "/", headers={"origin": "http://evil.test"}, body="{}").status == 403
    assert ask(address, path="/gradio_api/upload").status == 404
