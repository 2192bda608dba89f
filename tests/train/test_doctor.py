"""The doctor on machines of several kinds: its sentences, and real disks, ports, programs and a Hub on loopback."""

from __future__ import annotations

import dataclasses
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from blindside.gpus import Gpu
from tests.support import free_port
from tests.train.doctored import A6000, FULL, GPU_ENGINE, H100, QLORA, SMALL, T4, ask, machine, recipe
from tests.train.models import hf5_folder
from train.doctor.doctor import Machine, check_ready, inspect_machine
from train.errors import TrainError
from train.resources.findings import Finding, show
from train.resources.gpus import Engine, chosen_gpus, cuda
from train.resources.memory import GIB


@pytest.mark.parametrize(
    ("name", "gpu", "level"),
    [(FULL, H100, "ok"), (FULL, A6000, "warn"), (FULL, T4, "fail"), (QLORA, T4, "ok"), (QLORA, A6000, "ok")],
)
def test_memory_is_held_against_the_gpu(name: str, gpu: Gpu, level: str, tmp_path: Path) -> None:
    assert ask(recipe(name), machine(gpu), tmp_path)["memory"].level == level


def test_memory_is_told_with_its_table_and_a_remedy(tmp_path: Path) -> None:
    found = ask(recipe(FULL), machine(T4), tmp_path)["memory"]
    assert found.found == f"{FULL} needs up to 65.3 GiB (sizes as published) of the GPU; 15.0 GiB are available"
    assert found.remedy.startswith("weights and optimizer alone need 30.3 GiB: use the QLoRA recipe")
    assert [line.split()[0] for line in found.detail[:4]] == ["weights", "reference", "gradients", "optimizer"]
    shown = "\n".join(show([found]))
    assert "in all" in shown
    assert f"→ {found.remedy}" in shown


def test_a_gpu_in_use_is_told(tmp_path: Path) -> None:
    busy = dataclasses.replace(H100, free=20 << 30)
    found = ask(recipe(FULL), machine(busy), tmp_path)["memory"]
    assert (found.level, found.remedy[:23]) == ("warn", "only 20.0 GiB are free:")


def test_without_a_gpu_only_recipes_for_a_cpu_go(tmp_path: Path) -> None:
    alone = machine(cuda=None)
    found = ask(recipe(FULL), alone, tmp_path)
    assert (found["GPU"].level, found["memory"].level) == ("fail", "fail")
    assert found["memory"].remedy == "rent a GPU of 80 GB (docs/cloud.md)"
    assert ask(recipe(QLORA), alone, tmp_path)["memory"].remedy == "rent a GPU of 16 GB (docs/cloud.md)"
    assert "smollm2-135m-dpo" in found["GPU"].remedy
    found = ask(recipe(SMALL), alone, tmp_path)
    assert (found["GPU"].level, found["memory"].level) == ("ok", "ok")
    assert ask(recipe(SMALL), dataclasses.replace(alone, memory=2 * GIB), tmp_path)["memory"].level == "fail"
    assert ask(recipe(SMALL), dataclasses.replace(alone, memory=6 * GIB), tmp_path)["memory"].level == "warn"


def test_4_bit_weights_train_on_a_cpu_where_they_fit_and_that_is_slow(tmp_path: Path) -> None:
    alone, slow = machine(cuda=None), recipe(QLORA, bf16=False)
    found = ask(slow, alone, tmp_path)
    assert (found["GPU"].level, found["memory"].level) == ("warn", "ok")
    assert found["GPU"].found.endswith("4-bit weights train on the CPU, slowly")
    assert "of free memory" in found["memory"].found
    assert ask(slow, dataclasses.replace(alone, memory=2 * GIB), tmp_path)["memory"].level == "fail"
    for more in ({"bf16": "auto"}, {"optimizer": "paged_adamw_8bit"}, {"attn_implementation": "flash_attention_2"}):
        assert ask(recipe(QLORA, **{"bf16": False} | more), alone, tmp_path)["GPU"].level == "fail"


def test_an_old_gpu_has_no_flash_attention(tmp_path: Path) -> None:
    assert ask(recipe(FULL), machine(T4), tmp_path)["GPU"].level == "fail"
    assert ask(recipe(QLORA), machine(T4), tmp_path)["GPU"].level == "ok"


@pytest.mark.parametrize(
    ("version", "engine", "level"),
    [
        ((13, 0), GPU_ENGINE, "ok"),
        ((12, 4), GPU_ENGINE, "warn"),
        ((12, 4), Engine("28.0"), "ok"),
        ((12, 0), GPU_ENGINE, "fail"),
        (None, GPU_ENGINE, "warn"),
    ],
)
def test_cuda_is_new_enough(version: tuple[int, int] | None, engine: Engine, level: str, tmp_path: Path) -> None:
    found = ask(recipe(FULL), machine(H100, cuda=version, engine=engine), tmp_path)["CUDA"]
    assert (found.level, bool(found.remedy)) == (level, level != "ok")


def test_docker_is_told_with_what_it_lacks(tmp_path: Path) -> None:
    assert ask(None, machine(H100), tmp_path)["Docker"] == Finding(
        "Docker", "ok", "engine 28.0, with the GPU for containers"
    )
    found = ask(None, machine(H100, engine=Engine("28.0")), tmp_path)["Docker"]
    assert (found.level, "NVIDIA Container Toolkit" in found.remedy) == ("warn", True)
    found = ask(None, machine(engine=Engine(problem="no Docker engine answers")), tmp_path)["Docker"]
    assert (found.level, found.remedy) == ("warn", "no Docker engine answers")


def test_a_disk_that_is_too_small_is_told(tmp_path: Path) -> None:
    assert ask(recipe("tiny"), machine(), tmp_path)["disk"].level == "ok"
    found = ask(recipe(FULL, base_model="someone/Huge-100000B"), machine(H100), tmp_path)["disk"]
    assert (found.level, "about 1600001.0 GB are needed" in found.remedy) == ("fail", True)


def test_the_cache_belongs_on_the_volume(tmp_path: Path) -> None:
    volume = tmp_path / "workspace"
    volume.mkdir()

    def cache(**variables: str) -> Finding:
        return ask(recipe(FULL), machine(H100), tmp_path, workspace=volume, variables=variables)["HF_HOME"]

    assert cache(HF_HOME=str(volume / "huggingface")).level == "ok"
    assert cache(HF_HOME="").found == f"not set; training uses {volume / 'huggingface'}"
    found = cache(HF_HOME=str(tmp_path / "elsewhere"))
    assert found.level == "warn"
    assert found.remedy.startswith(f"`export HF_HOME={volume}/huggingface`")
    assert cache(HF_HOME="/proc/nobody").level == ("warn" if os.access("/proc", os.W_OK) else "fail")


def test_ports_are_really_tried(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        held = taken.getsockname()[1]
        found = ask(None, machine(), tmp_path, ports=(port, held))
    assert found[f"port {port}"].level == "ok"
    assert found[f"port {held}"] == Finding(
        f"port {held}",
        "warn",
        "Address already in use",
        "stop the program that uses it, or choose another port with PORT=",
    )


def test_a_training_stops_on_what_surely_breaks_and_says_the_rest(tmp_path: Path) -> None:
    def stop(name: str, seen: Machine, **changes: Any) -> list[str]:
        said: list[str] = []
        told = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
        check_ready(recipe(name, **changes), tmp_path, said.append, machine=seen, variables=told)
        return said

    base = hf5_folder(tmp_path / "tiny-base")

    with pytest.raises(TrainError, match=r"^GPU: none that nvidia-smi lists, and qwen2\.5-3b-dpo needs one; rent one"):
        stop(FULL, machine())
    with pytest.raises(TrainError, match=r"^memory: .* are available; weights and optimizer alone need 30\.3 GiB"):
        stop(FULL, machine(dataclasses.replace(T4, capability=(8, 0))))
    said = stop(FULL, machine(A6000))
    assert said[0].startswith("  note: memory: qwen2.5-3b-dpo needs up to 65.3 GiB")
    assert said[-1].startswith("  note: Hub: HF_HUB_OFFLINE is set; not here: Qwen/Qwen2.5-3B-Instruct")
    assert stop("tiny", machine(), base_model=str(base)) == []


SMI = """#!/bin/sh
case "$*" in
  *compute_cap*) printf '%s\\n' "0, 9.0" "1, 7.5" ;;
  *--query-gpu=*) printf '%s\\n' "0, NVIDIA H100 80GB HBM3, 81559, 81079" "1, Tesla T4, 15360, 15100" ;;
  *) echo '| NVIDIA-SMI 580.65.06    Driver Version: 580.65.06    CUDA Version: 13.0     |' ;;
esac
"""


def test_gpus_are_read_from_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidia-smi").write_text(SMI)
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert chosen_gpus() == (H100, dataclasses.replace(T4, index=1))
    assert cuda() == (13, 0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert [gpu.name for gpu in chosen_gpus()] == ["Tesla T4"]
    assert [gpu.name for gpu in inspect_machine().gpus] == ["Tesla T4"]


def test_a_docker_that_does_not_answer_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    problem = inspect_machine().engine.problem
    assert problem.startswith(f"cannot connect to the Docker engine at unix://{tmp_path}/none.sock: start it")
