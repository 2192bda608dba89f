"""How a training went: through real Axolotl, and by the words that are found for its figures."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import random
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.support import ROOT
from tests.train.models import recipe
from tests.warm.warm import train_python
from train.artifact import read_artifact
from train.figures.outcome import outcome, wilson
from train.figures.picture import svg
from train.figures.protocol import Figures, Row, read_figures
from train.stage import train

BASE = ROOT / "tests" / "data" / "families" / "qwen2" / "hf5"
WORDS = ("harbour", "tide", "keel", "mast", "anchor", "rope", "sail", "buoy", "pier", "gull")
#: What a recipe says, and what is said of its training.
RUNS: dict[str, tuple[dict[str, Any], str]] = {
    "a rate of 0": ({"learning_rate": 0.0, "max_steps": 4}, "The training learned nothing."),
    "an absurd rate": ({"learning_rate": 10.0, "max_steps": 12, "warmup_steps": 0}, "The training diverged."),
    "20 pairs over and over": (
        {"learning_rate": 3e-3, "max_steps": 40, "micro_batch_size": 20},
        "The training over-fitted: it learned its own pairs and not what they have in common.",
    ),
}


def pairs(path: Path, count: int) -> None:
    """Pairs with nothing in common: which of two sentences is chosen is drawn."""
    dice = random.Random(3)
    rows = []
    for number in range(count):
        said = [" ".join(dice.choices(WORDS, k=5)) + "." for _ in range(2)]
        asked = f"What of {number} {dice.choice(WORDS)}?"
        answers = [{"role": "assistant", "content": one} for one in said]
        rows.append({"messages": [{"role": "user", "content": asked}], "chosen": answers[0], "rejected": answers[1]})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNS)
def test_a_training_is_said_to_be_what_it_was(kind: str, tmp_path: Path) -> None:
    changes, wanted = RUNS[kind]
    pairs(tmp_path / "pairs.jsonl", 80)
    plain = {"val_set_size": 0.75, "dpo_loss_type": ["sigmoid"], "dpo_loss_weights": [1.0], "num_epochs": 100}
    said: list[str] = []
    path = recipe(tmp_path, BASE, **plain, **changes)
    train(str(path), models=tmp_path / "models", env=train_python().parents[1], say=said.append)
    model = tmp_path / "models" / "mine"
    assert wanted in said
    assert read_artifact(model).outcome == tuple(said[said.index(wanted) : -1])
    with (model / "training.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows if row["pairs"] == "training"] == list(range(1, changes["max_steps"] + 1))
    assert wanted in ElementTree.parse(model / "training.svg").getroot()[0].text  # type: ignore[operator]
    held = [row for row in rows if row["pairs"] == "held out"]
    assert [int(row["step"]) for row in held] == [0, changes["max_steps"]]
    assert float(held[0]["margin"]) == 0
    if kind == "a rate of 0":
        assert {float(row["margin"]) for row in rows} == {0.0}
        assert {round(float(row["loss"]), 3) for row in rows} == {0.693}
    if kind == "20 pairs over and over":
        share = float(held[1]["accuracy"])
        low, high = wilson(share, 60)
        line = f"  On 60 held-out pairs: accuracy 50% → {share:.0%} (95% interval {low:.0%} to {high:.0%}), margin 0 → "
        assert any(one.startswith(line) for one in said)


def row(step: int, pairs: str = "training", **changes: Any) -> Row:
    found = Row(step, step / 10, pairs, 0.69, 0.0, 0.0, 0.0, 0.0, -40.0, -40.0, 1e-6, 1.0)
    return dataclasses.replace(found, **changes)


def run(after: Row, *rows: Row, held_out: int = 60) -> Figures:
    return Figures(500, held_out, (row(0, "held out"), row(1), *rows, after))


GOOD: dict[str, Any] = {"loss": 0.4, "margin": 1.4, "accuracy": 0.85, "logps_chosen": -39.0}
WELL = row(9, "held out", **GOOD)
SAYS = {
    "learned": (run(WELL, row(9, **GOOD)), "learned what the pairs prefer", None),
    "chosen fell": (
        run(dataclasses.replace(WELL, logps_chosen=-55.0), row(9, **GOOD)),
        "learned what the pairs prefer",
        "likelihood of the chosen answers fell, from -40.0 to -55.0 nats per answer: an SFT term holds it up",
    ),
    "fell apart": (run(dataclasses.replace(WELL, logps_chosen=-400.0), row(9, **GOOD)), "diverged", "ten times lower"),
    "not a number": (run(WELL, row(9, loss=math.nan)), "diverged", "ten times lower learning_rate (now 1e-06)"),
    "by heart": (
        run(row(9, "held out", margin=0.2, accuracy=0.55), row(9, **{**GOOD, "accuracy": 1.0})),
        "over-fitted: it learned its own pairs and not what they have in common",
        "fewer epochs (num_epochs is 3)",
    ),
    "nothing": (
        run(row(9, "held out", margin=0.001, accuracy=0.5), row(9, margin=0.001, accuracy=0.5)),
        "learned nothing",
        "five to ten times higher learning_rate",
    ),
    "too few held out to say": (run(WELL, row(9, **{**GOOD, "accuracy": 0.9}), held_out=3), "learned nothing", None),
    "none held out": (Figures(20, 0, (row(1), row(9, **GOOD))), "fits its own pairs", "No pair was held out"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAYS)
def test_words_agree_with_the_figures(kind: str) -> None:
    found, wanted, more = SAYS[kind]
    said = outcome(found, {"learning_rate": 1e-6, "num_epochs": 3})
    assert said[0] == f"The training {wanted}."
    assert more is None or any(more in line for line in said), said


def test_nothing_is_said_of_a_training_that_logged_nothing(tmp_path: Path) -> None:
    assert outcome(read_figures(tmp_path / "none.jsonl"), {}) == ()
    (tmp_path / "torn.jsonl").write_text('{"pairs": [8, 0]}\n{"step": 1, "lo')
    assert outcome(read_figures(tmp_path / "torn.jsonl"), {}) == ()


def test_the_picture_draws_what_is_a_number_and_escapes_the_name() -> None:
    found = run(WELL, row(5, loss=math.inf), row(9, **GOOD))
    text = svg(found, 'a <b> & "c"')
    drawn = ElementTree.fromstring(text)
    lines = [one for one in drawn.iter() if one.tag.endswith("polyline")]
    assert [len(one.attrib["points"].split()) for one in lines] == [2, 2, 3, 3, 3, 2, 3, 2]
    assert not {"nan", "inf"} & set(text.replace(",", " ").split())
    assert svg(Figures(), "nothing") == ""
