"""The base's answers are taken from another run where everything that decides them is the same, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eval.answers import encode, read_answers
from eval.collect.reuse import find_reusable_run, take_base_answers
from eval.journal import json_lines
from eval.run import Run, open_run
from eval.run_info import Decoding, ParityRecord, RunChecks
from tests.judge.runs import make_run, prompt, response

SERVED = {"version": "3.3", "sha": "abc", "model_dtype": "float32"}


def run_of(folder: Path, run_name: str, *, answered: bool = True, **base: Any) -> Run:
    """A run whose servers told what they are; of one that is not `answered` only the tuned model has."""
    run = make_run(folder, n=4, name=run_name)
    models = {side: one.model_copy(update={"served": SERVED}) for side, one in run.info.models.items()}
    models["base"] = models["base"].model_copy(update=base)
    if not answered:
        lines = [line for _, line in json_lines(run.responses_path) if b'"side":"tuned"' in line]
        run.responses_path.write_bytes(b"".join(lines))
    return run.update(models=models, engine="embedded 0.1")


def test_the_base_of_the_same_weights_is_asked_once(tmp_path: Path) -> None:
    checks = RunChecks(parity={"base": ParityRecord(passed=True, dtype="float32")})
    first = run_of(tmp_path, "first", source="elsewhere/base.other", name="another name").update(checks=checks)
    new = run_of(tmp_path, "second", answered=False)
    other = find_reusable_run(new)
    assert other is not None
    assert other.name == "first"
    taken = take_base_answers(new, other)
    assert taken is not None
    found = open_run(new.folder.parent, "second").info
    assert (found.reused["base"].run, found.reused["base"].answers) == ("first", 4)
    assert found.checks.parity["base"].passed
    assert found.models["base"].source == new.info.models["base"].source, "it stays the run that it was"
    assert found.counts["answered"] == 8
    rows = [read_answers(run.responses_path).responses for run in (first, taken)]
    assert [rows[1][f"hidden-item-{i:04d}", "base"] for i in range(4)] == [
        rows[0][f"hidden-item-{i:04d}", "base"] for i in range(4)
    ]
    third = run_of(tmp_path, "third", answered=False)
    again = take_base_answers(third, taken)
    assert again is not None
    assert again.info.reused["base"].run == "first", "where they were asked for"


@pytest.mark.parametrize(
    "base",
    [
        {"weights_sha256": "e" * 64},
        {"template_sha256": "e" * 64},
        {"config_sha256": "e" * 64},
        {"revision": "e" * 40},
        {"weights_sha256": None},
    ],
)
def test_another_base_or_one_that_nothing_pins_is_asked_anew(base: dict[str, Any], tmp_path: Path) -> None:
    run_of(tmp_path, "first", **base)
    assert find_reusable_run(run_of(tmp_path, "second", answered=False)) is None
    if base == {"weights_sha256": None}:
        assert find_reusable_run(run_of(tmp_path, "third", answered=False, **base)) is None


@pytest.mark.parametrize("what", ["decoding", "prompts", "forced", "edited", "unanswered", "imported"])
def test_other_questions_or_answers_that_cannot_be_trusted_are_not_taken(what: str, tmp_path: Path) -> None:
    first = run_of(tmp_path, "first")
    if what == "decoding":
        first.update(decoding=Decoding(max_tokens=7))
    elif what == "prompts":
        first.update(prompt_set=first.info.prompt_set.model_copy(update={"sha256": "0" * 64}))
    elif what == "forced":
        first.update(checks=RunChecks(parity={"base": ParityRecord(passed=False, forced=True)}))
    elif what == "edited":
        text = first.responses_path.read_text()
        first.responses_path.write_text(text.replace("Long reply 2, with words.", "Worse reply 2."))
    elif what == "unanswered":
        first.responses_path.write_text("")
    else:
        first.update(origin="imported")
    assert find_reusable_run(run_of(tmp_path, "second", answered=False)) is None


@pytest.mark.parametrize("told", [{"version": "3.4"}, {"model_dtype": "bfloat16"}, {"sha": "other"}])
def test_another_version_of_the_server_is_asked_anew(told: dict[str, str], tmp_path: Path) -> None:
    run_of(tmp_path, "first", served={**SERVED, **told})
    new = run_of(tmp_path, "second", answered=False)
    other = find_reusable_run(new)
    assert other is not None
    assert take_base_answers(new, other) is None
    assert open_run(new.folder.parent, "second").info.reused == {}


def test_a_question_that_only_has_the_same_id_is_not_the_same(tmp_path: Path) -> None:
    first = run_of(tmp_path, "first")
    row = response(prompt(0, "Another question"), "base", "Another answer")
    lines = [line for _, line in json_lines(first.responses_path) if b"hidden-item-0000" not in line]
    first.responses_path.write_bytes(b"".join(lines) + encode([row]))
    assert find_reusable_run(run_of(tmp_path, "second", answered=False)) is None
