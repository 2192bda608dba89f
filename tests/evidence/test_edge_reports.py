"""Tables at the edge as a user meets them: the whole report written, and `blindside report` by subprocess."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from eval.answers import read_answers
from eval.judge.csv_codec import PLAIN, encode_row
from eval.records import Mark, Pair, Verdict
from eval.report.write_report import write_report
from eval.run import Run
from tests.cli.command import blindside
from tests.evidence.full import make_full
from tests.evidence.judged import record, verdict_on
from tests.judge.runs import make_run

REPORT = {"summary.csv", "by_category.csv", "by_reviewer.csv", "disagreements.csv", "verdicts.csv"}
FILES = REPORT | {"report.md", "report.html", "report.zh.html"}


def written(run: Run) -> set[str]:
    """The files of a report but for pictures: of those there are as many as there is to draw."""
    return {path.name for path in run.report_folder.iterdir() if path.suffix != ".svg"}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, n=12)


def pairs_of(run: Run) -> list[Pair]:
    return read_answers(run.responses_path).pairs(run.prompts())


def given(outcomes: tuple[Mark, ...], *, prompts: int = 12, reviewers: int = 2) -> Callable[[Run], list[Verdict]]:
    """Verdicts whose outcomes take turns."""

    def rows(run: Run) -> list[Verdict]:
        asked = [(pair, who) for pair in pairs_of(run)[:prompts] for who in range(reviewers)]
        return [
            verdict_on(run, pair, outcomes[at % len(outcomes)], reviewer=f"r{who}")
            for at, (pair, who) in enumerate(asked)
        ]

    return rows


def always_left(run: Run) -> list[Verdict]:
    """Sides are drawn evenly, and the left answer is chosen each time."""
    sides: tuple[Mark, Mark] = ("base", "tuned")
    return [verdict_on(run, pair, sides[at % 2], left=sides[at % 2]) for at, pair in enumerate(pairs_of(run))]


TABLES: dict[str, tuple[Callable[[Run], list[Verdict]], float | None, int, str]] = {
    "no verdicts": (lambda _: [], None, 0, "No judgement yet"),
    "one verdict": (given(("tuned",), prompts=1, reviewers=1), 1.0, 1, "insufficient for an interval"),
    "all ties": (given(("tie",)), 0.5, 12, "not distinguishable from 50%"),
    "all both bad": (
        given(("both_bad",)),
        None,
        0,
        "verdicts found both answers bad: nothing can be said of preference",
    ),
    "one reviewer": (given(("tuned",), reviewers=1), 1.0, 12, "this person prefers the tuned model"),
    "one prompt": (given(("tuned", "base", "tie"), prompts=1, reviewers=9), 0.5, 1, "insufficient for an interval"),
    "always left": (always_left, 0.5, 12, "not distinguishable from 50%"),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_file_is_written_and_no_figure_is_made_up(run: Run, name: str) -> None:
    rows, win_rate, prompts, told = TABLES[name]
    record(run, rows(run))
    found = write_report(run)
    assert written(run) == FILES
    assert (found.summary.win_rate.value, found.summary.win_rate.n) == (win_rate, prompts)
    texts = {name: (run.report_folder / name).read_text("utf-8") for name in FILES}
    assert told in texts["report.md"]
    assert told in texts["report.html"] or "No verdicts yet" in texts["report.html"]
    for text in texts.values():
        assert re.findall(r"\b(?:nan|inf|None(?! of it)|Traceback)\b", _without_style(text)) == []
    summary = pd.read_csv(run.report_folder / "summary.csv")
    assert summary["low95"].isna().equals(summary["high95"].isna())
    # A confidence sequence says something, if little, from the first closed prompt on.
    assert summary.loc[(summary["n"] < 2) & (summary["n_counts"] != "closed prompts"), "low95"].isna().all()
    there = summary.dropna()
    assert (there["low95"] - 1e-9 <= there["value"]).all()
    assert (there["value"] <= there["high95"] + 1e-9).all()


def _without_style(text: str) -> str:
    return re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


def test_who_always_presses_left_is_shown(run: Run) -> None:
    record(run, always_left(run))
    write_report(run)
    people = pd.read_csv(run.report_folder / "by_reviewer.csv").iloc[0]
    assert (people["left"], people["left_n"]) == (1.0, 12)
    assert people["left_low"] > 0.5
    summary = pd.read_csv(run.report_folder / "summary.csv").set_index("metric")
    assert [summary.loc[f"win rate with the tuned answer {place}", "value"] for place in ("left", "right")] == [1, 0]
    assert "Left answer chosen: 100.0%" in (run.report_folder / "report.html").read_text("utf-8")


def test_one_reviewer_has_no_agreement_rather_than_a_perfect_one(run: Run) -> None:
    record(run, given(("tuned", "base"), reviewers=1)(run))
    write_report(run)
    summary = pd.read_csv(run.report_folder / "summary.csv").set_index("metric")
    names = ["equal verdicts of two reviewers", "Krippendorff's alpha", "Fleiss' kappa", "Gwet's AC1"]
    assert summary.loc[names, "value"].isna().all()
    assert summary.loc[names, "n"].tolist() == [0] * len(names)
    assert "No prompt has two verdicts" in (run.report_folder / "report.html").read_text("utf-8")


BROKEN: dict[str, tuple[Callable[[list[Verdict]], bytes], str]] = {
    "unknown label": (
        lambda rows: _csv(rows).replace(b",tie,", b",better,"),
        r"verdicts\.csv:3: outcome: .*'better': correct the cell",
    ),
    "a row of another run": (
        lambda rows: _csv([rows[0], rows[1].model_copy(update={"run": "other"})]),
        r"verdicts\.csv:3: run: 'other' is not 'trial': move the row",
    ),
    "one id twice": (
        lambda rows: _csv([rows[0], rows[1].model_copy(update={"verdict_id": rows[0].verdict_id})]),
        r"verdicts\.csv:3: verdict_id: \S+ is on line 2 too: remove one",
    ),
    "judged twice": (
        lambda rows: _csv([rows[0], rows[0].model_copy(update={"verdict_id": "again"})]),
        r"verdicts\.csv:3: replaces: 'ann' judged item .* on line 2 already",
    ),
    "not UTF-8": (
        lambda rows: _csv(rows).replace(b",tie,", b",t\xefe,"),
        r"verdicts\.csv:3: is not UTF-8: save the file as CSV in UTF-8",
    ),
    "a column gone": (
        lambda rows: _csv(rows).replace(b",outcome,", b",", 1),
        r"verdicts\.csv:1: columns: outcome: they must be",
    ),
}


def _csv(rows: list[Verdict]) -> bytes:
    return PLAIN.header() + b"".join(map(encode_row, rows))


def _two(run: Run) -> list[Verdict]:
    first, second, *_ = pairs_of(run)
    return [verdict_on(run, first, "tuned"), verdict_on(run, second, "tie")]


@pytest.mark.parametrize("name", BROKEN)
def test_the_command_names_file_and_line_and_leaves_no_report(run: Run, tmp_path: Path, name: str) -> None:
    spoil, told = BROKEN[name]
    run.verdicts_path.write_bytes(spoil(_two(run)))
    done = blindside("report", "trial", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(told, " ".join(done.stderr.split())), done.stderr
    assert "Traceback" not in done.stderr
    assert not run.report_folder.exists()


def test_the_command_reads_a_file_that_was_mended_torn_and_saved_by_a_spreadsheet(run: Run, tmp_path: Path) -> None:
    first, second = _two(run)
    changed = first.model_copy(update={"verdict_id": "again", "outcome": "base", "replaces": first.verdict_id})
    data = _csv([first, second, changed])
    run.verdicts_path.write_bytes(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n") + data.splitlines()[-1][:40])
    done = blindside("report", "trial", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the last row is not complete" in done.stderr
    assert written(run) == FILES
    assert pd.read_csv(run.report_folder / "verdicts.csv")["outcome"].tolist() == ["tie", "base"]
    counts = pd.read_csv(run.report_folder / "summary.csv").set_index("metric")["n"]
    assert (counts["judgements"], counts["excluded: replaced or withdrawn"]) == (2, 1)


def test_the_command_says_what_to_do_where_nobody_has_judged(run: Run, tmp_path: Path) -> None:
    done = blindside("report", "trial", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "No judgement yet that prefers a side or ties: judge some pairs first." in done.stdout
    lines = done.stdout.splitlines()
    assert lines == [
        f"trial: no verdict yet on {len(pairs_of(run))} pairs",
        "Base: parity not checked; determinism not checked.",
        "Tuned: parity not checked; determinism not checked.",
        "Written to reports/trial/report/",
        "No judgement yet that prefers a side or ties: judge some pairs first.",
    ]


def test_the_sentence_that_decides_stands_last_below_few_lines(tmp_path: Path) -> None:
    run = make_full(tmp_path)
    done = blindside("report", run.name, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    *above, last = done.stdout.splitlines()
    assert last.startswith(("The tuned model's win rate is ", "Interim, ", "Stopped early "))
    assert len(above) < 20
    assert max(map(len, above[1:7])) <= 120
    assert any(line.startswith("conditions of the verdict: ") for line in above)
