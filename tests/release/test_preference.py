"""The rule on preference by each method: shown, refuted, open, and with a model judge's help."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.answers import read_answers
from eval.collect.model_tasks.rows import ModelVerdict, verdicts_path
from eval.errors import InputError
from eval.evidence.build_judgements import read_table
from eval.judge.setup.planning import inclusion_chances
from eval.policy import Policy, Preference
from eval.release.gate.preference import PreferenceResult, preferred
from eval.run import Run
from tests.release.studies import judge, study


def found(run: Run, **asked: object) -> PreferenceResult:
    policy = Policy(preference=Preference.model_validate(asked))
    return preferred(run, read_answers(run.responses_path), read_table(run)[0], policy)[0]


def model_says(run: Run, outcome: str) -> None:
    rows = [
        f"{run.name},{item},judge,{outcome},{outcome},{outcome},{'0' * 64},{'1' * 64}"
        for item in inclusion_chances(run, read_answers(run.responses_path))
    ]
    verdicts_path(run).write_text("\n".join([",".join(ModelVerdict.model_fields), *rows]) + "\n")


def sampled(folder: Path, share: float) -> Run:
    """A study in which people are asked about a part of 120 prompts, and prefer tuned."""
    run = study(folder, n=120)
    (run.folder / "study.json").write_text(json.dumps({"sample": share}))
    return judge(run, 0.9)


def test_nothing_judged_is_open(tmp_path: Path) -> None:
    run = study(tmp_path)
    for method in ("sequential", "fixed"):
        seen = found(run, method=method)
        assert (seen.shown, seen.refuted, seen.spent, seen.estimate.n) == (False, False, False, 0)


@pytest.mark.parametrize("method", ["sequential", "fixed"])
@pytest.mark.parametrize(("share", "shown"), [(0.95, True), (0.5, False), (0.05, False)])
def test_a_whole_study_is_decided(method: str, share: float, shown: bool, tmp_path: Path) -> None:
    seen = found(judge(study(tmp_path), share), method=method)
    assert (seen.shown, seen.spent) == (shown, True)
    assert seen.refuted == (not shown and (method == "fixed" or share < 0.5))


def test_a_margin_lets_an_equal_model_pass(tmp_path: Path) -> None:
    run = judge(study(tmp_path, n=150), 0.5, seed=3)
    assert not found(run).shown
    assert found(run, rule="non_inferiority", margin=0.2).shown


def test_a_fixed_look_waits_for_the_plan(tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.95)
    text = run.verdicts_path.read_text().splitlines(keepends=True)
    run.verdicts_path.write_text("".join(text[:-5]))
    seen = found(run, method="fixed")
    assert (seen.shown, seen.spent, seen.advice) == (False, False, "5 planned judgements are missing")


@pytest.mark.parametrize("method", ["sequential", "fixed"])
def test_a_model_judge_helps_people_and_never_replaces_them(method: str, tmp_path: Path) -> None:
    run = sampled(tmp_path, 0.5)
    with pytest.raises(InputError, match="none judged run study: run `blindside model-judge` first"):
        found(run, method=method, predicted=True)
    model_says(run, "base")
    seen = found(run, method=method, predicted=True)
    assert seen.shown  # the judge is wrong on every prompt, and people are believed
    assert seen.estimate.value is not None
    assert seen.estimate.value > 0.7


def test_a_model_judge_alone_shows_nothing(tmp_path: Path) -> None:
    run = study(tmp_path)
    model_says(run, "tuned")
    seen = found(run, predicted=True)
    assert (seen.shown, seen.estimate.value) == (False, None)
