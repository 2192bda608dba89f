"""docs/scale.md: its scripts are shell, its YAML is YAML, and its dials and figures are those of the code."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from blindside.gpus import Gpu
from tests.support import ROOT
from train.doctor.scale import check_spread
from train.launcher import read_launch
from train.recipe import find_recipe, read_recipe
from train.resources.memory import GIB, estimate
from train.resources.shapes import KNOWN

TEXT = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("script", [body for kind, body in BLOCKS if kind == "bash"])
def test_every_script_is_shell(script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_skypilots_file_is_yaml() -> None:
    (file,) = (yaml.safe_load(body) for kind, body in BLOCKS if kind == "yaml")
    assert file["run"].split()[:2] == ["make", "train"]


def test_what_slurm_sets_is_what_the_dials_take() -> None:
    dials = dict(re.findall(r"(LAUNCHER|NPROC)=(\w+)", next(body for _, body in BLOCKS if "SBATCH" in body)))
    found = read_launch({**dials, "NODES": "2", "MASTER": "gpu1", "SLURM_NODEID": "1"}, {}, gpus=8)
    assert (found.launcher, found.world, found.rank) == ("torchrun", 16, 1)


@pytest.mark.parametrize(
    ("name", "gpus"),
    [
        ("qwen2.5-7b-dpo-fsdp2", (4, 8)), ("qwen2.5-14b-dpo-zero3", (8,)), ("qwen2.5-32b-qlora-dpo-fsdp", (2, 4)),
        ("qwen2.5-3b-dpo-ray", (8,)),
    ],
)  # fmt: skip
def test_the_tables_figures_are_the_doctors(name: str, gpus: tuple[int, ...]) -> None:
    recipe = read_recipe(find_recipe(name))
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}`"))
    needs = [estimate(recipe, KNOWN[recipe.base_model], gpu=True, gpus=count).total / GIB for count in gpus]
    assert re.findall(r"\d+", row.rsplit("|", 2)[1])[:: 2 if len(gpus) > 1 else 1] == [f"{need:.0f}" for need in needs]


def test_the_strategies_are_those_of_the_doctor() -> None:
    recipe = read_recipe(find_recipe("qwen2.5-7b-dpo-fsdp2"))
    gpus = [Gpu(index, "NVIDIA H100", 80 * GIB, 80 * GIB, (9, 0)) for index in range(8)]
    (found,) = check_spread(recipe, KNOWN[recipe.base_model], gpus)
    written = {" ".join(line.split()) for line in TEXT.splitlines()}
    assert {" ".join(line.split()) for line in (found.found, *found.detail)} <= written
