"""blindside without the extra `tgi`: a TGI address is one sentence, and everything else works as with it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from eval.answers import read_answers
from eval.run import open_run
from tests.collect.openai_servers import OpenAi, openai
from tests.collect.runs import prompt_file
from tests.collect.servers import Tgi, tgi
from tests.support import ROOT

#: Every module of the evaluation but the one that speaks TGI.
IMPORT_ALL = """
import importlib, pkgutil, eval as package
names = [name for _, name, _ in pkgutil.walk_packages(package.__path__, "eval.")]
for name in names:
    if name != "eval.collect.engines.tgi":
        importlib.import_module(name)
print(len(names))
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All installed packages but text-generation, as an environment has them where the extra is not asked for."""
    folder = tmp_path_factory.mktemp("packages")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith("text_generation"):
            (folder / path.name).symlink_to(path)
    return folder


def python(packages: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process that finds no other packages than these."""
    return subprocess.run(
        [sys.executable, "-S", *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{packages}", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def blindside(packages: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(packages, "-c", "from eval.cli.main import main; main()", *arguments)


def collect(packages: Path, folder: Path, base: str, tuned: str, *more: str) -> subprocess.CompletedProcess[str]:
    prompts = ("--prompts", str(folder / "prompts.jsonl"), "--run", "first", "--reports", str(folder / "reports"))
    return blindside(packages, "collect", "--base-url", base, "--tuned-url", tuned, *prompts, *more)


def test_the_package_is_hidden(packages: Path) -> None:
    done = python(packages, "-c", "import text_generation")
    assert "ModuleNotFoundError: No module named 'text_generation'" in done.stderr


def test_every_other_module_can_be_imported(packages: Path) -> None:
    done = python(packages, "-W", "error::ImportWarning", "-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_tgi_is_one_sentence_with_the_remedy(packages: Path, tmp_path: Path, replicas: int) -> None:
    prompt_file(tmp_path, 3)
    with tgi(Tgi("base")) as base, tgi(Tgi("base")) as again, tgi(Tgi("tuned")) as tuned:
        more = ("--base-url", again.url) if replicas == 2 else ()
        done = collect(packages, tmp_path, base.url, tuned.url, *more)
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert said == (
        f"blindside: {base.url} speaks TGI but the package text-generation is not installed: run `make env`, "
        "or `pip install --no-deps text-generation==0.7.0`"
    )
    assert not base.asked
    assert not (tmp_path / "reports").exists()


def test_openai_compatible_servers_are_asked_as_ever(packages: Path, tmp_path: Path) -> None:
    prompt_file(tmp_path, 3)
    with openai(OpenAi("base")) as base, openai(OpenAi("tuned")) as tuned:
        done = collect(packages, tmp_path, base.url, tuned.url)
    assert done.returncode == 0, done.stderr
    run = open_run(tmp_path / "reports", "first")
    assert len(read_answers(run.responses_path).responses) == 6
    assert "text-generation" not in run.info.versions


def test_parity_and_log_probabilities_say_the_same(packages: Path) -> None:
    code = """
import asyncio, sys
from eval.collect.probing.open_prober import open_prober
from eval.collect.engines.transport import Transport
from eval.errors import EngineError
async def listen():
    async with Transport(sys.argv[1], timeout=5, connections=1) as transport:
        await open_prober(transport)
try:
    asyncio.run(listen())
except EngineError as error:
    print(error)
"""
    with tgi(Tgi()) as server:
        done = python(packages, "-c", code, server.url)
    assert done.stdout.startswith(f"{server.url} speaks TGI but the package text-generation is not installed"), done
