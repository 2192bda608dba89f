"""What the doctor says of several GPUs: each way to spread a recipe, and the recipes that fit a machine."""

from __future__ import annotations

import re

import pytest

from blindside.gpus import Gpu
from train.doctor.doctor import Machine, examine
from train.doctor.scale import check_recipes, check_spread, what_to_rent
from train.recipe import find_recipe, read_recipe
from train.resources.findings import Finding
from train.resources.memory import GIB
from train.resources.shapes import KNOWN

DIALS = ("LAUNCHER", "NPROC", "NODES", "MASTER", "NODE_RANK")


@pytest.fixture(autouse=True)
def _no_dials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DIALS:
        monkeypatch.delenv(name, raising=False)


def cards(count: int, gib: int) -> tuple[Gpu, ...]:
    return tuple(Gpu(index, "NVIDIA H100", gib * GIB, gib * GIB, (9, 0)) for index in range(count))


def fits(found: Finding) -> set[str]:
    return {line.split("  ")[0] for line in found.detail if line.endswith("fits") and "not" not in line}


def told(name: str, *gpus: Gpu) -> dict[str, Finding]:
    machine = Machine(gpus=gpus, cuda=(13, 0), memory=64 * GIB)
    return {one.name: one for one in examine(read_recipe(find_recipe(name)), machine=machine, variables={})}


def test_each_way_is_a_row_with_what_it_takes_of_a_gpu() -> None:
    recipe = read_recipe(find_recipe("qwen2.5-7b-dpo-fsdp2"))
    (found,) = check_spread(recipe, KNOWN[recipe.base_model], cards(8, 80))
    assert found.found.startswith("8 GPUs, the recipe uses FSDP over 8; memory per GPU")
    sizes = {line[:26].strip(): float(re.findall(r"[\d.]+ GiB in all", line)[0].split()[0]) for line in found.detail}
    assert sizes["no sharding"] > 80 > sizes["ZeRO-2"] > sizes["ZeRO-3"] > sizes["FSDP2"]
    assert sizes["FSDP2"] > sizes["FSDP2, context parallel"]
    assert "no sharding" not in fits(found) >= {"FSDP2", "ZeRO-3"}
    assert check_spread(recipe, KNOWN[recipe.base_model], cards(1, 80)) == []


def test_the_recipes_that_fit_are_named() -> None:
    eight, four, none = (
        check_recipes(cards(8, 80), 64 * GIB),
        check_recipes(cards(4, 24), 64 * GIB),
        check_recipes((), 8 * GIB),
    )
    assert {"qwen2.5-7b-dpo-fsdp2", "qwen2.5-14b-dpo-zero3", "qwen2.5-32b-qlora-dpo-fsdp", "tiny"} <= fits(eight)
    assert fits(four) == {"qwen2.5-3b-dpo-ray", "qwen2.5-3b-qlora-dpo", "smollm2-135m-dpo", "tiny"}
    assert fits(none) == {"tiny"}
    assert "qwen2.5-14b-dpo-zero3          wants 8 GPUs of 80 GB" in none.detail


def test_a_machine_that_is_to_be_rented_is_counted_by_nproc(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = read_recipe(find_recipe("qwen2.5-14b-dpo-zero3"))
    assert what_to_rent(recipe, KNOWN[recipe.base_model]) == "8 GPUs of 80 GB"
    monkeypatch.setenv("NPROC", "8")
    found = told("qwen2.5-14b-dpo-zero3")
    assert "needs up to 52.5 GiB on each of 8 GPUs" in found["memory"].found
    assert "launcher" not in found
    assert len(found["spread"].detail) == 7


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPROC", "4")
    assert told("qwen2.5-7b-dpo-fsdp2", *cards(2, 80))["launcher"].found == "NPROC=4, and this machine has 2 GPUs"
    monkeypatch.setenv("NPROC", "four")
    assert told("tiny")["launcher"].level == "fail"
