"""`import blindside`: few names, lazily imported, the same figures as the report, and refusals that help."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import blindside
import eval.public as public
from eval.report.write_report import write_report
from eval.run import Run
from tests.evidence.full import make_full
from tests.evidence.judged import make_judged
from tests.support import ROOT


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = make_full(tmp_path_factory.mktemp("public"))
    write_report(made)
    return made


def test_the_names_are_few_and_all_there() -> None:
    assert len(blindside.__all__) < 15
    assert blindside.__all__ == public.__all__
    assert set(blindside.__all__) <= set(dir(blindside))
    assert all(getattr(blindside, name) is getattr(public, name) for name in blindside.__all__)
    assert all(getattr(blindside, name).__doc__ for name in blindside.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        blindside.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_importing_it_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import blindside; print(*sorted(set(sys.modules) - before))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "blindside" in said.split()
    assert not {"eval", "pandas", "numpy", "pydantic", "typing_extensions", "scipy"} & set(said.split())


def test_the_examples_of_its_docstrings_are_true() -> None:
    found = doctest.testmod(public)
    assert found.attempted > 5
    assert found.failed == 0


def test_frames_give_the_figures_of_the_report(run: Run) -> None:
    opened = blindside.open_run(run.folder)
    frame, summary = opened.judgements(), pd.read_csv(run.report_folder / "summary.csv").set_index("id")
    rate, without = blindside.win_rate(frame), blindside.win_rate(frame, ties=False)
    agreed = blindside.agreement(frame)
    for name, found in {
        "win_rate": rate,
        "win_rate_without_ties": without,
        "krippendorff_alpha": agreed.krippendorff_alpha,
        "gwet_ac1": agreed.gwet_ac1,
        "fleiss_kappa": agreed.fleiss_kappa,
        "agreement_raw": agreed.raw,
    }.items():
        assert found.interval is not None
        row = summary.loc[name]
        assert (found.value, *found.interval, found.n) == pytest.approx((row.value, row.low95, row.high95, row.n))
    pd.testing.assert_frame_equal(opened.summary(), summary, check_dtype=False)
    assert len(frame) == summary.loc["judgements", "n"]
    assert frame["outcome"].value_counts()["tuned"] == summary.loc["tuned_wins", "n"]
    outside = blindside.read_verdicts(run.verdicts_path)
    assert len(outside) >= len(frame)
    assert set(outside.columns) == set(frame.columns) - {"cluster"}


def test_figures_show_themselves_in_a_notebook(run: Run) -> None:
    opened = blindside.open_run(run.folder)
    rate = blindside.win_rate(opened.judgements())
    assert rate.value is not None
    assert f"<b>{rate.value:.1%}</b>" in rate._repr_html_()
    assert f"n = {rate.n}" in rate._repr_html_()
    shown = blindside.agreement(opened.judgements())._repr_html_()
    assert shown.count("<tr>") == 4
    assert run.name in opened._repr_html_()
    hostile = blindside.Estimate(None, None, 0)
    assert hostile._repr_html_() == "<b>insufficient</b> (95% interval: no interval; n = 0)"


def test_a_run_that_nobody_judged_is_insufficient_and_no_error(tmp_path: Path) -> None:
    empty = blindside.open_run(make_judged(tmp_path, pairs=3, reviewers=()).folder)
    frame = empty.judgements()
    assert len(frame) == 0
    assert blindside.win_rate(frame) == blindside.Estimate(None, None, 0)
    assert blindside.agreement(frame).raw.value is None


GOOD: dict[str, list[Any]] = {
    "item": ["a", "a", "b"],
    "reviewer": ["ann", "bob", "ann"],
    "outcome": ["tuned", "tie", "base"],
}
BAD: dict[str, dict[str, list[Any]]] = {
    "no column reviewer": {key: GOOD[key] for key in ("item", "outcome")},
    "outcome 'left' is none of base, tuned, tie, both_bad": GOOD | {"outcome": ["tuned", "left", "base"]},
    "row 2: outcome nan": GOOD | {"outcome": ["tuned", "tie", float("nan")]},
    "ann judged a twice": GOOD | {"reviewer": ["ann", "ann", "bob"]},
    "a row has no item": GOOD | {"item": ["a", None, "b"]},
}


@pytest.mark.parametrize("said", BAD)
def test_a_frame_that_cannot_be_counted_is_one_sentence(said: str) -> None:
    frame = pd.DataFrame(BAD[said])
    for count in (blindside.win_rate, blindside.agreement):
        with pytest.raises(blindside.BlindsideError, match=said):
            count(frame)


def test_order_index_and_types_of_a_frame_change_no_figure() -> None:
    frame = pd.DataFrame(GOOD)
    shuffled = frame.sample(frac=1, random_state=1).set_index(pd.Index(["x", "x", "x"])).astype("category")
    assert blindside.win_rate(shuffled) == blindside.win_rate(frame)
    numbered = frame.assign(item=[7, 7, 8])
    assert blindside.win_rate(numbered) == blindside.win_rate(frame)


def test_a_cluster_is_the_unit_where_the_frame_has_one() -> None:
    frame = pd.DataFrame(GOOD).assign(cluster="one question")
    assert blindside.win_rate(frame).n == 1
    assert blindside.win_rate(frame.drop(columns="cluster")).n == 2


def test_a_run_that_is_not_there_names_those_that_are(run: Run) -> None:
    with pytest.raises(blindside.BlindsideError, match=run.name):
        blindside.open_run(run.folder.parent / "other")
