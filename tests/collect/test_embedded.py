"""A collection from two real servers: the embedded engine with a real model, whose answers a real TGI recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compose.embedded_stack import EmbeddedStack
from compose.stack import Model
from eval.answers import read_answers
from eval.collect.collect_options import CollectOptions
from eval.collect.collector import collect
from eval.collect.new_run import start_collected_run
from eval.collect.prompts.prompt_set import load_prompts
from eval.records import SIDES, Side
from eval.run_info import Decoding, ModelInfo
from tests.collect.test_prompts import write
from tests.support import ROOT, TRAIN_PYTHON, require
from tests.warm.warm import train_python

MODEL = ROOT / "tests" / "data" / "tgi" / "model"


def recorded_answers() -> dict[str, str]:
    """What a real TGI answered to one-turn greedy questions with room enough, by question."""
    answers: dict[str, str] = {}
    for line in (ROOT / "tests" / "data" / "tgi" / "exchanges.jsonl").read_text(encoding="utf-8").splitlines():
        exchange = json.loads(line)
        body, response = exchange["request"]["body"], exchange["response"]
        plain = {"model", "messages", "max_tokens", "temperature"}
        if (
            exchange["group"] == "chat"
            and exchange["launch"] == "main"
            and response["status"] == 200
            and set(body) == plain
            and [m["role"] for m in body["messages"]] == ["user"]
            and response["body"]["choices"][0]["finish_reason"] == "stop"
        ):
            answers[body["messages"][0]["content"]] = response["body"]["choices"][0]["message"]["content"]
    return answers


@pytest.mark.train
def test_answers_equal_those_of_a_real_tgi(tmp_path: Path) -> None:
    require(TRAIN_PYTHON.is_file(), "needs .venv-train (make train builds it)")
    recorded = recorded_answers()
    assert len(recorded) >= 10
    loaded = load_prompts(write(tmp_path / "prompts.jsonl", [{"prompt": text} for text in recorded]))
    models: dict[Side, ModelInfo] = {side: ModelInfo(name=side, source=str(MODEL)) for side in SIDES}
    run = start_collected_run(tmp_path, "real", loaded=loaded, decoding=Decoding(max_tokens=64), models=models)
    stack = EmbeddedStack([Model(side, str(MODEL)) for side in SIDES], python=train_python(), logs=tmp_path / "logs")
    with stack:
        urls: dict[Side, str] = {side: stack.urls[side] for side in SIDES}
        summary = collect(run, urls, options=CollectOptions(concurrency=8), check=stack.check, say=lambda line: None)
    assert (summary.answered, summary.failed) == (2 * len(recorded), 0)
    for pair in read_answers(run.responses_path).pairs(run.prompts()):
        assert (pair.base.text, pair.tuned.text) == (recorded[pair.messages[-1].content],) * 2
        assert pair.identical
        assert pair.base.finish_reason == "stop"
