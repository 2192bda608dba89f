"""report.html as a text: the figures of the other files, nothing that leads out of it, and the same bytes each time."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval.evidence.analysis import all_figures
from eval.report.pages.views import style
from eval.report.write_report import write_report
from eval.run import Run
from tests.evidence.full import REVIEWERS, make_full


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_full(tmp_path_factory.mktemp("file"), pairs=30)


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    write_report(run)
    return (run.report_folder / "report.html").read_text("utf-8")


def words(page: str) -> str:
    """What the file says, without its marks."""
    said = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", said)).split())


def test_every_figure_of_the_summary_is_there_as_report_md_has_it(run: Run, page: str) -> None:
    found, said = write_report(run), words(page)
    for figure in all_figures(found):
        row = " ".join(f"{figure.name} {figure.said} {figure.interval} {figure.n:,} {figure.unit}".split())
        assert row in said, row
    assert found.verdict.headline in said
    assert found.verdict.advice[1:] in said


def test_whatever_report_md_tells_the_file_tells(page: str) -> None:
    said = words(page)
    for told in (
        *REVIEWERS,
        "judge/large",
        "Replaced or withdrawn 1",
        "On answers that have changed since 1",
        "Left out before collecting: 0 duplicates",
        "Base: parity not checked; determinism not checked.",
        "engine embedded, temperature 0",
        "Must-pass passed",
        "margin of the implicit reward",
        "Bonferroni",
        "The prompt is the unit",
    ):
        assert told in said, told


def test_nothing_leads_out_of_the_file(page: str) -> None:
    assert re.findall(r"<(?:script|img|iframe|object|button|form)\b", page) == []
    assert re.findall(r"(?:src|srcset|action)=", page) == []
    hrefs = set(re.findall(r"href=\"([^\"]*)\"", page)) - {"data:,"}
    assert [href for href in hrefs if not re.fullmatch(r"#[a-z0-9-]+", href)] == []
    assert {href[1:] for href in hrefs} <= set(re.findall(r'id="([^"]+)"', page))
    assert re.findall(r"url\(|@import|http-equiv=\"refresh", page) == []
    assert "default-src 'none'" in page


def test_dark_goes_by_the_reader_and_not_by_a_class() -> None:
    assert style().count("(prefers-color-scheme: dark)") == 3
    assert ".dark" not in style()


def test_the_same_run_gives_the_same_bytes(run: Run, page: str) -> None:
    write_report(run)
    assert (run.report_folder / "report.html").read_text("utf-8") == page


def test_names_are_text(tmp_path: Path) -> None:
    made = make_full(tmp_path, pairs=6, reviewers=("<script>alert(1)</script>", 'a"b', "</style><a href=x>"))
    write_report(made)
    page = (made.report_folder / "report.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("</style>") == 1
    assert re.findall(r"<script\b", page) == []
    assert [href for href in links(page) if not re.fullmatch(r"data:,|#[a-z0-9-]+", href)] == []


def links(page: str) -> list[str]:
    """What the elements of a page lead to, as a browser reads them."""
    found: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value or "" for name, value in attrs if name == "href")

    Parser().feed(page)
    return found
