"""What the pictures draw: every number stands in the table behind, links filter, foreign text stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from eval.report.pages.browse import find
from eval.report.pages.drawing import Link, Picture, cut
from eval.report.pages.figures import findings
from eval.report.pages.query import parse_query
from eval.report.pages.snapshot import Snapshot, read_snapshot
from eval.report.pages.standalone import OPEN, picture_files
from eval.report.pages.words import words
from tests.evidence.judged import make_judged
from tests.evidence.test_report_foreign import HOSTILE, judged_run
from tests.judge.test_render import Audit
from tests.report.rich import REVIEWERS, STUDY, make_rich

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return read_snapshot(make_rich(tmp_path_factory.mktemp("pictures")))


@pytest.fixture(scope="module")
def pictures(snapshot: Snapshot) -> dict[str, Picture]:
    return {one.key: one for section in findings(snapshot, words("en")).sections for one in section.pictures}


def hrefs(picture: Picture) -> Iterator[str]:
    yield from (value or "" for name, value in Audit(str(picture.svg)).attributes if name == "href")
    yield from (cell.href for row in picture.rows for cell in row if isinstance(cell, Link) and cell.href)


def test_all_that_is_asked_for_is_drawn_with_a_table_behind(pictures: dict[str, Picture]) -> None:
    asked = {"time", "prompts", "categories", "length", "seconds", "agreement", "tags", "criteria", "traits", "place"}
    assert asked <= set(pictures)
    for picture in pictures.values():
        assert picture.rows
        assert {len(row) for row in picture.rows} == {len(picture.head)}, picture.key
        assert picture.spoken.startswith(picture.title)


def test_the_line_over_time_ends_at_the_figures_of_the_verdict(
    snapshot: Snapshot, pictures: dict[str, Picture]
) -> None:
    test = snapshot.whole.verdict.progress
    last = pictures["time"].rows[-1]
    assert last[0] == f"{test.n:,}"
    assert last[1] == f"{test.estimate.value:.1%}"
    assert last[2] == f"{test.low:.1%} – {test.high:.1%}"
    assert f"could have stopped at {test.first}" in pictures["time"].note
    assert "rs-line-plan" in pictures["time"].svg
    assert "rs-line-stop" in pictures["time"].svg


def test_the_strip_has_every_verdict_once(snapshot: Snapshot, pictures: dict[str, Picture]) -> None:
    rows = pictures["prompts"].rows
    assert len(rows) == len(snapshot.table.items)
    counted = sum(int(cell) for row in rows for cell in row[1:] if isinstance(cell, str))
    assert counted == len(snapshot.counted)


def test_many_prompts_are_drawn_as_bins(tmp_path: Path) -> None:
    found = findings(read_snapshot(make_judged(tmp_path, pairs=600)), words("en"))
    strip = next(one for section in found.sections for one in section.pictures if one.key == "prompts")
    assert len(strip.rows) == 140
    assert "about 4 prompts" in strip.note


def test_what_grey_means_is_said_where_something_is_grey(pictures: dict[str, Picture], tmp_path: Path) -> None:
    found = findings(read_snapshot(make_judged(tmp_path, pairs=12)), words("en"))
    few = next(one for section in found.sections for one in section.pictures if one.key == "categories")
    for picture, grey in ((pictures["categories"], False), (few, True)):
        assert ("rs-fill-few" in picture.svg, "Grey:" in picture.note) == (grey, grey)


def test_every_link_of_a_picture_finds_what_it_says(snapshot: Snapshot, pictures: dict[str, Picture]) -> None:
    for picture in pictures.values():
        for href in hrefs(picture):
            query = parse_query(href)
            assert query.href() == href, picture.key
            assert query.item in snapshot.by_id if query.item else find(snapshot, query), href
    tagged = set(hrefs(pictures["tags"]))
    assert {f"?view=browse&tag={side}%3A{tag}" for side in ("tuned",) for tag in STUDY.tags} <= tagged


def test_every_reviewer_has_a_line_and_a_cell(pictures: dict[str, Picture]) -> None:
    for name in REVIEWERS:
        assert name in pictures["seconds"].spoken
        assert name in pictures["agreement"].spoken
    assert len(pictures["agreement"].rows) == 3


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE.keys())
def test_foreign_names_are_text_in_every_picture_and_in_its_file(word: str, tmp_path: Path) -> None:
    evil, calm = (read_snapshot(judged_run(tmp_path / name, said)) for name, said in (("e", word), ("c", "name")))
    pages = [
        {one.key: Audit(str(one.svg)) for section in findings(each, words("en")).sections for one in section.pictures}
        for each in (evil, calm)
    ]
    for key, page in pages[0].items():
        assert page.tags == pages[1][key].tags, key
        assert {name for name, _ in page.attributes} == {name for name, _ in pages[1][key].attributes}
    for text in picture_files(evil).values():
        tree = ElementTree.fromstring(text)
        kinds = {element.tag.removeprefix(SVG) for element in tree.iter()}
        assert kinds <= {"svg", "title", "style", "rect", "text", "g", "line", "polyline", "polygon", "circle"}
        attributes = {name for element in tree.iter() for name in element.attrib}
        assert not [name for name in attributes if name.startswith("on") or "href" in name]
        assert not re.search(r"@import|url\(", text)


def test_a_file_holds_no_reviewers_name(snapshot: Snapshot) -> None:
    files = picture_files(snapshot)
    assert set(files) == {f"picture-{key}.svg" for key in OPEN}
    assert not [name for name in REVIEWERS if any(name in text for text in files.values())]


def test_a_label_is_cut_by_columns() -> None:
    assert cut("short", 10) == "short"
    assert cut("a\n b", 10) == "a b"
    assert cut("x" * 20, 10) == "x" * 9 + "…"
    assert cut("算" * 20, 10) == "算" * 4 + "…"
