"""Other programs read what a report writes: pandas with the right types, LibreOffice cell by cell."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype, is_string_dtype

from eval.answers import read_answers
from eval.judge.store.verdict_files import columns_in, read_verdicts
from eval.records import OUTCOMES, Judgement, Verdict
from eval.report.write_report import write_report
from eval.run import Run
from eval.spreadsheet import restore
from tests.evidence.full import HOSTILE_CELLS, make_full
from tests.evidence.judged import make_judged, record, verdict_on
from tests.evidence.office import cells, saved_again
from tests.judge.verdicts import first_broken

#: Comments that a spreadsheet takes for numbers, and what it saves instead.
NUMBERS = {"001": "1", "1e5": "100000", "3.0": "3"}

STRINGS: dict[str, set[str]] = {
    "summary.csv": {"id", "metric", "n_counts"},
    "by_category.csv": {"category"},
    "by_reviewer.csv": {"reviewer"},
    "disagreements.csv": {"item", "prompt"},
    "verdicts.csv": {*Verdict.FIRST, "judged_at", "seal"},
}
INTEGERS: dict[str, set[str]] = {
    "summary.csv": {"n"},
    "by_category.csv": {"prompts", "judgements", "win_rate_n"},
    "by_reviewer.csv": {"judgements", "win_rate_n", "seconds_n", "repeats_n", "gold_n"},
    "disagreements.csv": set(OUTCOMES),
    "verdicts.csv": set(),
}
FLOATS: dict[str, set[str]] = {
    "summary.csv": {"value", "low95", "high95"},
    "by_category.csv": {"win_rate", "win_rate_low", "win_rate_high", "p", "p_holm"},
    "by_reviewer.csv": {"win_rate", "left_low", "seconds", "without_high"},
    "disagreements.csv": set(),
    "verdicts.csv": {"seconds"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = make_full(tmp_path_factory.mktemp("readers"))
    write_report(made)
    return made


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with comments that look like numbers, between two that do not."""
    made = make_judged(tmp_path_factory.mktemp("numbers"), pairs=6, reviewers=(), name="numbers")
    pairs = read_answers(made.responses_path).pairs(made.prompts())
    said = ["first", *NUMBERS, "last"]
    record(made, [verdict_on(made, pair, "tie", comment=one) for pair, one in zip(pairs, said, strict=False)])
    return made


@pytest.fixture(scope="module")
def files(run: Run, numbers: Run) -> dict[str, Path]:
    tables = {name.removesuffix(".csv"): run.report_folder / name for name in STRINGS}
    return {**tables, "all-verdicts": run.verdicts_path, "numbers": numbers.verdicts_path}


@pytest.fixture(scope="module")
def office(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Opened as Calc suggests, and saved."""
    return saved_again(files, tmp_path_factory.mktemp("office"))


@pytest.mark.parametrize("name", STRINGS)
def test_pandas_reads_each_table_with_its_types(run: Run, name: str) -> None:
    frame = pd.read_csv(run.report_folder / name)
    assert len(frame) > 2
    assert [column for column in STRINGS[name] if not is_string_dtype(frame[column])] == []
    assert [column for column in INTEGERS[name] if not is_integer_dtype(frame[column])] == []
    assert [column for column in FLOATS[name] if not is_float_dtype(frame[column])] == []


def test_pandas_reads_flags_shares_and_comments_as_they_are(run: Run) -> None:
    assert is_bool_dtype(pd.read_csv(run.report_folder / "by_reviewer.csv")["decisive"])
    summary = pd.read_csv(run.report_folder / "summary.csv").dropna()
    assert len(summary) > 30
    assert (summary["low95"] <= summary["value"] + 1e-9).all()
    assert (summary["value"] <= summary["high95"] + 1e-9).all()
    written = pd.read_csv(run.verdicts_path, keep_default_na=False)["comment"]
    assert [restore(cell) for cell in written if cell] == list(HOSTILE_CELLS)


def test_pandas_reads_the_tables_of_a_run_that_nobody_judged(tmp_path: Path) -> None:
    empty = make_judged(tmp_path, pairs=5, reviewers=())
    write_report(empty)
    for name, columns in STRINGS.items():
        frame = pd.read_csv(empty.report_folder / name)
        assert (len(frame) > 0) == (name == "summary.csv")
        assert columns <= set(frame.columns)


@pytest.mark.parametrize("name", ["summary", "by_category", "by_reviewer", "disagreements"])
def test_libreoffice_shows_each_table_cell_by_cell(files: dict[str, Path], office: dict[str, Path], name: str) -> None:
    before, after = cells(files[name]), cells(office[name])
    assert len(before) > 2
    assert [len(row) for row in before] == [len(row) for row in after]
    for ours, theirs in zip(before, after, strict=True):
        assert [one for one in zip(ours, theirs, strict=True) if not _same(*one)] == []


def _same(ours: str, theirs: str) -> bool:
    """The same text, or the same number to the 15 digits that a spreadsheet keeps."""
    if ours == theirs:
        return True
    try:
        return math.isclose(float(ours), float(theirs), rel_tol=1e-14)
    except ValueError:
        return ours.upper() == theirs.upper() in ("TRUE", "FALSE")


def test_no_cell_is_run_and_a_saved_verdicts_file_is_the_same_to_us(run: Run, office: dict[str, Path]) -> None:
    before, after = read_verdicts(run.verdicts_path), read_verdicts(office["all-verdicts"])
    assert [row.comment for row in after if row.comment] == list(HOSTILE_CELLS)
    assert after == before
    assert _broken(office["all-verdicts"]) is None


def test_only_what_looks_like_a_number_changes_and_the_seal_tells(
    files: dict[str, Path], office: dict[str, Path]
) -> None:
    before, after = read_verdicts(files["numbers"]), read_verdicts(office["numbers"])
    assert [row.comment for row in after] == ["first", *NUMBERS.values(), "last"]
    assert [row.model_copy(update={"comment": ""}) for row in after] == [
        row.model_copy(update={"comment": ""}) for row in before
    ]
    broken = _broken(office["numbers"])
    assert broken is not None
    assert broken.comment == next(iter(NUMBERS.values()))


def test_columns_opened_as_text_come_back_whole(files: dict[str, Path], tmp_path: Path) -> None:
    kept = ("numbers", "all-verdicts")
    saved = saved_again({name: files[name] for name in kept}, tmp_path, "Text")
    for name in kept:
        assert cells(saved[name]) == cells(files[name])
        assert read_verdicts(saved[name]) == read_verdicts(files[name])
        assert _broken(saved[name]) is None


def _broken(path: Path) -> Judgement | None:
    return first_broken(read_verdicts(path), columns_in(path))
