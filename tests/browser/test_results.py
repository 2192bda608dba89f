"""The results page in a real browser: what it says and draws, its lists, downloads, and its refresh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser

from eval.answers import read_answers
from eval.judge.store import in_force, read_verdicts
from eval.run import Run
from tests.browser.results_tab import Tab, tab
from tests.evidence.judged import make_judged, record, verdict_on
from tests.evidence.results_server import Results, results_of
from tests.judge.runs import BASE_NAME, TUNED_NAME, make_run
from tests.judge.server import served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Results]]:
    run = make_judged(tmp_path_factory.mktemp("nobody"), pairs=20, reviewers=())
    with results_of(run) as server:
        yield run, server


def test_the_headline_says_rate_interval_n_and_words(page: Tab) -> None:
    page.open()
    assert re.search(
        r"\d\d\.\d%\s+Win rate of the tuned model\s+95% interval \d\d\.\d% to \d\d\.\d% · n = \d+ prompts", page.text
    )
    assert "people prefer the tuned model" in page.text
    assert BASE_NAME in page.text
    assert TUNED_NAME in page.text
    track, dot = (page.page.locator(f".rs-wide {one}").bounding_box() for one in (".rs-track", ".rs-dot"))
    assert track is not None
    assert dot is not None
    share = (dot["x"] + dot["width"] / 2 - track["x"]) / track["width"]
    said = float(page.page.inner_text(".rs-big").removesuffix("%")) / 100
    assert share == pytest.approx(said, abs=0.005)


def test_the_bar_has_the_verdicts_lengths(run: Run, page: Tab) -> None:
    page.open()
    counts = pd.Series([row.outcome for row in in_force(read_verdicts(run.verdicts_path))]).value_counts()
    whole = page.page.locator(".rs-bar").bounding_box()
    assert whole is not None
    for outcome, count in counts.items():
        part = page.page.locator(f".rs-part.rs-is-{outcome}").bounding_box()
        assert part is not None
        assert part["width"] / whole["width"] == pytest.approx(count / counts.sum(), abs=0.01)
    label = page.page.get_attribute(".rs-bar", "aria-label") or ""
    assert f"Tuned is better {counts['tuned']}, Tie {counts['tie']}, Both bad {counts['both_bad']}" in label


def test_lists_lead_to_browse_and_to_a_pair(page: Tab) -> None:
    page.open()
    for title, verdict in (
        ("Reviewers disagree", "disagreement"),
        ("Base was better", "base"),
        ("Comments", "comment"),
    ):
        card = page.page.locator(".rs-lists .rs-card", has_text=title).first
        total = card.locator(".rs-count").inner_text()
        page.click(f".rs-lists a[href*='verdict={verdict}']")
        assert page.count == f"{total} of 250"
        assert page.page.input_value("#rs-verdict") == verdict
        page.back()
    page.click(".rs-excerpt a >> nth=0")
    assert re.match(r"hidden-item-\d{4}", page.page.inner_text("h1"))
    assert page.address.startswith("?item=hidden-item-")


def test_downloads_open_in_pandas(run: Run, page: Tab, tmp_path: Path) -> None:
    page.open()
    saved = {}
    for name in ("verdicts", "resolved"):
        with page.page.expect_download() as waiting:
            page.page.click(f".rs-downloads a[href*='{name}']")
        saved[name] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(saved[name])
    assert [path.name for path in saved.values()] == ["trial-verdicts.csv", "trial-resolved.csv"]
    assert saved["verdicts"].read_bytes() == run.verdicts_path.read_bytes()
    rows = in_force(read_verdicts(run.verdicts_path))
    assert pd.read_csv(saved["resolved"])["verdict_id"].tolist() == [row.verdict_id for row in rows]


def test_no_verdict_then_one_after_a_refresh(browser: Browser, nobody: tuple[Run, Results]) -> None:
    run, server = nobody
    with tab(browser, server.url) as page:
        page.open()
        assert "No verdicts yet" in page.text
        assert page.page.locator(".rs-big").count() == 0
        first = page.page.get_attribute(".rs-asof time", "datetime")
        pair = read_answers(run.responses_path).pairs(run.prompts())[0]
        record(run, [verdict_on(run, pair, "tuned", comment="fine")])
        page.click("text=Refresh")
        assert page.page.get_attribute(".rs-asof time", "datetime") != first
        assert "1 judgement of 1 prompt by 1 reviewer" in page.text
        assert "95% interval insufficient" in page.text
        assert page.page.evaluate("document.activeElement.textContent") == "Refresh"
        with page.page.expect_download() as waiting:
            page.page.click(".rs-downloads a[href*=resolved]")
        assert len(pd.read_csv(waiting.value.path())) == 1
        assert page.problems == []


def test_a_lost_server_is_told(browser: Browser, tmp_path: Path) -> None:
    with results_of(make_run(tmp_path, n=3)) as server, tab(browser, server.url) as page:
        page.open()
        server.process.kill()
        server.process.wait()
        page.page.click("text=Browse")
        page.page.wait_for_selector("#rs-lost:visible")
        assert "The server does not answer" in page.page.inner_text("#rs-lost")


def test_the_judging_page_serves_none_of_it(browser: Browser, run: Run) -> None:
    with served(run) as judging, tab(browser, judging.url) as page:
        for path in ("/download/verdicts.csv", "/download/resolved.csv"):
            answer = page.page.request.get(judging.url + path)
            assert answer.status == 404
        page.page.goto(f"{judging.url}/?item=hidden-item-0003")
        page.page.wait_for_selector("#bs-welcome")
        assert page.page.locator(".rs-page").count() == 0
        assert TUNED_NAME not in page.page.content()


def test_the_server_ends_on_a_signal(tmp_path: Path) -> None:
    with results_of(make_run(tmp_path, n=3)) as server:
        assert server.end() == (0, "ended\n")
