"""One training by two processes on the CPU, for real: torchrun, our plugin inside Axolotl, and the same as by one."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from tests.train.models import recipe
from train.artifact import read_artifact
from train.launch import environment
from train.stage import train
from train.tiny.world import pair_rows, to_jsonl

STEPS, BATCH = 6, 8
FIGURES = ("margin", "loss", "logps_chosen", "logps_rejected")


@pytest.fixture(scope="module")
def blank(warm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny world's model of random weights."""
    folder = tmp_path_factory.mktemp("world")
    subprocess.run(
        [str(warm), "-m", "train.tiny.blank", str(folder)],
        check=True, capture_output=True, env=environment(warm.parents[1], offline=True),
    )  # fmt: skip
    return folder / "blank"


def trained(folder: Path, base: Path, env: Path, **changes: object) -> list[list[float]]:
    """FIGURES of each step."""
    folder.mkdir()
    (folder / "pairs.jsonl").write_text(to_jsonl(pair_rows()[: STEPS * BATCH]), encoding="utf-8")
    usual = {"dpo_loss_type": ["sigmoid"], "dpo_loss_weights": None, "max_steps": STEPS, "warmup_steps": 1}
    path = recipe(folder, base, **(usual | changes))
    train(str(path), models=folder / "models", env=env, say=lambda _: None)
    with (folder / "models" / "mine" / "training.csv").open(encoding="utf-8", newline="") as file:
        return [[float(row[name]) for name in FIGURES] for row in csv.DictReader(file)]


PEERS = """
import torch
from axolotl.utils.environment import check_cuda_p2p_support
from train.tokens.plugin import SameTokens

def no_driver(*_):
    raise RuntimeError("Found no NVIDIA driver on your system")

torch.cuda.can_device_access_peer = no_driver
SameTokens().register({})
print(check_cuda_p2p_support())
"""


@pytest.mark.train
def test_a_cuda_build_without_a_driver_gets_past_axolotls_question_about_peers(warm: Path) -> None:
    """Axolotl asks PyTorch whether GPUs reach each other; such a build answers with an error."""
    variables = environment(warm.parents[1], offline=True) | {"ACCELERATE_USE_CPU": "true", "WORLD_SIZE": "2"}
    done = subprocess.run([str(warm), "-c", PEERS], capture_output=True, text=True, env=variables, check=False)
    assert done.stdout.strip() == "True", done.stderr[-1000:]


@pytest.mark.train
@pytest.mark.slow
def test_two_processes_train_as_one_does(
    warm: Path, blank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same global batch: each process has half of it. The loss is a pair's own here, so figures are the same; and
    with the reference's log-probabilities computed beforehand they are too, without its copy of the weights.
    """
    env = warm.parents[1]
    one = trained(tmp_path / "one", blank, env, micro_batch_size=BATCH)
    monkeypatch.setenv("LAUNCHER", "torchrun")
    monkeypatch.setenv("NPROC", "2")
    two = trained(tmp_path / "two", blank, env, micro_batch_size=BATCH // 2, precompute_ref_log_probs=True)
    assert len(one) == len(two) == STEPS
    assert max(row[0] for row in one) > 0.01  # something was learned
    for ours, theirs in zip(two, one, strict=True):
        assert ours == pytest.approx(theirs, rel=0.005, abs=2e-4)
    made = read_artifact(tmp_path / "two" / "models" / "mine")
    assert made.tokens is not None
    assert made.tokens.same == made.tokens.pairs == STEPS * BATCH
    log = (tmp_path / "two" / "models" / "mine.work" / "train.log").read_text(encoding="utf-8", errors="replace")
    assert "its copy of the weights is freed" in log
    assert made.inputs_sha256 != read_artifact(tmp_path / "one" / "models" / "mine").inputs_sha256


@pytest.mark.train
@pytest.mark.slow
def test_where_each_process_averages_over_its_own_tokens_the_figures_differ_a_little(
    warm: Path, blank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tiny recipe's own loss: one half of a batch has more tokens than the other, and counts as much."""
    env, own = warm.parents[1], {"dpo_loss_type": ["sigmoid", "sft"], "dpo_loss_weights": [0.2, 1.0]}
    one = trained(tmp_path / "one", blank, env, micro_batch_size=BATCH, **own)
    monkeypatch.setenv("LAUNCHER", "torchrun")
    monkeypatch.setenv("NPROC", "2")
    two = trained(tmp_path / "two", blank, env, micro_batch_size=BATCH // 2, **own)
    assert len(one) == len(two) == STEPS
    assert max(row[0] for row in one) > 0.05  # something was learned
    assert [row[1] for row in one] != [row[1] for row in two]
    for ours, theirs in zip(two, one, strict=True):
        # A margin is a tenth of the small difference of log-probabilities of 50 to 200.
        assert ours[0] == pytest.approx(theirs[0], abs=0.005)
        assert ours[1] == pytest.approx(theirs[1], abs=0.01)
        assert ours[2:] == pytest.approx(theirs[2:], rel=0.001)
