"""A sweep over models that are served already: `--tuned-url name=URL`, on real servers of the tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose.embedded_stack import EmbeddedStack
from compose.stack import Model
from eval.answers import read_answers
from eval.cli.collecting.evaluate import ServingOptions
from eval.cli.collecting.prove_and_collect import CollectionSettings
from eval.cli.sweep.collect import SweepSettings, collect_all, same_base
from eval.collect.sweep_file import SweepDefinition
from eval.errors import RunError
from eval.judge.study.study import Study
from eval.judge.sweep.sweep_state import SweepState
from eval.run_info import Decoding
from eval.sweep import Candidate, read_sweep, runs_of
from tests.cli.command import blindside
from tests.compose.servers import MODEL
from tests.judge.person import Person
from tests.judge.runs import make_run
from tests.judge.sweeps import make_sweep, runs

NOWHERE = Path("nowhere")
WANTED = ServingOptions("embedded", "auto", sequential=False, train_env=NOWHERE, vllm_env=NOWHERE)
HOW = CollectionSettings(NOWHERE, "float32", 1, force=False)


def test_each_url_is_a_candidate_and_a_base_that_nothing_pins_is_asked_each_time(warm: Path, tmp_path: Path) -> None:
    (tmp_path / "prompts.csv").write_text("prompt\nWhat is 2 plus 3?\nName a colour.\n")
    sides = [Model("base", str(MODEL)), Model("tuned", str(MODEL))]
    with EmbeddedStack(sides, python=warm, logs=tmp_path / "logs") as stack:
        base, tuned = stack.urls["base"], stack.urls["tuned"]
        asked = ["--base-url", base, "--prompts", "prompts.csv", "--name", "served", "--max-tokens", "8"]
        named = ["--tuned-url", f"one={tuned}", "--tuned-url", f"two={tuned}", "--tuned-url", "gone=http://127.0.0.1:9"]
        done = blindside("sweep", *asked, *named, "--timeout", "5", cwd=tmp_path)
        again = blindside("sweep", *asked, *named, "--timeout", "5", cwd=tmp_path)
    for told in (done, again):
        assert told.returncode == 1
        assert told.stderr.strip().splitlines()[-1].startswith("blindside: 1 candidate of 3 failed")
    assert "one: all 4 answers already collected" in again.stdout
    found = read_sweep(tmp_path / "reports", "served")
    assert {one.name: one.state for one in found.candidates} == {
        "one": "collected", "two": "collected", "gone": "failed",
    }  # fmt: skip
    assert "127.0.0.1:9" in found.candidate("gone").reason
    for name, run in runs_of(tmp_path / "reports", found).items():
        assert run.name == f"served-{name}"
        assert run.info.reused == {}
        assert run.info.sweep is not None
        assert run.info.sweep.of == 3
        assert len(read_answers(run.responses_path).responses) == 4


def test_what_cannot_be_a_candidate_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    """Another base, and a model that is not there: nothing needs to be served."""
    found = make_sweep(tmp_path, k=2)
    reports = tmp_path / "reports"
    other = make_run(tmp_path, name="rates-other")
    base = other.info.models["base"].model_copy(update={"weights_sha256": "e" * 64})
    other = other.update(models={**other.info.models, "base": base})
    with pytest.raises(RunError, match="its base is not that of low: a sweep has one base"):
        same_base(other, found, reports)
    asking = SweepSettings("rates", SweepDefinition(), reports, tmp_path / "models", Decoding(), WANTED, HOW)
    gone = Candidate(name="gone", model="gone")
    more = found.model_copy(update={"candidates": (*found.candidates, gone)})
    after = collect_all(more, asking)
    assert after.candidate("gone").state == "failed"
    assert "holds no trained model" in after.candidate("gone").reason
    assert read_sweep(reports, "rates").candidate("gone").state == "failed"


def test_a_judged_candidate_stays_one_whatever_became_of_its_folder(tmp_path: Path) -> None:
    found = make_sweep(tmp_path, k=2)
    state = SweepState(tmp_path / "reports" / "rates", runs(tmp_path), Study(practice=0))
    Person(state, "Ana").judge_all()
    asking = SweepSettings(
        "rates", SweepDefinition(), tmp_path / "reports", tmp_path / "models", Decoding(), WANTED, HOW
    )
    assert collect_all(found, asking) == found
