"""What is missing is reported in one sentence that says what to install: by the machine's own commands, taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindside.gpus import Gpu, find_gpus, memory_of, untested
from compose.errors import DockerMissing
from compose.machine import compose_version, connect, inspect_machine
from compose.plan import choose_plan


def _only(folder: Path, monkeypatch: pytest.MonkeyPatch, **commands: str) -> None:
    """A PATH with nothing but these shell scripts."""
    for name, script in commands.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(tmp_path, monkeypatch)
    with pytest.raises(DockerMissing, match="install Docker Engine with its Compose plugin"):
        compose_version()
    assert inspect_machine().no_docker.startswith("there is no docker command")


def test_no_compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(tmp_path, monkeypatch, docker="echo \"docker: 'compose' is not a docker command.\" >&2; exit 1")
    with pytest.raises(DockerMissing, match=r"no Compose v2 plugin: install docker-compose-plugin"):
        compose_version()


def test_only_the_retired_compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(tmp_path, monkeypatch, docker="exit 1", docker_compose="echo 1.29.2")
    with pytest.raises(DockerMissing, match=r"docker-compose v1 is installed, but retired and not used\): install"):
        compose_version()


def test_no_engine_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(DockerMissing, match=r"cannot connect to the Docker engine at unix://.*no\.sock: start it"):
        connect()


def test_gpus_are_read_from_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(tmp_path, monkeypatch, nvidia_smi="echo '0, NVIDIA H100 80GB HBM3, 81559, 81007'")
    assert find_gpus() == (Gpu(0, "NVIDIA H100 80GB HBM3", 81559 << 20, 81007 << 20),)
    _only(tmp_path, monkeypatch, nvidia_smi="echo 'No devices were found'")
    assert find_gpus() == ()


@pytest.mark.parametrize("cells", ["[N/A], [N/A]", "N/A, N/A", "[Not Supported], [Not Supported]"])
def test_unified_memory_is_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: str) -> None:
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    _only(tmp_path, monkeypatch, nvidia_smi=f"echo '0, NVIDIA GB10, {cells}'")
    (gpu,) = find_gpus()
    assert (gpu.name, gpu.total) == ("NVIDIA GB10", int(lines["MemTotal"].split()[0]) // 1024 << 20)
    assert 0 < gpu.free <= gpu.total
    assert memory_of("81559", "[N/A]") == (81559, memory_of("[N/A]", "[N/A]")[1])  # type: ignore[index]


def test_what_is_no_memory_is_no_gpu() -> None:
    assert memory_of("err", "12") is None
    assert memory_of("", "") is None


MIG = 'case "$1" in *mig*) echo "0, Enabled"; echo "1, Disabled";; *) echo "0, NVIDIA A100, 40960, 40000";; esac'


def test_mig_and_amd_are_said_to_be_untested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(tmp_path, monkeypatch, nvidia_smi=MIG)
    assert untested().startswith("GPU 0 is cut into MIG slices, which is untested")
    assert inspect_machine().untested == untested()
    plan = choose_plan("auto", models=(), machine=inspect_machine())
    assert plan.why.endswith(untested())
    _only(tmp_path, monkeypatch, nvidia_smi="echo '0, [N/A]'")
    assert untested() == ""
    for name, said in (("kfd", "this machine has an AMD GPU, which is untested"), ("none", "")):
        (tmp_path / "kfd").touch()
        (tmp_path / "nvidia-smi").unlink(missing_ok=True)
        monkeypatch.setattr("blindside.gpus.AMD", tmp_path / name)
        assert untested().startswith(said)
        assert bool(untested()) == bool(said)
