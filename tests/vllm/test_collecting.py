"""Collecting from a real vLLM: killed and resumed, the answers of the embedded engine, and held-out preferences."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from compose.embedded_stack import EmbeddedStack
from compose.stack import Model
from eval.answers import read_answers
from eval.collect.model_tasks.held_out import score_preferences
from eval.records import Response, Side
from eval.run import open_run
from tests.cli.command import BLINDSIDE, blindside
from tests.collect.test_preferences import by_transformers, held_out
from tests.judge.runs import make_run
from tests.support import ROOT
from tests.vllm.world import World
from tests.warm.warm import train_python

pytestmark = pytest.mark.train

COUNTRIES = ("Croatia", "France", "Portugal", "Austria")
OPENINGS = ("W", "Please: w", "Quick question: w", "Tell me w")
PROMPTS = [
    f"{word}hat is the capital of {country}{end}" for country in COUNTRIES for word in OPENINGS for end in "?.!…:"
]


def _arguments(folder: Path, run: str, urls: Mapping[Side, str]) -> list[str]:
    path = folder / "prompts.jsonl"
    path.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in PROMPTS), encoding="utf-8")
    words = ["collect", "--base-url", urls["base"], "--tuned-url", urls["tuned"], "--prompts", str(path)]
    return [*words, "--run", run, "--max-tokens", "24", "--reports", str(folder / "reports")]


def test_killed_and_resumed_it_has_every_answer_once_and_the_embedded_engine_says_the_same(
    world: World, tmp_path: Path
) -> None:
    assert len(PROMPTS) == len(set(PROMPTS)) == 80
    words = _arguments(tmp_path, "first", world.urls)
    answers = tmp_path / "reports" / "first" / "responses.jsonl"
    with subprocess.Popen([BLINDSIDE, *words], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not answers.is_file() or answers.read_bytes().count(b"\n") < 20:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    before = answers.read_bytes()
    kept = before[: before.rfind(b"\n") + 1]
    assert 20 <= kept.count(b"\n") < 160
    done = blindside(*words, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert answers.read_bytes().startswith(kept)
    assert answers.read_bytes().count(b"\n") == 160
    run = open_run(tmp_path / "reports", "first")
    assert run.info.engine.startswith("vLLM 0.")

    sides = [Model("base", str(world.base)), Model("tuned", str(world.exported))]  # it reads templates as TGI does
    with EmbeddedStack(sides, python=train_python(), logs=tmp_path / "logs") as embedded:
        urls: dict[Side, str] = {"base": embedded.urls["base"], "tuned": embedded.urls["tuned"]}
        again = blindside(*_arguments(tmp_path, "second", urls), cwd=ROOT)
    assert again.returncode == 0, again.stderr
    reports = [tmp_path / "reports" / name / "responses.jsonl" for name in ("second", "first")]
    ours, theirs = (read_answers(path).responses for path in reports)
    assert ours.keys() == theirs.keys()
    differing = {key: (ours[key].text, theirs[key].text) for key in ours if _said(ours[key]) != _said(theirs[key])}
    assert differing == {}


def _said(response: Response) -> tuple[str, str, int | None, int | None]:
    return response.text, response.finish_reason, response.prompt_tokens, response.completion_tokens


def test_preferences_are_those_of_transformers_on_vllm_and_sglang(world: World, tmp_path: Path) -> None:
    run, pairs = make_run(tmp_path), held_out(tmp_path)
    sglang = {side: fronts["SGLang"] for side, fronts in world.fronts.items()}
    scored = [score_preferences(run, pairs, urls) for urls in (world.urls, sglang)]
    for side, folder in world.folders.items():
        expected = by_transformers(folder, pairs)
        for rows in scored:
            found = [value for row in rows if row.side == side for value in (row.chosen, row.rejected)]
            assert found == pytest.approx(expected, abs=1e-3)
