"""The command's contract: help with an example for all, quick help, errors in one sentence and without traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from eval.cli.main import app
from tests.cli.command import blindside
from tests.support import ROOT

ELSEWHERE = ("--base-url", "http://127.0.0.1:9", "--tuned-url", "http://127.0.0.1:9", "--run", "first")
COMMAND = typer.main.get_command(app)


def _commands() -> dict[str, TyperCommand]:
    """Every command by the words that call it, those of groups too."""
    assert isinstance(COMMAND, TyperGroup)
    found: dict[str, TyperCommand] = {}
    for name, command in COMMAND.commands.items():
        if isinstance(command, TyperGroup):
            found |= {f"{name} {one}": sub for one, sub in command.commands.items() if isinstance(sub, TyperCommand)}
        elif isinstance(command, TyperCommand):
            found[name] = command
    return found


@pytest.mark.parametrize("name", sorted(_commands()))
def test_every_command_has_help_an_example_and_explained_options(name: str) -> None:
    command = _commands()[name]
    assert command.help is not None
    assert "Example" in command.help
    assert f"`blindside {name}" in command.help
    unexplained = [parameter.name for parameter in command.params if not getattr(parameter, "help", None)]
    assert unexplained == []


@pytest.mark.parametrize("name", sorted(_commands()))
def test_every_command_stands_in_the_docs(name: str) -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    assert any(f"blindside {name}" in page.read_text() or f"make {name}" in page.read_text() for page in pages)


def test_help_does_not_load_what_it_does_not_need(tmp_path: Path) -> None:
    code = "import sys, eval.cli.main; print([m for m in ('gradio', 'pandas', 'scipy', 'docker') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["report"], "there is no run in reports/: make one with `make eval`"),
        (["judge", "nope"], "there is no run in reports/"),
        (["eval"], "models/tiny holds no trained model: run `make train RECIPE=tiny` first"),
        (["train", "nope"], "nope"),
        (["import", "first"], "name what to import: --table FILE"),
        (["import", "first", "--table", "missing.csv"], "missing.csv"),
        (
            [
                "collect",
                "--base-url",
                "http://127.0.0.1:9",
                "--tuned-url",
                "http://127.0.0.1:9",
                "--run",
                "r",
                "--prompts",
                "missing.jsonl",
            ],
            "missing.jsonl",
        ),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(tmp_path: Path, args: list[str], said: str) -> None:
    done = blindside(*args, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("blindside: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = blindside("--debug", "report", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "RunError" in done.stderr


def test_no_run_yet_is_said_with_the_way_to_one(tmp_path: Path) -> None:
    done = blindside("runs", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "no run in reports/ yet: `make eval` makes one\n")
