"""The check of the tokens, seen from around the training: not run, not asked for, of an earlier version."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.models import hf5_folder, recipe
from tests.train.test_stage import calls, fake_training
from train.artifact import Artifact, write_artifact
from train.errors import TokensError
from train.stage import train
from train.tiny.world import pair_rows, to_jsonl
from train.token_check import PLUGIN

STEP = "{'loss': '0.69', 'epoch': '0.1'}"
FAILED = f"ERROR: Failed to load plugin: {PLUGIN}"
#: What Axolotl prints that runs without our plugin, and what is reported of it.
SILENT = {
    "one that says why": (f"{FAILED}\nError: No module named 'pydantic'\n{STEP}", r"\(No module named 'pydantic'\)"),
    "one that knows no such hook": (STEP, r"\(it skips the check silently\)"),
}


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "pairs.jsonl").write_text(to_jsonl(pair_rows()[:8]), encoding="utf-8")
    return recipe(tmp_path, hf5_folder(tmp_path / "base")), fake_training(tmp_path)


def printing(env: Path, text: str) -> None:
    """Have the stand-in print `text` before it makes its model."""
    program = env / "bin" / "axolotl"
    there = program.read_text(encoding="utf-8")
    program.write_text(there.replace("set -e\n", f'set -e\ncat <<"END"\n{text}\nEND\nsleep 0.2\n'), encoding="utf-8")


def attempt(path: Path, env: Path) -> tuple[Artifact, list[str]]:
    said: list[str] = []
    return train(str(path), models=path.parent / "models", env=env, say=said.append), said


@pytest.mark.parametrize("kind", SILENT)
def test_a_training_without_the_check_is_stopped_at_once(small: tuple[Path, Path], kind: str) -> None:
    path, env = small
    text, why = SILENT[kind]
    printing(env, text)
    with pytest.raises(
        TokensError, match=rf"the training was stopped: .*{why}; take Axolotl 0\.19 .*UNCHECKED_TOKENS=1"
    ):
        attempt(path, env)
    assert not (path.parent / "output").exists()


def test_who_says_so_trains_without_it_and_the_record_tells(
    small: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, env = small
    printing(env, SILENT["one that says why"][0])
    monkeypatch.setenv("UNCHECKED_TOKENS", "1")
    made, said = attempt(path, env)
    assert made.tokens is not None
    assert made.tokens.unchecked == "Axolotl did not run the check"
    assert "trained tokens not checked against served tokens (Axolotl did not run the check)" in said
    assert attempt(path, env)[1] == [
        f"{path.parent / 'models' / 'mine'} is up to date (recipe, data and base unchanged)"
    ]


@pytest.mark.parametrize("earlier", ["none", "other rules"])
def test_a_model_of_an_earlier_version_is_told_and_trained_anew(small: tuple[Path, Path], earlier: str) -> None:
    """It may have been trained on two BOS tokens."""
    path, env = small
    made, _ = attempt(path, env)
    assert made.tokens is not None
    old = None if earlier == "none" else made.tokens.model_copy(update={"rules": 0})
    write_artifact(path.parent / "models" / "mine", made.model_copy(update={"tokens": old}))
    again, said = attempt(path, env)
    assert calls(path) == ["train", "train"]
    assert again.tokens == made.tokens
    assert said[0].endswith("mine was trained without the current check of its tokens: it is trained again")


def test_a_training_of_an_earlier_version_that_was_kept_is_not_gone_on_with(small: tuple[Path, Path]) -> None:
    path, env = small
    models = path.parent / "models"
    models.mkdir()
    (models / "mine").symlink_to(path.parent / "not-mounted")
    with pytest.raises(Exception, match="the training is kept"):
        attempt(path, env)
    (models / "mine").unlink()
    (models / "mine.work" / "tokens-mine.json").unlink()
    attempt(path, env)
    assert calls(path) == ["train", "train"]


@pytest.mark.train
@pytest.mark.slow
def test_real_axolotl_that_cannot_import_the_check_is_stopped(small: tuple[Path, Path], warm: Path) -> None:
    path, _ = small
    env = path.parent / "elsewhere"
    (env / "bin").mkdir(parents=True)
    real = warm.parent
    (env / "bin" / "python").symlink_to(real / "python")
    (env / "lib").symlink_to(real.parent / "lib")
    program = env / "bin" / "axolotl"
    program.write_text(f'#!/bin/sh\ncd /\nPATH={real}:$PATH PYTHONPATH= exec {real}/axolotl "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(TokensError, match=r"stopped: .* \(No module named 'train"):
        attempt(path, env)
    log = (path.parent / "models" / "mine.work" / "train.log").read_text(encoding="utf-8")
    assert "'loss'" not in log
    assert not (path.parent / "models" / "mine").exists()
