"""Every figure of summary.csv has an id of its own, and docs/statistics.md lists it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from eval.evidence.analysis import all_figures, analyse_run
from eval.evidence.estimates.metric_ids import IDS, PATTERNS, metric_id
from eval.report.write_report import write_report
from eval.run import Run
from tests.evidence.full import make_full
from tests.support import ROOT

#: Those that a program may rely on for ever.
PROMISED = {"win_rate", "win_rate_without_ties", "both_bad", "sign_test_p", "krippendorff_alpha", "judgements"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_full(tmp_path_factory.mktemp("ids"))


def test_every_figure_of_a_full_run_has_an_id_that_was_given_to_it(run: Run) -> None:
    names = [figure.name for figure in all_figures(analyse_run(run))]
    assert len(names) > 50
    given = set(IDS.values())
    nameless = [name for name in names if metric_id(name) not in given and not metric_id(name).endswith("]")]
    assert nameless == []
    assert len({metric_id(name) for name in names}) == len(names)


def test_summary_csv_is_read_by_id(run: Run, tmp_path: Path) -> None:
    write_report(run, tmp_path)
    summary = pd.read_csv(tmp_path / "summary.csv", index_col="id")
    assert summary.index.is_unique
    assert set(summary.index) >= PROMISED
    assert summary.loc["win_rate", "metric"] == "win rate (ties as half)"


def test_ids_are_unique_and_every_one_is_documented() -> None:
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    assert len(set(IDS.values())) == len(IDS)
    assert set(IDS.values()) >= PROMISED
    assert [name for name in IDS.values() if f"| `{name}` |" not in page] == []
    forms = [form.replace(r"_\2[\1]", "_base[").replace(r"[\1]", "[") for _, form in PATTERNS]
    assert [form for form in forms if form not in page] == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model judge a/b: agrees with human preference", "model_judge_agreement[a/b]"),
        ("clarity: tuned minus base", "criterion_difference[clarity]"),
        ("tag too long: base", "tag_base[too long]"),
        ("held-out pairs: tuned minus base", "held_out_gain"),
        ("A new figure (of tomorrow)", "a_new_figure_of_tomorrow"),
    ],
)
def test_ids_of_figures_that_a_study_names(name: str, expected: str) -> None:
    assert metric_id(name) == expected
