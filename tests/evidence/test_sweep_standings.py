"""A sweep's figures from files: who is screened out before people judge, how the others stand, and what pages say."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from eval.answers import read_answers
from eval.collect.model_tasks.rows import ModelVerdict, verdicts_path
from eval.errors import InputError, RunError
from eval.evidence.sweep.screen import by_answers, by_training
from eval.evidence.sweep.standings import newly_dropped, standings
from eval.records import Mark, utc_now
from eval.report.sweep.page import show_page, write_sweep_report
from eval.report.sweep.snapshot import SweepSource
from eval.run import Run
from eval.sweep import Candidate, Sweep, read_sweep, write_sweep
from tests.judge.runs import make_run
from tests.judge.sweeps import make_sweep, runs
from tests.judge.verdicts import verdict_store
from tests.support import judged

RATES = {"low": 0.4, "middle": 0.6, "high": 0.7, "steep": 0.5}


def rule(signal: str, **fields: Any) -> dict[str, Any]:
    return {"signal": signal, **fields}


def trained(**screen: Any) -> Sweep:
    """Four trained candidates, of which one has no held-out pairs."""
    candidates = [
        Candidate(name=name, state="trained", figures={"held_out_accuracy": share} if name != "steep" else {})
        for name, share in RATES.items()
    ]
    return Sweep.model_validate(
        {
            "sweep": "rates",
            "screen": [rule("held_out_accuracy", **screen)],
            "candidates": candidates,
            "started": utc_now(),
        }
    )


def states(found: Sweep) -> dict[str, str]:
    return {one.name: one.state for one in found.candidates}


def test_what_training_says_screens_by_a_rule_and_leaves_the_reason() -> None:
    found = by_training(trained(at_least=0.5))
    assert states(found) == {"low": "screened", "middle": "trained", "high": "trained", "steep": "trained"}
    assert found.candidate("low").reason == "held_out_accuracy 40.0%, and the rule requires 50.0% or more"
    assert found.of == 3, "it never met the sweep's prompts"
    best = by_training(trained(keep=1))
    assert states(best) == {"low": "screened", "middle": "screened", "high": "trained", "steep": "trained"}
    assert by_training(found) == found


def model_says(run: Run, tuned: int) -> None:
    """A model judge that prefers the tuned answer to so many of the prompts."""
    items = [prompt.id for prompt in run.prompts()]
    outcomes = ["tuned"] * tuned + ["base"] * (len(items) - tuned)
    lines = [
        f"{run.name},{item},judge,{said},{said},{said},{'0' * 64},{'1' * 64}"
        for item, said in zip(items, outcomes, strict=True)
    ]
    verdicts_path(run).write_text("\n".join([",".join(ModelVerdict.model_fields), *lines]) + "\n")


def test_a_model_judge_screens_and_still_counts_among_those_that_were_chosen_from(tmp_path: Path) -> None:
    """It looked at answers to the very prompts that people judge, so leaving them out of k would not be paid for."""
    found = make_sweep(tmp_path, k=3, screen=[rule("model_judge", keep=2)])
    with pytest.raises(InputError, match="none judged run rates-low: run `blindside model-judge rates-low --url URL`"):
        by_answers(found, tmp_path / "reports")
    for name, run in runs(tmp_path).items():
        model_says(run, {"low": 2, "middle": 7, "high": 9}[name])
    kept = by_answers(found, tmp_path / "reports")
    assert states(kept) == {"low": "screened", "middle": "collected", "high": "collected"}
    assert kept.candidate("low").reason.startswith("model_judge 16.7%, and the rule requires a place among the best 2")
    assert kept.of == 3


def test_a_rule_that_leaves_nobody_is_refused(tmp_path: Path) -> None:
    found = make_sweep(tmp_path, k=2, screen=[rule("model_judge", at_least=0.9)])
    for run in runs(tmp_path).values():
        model_says(run, 1)
    with pytest.raises(RunError, match="drops every candidate of sweep rates"):
        by_answers(found, tmp_path / "reports")


def judge(folder: Path, shares: dict[str, float]) -> None:
    """One verdict on every prompt of every candidate: the first share of them for tuned."""
    for name, run in runs(folder).items():
        store = verdict_store(run)
        pairs = read_answers(run.responses_path).pairs(run.prompts())
        for number, pair in enumerate(pairs):
            outcome: Mark = "tuned" if number < shares[name] * len(pairs) else "base"
            store.append(judged(run, pair, outcome=outcome))


def test_standings_are_joint_and_differences_are_paired(tmp_path: Path) -> None:
    found = make_sweep(tmp_path, k=2, n=60)
    judge(tmp_path, {"low": 0.05, "middle": 0.95})
    seen = standings(found, runs(tmp_path))
    assert seen.race.best == "middle"
    assert set(seen.race.dropped) == {"low"}
    assert [(one.first, one.second, one.change.n) for one in seen.differences] == [("middle", "low", 60)]
    assert seen.differences[0].change.value == pytest.approx(0.9)
    (gone,) = newly_dropped(found, seen)
    assert (gone.candidate, gone.prompts) == ("low", 60)
    assert gone.high < seen.race.bounds["middle"].low
    kept = found.model_copy(update={"dropped": (gone,)})
    assert newly_dropped(kept, standings(kept, runs(tmp_path))) == ()


def test_pages_and_files_hold_every_candidate_and_run_nothing(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    found = make_sweep(tmp_path, k=2, n=12)
    make_run(tmp_path, answers=[("Long reply.", hostile)] * 12, name="rates-hostile")
    more = (
        Candidate(name="hostile", run="rates-hostile", state="collected", changes={"lr": hostile}),
        Candidate(name="broken", state="failed", reason=f"it failed: {hostile}"),
        Candidate(name="weak", state="screened", reason="held_out_accuracy 40.0%"),
    )
    write_sweep(tmp_path / "reports", found.model_copy(update={"candidates": (*found.candidates, *more)}))
    judge(tmp_path, {"low": 0.25, "middle": 0.75, "hostile": 0.5})
    for name in ("low", "middle"):
        lines = ["step,epoch,pairs,loss,margin,accuracy,logps_chosen", "1,0.1,training,0.6,0.1,0.5,-9"]
        lines += ["2,0.2,training,0.5,nan,0.7,-8", "2,0.2,held out,0.5,0.3,0.8,-7", "nonsense,,training,,,,"]
        (runs(tmp_path)[name].folder / "training.csv").write_text("\n".join(lines) + "\n")
    source = SweepSource(tmp_path / "reports", "rates")
    for address in (
        "",
        "?view=browse",
        "?item=hidden-item-0003",
        "?item=nowhere",
        "?page=99&view=browse",
        "?show=raw&item=hidden-item-0001",
    ):
        for language in ("en", "zh"):
            page = show_page(source, "rates", address, "zh" if language == "zh" else "en")
            assert hostile not in page.replace("<script>\n", ""), address
    page = show_page(source, "rates")
    assert all(f"<bdi>{one.name}</bdi>" in page for one in read_sweep(tmp_path / "reports", "rates").candidates)
    assert "it failed: &lt;script&gt;" in page
    assert "Accuracy in training" in page
    item = show_page(source, "rates", "?item=hidden-item-0003")
    assert all(text in item for text in ("Long reply 3", "Short amber reply 3.", "Short birch reply 3."))

    write_sweep_report(tmp_path / "reports", "rates")
    report = tmp_path / "reports" / "rates" / "report"
    with (report / "sweep.csv").open(newline="") as file:
        table = {row["candidate"]: row for row in csv.DictReader(file)}
    assert set(table) == {"low", "middle", "hostile", "broken", "weak"}
    assert table["middle"]["win_rate"] == "0.750000"
    assert table["broken"]["state"] == "failed"
    assert "<script" not in (report / "sweep.html").read_text()
    assert "| broken |" in (report / "sweep.md").read_text()
