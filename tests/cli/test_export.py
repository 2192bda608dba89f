"""`blindside export` on folders that transformers 5 saved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.command import blindside
from tests.support import TRAIN_PYTHON, require
from tests.train.families import FAMILIES, farthest, scores
from tests.train.models import load
from tests.warm.warm import train_python


def test_it_says_what_it_changed_and_why(tmp_path: Path) -> None:
    saved, target = FAMILIES / "gemma3" / "hf5", tmp_path / "out"
    done = blindside("export", str(saved), str(target), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].endswith(f": for tgi-3.3, {len(lines) - 1} changes")
    reason = "(TGI takes 10000 where it does not find this name)"
    assert f"  config.json: rope_theta: absent → 5000.0 {reason}" in lines
    before, after = load(saved / "config.json"), load(target / "config.json")
    told = {line.split(": ")[1] for line in lines if line.startswith("  config.json: ")}
    assert told == {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} | {"rope_scaling"}
    assert (target / "model.safetensors").read_bytes() == (saved / "model.safetensors").read_bytes()


def test_what_is_not_for_tgi_is_told_and_written(tmp_path: Path) -> None:
    done = blindside("export", str(FAMILIES / "traits" / "llama3-head" / "hf5"), "out", cwd=tmp_path)
    assert done.returncode == 0
    assert "  note: Not for TGI 3.3: head_dim is 32" in done.stdout
    assert (tmp_path / "out" / "model.safetensors").is_file()


@pytest.mark.train
def test_for_transformers_the_older_words_are_left_out(tmp_path: Path) -> None:
    require(TRAIN_PYTHON.exists(), "`make env-train` builds it")
    saved, both, newer = FAMILIES / "traits" / "gemma3-linear" / "hf5", tmp_path / "both", tmp_path / "newer"
    assert blindside("export", str(saved), str(both), cwd=tmp_path).returncode == 0
    done = blindside("export", str(both), str(newer), "--for", "transformers", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = load(newer / "config.json")
    assert written["rope_parameters"] == load(saved / "config.json")["rope_parameters"]
    assert not {"rope_theta", "rope_scaling", "rope_local_base_freq", "torch_dtype"} & written.keys()
    texts = [[text["ids"] for text in load(saved.parent / "expected.json")["texts"]][3]]
    assert farthest(scores(train_python(), newer, texts), scores(train_python(), saved, texts)) == 0


def test_what_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    shutil.copytree(FAMILIES / "phi3" / "hf5", saved)
    there = blindside("export", "saved", "saved", cwd=tmp_path)
    assert (there.returncode, there.stdout) == (1, "")
    assert there.stderr.strip().endswith("saved is there already; name a folder that is not")
    (saved / "tokenizer.json").unlink()
    lacks = blindside("export", "saved", "out", cwd=tmp_path)
    assert lacks.returncode == 1
    assert "has no tokenizer.json" in lacks.stderr
    nowhere = blindside("export", "a/b/c", "out", cwd=tmp_path)
    assert nowhere.returncode == 1
    assert "a/b/c is no folder here, and the Hub does not give it" in nowhere.stderr
    assert len(nowhere.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
