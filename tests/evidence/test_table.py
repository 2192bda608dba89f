"""The table of judgements: what enters it, what does not and why, and what it knows of each row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.answers import read_answers
from eval.evidence.build_judgements import changed_by_spreadsheet, read_table
from eval.evidence.judgements import TIE, TUNED, of_arrays, positions, word_count
from eval.records import Verdict
from eval.run import Run
from tests.judge.runs import make_run
from tests.judge.verdicts import verdict_store
from tests.support import judged


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, answers=[("one two three", "短い答え"), ("same", "same"), ("a", "b c")])


def rows(run: Run) -> list[Verdict]:
    return [judged(run, pair) for pair in read_answers(run.responses_path).pairs(run.prompts())]


def test_gold_and_repeated_pairs_are_about_reviewers_and_counted(run: Run) -> None:
    first, _, third = rows(run)
    store = verdict_store(run)
    for row in (
        first,
        third.model_copy(update={"left": "tuned", "seconds": 7.5, "outcome": "tie"}),
        first.model_copy(update={"verdict_id": "again", "kind": "repeat", "left": "tuned"}),
        first.model_copy(update={"verdict_id": "known", "kind": "gold", "item": "gold:1"}),
    ):
        store.append(row)
    table, kept = read_table(run)
    assert [row.item for row in kept] == list(table.items)
    assert table.excluded == {
        "gold pairs (the answer is known)": 1,
        "repeated pairs (asked again, sides swapped)": 1,
    }
    assert [row.verdict_id for row in (*table.repeats, *table.golds)] == ["again", "known"]
    assert (table.outcome.tolist(), table.left.tolist()) == ([TUNED, TIE], [0, 1])
    assert (table.seconds.tolist(), table.position.tolist()) == ([1.0, 7.5], [0, 1])
    assert table.facts.characters.tolist() == [[13, 4], [1, 3]]
    assert (table.facts.categories, table.identical) == (("colours",), 1)


def test_no_verdict_is_an_empty_table(run: Run) -> None:
    table, kept = read_table(run)
    assert (len(table), kept, table.asked, table.facts.characters.shape) == (0, [], 3, (0, 2))


def test_a_part_keeps_its_codes() -> None:
    table = of_arrays([0, 0, 1, 2], [0, 1, 2, 3], reviewer=[0, 1, 0, 1])
    part = table.where(table.reviewer == 1)
    assert (part.item.tolist(), part.items, len(part)) == ([0, 2], ("0", "1", "2"), 2)
    assert np.array_equal(table.score, [0, 1, 0.5, np.nan], equal_nan=True)
    assert table.decided.tolist() == [True, True, False, False]


def test_positions_count_each_reviewers_own_judgements() -> None:
    assert positions(np.array([2, 0, 2, 1, 0, 2])).tolist() == [0, 0, 1, 0, 1, 2]
    assert positions(np.array([], dtype=np.intp)).tolist() == []


@pytest.mark.parametrize(
    ("text", "words"), [("", 0), ("a b\nc", 3), ("don't-stop", 1), ("短い答え ok", 5), ("한국 사람", 4)]
)
def test_words_are_counted_in_any_script(text: str, words: int) -> None:
    assert word_count(text) == words


@pytest.mark.parametrize(
    ("item", "known", "changed"),
    [
        ("7", "007", True),
        ("3,00E+05", "3e5", True),
        ("1E+05", "1e5", True),
        ("01. Feb", "1-2", True),
        ("2-Jan", "2-1", True),
        ("q7", "q8", False),
        ("7", "8", False),
        ("p-0123456789ab", "007", False),
    ],
)
def test_ids_that_a_spreadsheet_changed_are_known(item: str, known: str, changed: bool) -> None:
    assert changed_by_spreadsheet(item, [known]) is changed
