"""Texts that are long, empty or badly behaved where people and engineers read them: nothing overflows, all is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from eval.answers import read_answers
from eval.judge.study.study import Study
from eval.records import SIDES, Message, Prompt
from eval.report.write_report import write_report
from eval.run import Run
from tests.browser.results_tab import tab
from tests.browser.screen import screen
from tests.browser.servers import Page, job, served_together
from tests.evidence.judged import record, verdict_on
from tests.evidence.results_server import results_of
from tests.judge.runs import make_run_of, response

pytestmark = pytest.mark.browser

LONG = "warm" * 40
STUDY = Study.model_validate(
    {
        "question": f"Which is {LONG}?",
        "criteria": [{"name": "tone", "question": f"How {LONG}?", "scale": {"a": {"en": LONG}, "b": {"en": "cold"}}}],
        "tags": {LONG[:60]: None},
        "practice": 0,
        "overlap": 100,
    }
)
WIDE, HIGH = 390, 844
#: What reaches beyond the right edge of what holds it.
BEYOND = """(where) => Array.from(document.querySelectorAll(where)).filter((el) => el.checkVisibility() &&
  el.getBoundingClientRect().right > el.closest(".bs-card, .bs-form, .bs-bar").getBoundingClientRect().right + 1)
  .map((el) => el.className || el.tagName)"""
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


def make(folder: Path) -> Run:
    """An empty prompt, and one after a system prompt of ten thousand characters."""
    talks = (
        (Message(role="user", content=" "),),
        (Message(role="system", content="You are careful. " * 600), Message(role="user", content="Which?")),
    )
    prompts = [Prompt(id=f"talk-{n}", messages=messages) for n, messages in enumerate(talks)]
    rows = [response(asked, side, f"{asked.id} by {side}") for asked in prompts for side in SIDES]
    return make_run_of(folder, prompts, rows)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with served_together([job(make(tmp_path_factory.mktemp("difficult")), STUDY)]) as pages:
        yield pages[0]


def test_long_words_stay_in_their_boxes_and_an_empty_prompt_says_so(browser: Browser, served: Page) -> None:
    with screen(browser, served.url, width=WIDE, height=HIGH, touch=True) as page:
        page.open()
        assert page.page.evaluate(BEYOND, ".bs-card h2, .bs-also li") == []
        page.page.fill("#bs-name", "long words")
        page.press("Enter")
        questions = set()
        for _ in range(2):
            assert page.page.evaluate(BEYOND, ".bs-option > span, .bs-row-words, .bs-question") == []
            assert not page.page.evaluate(SIDEWAYS)
            questions.add(page.question)
            page.press("1")
        assert questions == {"This message is empty.", "Which?"}


def test_the_results_fold_what_is_long_and_show_what_is_unseen(browser: Browser, tmp_path: Path) -> None:
    run = make(tmp_path)
    pairs = read_answers(run.responses_path).pairs(run.prompts())
    said = [("x" * 4000, "\u202eann"), ("x" * 4000, "bob")]
    record(run, [verdict_on(run, pair, "tie", comment=c, reviewer=who) for pair in pairs for c, who in said])
    run.verdicts_path.write_text(run.verdicts_path.read_text("utf-8").replace(",3.5,", ",9.5,", 1), "utf-8")
    write_report(run)
    with results_of(run) as server, tab(browser, server.url, width=WIDE, height=HIGH) as page:
        for where in (server.url, (run.report_folder / "report.html").as_uri()):
            page.page.goto(where)
            assert "verdicts.csv is not as it was saved" in page.text
            assert "\u202e" not in page.page.inner_text(".bs-alarm")
            assert "\\u202eann" in page.page.inner_text(".bs-alarm")
            assert not page.page.evaluate(SIDEWAYS)
        page.open("?item=talk-0")
        assert page.page.inner_text(".rs-prompt") == "This message is empty."
        page.open("?item=talk-1")
        assert page.page.is_hidden(".rs-system .bs-plain")
        page.page.click(".rs-system summary")
        assert page.page.inner_text(".rs-system .bs-plain").startswith("You are careful.")
