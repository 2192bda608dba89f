"""A sweep by Axolotl on the tiny model, killed in its second training: nothing is trained or asked twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from eval.answers import read_answers
from eval.run import Run
from eval.sweep import Sweep, read_sweep, runs_of
from tests.cli.command import BLINDSIDE
from tests.compose.servers import MODEL
from tests.e2e.test_adapter import write_pairs
from tests.support import ROOT
from train.recipe import RECIPES

#: Two that are trained, and one of another data mix that is not there.
SWEEP = {
    "recipe": "recipe.yml",
    "grid": {"learning_rate": [1.0e-3, 5.0e-3]},
    "changes": {"broken": {"datasets": [{"path": "nowhere.jsonl", "type": "chat_template.default"}]}},
    "prompts": "prompts.csv",
}
FIRST, SECOND, BROKEN = "rates-learning_rate-0.001", "rates-learning_rate-0.005", "rates-broken"
LOOK, PATIENCE = 0.05, 300.0


def _project(folder: Path) -> None:
    shutil.copytree(MODEL, folder / "base")
    write_pairs(folder / "pairs.jsonl")
    config = yaml.safe_load((RECIPES / "tiny.yml").read_text(encoding="utf-8"))
    config["datasets"][0]["path"] = str(folder / "pairs.jsonl")
    config |= {
        "base_model": str(folder / "base"), "output_dir": str(folder / "output"), "max_steps": 10,
        "micro_batch_size": 4, "lr_scheduler": "constant", "warmup_steps": 0, "logging_steps": 1,
    }  # fmt: skip
    (folder / "recipe.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder / "rates.yml").write_text(yaml.safe_dump(SWEEP), encoding="utf-8")
    asked = "".join(f"What is {n} plus 3?\n" for n in range(1, 6))
    (folder / "prompts.csv").write_text(f"prompt\n{asked}", encoding="utf-8")


def _sweep(folder: Path, env: Path) -> subprocess.Popen[str]:
    how = ["--engine", "embedded", "--quick-parity", "--max-tokens", "16"]
    command: list[str | Path] = [BLINDSIDE, "sweep", "rates.yml", *how]
    return subprocess.Popen(
        [*command, "--train-env", env], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def _kill_in_the_second_training(process: subprocess.Popen[str], folder: Path) -> None:
    figures = folder / "models" / f"{SECOND}.work" / f"figures-{SECOND}.jsonl"
    until = time.monotonic() + PATIENCE
    while not (figures.exists() and figures.read_bytes().count(b"\n") > 2):
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < until
        time.sleep(LOOK)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def _collected(folder: Path) -> tuple[Sweep, dict[str, Run]]:
    found = read_sweep(folder / "reports", "rates")
    return found, runs_of(folder / "reports", found)


@pytest.mark.slow
@pytest.mark.train
def test_a_killed_sweep_goes_on_and_the_base_is_asked_once(warm: Path, tmp_path: Path) -> None:
    _project(tmp_path)
    env = warm.parents[1]
    _kill_in_the_second_training(_sweep(tmp_path, env), tmp_path)
    first = tmp_path / "models" / FIRST / "blindside.json"
    before = first.read_bytes(), first.stat().st_mtime_ns
    assert not (tmp_path / "models" / SECOND / "blindside.json").exists()
    assert [one.state for one in read_sweep(tmp_path / "reports", "rates").candidates] == [
        "trained", "planned", "planned",
    ]  # fmt: skip

    again = _sweep(tmp_path, env)
    said, _ = again.communicate(timeout=PATIENCE)
    assert again.returncode == 1, said
    assert f"{FIRST} is up to date" in said
    assert (first.read_bytes(), first.stat().st_mtime_ns) == before
    assert said.strip().splitlines()[-1] == (
        "blindside: 1 candidate of 3 failed: the same command tries again, and they stay in the sweep"
    )
    assert "2 candidates to judge: `blindside judge rates`" in said

    found, runs = _collected(tmp_path)
    assert [one.state for one in found.candidates] == ["collected", "collected", "failed"]
    assert "nowhere.jsonl" in found.candidate(BROKEN).reason
    assert set(runs) == {FIRST, SECOND}
    assert [run.info.sweep and run.info.sweep.of for run in runs.values()] == [3, 3]
    assert found.candidate(FIRST).figures["training_margin"] != found.candidate(SECOND).figures["training_margin"]
    taken = runs[SECOND].info.reused["base"]
    assert (taken.run, taken.answers) == (runs[FIRST].name, 5)
    rows = [read_answers(run.responses_path).responses for run in runs.values()]
    assert all(rows[0][item, "base"] == rows[1][item, "base"] for item, side in rows[0] if side == "base")
    assert any(rows[0][item, "tuned"].text != rows[1][item, "tuned"].text for item, side in rows[0] if side == "tuned")
    assert all(run.info.checks.parity["base"].passed for run in runs.values())
    assert (runs[SECOND].folder / "training.csv").is_file()

    third = _sweep(tmp_path, env)
    said, _ = third.communicate(timeout=PATIENCE)
    assert "loading" not in said, "nothing was left to serve"
    assert json.loads((tmp_path / "reports" / "rates" / "sweep.json").read_bytes())["candidates"][2]["reason"]
