"""What is trained is what is served, through real Axolotl on tiny models of three families' kinds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT
from tests.train.models import load, recipe
from train.artifact import read_artifact
from train.errors import TokensError
from train.progress import parse_numbers
from train.stage import train

FAMILIES = ROOT / "tests" / "data" / "families"
WORDS = ("harbour", "tide", "keel", "mast", "anchor", "rope", "sail", "buoy")

LONG = {
    "messages": [{"role": "user", "content": "What is the tide?"}],
    "chosen": {"role": "assistant", "content": "tide " * 400},
    "rejected": {"role": "assistant", "content": "No."},
}


def pairs(path: Path, *more: dict[str, Any]) -> None:
    """Eight short pairs, and some more, as JSONL."""
    rows = [
        {
            "messages": [{"role": "user", "content": f"What is a {word}?"}],
            "chosen": {"role": "assistant", "content": f"A {word}."},
            "rejected": {"role": "assistant", "content": f"Well, a {word} is a thing."},
        }
        for word in WORDS
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in (*rows, *more)), encoding="utf-8")


def attempt(path: Path, warm: Path) -> list[str]:
    said: list[str] = []
    train(str(path), models=path.parent / "models", env=warm.parents[1], say=said.append)
    return said


@pytest.mark.train
@pytest.mark.slow
def test_a_template_without_bos_is_trained_as_it_is_served_and_a_long_pair_is_counted(
    tmp_path: Path, warm: Path
) -> None:
    pairs(tmp_path / "pairs.jsonl", LONG)
    said = attempt(recipe(tmp_path, FAMILIES / "qwen2" / "hf5"), warm)
    found = read_artifact(tmp_path / "models" / "mine").tokens
    assert "trained tokens = served tokens, 8 of 9 pairs" in said
    assert (
        "  note: 1 of 9 pairs were left out: longer than sequence_len 256; raise it to train on them completely" in said
    )
    assert found is not None
    assert (found.pairs, found.same, found.too_long, found.cut, found.left_out) == (9, 8, 1, 0, 0)


@pytest.mark.train
@pytest.mark.slow
def test_one_bos_and_one_end_are_trained_where_template_and_tokenizer_write_both(tmp_path: Path, warm: Path) -> None:
    """Gemma's kind: TRL alone would train on `<bos><bos>`, and on `<end_of_turn><eos>`."""
    base = FAMILIES / "gemma2" / "hf5"
    pairs(tmp_path / "pairs.jsonl", LONG)
    said = attempt(recipe(tmp_path, base, excess_length_strategy="truncate"), warm)
    model = tmp_path / "models" / "mine"
    found = read_artifact(model).tokens
    assert "trained tokens = served tokens, 8 of 9 pairs" in said
    assert "  note: 1 of 9 pairs were cut: longer than sequence_len 256; raise it to train on them completely" in said
    assert found is not None
    assert (found.same, found.too_long, found.cut, found.left_out) == (8, 0, 1, 0)
    assert [one.partition(",")[0] for one in found.fixed] == [
        "pairs are tokenized without the tokenizer's own special tokens",
        "answers end with '<end_of_turn>'",
    ]
    for folder in (model, tmp_path / "output"):  # the derived tokenizer was for the preparation alone
        assert load(folder / "tokenizer.json") == load(base / "tokenizer.json")
        assert load(folder / "tokenizer_config.json")["eos_token"] == "<eos>"


@pytest.mark.train
@pytest.mark.slow
def test_what_a_template_writes_behind_the_last_end_is_not_trained(tmp_path: Path, warm: Path) -> None:
    """Phi 3's kind: `<|end|>` and a newline and `<|endoftext|>` behind the last answer.

    The reference computed beforehand is of the very same tokens: there is no reward before the first step.
    """
    pairs(tmp_path / "pairs.jsonl")
    said = attempt(recipe(tmp_path, FAMILIES / "phi3" / "hf5", precompute_ref_log_probs=True), warm)
    assert "trained tokens = served tokens, 8 of 8 pairs" in said
    assert "  note: what the template writes after the end of an answer is removed" in said
    log = (tmp_path / "models" / "mine.work" / "train.log").read_text(encoding="utf-8")
    first = next(found for found in map(parse_numbers, log.splitlines()) if "rewards/chosen" in found)
    assert abs(first["rewards/chosen"]) + abs(first["rewards/rejected"]) < 1e-3


@pytest.mark.train
@pytest.mark.slow
def test_a_second_bos_that_is_not_taken_off_stops_the_training(tmp_path: Path, warm: Path) -> None:
    """The recipe names its own tokenizer, so none is derived: what Axolotl and TRL do by themselves."""
    base = FAMILIES / "llama3" / "hf5"
    shutil.copytree(base, tmp_path / "own")
    pairs(tmp_path / "pairs.jsonl")
    with pytest.raises(TokensError) as caught:
        attempt(recipe(tmp_path, base, tokenizer_config=str(tmp_path / "own")), warm)
    assert str(caught.value).startswith(
        "nothing was trained: 8 of 8 pairs differ, pair 1: a prompt is trained on as other tokens than a server is "
        "sent: from token 1 on "
        "'<|begin_of_text|>' '<|begin_of_text|>' '<|start_header_id|>'"
    )
    assert untrained(tmp_path)


@pytest.mark.train
@pytest.mark.slow
def test_an_end_at_which_nothing_stops_is_refused_before_the_first_step(tmp_path: Path, warm: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(FAMILIES / "qwen2" / "hf5", base)
    template = base / "chat_template.jinja"
    turns = template.read_text(encoding="utf-8")
    template.write_text(turns.replace("turn['content'] + '<|im_end|>", "turn['content'] + '[END]"), encoding="utf-8")
    pairs(tmp_path / "pairs.jsonl")
    with pytest.raises(TokensError) as caught:
        attempt(recipe(tmp_path, base), warm)
    assert "nothing was trained: 8 of 8 pairs differ, pair 1: answers end with '[' " in str(caught.value)
    assert "generation stops at one of '<|im_end|>' '<|endoftext|>' and at nothing else" in str(caught.value)
    assert untrained(tmp_path)


@pytest.mark.train
@pytest.mark.slow
def test_a_tokenizer_that_the_export_would_refuse_is_refused_before_the_first_step(tmp_path: Path, warm: Path) -> None:
    pairs(tmp_path / "pairs.jsonl")
    with pytest.raises(TokensError) as caught:
        attempt(recipe(tmp_path, FAMILIES / "qwen2" / "hf5", tokens=["<|more|>"]), warm)
    assert str(caught.value).startswith("nothing was trained: tokenizer added_tokens is ")
    assert untrained(tmp_path)


def untrained(folder: Path) -> bool:
    """Axolotl came as far as its trainer, and made no step and no model."""
    log = (folder / "models" / "mine.work" / "train.log").read_text(encoding="utf-8")
    return "Tokenizing train dataset" in log and "'loss'" not in log and not (folder / "models" / "mine").exists()
