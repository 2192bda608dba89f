"""Pages while their figures are computed: what they show says how old it is, and nothing is computed twice."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eval.answers import read_answers
from eval.records import Pair
from eval.report.pages.live_snapshot import SnapshotSource
from eval.report.pages.page import show_page
from eval.run import Run
from tests.evidence.judged import record, verdict_on
from tests.judge.runs import make_run

BEHIND = 'id="rs-behind" role="status">'


def pairs_of(run: Run) -> list[Pair]:
    return read_answers(run.responses_path).pairs(run.prompts())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = make_run(tmp_path, n=4)
    record(run, [verdict_on(run, pairs_of(run)[0], "tie")])
    return run


def test_before_the_first_figures_a_page_says_so_and_then_has_them(run: Run) -> None:
    """Its prompts come out of a pipe, so that nothing is computed before the page was looked at."""
    kept = run.prompts_path.rename(run.folder / "kept.jsonl")
    os.mkfifo(run.prompts_path)
    source = SnapshotSource(run, patience=0)
    assert 'id="computing"' in show_page(run, source)
    assert source.stamp() == "none behind"
    with run.prompts_path.open("wb") as pipe:
        pipe.write(kept.read_bytes())
        kept.rename(run.prompts_path)
    source.current()
    assert "1 judgement of 1 prompt" in show_page(run, source)


def test_older_figures_are_shown_at_once_and_labelled_until_the_new_ones_are_there(run: Run) -> None:
    source = SnapshotSource(run, patience=0)
    source.current()
    before = source.stamp()
    assert BEHIND not in show_page(run, source)
    record(run, [verdict_on(run, pairs_of(run)[1], "tie")])
    page = show_page(run, source)
    assert ("1 judgement of 1 prompt" in page) == (BEHIND in page)
    source.current()
    page = show_page(run, source)
    assert "2 judgements of 2 prompts" in page
    assert BEHIND not in page
    assert source.stamp().split() != before.split()


def test_a_stamp_alone_makes_new_figures_be_computed(run: Run) -> None:
    source = SnapshotSource(run, patience=0)
    source.current()
    before = source.stamp()
    record(run, [verdict_on(run, pairs_of(run)[1], "tie")])
    while " " in (now := source.stamp()):
        time.sleep(0.05)
    assert now != before


def test_many_who_ask_at_once_share_one_computation(run: Run) -> None:
    source = SnapshotSource(run)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: source.current()[0], range(8)))
    assert len({id(one) for one in found}) == 1


def test_what_goes_wrong_behind_reaches_the_page_in_one_sentence(run: Run) -> None:
    source = SnapshotSource(run)
    kept = run.verdicts_path.read_bytes(), run.prompts_path.read_bytes()
    run.verdicts_path.write_bytes(kept[0].replace(b",tie,", b",draw,"))
    assert "verdicts.csv:2: outcome" in show_page(run, source)
    run.verdicts_path.write_bytes(kept[0])
    run.prompts_path.unlink()
    assert "The figures cannot be computed (FileNotFoundError" in show_page(run, source)
    run.prompts_path.write_bytes(kept[1])
    assert "1 judgement of 1 prompt" in show_page(run, source)
