"""LAUNCHER, NPROC, NODES and MASTER: what Axolotl is started with, and what is refused before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.models import recipe
from tests.train.test_stage import calls, small
from train.errors import LaunchError, RecipeError
from train.launch import launching
from train.launcher import read_launch
from train.recipe import RECIPES, find_recipe, read_recipe
from train.resources.sharding import deepspeed_file
from train.stage import join, train

__all__ = ["small"]

FIRST = {"MASTER": "gpu1:4000", "NODES": "2"}


def words(dials: dict[str, str], *, gpus: int = 8, **recipe: object) -> str:
    return " ".join(read_launch(dials, recipe, gpus=gpus).options("job"))


@pytest.mark.parametrize(
    ("dials", "told"),
    [
        ({}, ""),
        ({"NPROC": "4"}, "-- --num_processes 4"),
        ({"LAUNCHER": "accelerate", "NPROC": "4"}, "--launcher accelerate -- --num_processes 4"),
        ({"LAUNCHER": "torchrun", "NPROC": "4"}, "--launcher torchrun -- --nproc_per_node 4"),
        ({"LAUNCHER": "torchrun"}, "--launcher torchrun -- --nproc_per_node gpu"),
        ({"LAUNCHER": "torchrun --max_restarts=0", "NPROC": "2"},
         "--launcher torchrun -- --nproc_per_node 2 --max_restarts=0"),
        ({"LAUNCHER": "python"}, "--launcher python"),
        ({"LAUNCHER": "ray"}, "--use-ray"),
        ({"LAUNCHER": "ray", "NPROC": "4", "NODES": "2"}, "--use-ray --ray-num-workers 8"),
        ({**FIRST, "LAUNCHER": "torchrun", "NPROC": "8"},
         "--launcher torchrun -- --nproc_per_node 8 --nnodes 2 --rdzv_backend c10d --rdzv_endpoint gpu1:4000 "
         "--rdzv_id job"),
        ({**FIRST, "SLURM_NODEID": "1"},
         "--launcher accelerate -- --num_processes 16 --num_machines 2 --machine_rank 1 --main_process_ip gpu1 "
         "--main_process_port 4000"),
    ],
)  # fmt: skip
def test_dials_are_axolotls_own_words(dials: dict[str, str], told: str) -> None:
    assert words(dials) == told


def test_a_recipe_for_ray_is_started_by_ray_alone() -> None:
    assert words({}, use_ray=True) == "--use-ray"
    with pytest.raises(LaunchError, match="the recipe trains by Ray"):
        words({"LAUNCHER": "torchrun"}, use_ray=True)


def test_machines_are_counted_by_whatever_started_them() -> None:
    for name in ("NODE_RANK", "SLURM_NODEID", "SKYPILOT_NODE_RANK"):
        found = read_launch({**FIRST, name: "1"}, {}, gpus=4)
        assert (found.rank, found.leads, found.world) == (1, False, 8)
    alone = read_launch({"SLURM_NODEID": "3"}, {}, gpus=4)  # one job of an array, on a machine of its own
    assert alone.leads


@pytest.mark.parametrize(
    ("dials", "gpus", "told"),
    [
        ({"LAUNCHER": "mpirun"}, 8, "LAUNCHER is 'mpirun'; give accelerate, torchrun, ray or python"),
        ({"NPROC": "two"}, 8, "NPROC is 'two'; give a whole number"),
        ({"NPROC": "0"}, 8, "NPROC is '0'"),
        ({"NODES": "2"}, 8, "NODES is given without MASTER"),
        ({"NODES": "2", "MASTER": "a b"}, 8, "MASTER is 'a b'"),
        ({"NODES": "2", "MASTER": "a:99999"}, 8, "MASTER is 'a:99999'"),
        ({**FIRST, "NODE_RANK": "2"}, 8, "this is machine 2, counted from 0, of NODES=2"),
        ({**FIRST, "NODE_RANK": "-1"}, 8, "NODE_RANK is '-1'"),
        ({"LAUNCHER": "python", "NPROC": "2"}, 8, "LAUNCHER=python is one process"),
        ({"NPROC": "2"}, 0, "set LAUNCHER=torchrun"),
        ({"LAUNCHER": "torchrun"}, 0, "set NPROC"),
        (FIRST, 0, "NODES is given without NPROC"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(dials: dict[str, str], gpus: int, told: str) -> None:
    with pytest.raises(LaunchError, match=told) as caught:
        words(dials, gpus=gpus)
    assert "\n" not in str(caught.value)


def test_processes_on_a_cpu_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUNCHER", "torchrun")
    monkeypatch.setenv("NPROC", "2")
    found, variables = launching("train", RECIPES / "tiny.yml", {"OMP_NUM_THREADS": "4"})
    assert found == ["--launcher", "torchrun", "--", "--nproc_per_node", "2"]
    assert variables == {"OMP_NUM_THREADS": "2", "ACCELERATE_USE_CPU": "true"}
    assert launching("merge-lora", RECIPES / "tiny.yml", {}) == ([], {})


def test_without_dials_a_cpu_trains_in_axolotls_own_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no nvidia-smi
    for name in ("LAUNCHER", "NPROC", "NODES"):
        monkeypatch.delenv(name, raising=False)
    assert launching("train", RECIPES / "tiny.yml", {}) == (["--launcher", "python"], {})


def test_a_further_machine_trains_along_and_keeps_no_model(
    small: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, env = small
    models, said = path.parent / "models", list[str]()
    for name, value in {"LAUNCHER": "torchrun", "NPROC": "1", "NODES": "2", "MASTER": "first"}.items():
        monkeypatch.setenv(name, value)
    assert not join(str(path), models=models, env=env, say=said.append)
    monkeypatch.setenv("NODE_RANK", "1")
    assert join(str(path), models=models, env=env, say=said.append)
    assert calls(path) == ["train"]
    assert [one.name for one in models.iterdir()] == ["mine.machine1.work"]
    assert said[-1] == "mine is trained; the first machine continues with the model"
    monkeypatch.setenv("NODE_RANK", "0")
    train(str(path), models=models, env=env, say=said.append)
    monkeypatch.setenv("NODE_RANK", "1")
    assert join(str(path), models=models, env=env, say=said.append)
    assert said[-1] == f"{models / 'mine'} is up to date (recipe, data and base unchanged)"
    assert calls(path) == ["train", "train"]
    with pytest.raises(RecipeError, match="NODES=2 is for a recipe of its own"):
        train("tiny", models=models, env=env)


def test_deepspeeds_file_is_part_of_a_recipe(small: tuple[Path, Path]) -> None:
    """It is found in the code where a recipe of ours names it, goes to Axolotl with the recipe, and counts as input."""
    path, env = small
    (path.parent / "zero2.json").write_text('{"zero_optimization": {"stage": 2}}', encoding="utf-8")
    recipe(path.parent, path.parent / "base", deepspeed=str(path.parent / "zero2.json"))
    models = path.parent / "models"
    first = train(str(path), models=models, env=env, say=lambda _: None)
    assert read_recipe(models / "mine.work" / "mine.yml").config["deepspeed"] == str(
        models / "mine.work" / "zero2.json"
    )
    (path.parent / "zero2.json").write_text('{"zero_optimization": {"stage": 1}}', encoding="utf-8")
    assert train(str(path), models=models, env=env, say=lambda _: None).inputs_sha256 != first.inputs_sha256
    ours = read_recipe(find_recipe("qwen2.5-14b-dpo-zero3")).config["deepspeed"]
    assert deepspeed_file(ours) == RECIPES / "deepspeed" / "zero3.json"
