"""Which engine, which files, which GPU: from descriptions of machines."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from blindside.gpus import Gpu
from compose.errors import ComposeError, DockerMissing, EnvironmentMissing, ModelUnreadable
from compose.machine import Machine
from compose.plan import Plan, check_plan, choose_plan
from compose.stack import Model
from compose.vllm import service

MIB = 1 << 20
BIG = Gpu(0, "NVIDIA H100", 81_920 * MIB, 81_000 * MIB)
SMALL = Gpu(0, "NVIDIA T4", 15_360 * MIB, 15_000 * MIB)
HUB = (Model("base", "owner/base"), Model("tuned", "owner/tuned"))
DIALS = ("BASE_GPU", "TUNED_GPU", "BASE_MEMORY", "TUNED_MEMORY", "MAX_TOTAL_TOKENS", "MAX_INPUT_TOKENS")


@pytest.fixture(autouse=True)
def _no_dials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DIALS:
        monkeypatch.delenv(name, raising=False)


def machine(*gpus: Gpu, runtime: bool = True) -> Machine:
    return Machine(engine="27.0", compose="2.30.0", gpu_runtime=runtime, gpus=gpus)


def folders(tmp_path: Path, gib: float, positions: int = 32_768) -> tuple[Model, Model]:
    """Two model folders whose weights have this size on disk (as holes: nothing is written)."""
    for side in ("base", "tuned"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "config.json").write_text(json.dumps({"max_position_embeddings": positions}))
        with (tmp_path / side / "model.safetensors").open("wb") as file:
            file.truncate(int(gib * 2**30))
    return Model("base", str(tmp_path / "base")), Model("tuned", str(tmp_path / "tuned"))


def names(plan: Plan) -> list[str]:
    return [path.name.removeprefix("docker-compose").strip(".").removesuffix("yml").strip(".") for path in plan.files]


def test_auto_takes_docker_where_it_has_a_gpu_and_else_the_embedded_engine() -> None:
    assert choose_plan(models=HUB, machine=machine(BIG)).kind == "docker"
    for poor, why in (
        (Machine(no_docker="there is no docker command"), "there is no docker command"),
        (machine(), "no NVIDIA GPU"),
        (machine(BIG, runtime=False), "no GPU runtime for the NVIDIA H100: install the NVIDIA Container Toolkit"),
    ):
        plan = choose_plan(models=HUB, machine=poor)
        assert plan.kind == "embedded"
        assert why in plan.lines()[0]


def test_what_is_asked_for_is_taken() -> None:
    assert choose_plan("embedded", models=HUB, machine=machine(BIG)).kind == "embedded"
    on_cpu = choose_plan("docker", models=HUB, machine=machine())
    assert (names(on_cpu), on_cpu.kind) == (["", "cpu"], "docker")
    assert "on the CPU: this machine has no NVIDIA GPU" in on_cpu.lines()[0]
    with pytest.raises(DockerMissing, match="no docker command"):
        choose_plan("docker", models=HUB, machine=Machine(no_docker="there is no docker command"))


@pytest.mark.parametrize(("engine", "server"), [("podman", "tgi"), ("docker", "llama")])
def test_unknown_words_are_refused(engine: str, server: str) -> None:
    with pytest.raises(ComposeError, match="is unknown; use"):
        choose_plan(engine, models=HUB, server=server, machine=machine(BIG))


@pytest.mark.parametrize("server", ["vllm", "sglang"])
def test_other_servers_are_started_on_a_gpu_and_vllm_on_a_cpu_too(server: str) -> None:
    assert names(choose_plan("docker", models=HUB, server=server, machine=machine(BIG))) == ["", server, "gpu"]
    if server == "vllm":
        assert names(choose_plan("docker", models=HUB, server=server, machine=machine())) == ["", "vllm-cpu"]
        return
    with pytest.raises(ComposeError, match="for NVIDIA GPUs only"):
        choose_plan("docker", models=HUB, server=server, machine=machine())


def test_vllm_without_docker_is_placed_as_in_it() -> None:
    poor = Machine(
        no_docker="there is no docker command", gpus=(BIG, Gpu(1, "NVIDIA H100", 81_920 * MIB, 80_000 * MIB))
    )
    plan = choose_plan("vllm", models=HUB, machine=poor)
    assert (plan.kind, names(plan)) == ("vllm", ["vllm"])
    assert (plan.environment["BASE_GPU"], plan.environment["TUNED_GPU"]) == ("0", "1")
    assert plan.lines()[0].startswith("engine: vllm as processes, both sides (GPU 0 for the base")
    on_cpu = choose_plan("vllm", models=HUB, machine=Machine())
    assert (on_cpu.kind, names(on_cpu)) == ("vllm", ["vllm-cpu"])
    with pytest.raises(ComposeError, match="SERVER=sglang is served in Docker"):
        choose_plan("vllm", models=HUB, server="sglang", machine=poor)
    # By itself where its environment is built, and else it is reported how to.
    assert choose_plan(models=HUB, machine=poor, vllm=True).kind == "vllm"
    assert "there is no docker command; GPU 0 for" in choose_plan(models=HUB, machine=poor, vllm=True).lines()[0]
    assert "`make env-vllm`, then ENGINE=vllm" in choose_plan(models=HUB, machine=poor).lines()[0]
    assert choose_plan(models=HUB, machine=Machine(no_docker="none"), vllm=True).kind == "embedded"


def test_batch_invariant_kernels_are_left_where_a_gpu_has_them() -> None:
    for capability, expected in (((7, 5), "0"), ((8, 0), None), ((9, 0), None), (None, None)):
        plan = choose_plan(
            models=HUB, server="vllm", machine=machine(Gpu(0, "A", 80_000 * MIB, 79_000 * MIB, capability))
        )
        assert plan.environment.get("BATCH_INVARIANT") == expected


def test_the_environment_and_the_folders_are_looked_at_before_anything_is_made(tmp_path: Path) -> None:
    plan = choose_plan("vllm", models=HUB, machine=Machine())
    with pytest.raises(EnvironmentMissing, match="run `make env-vllm` first"):
        check_plan(plan, HUB, tmp_path / "python")
    models = folders(tmp_path, 0)
    (tmp_path / "base" / "config.json").unlink()
    with pytest.raises(ModelUnreadable, match=r"base: .* has no config\.json"):
        check_plan(plan, models, Path(sys.executable))


@pytest.mark.parametrize(("machine_", "file"), [(Machine(), "vllm-cpu"), (Machine(gpus=(BIG,)), "vllm")])
def test_processes_take_the_options_of_the_compose_file(
    machine_: Machine, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = folders(tmp_path, 1)
    plan = choose_plan("vllm", models=models, machine=machine_)
    assert names(plan) == [file]
    monkeypatch.setenv("DTYPE", "float16")
    words, variables = service(plan, models[1])
    assert words[0] == str(tmp_path / "tuned")
    assert {"--dtype=float16", "--max-model-len=4096", "--generation-config=vllm", "--revision=main"} <= set(words)
    assert not [word for word in [*words, *variables.values()] if "$" in word]
    on_gpu = file == "vllm"
    assert ("--enforce-eager" in words, "VLLM_BATCH_INVARIANT" in variables) == (not on_gpu, on_gpu)
    assert variables.get("VLLM_CPU_KVCACHE_SPACE") == (None if on_gpu else "1")
    assert ("--gpu-memory-utilization=0.47" in words) == on_gpu


def test_two_gpus_a_side_each_the_emptiest_ones() -> None:
    gpus = [
        Gpu(0, "A", 81_920 * MIB, 1_000 * MIB),
        Gpu(1, "A", 81_920 * MIB, 70_000 * MIB),
        Gpu(2, "A", 81_920 * MIB, 80_000 * MIB),
    ]
    plan = choose_plan(models=HUB, machine=machine(*gpus))
    assert (plan.environment["BASE_GPU"], plan.environment["TUNED_GPU"]) == ("2", "1")
    assert not plan.in_turn
    assert not plan.sequential
    assert plan.turns(HUB) == [HUB]


def test_one_large_gpu_is_shared_in_cumulative_shares(tmp_path: Path) -> None:
    plan = choose_plan(models=folders(tmp_path, 6), machine=machine(Gpu(0, "H100", 80_000 * MIB, 80_000 * MIB)))
    assert plan.in_turn
    assert not plan.sequential
    shares = [plan.environment[name] for name in ("BASE_GPU", "TUNED_GPU", "BASE_MEMORY", "TUNED_MEMORY")]
    assert shares == ["0", "0", "0.47", "0.95"]
    assert "GPU 0 shared: 78.1 GiB free, both models need about 18.0 GiB" in plan.lines()[0]


@pytest.mark.parametrize(
    ("server", "base", "tuned"), [("tgi", "0.57", "0.95"), ("vllm", "0.38", "0.38"), ("sglang", "0.47", "0.88")]
)
def test_shares_leave_out_what_others_hold(tmp_path: Path, server: str, base: str, tuned: str) -> None:
    plan = choose_plan(
        models=folders(tmp_path, 1), server=server, machine=machine(Gpu(0, "A", 80_000 * MIB, 64_000 * MIB))
    )
    assert (plan.environment["BASE_MEMORY"], plan.environment["TUNED_MEMORY"]) == (base, tuned)


def test_one_small_gpu_serves_one_side_after_the_other(tmp_path: Path) -> None:
    models = folders(tmp_path, 6)
    plan = choose_plan(models=models, machine=machine(SMALL))
    assert plan.sequential
    assert plan.turns(models) == [(models[0],), (models[1],)]
    assert "BASE_MEMORY" not in plan.environment
    assert "one side after the other (GPU 0 has 14.6 GiB free, both models need about 18.0 GiB)" in plan.lines()[0]


def test_one_after_the_other_can_be_asked_for_and_forbidden(tmp_path: Path) -> None:
    models = folders(tmp_path, 6)
    assert choose_plan(models=models, sequential=True, machine=machine(BIG, SMALL)).sequential
    assert choose_plan("docker", models=models, sequential=True, machine=machine()).sequential
    assert not choose_plan(models=models, sequential=False, machine=machine(SMALL)).sequential
    assert choose_plan(models=HUB, machine=machine(BIG)).sequential  # of unknown size


def test_a_model_of_unknown_size_counts_as_the_other(tmp_path: Path) -> None:
    tuned = folders(tmp_path, 6)[1]
    assert "need about 18.0 GiB" in choose_plan(models=[HUB[0], tuned], machine=machine(BIG)).why


def test_both_sides_get_the_limit_of_the_shorter_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = folders(tmp_path, 1, positions=1024)
    plan = choose_plan("docker", models=[HUB[0], models[1]], machine=machine())
    assert (plan.environment["MAX_TOTAL_TOKENS"], plan.environment["MAX_INPUT_TOKENS"]) == ("1024", "1023")
    assert choose_plan("docker", models=HUB, machine=machine()).environment["MAX_TOTAL_TOKENS"] == "4096"
    monkeypatch.setenv("MAX_TOTAL_TOKENS", "512")
    assert "MAX_TOTAL_TOKENS" not in choose_plan("docker", models=models, machine=machine()).environment


def test_a_users_own_gpus_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE_GPU", "5")
    assert "BASE_GPU" not in choose_plan(models=HUB, machine=machine(BIG)).environment
