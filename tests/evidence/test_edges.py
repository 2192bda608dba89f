"""Tables at the edge: every statistic on each of them, and no number that the data does not carry."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.answers import read_answers
from eval.errors import InputError
from eval.evidence.build_judgements import read_table
from eval.evidence.estimates.bootstrap import SignedEstimate
from eval.evidence.estimates.categories import categories
from eval.evidence.estimates.counts import prompt_counts, resampled
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED, Judgements, of_arrays
from eval.evidence.reviewers.agreement import agreement
from eval.evidence.reviewers.bias import bias
from eval.evidence.reviewers.reviewers import reviewers
from eval.evidence.signals.answer_signals import Signals, expected, measure
from eval.evidence.summary import summarise
from eval.judge.csv_codec import PLAIN, encode_row
from eval.records import Verdict
from eval.run import Run
from tests.judge.runs import make_run
from tests.support import judged

RNG = np.random.default_rng(9)
TABLES = {
    "no verdicts": of_arrays([], []),
    "one verdict": of_arrays([0], [TUNED]),
    "all ties": of_arrays(np.repeat(np.arange(30), 2), [TIE] * 60, reviewer=[0, 1] * 30),
    "all both bad": of_arrays(np.repeat(np.arange(30), 2), [BOTH_BAD] * 60, reviewer=[0, 1] * 30),
    "all tuned": of_arrays(np.repeat(np.arange(30), 2), [TUNED] * 60, reviewer=[0, 1] * 30),
    "one reviewer": of_arrays(np.arange(40), RNG.integers(4, size=40), characters=RNG.integers(90, size=(40, 2))),
    "one prompt": of_arrays([0] * 9, [TUNED, BASE, TIE] * 3, reviewer=range(9)),
    "two prompts": of_arrays([0, 0, 1], [TUNED, BASE, TIE], reviewer=[0, 1, 0], characters=[[5, 9], [9, 5]]),
    "always left": of_arrays(np.arange(40), np.arange(40) % 2, left=np.arange(40) % 2),
    "all at once": of_arrays(np.arange(40), np.arange(40) % 3, seconds=np.zeros(40)),
    "empty answers": of_arrays(np.arange(40), np.arange(40) % 3, characters=np.zeros((40, 2))),
    "every prompt its own category": of_arrays(np.arange(40), np.arange(40) % 4, category=np.arange(40)),
}


def signals_of(run: Run) -> Signals:
    """The signals of a run's answers, from its files."""
    prompts = run.prompts()
    return measure(read_answers(run.responses_path).pairs(prompts), expected(prompts))


def found_in(value: Any) -> Iterator[Estimate | SignedEstimate]:
    """Every estimate within a result."""
    if isinstance(value, Estimate | SignedEstimate):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from found_in(one)
    elif is_dataclass(value) and not isinstance(value, Judgements):
        for field in fields(value):
            yield from found_in(getattr(value, field.name))


def everything(table: Judgements) -> list[Estimate | SignedEstimate]:
    counts = prompt_counts(table.item, table.outcome, len(table.items))
    results = (
        *(summarise(table, failed=0), resampled(counts, draws=200), agreement(table, draws=200)),
        *(reviewers(table), categories(table), bias(table)),
    )
    return [one for result in results for one in found_in(result)]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_every_figure_has_its_n_and_an_interval_or_none(table: Judgements) -> None:
    for one in everything(table):
        numbers = [number for number in (one.value, one.low, one.high) if number is not None]
        assert all(math.isfinite(number) for number in numbers), one
        assert (one.low is None) == (one.high is None), one
        if one.low is not None and one.high is not None:
            assert one.value is not None, one
            assert one.low - 1e-9 <= one.value <= one.high + 1e-9, one
            assert one.n >= 2, one
        if one.n == 0:
            assert one.value is None, one


def test_on_no_verdicts_everything_is_insufficient() -> None:
    estimates = everything(TABLES["no verdicts"])
    assert len(estimates) > 20
    assert {(one.value, one.low, one.high, one.n) for one in estimates} == {(None, None, None, 0)}


@pytest.mark.parametrize("name", ["one verdict", "one prompt"])
def test_one_prompt_carries_no_interval_on_preference(name: str) -> None:
    summary = summarise(TABLES[name], failed=0)
    assert (summary.win_rate.low, summary.win_rate.n) == (None, 1)


def test_ties_only_are_an_even_result_and_no_win() -> None:
    summary = summarise(TABLES["all ties"], failed=0)
    assert (summary.win_rate.value, summary.win_rate_without_ties.value) == (0.5, None)
    assert summary.sign_test.p_value is None


def test_both_bad_only_is_no_preference() -> None:
    summary = summarise(TABLES["all both bad"], failed=0)
    assert (summary.win_rate.value, summary.both_bad.value) == (None, 1.0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, n=6)


def rows(run: Run) -> list[Verdict]:
    return [judged(run, pair) for pair in read_answers(run.responses_path).pairs(run.prompts())]


def written(run: Run, verdicts: list[Verdict]) -> bytes:
    data = PLAIN.header() + b"".join(map(encode_row, verdicts))
    run.verdicts_path.write_bytes(data)
    return data


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "BOM": lambda data: b"\xef\xbb\xbf" + data,
    "saved by a spreadsheet": lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n") + b"\r\n",
    "torn last row": lambda data: data + data.splitlines()[-1][:40],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_the_form_of_the_file_changes_no_figure(run: Run, form: Callable[[bytes], bytes]) -> None:
    data = written(run, rows(run))
    plain = read_table(run)
    run.verdicts_path.write_bytes(form(data))
    formed = read_table(run)
    assert formed[1] == plain[1]
    assert everything(formed[0]) == everything(plain[0])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outcome": "better"}, "outcome: .*'better'"),
        ({"kind": "practice"}, "kind: .*'practice'"),
        ({"left": "right"}, "left: .*'right'"),
        ({"run": "other"}, "run: 'other' is not 'trial'"),
        ({"reviewer": ""}, "reviewer: "),
        ({"seconds": math.nan}, "seconds: "),
    ],
)
def test_what_cannot_be_trusted_is_named_with_file_and_line(run: Run, changes: dict[str, Any], told: str) -> None:
    first, second, *_ = rows(run)
    written(run, [first, second.model_copy(update=changes)])
    with pytest.raises(InputError, match=rf"verdicts\.csv:3: {told}"):
        read_table(run)


def test_one_id_twice_is_named_with_both_lines(run: Run) -> None:
    first, second, *_ = rows(run)
    written(run, [first, second.model_copy(update={"verdict_id": first.verdict_id})])
    with pytest.raises(InputError, match=rf"verdicts\.csv:3: verdict_id: {first.verdict_id} is on line 2 too"):
        read_table(run)


def test_only_the_last_word_counts_and_the_others_are_counted(run: Run) -> None:
    first, second, *_ = rows(run)
    changed = first.model_copy(update={"verdict_id": "again", "outcome": "base", "replaces": first.verdict_id})
    back = second.model_copy(update={"verdict_id": "back", "outcome": "withdrawn", "replaces": second.verdict_id})
    written(run, [first, second, changed, back])
    table, kept = read_table(run)
    assert [row.verdict_id for row in kept] == ["again"]
    assert (table.outcome.tolist(), table.position.tolist()) == ([BASE], [0])
    assert table.excluded == {"replaced or withdrawn": 3}


def test_signals_of_a_run_without_answers(tmp_path: Path) -> None:
    found = list(found_in(signals_of(make_run(tmp_path, answers=[]))))
    assert len(found) > 10
    assert {(one.value, one.low, one.n) for one in found} == {(None, None, 0)}
