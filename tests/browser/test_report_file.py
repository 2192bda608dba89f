"""report.html in a browser: a file that asks for nothing, light and dark, on a phone and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from eval.answers import read_answers
from eval.report.write_report import write_report
from tests.browser.audit import picture, violations
from tests.browser.fresh import profile
from tests.evidence.full import REVIEWERS, make_full
from tests.evidence.judged import make_judged, record, verdict_on
from tests.judge.runs import make_run
from tests.judge.test_render import HOSTILE

pytestmark = pytest.mark.browser

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
PAPER, INK, NIGHT = "rgb(255, 255, 255)", "rgb(27, 31, 39)", "rgb(16, 19, 24)"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = make_full(tmp_path_factory.mktemp("report"))
    write_report(run)
    return run.report_folder / "report.html"


@contextmanager
def opened(browser: Browser, path: Path, **options: Any) -> Iterator[tuple[Page, list[str]]]:
    """The file in a fresh profile, and all that it asked for or complained of but itself."""
    with profile(browser, **options) as context:
        page, told = context.new_page(), list[str]()
        page.on("request", lambda request: told.append(request.url))
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.goto(path.as_uri())
        assert told.pop(0) == path.as_uri()
        yield page, told


@pytest.mark.parametrize("look", LOOKS)
def test_it_asks_for_nothing_and_is_accessible(browser: Browser, report: Path, look: str) -> None:
    with opened(browser, report, **LOOKS[look]) as (page, told):
        picture(page, f"report-{look}")
        assert told == []
        assert violations(page, everything=look == "light") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (colour == NIGHT) == (look == "dark")
        assert page.locator("script, iframe, img, object, button, form").count() == 0


def test_it_needs_no_script(browser: Browser, report: Path) -> None:
    with opened(browser, report, java_script_enabled=False) as (page, _):
        seen = page.inner_text("main")
    for words in (
        "Win rate of the tuned model",
        "Every figure",
        "By category",
        "Agreement of each two reviewers",
        *REVIEWERS,
    ):
        assert words in seen


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_is_light_and_no_text_lies_over_another(
    browser: Browser, report: Path, tmp_path: Path, scheme: Any
) -> None:
    with opened(browser, report, color_scheme=scheme) as (page, told):
        page.set_viewport_size({"width": 700, "height": 1000})
        page.emulate_media(media="print", color_scheme=scheme)
        for what in ("body", ".rs-card"):
            assert page.locator(what).first.evaluate("(el) => getComputedStyle(el).backgroundColor") == PAPER
        assert page.locator(".rs-card").first.evaluate("(el) => getComputedStyle(el).color") == INK
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        # A grid that breaks over two pages is drawn over itself: what breaks must be a block.
        shown = page.locator(".rs-main, .rs-section, .rs-card").evaluate_all(
            "(all) => all.map((el) => getComputedStyle(el).display)"
        )
        assert set(shown) == {"block"}
        pdf = page.pdf(path=tmp_path / "report.pdf", format="A4")
        assert told == []
    assert pdf.startswith(b"%PDF")
    assert 5 <= len(re.findall(rb"/Type /Page\b", pdf)) <= 15


def test_a_pair_of_a_list_opens_in_the_file(browser: Browser, report: Path) -> None:
    with opened(browser, report) as (page, told):
        page.click("#lists .rs-excerpt a >> nth=0")
        assert page.locator("details.rs-held[open] .rs-whole:target .rs-pane:visible").count() == 2
        assert told == []
    assert report.stat().st_size < 2_000_000


def test_a_report_of_nothing_is_a_page_too(browser: Browser, tmp_path: Path) -> None:
    run = make_judged(tmp_path, pairs=5, reviewers=())
    write_report(run)
    with opened(browser, run.report_folder / "report.html", **LOOKS["phone"]) as (page, told):
        assert "No verdicts yet" in page.inner_text("main")
        assert violations(page) == []
        assert told == []


def test_hostile_texts_run_nothing(browser: Browser, tmp_path: Path) -> None:
    texts = [text for text in HOSTILE.values() if text.strip("\u200b")]
    run = make_run(tmp_path, answers=[(text, f"{text} ") for text in texts])
    pairs = read_answers(run.responses_path).pairs(run.prompts())
    said = [pair.base.text[:2000].replace("\0", "") for pair in pairs]
    rows = [verdict_on(run, pair, "tie", comment=one) for pair, one in zip(pairs, said, strict=True)]
    names = [f"<b onclick=x>{number}</style><a href=javascript:x>" for number in range(len(rows))]
    record(run, [row.model_copy(update={"reviewer": name}) for row, name in zip(rows, names, strict=True)])
    write_report(run)
    with opened(browser, run.report_folder / "report.html") as (page, told):
        assert told == []
        assert page.locator("main :is(script, style, img, iframe, object, [onclick], a:not([href^='#']))").count() == 0
        assert page.locator("main svg:not(.rs-svg, .rs-key), main .bs-text svg").count() == 0
        assert names[0] in page.inner_text(".rs-people")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
