"""The compose files put together by Compose itself, in every combination that a plan can make."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

from compose.command import HERE, Compose
from compose.errors import ComposeError
from tests.docker.stand_in import need_docker

ENGINES: tuple[list[str], ...] = ([], ["cpu"], ["gpu"], ["vllm", "gpu"], ["sglang", "gpu"], ["vllm-cpu"])
HUBS = list(chain.from_iterable(combinations(["hub-base", "hub-tuned"], count) for count in range(3)))
COMBINATIONS = [[*engine, *hub] for engine in ENGINES for hub in HUBS]
VERSIONS = dict(
    line.split("=", 1) for line in (HERE / "versions.env").read_text().splitlines() if line and line[0] != "#"
)


def _merged(overrides: list[str], local: Path | None = None, **variables: str) -> dict[str, Any]:
    need_docker().close()
    files = [HERE / "docker-compose.yml", *(HERE / f"docker-compose.{name}.yml" for name in overrides)]
    return Compose("test", [*files, *([local] if local else [])], variables).config()


def _variables(service: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in service["environment"].items()}


@pytest.mark.parametrize("overrides", COMBINATIONS, ids="+".join)
def test_every_combination(overrides: list[str]) -> None:
    services = _merged(overrides)["services"]
    assert set(services) == {"base", "tuned"}
    assert services["base"]["image"] == services["tuned"]["image"]
    for side, service in services.items():
        assert service["restart"] == "no"
        assert [port["host_ip"] for port in service["ports"]] == ["127.0.0.1"]
        assert service["healthcheck"]["start_period"] == "30m0s"
        model = next(volume for volume in service["volumes"] if volume["target"] == f"/models/{side}")
        assert model["read_only"] is True
        assert set(service["labels"]) == {"blindside.run", "blindside.owner"}
        hub = f"hub-{side}" in overrides
        assert ("secrets" in service) == hub
        assert _variables(service)["HF_HUB_OFFLINE"] == ("0" if hub else "1")
        assert "HF_TOKEN" not in service["environment"]


def _alike(service: dict[str, Any]) -> dict[str, Any]:
    """What must be the same on both sides: all but model, device and place."""
    own = {"ports", "volumes", "deploy"}
    text = {key: value for key, value in service.items() if key not in own}
    text["environment"] = {
        key: value for key, value in service["environment"].items() if key not in ("MODEL_ID", "CUDA_MEMORY_FRACTION")
    }
    text["command"] = [word.replace("/models/tuned", "/models/base") for word in service["command"]]
    return text


@pytest.mark.parametrize("engine", ENGINES, ids="+".join)
def test_both_sides_are_alike_but_for_the_model(engine: list[str]) -> None:
    services = _merged(engine)["services"]
    assert _alike(services["base"]) == _alike(services["tuned"])


def test_images_are_pinned_in_one_place() -> None:
    tgi = "ghcr.io/huggingface/text-generation-inference"
    expected = {
        (): f"{tgi}:{VERSIONS['TGI_VERSION']}",
        ("cpu",): f"{tgi}:{VERSIONS['TGI_VERSION']}-intel-cpu",
        ("vllm",): f"vllm/vllm-openai:{VERSIONS['VLLM_VERSION']}",
        ("vllm-cpu",): f"vllm/vllm-openai-cpu:{VERSIONS['VLLM_VERSION']}-x86_64",
        ("sglang",): f"lmsysorg/sglang:{VERSIONS['SGLANG_VERSION']}",
    }
    for overrides, image in expected.items():
        assert _merged(list(overrides))["services"]["base"]["image"] == image
    text = "".join(path.read_text() for path in HERE.glob("docker-compose*.yml"))
    assert not [version for version in VERSIONS.values() if version and version in text]


def test_an_image_of_ones_own() -> None:
    assert _merged([], TGI_IMAGE="mirror/tgi:rocm")["services"]["tuned"]["image"] == "mirror/tgi:rocm"
    assert _merged(["cpu"], TGI_IMAGE="mirror/tgi:1")["services"]["tuned"]["image"] == "mirror/tgi:1"


def test_greedy_answers_are_made_repeatable() -> None:
    tgi = _merged(["gpu"])["services"]["base"]
    assert tgi["command"] == ["--enable-prefill-logprobs"]
    assert (_variables(tgi)["PREFIX_CACHING"], _variables(tgi)["USAGE_STATS"]) == ("0", "off")
    vllm = _merged(["vllm", "gpu"])["services"]["base"]
    assert {"--no-enable-prefix-caching", "--generation-config=vllm", "--load-format=safetensors"} <= {*vllm["command"]}
    assert _variables(vllm)["VLLM_BATCH_INVARIANT"] == "1"
    on_cpu = _merged(["vllm-cpu"])["services"]["base"]
    assert {*vllm["command"]} ^ {*on_cpu["command"]} == {
        "--gpu-memory-utilization=0.9", "--tensor-parallel-size=1", "--enforce-eager",
    }  # fmt: skip
    assert "VLLM_BATCH_INVARIANT" not in _variables(on_cpu)
    sglang = _merged(["sglang", "gpu"])["services"]["base"]
    assert {"--disable-radix-cache", "--enable-deterministic-inference", "--sampling-defaults=openai"} <= {
        *sglang["command"]
    }


def test_a_gpu_each_or_one_for_both() -> None:
    def placed(services: dict[str, Any]) -> list[tuple[list[str], str]]:
        return [
            (
                service["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"],
                _variables(service)["CUDA_MEMORY_FRACTION"],
            )
            for service in (services["base"], services["tuned"])
        ]

    assert placed(_merged(["gpu"])["services"]) == [(["0"], "1.0"), (["1"], "1.0")]
    shared = _merged(["gpu"], TUNED_GPU="0", BASE_MEMORY="0.48", TUNED_MEMORY="0.95")
    assert placed(shared["services"]) == [(["0"], "0.48"), (["0"], "0.95")]


def test_ones_own_override_goes_last(tmp_path: Path) -> None:
    local = tmp_path / "local.yml"
    local.write_text("services:\n  base: {environment: {DTYPE: float16}, shm_size: 2g}\n")
    service = _merged(["cpu"], local)["services"]["base"]
    assert (_variables(service)["DTYPE"], service["shm_size"]) == ("float16", "2147483648")


def test_a_file_with_a_mistake_is_one_sentence(tmp_path: Path) -> None:
    local = tmp_path / "local.yml"
    local.write_text("services:\n  base: {imagine: x}\n")
    with pytest.raises(ComposeError, match=r"docker compose config failed: .*imagine"):
        _merged([], local)


def test_every_dial_is_explained() -> None:
    explained = (HERE / ".env.example").read_text()
    used: set[str] = set()
    for path in HERE.glob("docker-compose*.yml"):
        used |= {part.split(":")[0].split("}")[0] for part in path.read_text().split("${")[1:]}
    hidden = {"BLINDSIDE_RUN", "BLINDSIDE_OWNER", "TGI_VERSION", "VLLM_VERSION", "SGLANG_VERSION"}
    hidden |= {f"{side}_{name}" for side in ("BASE", "TUNED") for name in ("MODEL", "FOLDER", "REVISION")}
    assert not [name for name in used - hidden if f"{name}=" not in explained]
    assert "HF_TOKEN=" in explained
