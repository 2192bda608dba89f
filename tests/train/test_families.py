"""Ten families, each a tiny model of its kind: trained by real Axolotl, exported, served, and parity holds of both.

docs/training.md has the table; the rows there are those of ROWS.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from compose.embedded_stack import EmbeddedStack
from compose.stack import Model
from eval.collect.parity.parity import check_parity
from eval.records import Message, Prompt, Side
from eval.run_info import ModelInfo
from tests.support import ROOT
from tests.train.families import FAMILIES
from tests.train.models import recipe
from train.artifact import read_artifact
from train.doctor.doctor import Machine, examine
from train.files import sha256_file
from train.launch import environment
from train.recipe import read_recipe
from train.stage import train

BOS = "pairs are tokenized without the tokenizer's own special tokens, which servers do not add"
SPLITS = "text is split as tokenizer.json says and servers do, not as transformers builds a GPT2Tokenizer"
END = "answers end with '<end_of_turn>', without the tokenizer's end token after it"
TAIL = "what the template writes after the end of an answer is removed"


@dataclass(frozen=True)
class Row:
    """What is expected of a family: what had to be fixed for TRL's preparation, and whether a system turn is taken."""

    fixed: tuple[str, ...] = ()
    system: bool = True
    #: What the doctor says of the template.
    template: str = "ok"


ROWS = {
    "qwen2": Row(),
    "qwen3": Row(),
    "llama3": Row((BOS,)),
    "mistral": Row((BOS,), system=False),
    "mistral-control": Row((BOS,)),
    "gemma2": Row((BOS, END), system=False),
    "gemma3": Row((BOS, END)),
    "phi3": Row((TAIL,)),
    "smollm2": Row(),
    "smollm2-hub": Row((SPLITS,)),  # its tokenizer's files as they are published
    "olmo2": Row(),
    "granite": Row(template="warn"),  # it writes the day's date
}

SYSTEM = {"role": "system", "content": "You know boats."}
EARLIER = [
    {"role": "user", "content": "Is 12,345 a number?"},
    {"role": "assistant", "content": "Yes; so is 7."},
]
ASKED = ["What is a keel?", "Say “été” 日本 🚢", "1 + 22 = ?", "Line one\n\n  line two"]


def conversations(system: bool) -> list[list[dict[str, str]]]:
    """Each question alone, one behind an earlier exchange, and one behind a system turn where the family takes it."""
    alone = [[{"role": "user", "content": text}] for text in ASKED]
    return [*alone, [*EARLIER, alone[0][0]], *([[SYSTEM, alone[0][0]]] if system else [])]


@pytest.fixture(scope="module")
def made(warm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The families that tests/data has no folder of."""
    folder = tmp_path_factory.mktemp("made")
    command = [str(warm), "-m", "tests.train.more_families", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, env=environment(warm.parents[1], offline=True))
    return folder


def write_pairs(path: Path, system: bool) -> int:
    rows = [
        {
            "messages": messages,
            "chosen": {"role": "assistant", "content": f"The hull's spine — n° {number}."},
            "rejected": {"role": "assistant", "content": f"{number} 🚢\n\nWell, it is a thing,  one of many."},
        }
        for number, messages in enumerate(conversations(system))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return len(rows)


def info(folder: Path) -> ModelInfo:
    template = folder / "chat_template.jinja"
    return ModelInfo(
        name=folder.name, source=str(folder), template_sha256=sha256_file(template) if template.exists() else None
    )


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.parametrize("family", ROWS)
def test_a_family_is_trained_exported_and_served_alike(family: str, warm: Path, made: Path, tmp_path: Path) -> None:
    row, saved = ROWS[family], FAMILIES / family / "hf5"
    base, models = tmp_path / "base", tmp_path / "models"
    shutil.copytree(saved if saved.exists() else made / family, base)
    count = write_pairs(tmp_path / "pairs.jsonl", row.system)
    said: list[str] = []
    asked = recipe(tmp_path, base)
    findings = {one.name: one.level for one in examine(read_recipe(asked), models=tmp_path, machine=Machine())}
    assert (findings["export"], findings["template"]) == ("ok", row.template)
    assert "serving" not in findings  # TGI 3.3 serves it as what it is
    train(str(asked), models=models, env=warm.parents[1], say=said.append)
    tuned = models / "mine"
    found = read_artifact(tuned).tokens
    assert f"trained tokens = served tokens, {count} of {count} pairs" in said
    assert found is not None
    assert (found.pairs, found.same, found.fixed) == (count, count, row.fixed)

    folders: dict[Side, Path] = {"base": base, "tuned": tuned}
    prompts = [
        Prompt(id=str(number), messages=tuple(map(Message.model_validate, messages)))
        for number, messages in enumerate(conversations(row.system))
    ]
    # The base's weights are known too, so that the served ones are reported from them.
    with EmbeddedStack([Model("tuned", str(tuned))], python=warm, logs=tmp_path / "logs") as stack:
        report = check_parity(
            {"tuned": stack.urls["tuned"]},
            {side: info(folder) for side, folder in folders.items()},
            prompts,
            python=warm,
            say=lambda line: None,
        )
    print(*report.lines(), sep="\n")
    assert report.passed, report.lines()
    assert {check.name for check in report.unchecked} <= {"end of turn"}  # random weights end few answers
