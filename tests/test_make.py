"""The Makefile and the check before anything is downloaded: run for real, on machines that lack things."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import ROOT

TOOLS = ("sh", "env", "df", "awk", "dirname", "make", "cat", "echo", "touch", "rm")


def machine(folder: Path, **scripts: str) -> dict[str, str]:
    """An environment whose PATH has the ordinary tools, and `scripts` in place of the real programs of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    for tool in TOOLS:
        real = shutil.which(tool)
        assert real is not None, f"{tool} is missing here"
        if tool not in scripts:
            (folder / tool).symlink_to(real)
    for name, body in scripts.items():
        script = folder / name
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
    return {"PATH": str(folder), "HOME": str(folder)}


def preflight(env: dict[str, str], which: str = "small") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "bin" / "preflight", which], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def real_python(body: str) -> str:
    """A python3 that answers like the real one, but for what `body` does first."""
    return f'{body}\nexec {sys.executable} "$@"'


def test_a_machine_that_has_everything_passes_in_silence(tmp_path: Path) -> None:
    done = preflight(machine(tmp_path / "bin", python3=real_python("")))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("scripts", "which", "said"),
    [
        ({}, "small", "Python 3.11 or newer is needed and no python3 was found: install it"),
        (
            {"python3": 'case "$2" in *"<"*) exit 1;; *"%d"*) echo 3.9;; esac'},
            "small",
            "Python 3.11 or newer is needed and python3 is 3.9: install a newer one, or name it with PYTHON=",
        ),
        (
            {"python3": real_python('case "$2" in *ensurepip*) exit 1;; esac')},
            "small",
            "python3 has no venv module: install it (Debian/Ubuntu: apt install python3.",
        ),
        (
            {"python3": real_python(""), "df": "echo header; echo disk 9 9 1048576 9% /"},
            "small",
            "needs about 2 GiB of disk and 1 GiB are free here: make room",
        ),
        (
            {"python3": real_python(""), "df": "echo header; echo disk 9 9 5242880 9% /"},
            "train",
            "needs about 6 GiB of disk and 5 GiB are free here",
        ),
        (
            {"python3": real_python(""), "df": "echo header; echo disk 9 9 10485760 9% /", "nvidia-smi": ":"},
            "train",
            "needs about 14 GiB of disk and 10 GiB are free here",
        ),
    ],
)
def test_what_is_missing_is_one_sentence(tmp_path: Path, scripts: dict[str, str], which: str, said: str) -> None:
    done = preflight(machine(tmp_path / "bin", **scripts), which)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.startswith("blindside: ")
    assert done.stderr.count("\n") == 1


def make(*args: str, env: dict[str, str], cwd: Path = ROOT) -> str:
    return subprocess.run(["make", *args], cwd=cwd, env=env, capture_output=True, text=True, check=True).stdout


def test_make_alone_lists_the_targets(tmp_path: Path) -> None:
    listed = make(env=machine(tmp_path / "bin"))
    for target in ("train", "eval", "demo", "report", "test", "lint", "clean"):
        assert f"  make {target} " in listed


def plan(tmp_path: Path, *args: str, env: Mapping[str, str] = {}, scripts: Mapping[str, str] = {}) -> list[str]:
    """What make would run in a fresh clone, without running it."""
    fresh = tmp_path / "clone"
    fresh.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints", "bin"):
        (fresh / name).symlink_to(ROOT / name)
    return make("-n", *args, env=machine(tmp_path / "bin", **scripts) | dict(env), cwd=fresh).splitlines()


def _axolotl(lines: list[str]) -> str:
    return next(line for line in lines if "axolotl==" in line)


def test_no_cuda_build_of_torch_without_a_driver(tmp_path: Path) -> None:
    assert "UV_TORCH_BACKEND='cpu'" in _axolotl(plan(tmp_path, "train"))


def test_with_a_driver_uv_picks_the_build(tmp_path: Path) -> None:
    assert "UV_TORCH_BACKEND='auto'" in _axolotl(plan(tmp_path, "train", scripts={"nvidia-smi": ":"}))


def test_wheels_that_pip_was_told_of_are_handed_on(tmp_path: Path) -> None:
    line = _axolotl(plan(tmp_path, "train", env={"PIP_FIND_LINKS": "wheels"}))
    assert "UV_FIND_LINKS='wheels'" in line
    assert "UV_TORCH_BACKEND='" not in line


def test_the_user_can_set_the_backend(tmp_path: Path) -> None:
    assert "UV_TORCH_BACKEND='cu128'" in _axolotl(plan(tmp_path, "train", env={"UV_TORCH_BACKEND": "cu128"}))


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_training_comes_before_evaluation_however_many_jobs(tmp_path: Path, jobs: str) -> None:
    lines = plan(tmp_path, jobs, "train", "eval")
    stages = [line.split()[1] for line in lines if line.startswith(".venv/bin/blindside")]
    assert stages == ["train", "eval"]


def test_dials_reach_the_commands(tmp_path: Path) -> None:
    dials = ("RECIPE=mine.yml", "RUN=r1", "PORT=7900", "PROMPTS=my prompts.csv", "HEADLESS=1")
    more = (
        "ENGINE=docker",
        "SERVER=vllm",
        "SEQUENTIAL=1",
        "MAX_TOKENS=64",
        "THINKING=0",
        "CONCURRENCY=2",
        "TIMEOUT=600",
    )
    asked = shlex.split(plan(tmp_path, "eval", *dials, *more, "TIMEOUT=600")[-1])
    wanted = {
        "--recipe": "mine.yml",
        "--run": "r1",
        "--port": "7900",
        "--prompts": "my prompts.csv",
        "--engine": "docker",
        "--server": "vllm",
        "--max-tokens": "64",
        "--concurrency": "2",
        "--timeout": "600",
    }
    assert {name: asked[asked.index(name) + 1] for name in wanted} == wanted
    assert {"--headless", "--sequential", "--no-enable-thinking"} <= set(asked)
    assert "--force" not in asked


def test_nothing_is_downloaded_before_the_check(tmp_path: Path) -> None:
    lines = plan(tmp_path, "train")
    assert "preflight small" in lines[0]
    assert next(n for n, line in enumerate(lines) if "preflight train" in line) < lines.index(_axolotl(lines))
