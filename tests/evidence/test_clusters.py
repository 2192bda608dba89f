"""Prompts of one cluster are one unit: of the win rate, its interval, and the test at any look."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from eval.collect.input_records import Record
from eval.collect.prompts.parser import read_question
from eval.evidence.analysis import all_figures, analyse_run
from eval.evidence.judgements import of_arrays
from eval.evidence.verdict import run_verdict
from eval.judge.setup.begin import begin_judging
from eval.judge.setup.near_duplicates import near_duplicate_notes, near_groups
from eval.judge.setup.plan import plan_path
from eval.judge.study.study import Study
from eval.records import Prompt
from eval.run import open_run
from tests.evidence.judged import record, verdict_on
from tests.judge.runs import make_run_of, prompt, response

OUTCOMES = [1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1]


def test_a_cluster_is_one_prompt_of_the_evidence() -> None:
    table = of_arrays(np.arange(12), OUTCOMES, reviewer=np.arange(12) % 2)
    plan = {str(item): 1 for item in range(12)}
    clusters = {str(item): f"cluster {item // 3}" for item in range(12)}
    found = run_verdict(dataclasses.replace(table, clusters=clusters), plan)
    means = np.array(OUTCOMES).reshape(4, 3).mean(axis=1)
    assert (found.progress.n, found.progress.horizon, found.rate.n) == (4, 4, 4)
    assert found.rate.value == means.mean()
    assert run_verdict(table, plan).rate.n == 12


def test_a_cluster_closes_with_the_last_of_its_prompts_and_a_skip_on_any_of_them_keeps_it_open() -> None:
    table = of_arrays([0, 1, 3], [1, 1, 1])
    named = dataclasses.replace(table, items=("0", "1", "2", "3"), clusters={"0": "c", "1": "c", "2": "c"})
    plan = {str(item): 1 for item in range(4)}
    assert run_verdict(named, plan).progress.n == 1
    skipped = dataclasses.replace(named, put_off={"2": 1}, passed_over=frozenset({"2"}))
    found = run_verdict(skipped, plan)
    assert (found.progress.n, found.progress.skipped, found.progress.estimate.value) == (2, 1, 0.5)


def test_the_column_is_read_and_the_report_counts_units(tmp_path: Path) -> None:
    asked = read_question(Record(tmp_path / "a.csv", 2, {"prompt": "What is it?", "cluster": " user 7 "})).prompt
    assert asked.cluster == "user 7"
    assert "cluster" not in Prompt(id="a", messages=asked.messages).model_dump()
    prompts = [prompt(n).model_copy(update={"cluster": f"u{n // 2}"}) for n in range(8)]
    answers = [response(one, side, f"{side} {one.id}") for one in prompts for side in ("base", "tuned")]
    run = make_run_of(tmp_path, prompts, answers)
    assert [one.cluster for one in run.prompts()] == [f"u{n // 2}" for n in range(8)]
    pairs = analyse_run(run).pairs
    record(run, [verdict_on(run, pair, "tuned" if n < 6 else "base") for n, pair in enumerate(pairs)])
    found = {figure.name: figure for figure in all_figures(analyse_run(run))}
    assert found["units: clusters, and prompts without one"].n == 4
    assert (found["win rate (ties as half)"].value, found["win rate (ties as half)"].n) == (0.75, 4)
    assert found["prompts judged"].n == 8


def test_prompts_that_ask_nearly_the_same_are_told_unless_they_have_a_cluster() -> None:
    question = "Which of these three bridges over the river Thames was opened first, and in which year was that, please"
    asked = [prompt(0, question), prompt(1, f"{question}?"), prompt(2, "What is the capital of France, in one word?")]
    (line,) = near_duplicate_notes(near_groups(asked))
    assert line.startswith(f"2 prompts ask nearly the same as another one ({asked[1].id} as {asked[0].id})")
    assert near_duplicate_notes(near_groups([one.model_copy(update={"cluster": "bridges"}) for one in asked])) == []


def test_near_duplicates_are_one_unit_where_the_study_says_so_and_counted_where_it_does_not(tmp_path: Path) -> None:
    question = "Which of these three bridges over the river Thames was opened first, and in which year was that, please"
    texts = [question, f"{question}?", f"{question}!", "What is the capital of France, in one word?", "And of Spain?"]
    prompts = [prompt(n, text) for n, text in enumerate(texts)]
    answers = [response(one, side, f"{side} {one.id}") for one in prompts for side in ("base", "tuned")]
    run = make_run_of(tmp_path, prompts, answers)
    begin_judging(run)
    assert (open_run(run.folder.parent, run.name).info.near, b"near" in plan_path(run).read_bytes()) == (3, False)
    begin_judging(run, Study(cluster="near"))
    record(run, [verdict_on(run, pair, "tuned") for pair in analyse_run(run).pairs])
    assert analyse_run(run).verdict.rate.n == 3
    begin_judging(run, Study(cluster="given"))
    assert analyse_run(run).verdict.rate.n == 3
