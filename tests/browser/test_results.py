"""The results page in a real browser: what it says and draws, its lists, downloads, and its refresh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser

from eval.answers import read_answers
from eval.judge.store.verdict_files import in_force, read_verdicts
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


def test_a_page_whose_figures_are_under_way_asks_again_by_itself(page: Tab) -> None:
    page.open("?view=compare")
    page.page.evaluate("document.querySelector('.rs-page').dataset.stamp += ' computing'")
    page.page.wait_for_function("!document.querySelector('.rs-page').dataset.stamp.includes('computing')")


def test_the_headline_says_rate_interval_n_and_words(page: Tab) -> None:
    page.open()
    assert re.search(
        r"\d\d\.\d%\s+Win rate of the tuned model\s+95% interval \d\d\.\d% to \d\d\.\d% · n = \d+ prompts", page.text
    )
    assert "people prefer the tuned model" in page.text
    assert BASE_NAME in page.text
    assert TUNED_NAME in page.text


def test_nine_conditions_stand_under_the_headline_each_with_mark_figure_and_link(page: Tab) -> None:
    page.open()
    marks = page.page.locator(".rs-mark")
    assert marks.count() == 9
    for mark in marks.all():
        assert mark.locator(".rs-sign").inner_text() in "✓!✕–"
        assert mark.locator(".rs-mark-figure").inner_text()
        href = mark.get_attribute("href") or ""
        assert href.startswith("?") or page.page.locator(href).count() == 1, href
    page.page.click(".rs-mark >> text=Equal length")
    page.page.wait_for_function("document.querySelector('#length').getBoundingClientRect().top < innerHeight")


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
        ("Reviewers disagree", "agreement=disagreement"),
        ("Base was better", "verdict=base"),
    ):
        card = page.page.locator("#lists .rs-card", has_text=title).first
        total = card.locator(".rs-count").inner_text()
        page.click(f"#lists a[href*='{verdict}']")
        assert page.count == f"{total} of 250"
        assert page.page.input_value(f"#rs-{verdict.partition('=')[0]}") == verdict.partition("=")[2]
        page.back()
    page.click("#lists .rs-excerpt a >> nth=0")
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


def test_no_verdict_then_one_appears_without_a_reload(browser: Browser, nobody: tuple[Run, Results]) -> None:
    run, server = nobody
    with tab(browser, server.url) as page:
        page.open()
        assert "No verdicts yet" in page.text
        assert page.page.locator(".rs-big").count() == 0
        page.page.evaluate("window.same = true")
        page.page.click(".rs-fold summary, details.rs-card summary >> nth=0")
        pair = read_answers(run.responses_path).pairs(run.prompts())[0]
        record(run, [verdict_on(run, pair, "tuned", comment="fine")])
        page.page.wait_for_selector("text=1 judgement of 1 prompt by 1 reviewer")
        assert page.page.evaluate("window.same")
        assert page.page.locator("details.rs-card[open]").count() == 1
        assert "95% interval insufficient" in page.text
        with page.page.expect_download() as waiting:
            page.page.click(".rs-downloads a[href*=resolved]")
        assert len(pd.read_csv(waiting.value.path())) == 1
        assert page.problems == []


def test_a_lost_server_is_told_and_so_is_its_return(browser: Browser, tmp_path: Path) -> None:
    run = make_run(tmp_path, n=3)
    with results_of(run) as server, tab(browser, server.url) as page:
        page.open()
        server.process.kill()
        server.process.wait()
        page.page.wait_for_selector("#rs-lost:visible")
        assert "The server does not answer" in page.page.inner_text("#rs-lost")
        with results_of(run, port=int(server.url.rsplit(":", 1)[1])):
            page.page.wait_for_selector("#rs-lost", state="hidden")


def test_the_language_is_the_readers_and_can_be_switched(browser: Browser, server: Results) -> None:
    with tab(browser, server.url, locale="zh-CN") as page:
        page.open("?view=browse&verdict=base")
        assert "全部提问" in page.text or "浏览" in page.text
        page.click(".rs-language")
        assert page.address == "?view=browse&verdict=base"
        assert "Browse" in page.text
        page.open("?item=hidden-item-0003")
        assert "All prompts" in page.text
        assert page.problems == []


def test_t_opens_the_tables_behind_the_pictures(page: Tab) -> None:
    page.open()
    tables = page.page.locator("details.rs-data")
    page.page.keyboard.press("t")
    assert page.page.locator("details.rs-data[open]").count() == tables.count() > 4
    page.page.keyboard.press("t")
    assert page.page.locator("details.rs-data[open]").count() == 0
    page.page.focus("#categories summary")
    page.page.keyboard.press("t")
    assert page.page.locator("details.rs-data[open]").count() == 1


def test_a_click_on_a_bar_opens_browse_with_its_filter(page: Tab) -> None:
    page.open()
    page.click("#categories svg a >> nth=0")
    assert page.page.input_value("#rs-category") == "code"
    assert int(page.count.split()[0]) == 62
    page.open()
    page.click("#length svg a >> nth=0")
    assert "length=" in page.address
    assert 0 < int(page.count.split()[0]) < 250


def test_a_reviewer_can_be_left_out_and_the_figures_move(page: Tab) -> None:
    page.open()
    rate = page.page.inner_text(".rs-big")
    page.click(".rs-people tr >> nth=1 >> text=Leave out")
    card = page.page.locator("#what-if")
    assert "What if" in card.inner_text()
    now, then = card.locator("tbody tr").first.locator("td").all_inner_texts()
    assert now.split()[0] != then.split()[0]
    assert page.page.inner_text(".rs-big") == rate
    page.page.click("#what-if a")
    assert page.page.locator("#what-if").count() == 0


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
