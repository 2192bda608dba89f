"""Exit statuses, by subprocess: help is never a failure, and what decides nothing never ends like a decision."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup

from tests.cli.command import blindside
from tests.cli.test_commands import COMMAND
from tests.release.studies import judge, study
from tests.support import ROOT


def _words(command: object = COMMAND, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, group and subcommand by the words that call it, the program itself first."""
    yield before
    if isinstance(command, TyperGroup):
        for name, sub in command.commands.items():
            yield from _words(sub, (*before, name))


#: Imports the program and what its help needs once, and runs it in a process of its own for each line of its input.
_EACH = """
import json, os, sys, typer.rich_utils
from eval.cli.main import main
found = []
for line in sys.stdin:
    words = json.loads(line)
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(write, 1), os.dup2(write, 2), os.close(read), os.close(write)
        sys.argv = ["blindside", *words]
        sys.exit(main())
    os.close(write)
    with os.fdopen(read) as said:
        found.append([words, said.read()])
    found[-1].append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(json.dumps(found))
"""


def test_help_of_every_command_ends_with_0(tmp_path: Path) -> None:
    asked = [[*words, "--help"] for words in _words()] + [["gate", "-h"], ["reviewer", "add", "-h"]]
    lines = "".join(json.dumps(words) + "\n" for words in asked)
    command = [sys.executable, "-c", _EACH]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, cwd=ROOT, check=True, timeout=300)
    ended = json.loads(done.stdout)
    assert len(ended) == len(asked) > 30
    assert [(words, code) for words, _, code in ended if code != 0] == []
    assert [words for words, said, _ in ended if "Usage: blindside " not in said] == []


def test_the_installed_gate_shows_its_help_with_0(tmp_path: Path) -> None:
    done = blindside("gate", "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("args", [["--no-such-option"], ["a", "b"], ["--policy"], ["--reports"], ["-x"]])
def test_a_usage_error_of_the_gate_is_no_decision(args: list[str], tmp_path: Path) -> None:
    done = blindside("gate", *args, cwd=tmp_path)
    assert done.returncode == 3
    assert "Error" in done.stderr


def test_usage_errors_elsewhere_keep_the_usual_2(tmp_path: Path) -> None:
    for args in (["report", "--no-such-option"], ["--no-such-option"], ["no-such-command"]):
        assert blindside(*args, cwd=tmp_path).returncode == 2


@pytest.mark.parametrize("options", [[], ["--debug"]])
@pytest.mark.parametrize("broken", ["prompts.jsonl", "run.json", "responses.jsonl", "gate.yml"])
def test_whatever_is_broken_the_gate_ends_with_3(broken: str, options: list[str], tmp_path: Path) -> None:
    run = judge(study(tmp_path, n=4), 0.9)
    (run.folder / broken).unlink()
    (run.folder / broken).mkdir()
    done = blindside(*options, "gate", run.name, "--reports", str(run.folder.parent), cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert done.stderr.rstrip().endswith("Nothing was decided: broken or stale inputs.")
    assert ("Traceback" in done.stderr) is bool(options)
