"""A sweep over models that are served already: `--tuned-url name=URL`, on real servers of the tiny model."""

from __future__ import annotations

from pathlib import Path

from compose.stack import EmbeddedStack, Model
from eval.answers import read_answers
from eval.sweep import read_sweep, runs_of
from tests.cli.command import blindside
from tests.compose.servers import MODEL


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
