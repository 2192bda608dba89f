"""Commands as people type them, in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eval.answers import read_answers
from eval.cli.main import app
from eval.errors import BlindsideError
from eval.records import Failure, Response
from eval.run import Run, open_run
from tests.cases.servers import Kind
from tests.collect.openai_servers import openai
from train.errors import TrainError


@dataclass(frozen=True)
class Done:
    """What a command said, its error sentence last; `failed` where there is one."""

    said: str
    failed: bool


def blindside(*args: str) -> Done:
    done = CliRunner().invoke(app, args)
    error = done.exception
    if error is not None and not isinstance(error, BlindsideError | TrainError | SystemExit):
        raise error
    last = "" if error is None or isinstance(error, SystemExit) else str(error)
    return Done(" ".join(f"{done.output} {last}".split()), done.exit_code != 0)


@contextmanager
def servers(base: str, tuned: str, **more: Any) -> Iterator[tuple[Kind, Kind]]:
    with openai(Kind("base-model", kind=base, **more)) as one, openai(Kind("tuned-model", kind=tuned, **more)) as other:
        assert isinstance(one, Kind)
        assert isinstance(other, Kind)
        yield one, other


def lines(path: str, *rows: object) -> str:
    """A JSONL file in the working folder."""
    Path(path).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def collect(base: str, tuned: str, *more: str, run: str = "r", prompts: str = "p.jsonl") -> Done:
    return blindside("collect", "--base-url", base, "--tuned-url", tuned, "--prompts", prompts, "--run", run, *more)


def answers(run: str = "r") -> dict[tuple[str, str], Response]:
    return {(key, side): row for (key, side), row in read_answers(opened(run).responses_path).responses.items()}


def failures(run: str = "r") -> dict[tuple[str, str], Failure]:
    return {(key, side): row for (key, side), row in read_answers(opened(run).responses_path).failures.items()}


def opened(run: str = "r") -> Run:
    return open_run(Path("reports").absolute(), run)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BLINDSIDE_API_KEY", raising=False)
    return tmp_path
