"""Pairs from two real engines: the embedded engine serves a real model on both sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose.embedded_stack import EmbeddedStack
from compose.stack import Model
from eval.collect.model_tasks.synthesize import SynthesizeOptions, synthesize
from eval.records import SIDES, Message, Prompt
from tests.collect.test_embedded import MODEL, recorded_answers
from tests.support import TRAIN_PYTHON, require
from tests.warm.warm import train_python
from train.pairs.pair import Pair
from train.pairs.source import read_pairs


@pytest.mark.train
def test_two_local_engines_make_pairs(tmp_path: Path) -> None:
    require(TRAIN_PYTHON.is_file(), "needs .venv-train (make train builds it)")
    recorded = recorded_answers()
    prompts = [Prompt(id=f"p{n}", messages=(Message(role="user", content=q),)) for n, q in enumerate(recorded)]
    own = tmp_path / "correction.txt"
    own.write_text("{answer} {conversation} What is the capital of Croatia?", encoding="utf-8")
    out = tmp_path / "pairs.jsonl"
    stack = EmbeddedStack([Model(side, str(MODEL)) for side in SIDES], python=train_python(), logs=tmp_path / "logs")
    with stack:
        done = synthesize(
            prompts, stack.urls["base"], stack.urls["tuned"], out, work=tmp_path / "work", correction=own,
            options=SynthesizeOptions(max_tokens=64), say=lambda line: None,
        )  # fmt: skip
    assert done.tally.read == len(recorded) == done.tally.written + done.tally.excluded.total()
    assert done.tokens > 0
    pairs = [row for row in read_pairs(out) if isinstance(row, Pair)]
    assert pairs
    for pair in pairs:
        assert pair.rejected == recorded[pair.messages[0]["content"]]
        assert pair.chosen.strip() != pair.rejected.strip()
