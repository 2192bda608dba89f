"""What a finished training survives: a full disk, a folder that is read-only, another version's export, a kill."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.evidence.test_report_disk import disk
from tests.train.models import edit, hf5_folder, recipe
from tests.train.test_stage import calls, fake_training
from train.artifact import NAME, read_artifact, verify, write_artifact
from train.errors import ExportError
from train.export.export import rules
from train.stage import train
from train.tiny.world import pair_rows, to_jsonl


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "pairs.jsonl").write_text(to_jsonl(pair_rows()[:8]), encoding="utf-8")
    return recipe(tmp_path, hf5_folder(tmp_path / "base")), fake_training(tmp_path)


def attempt(path: Path, env: Path, models: Path, said: list[str]) -> None:
    train(str(path), models=models, env=env, say=said.append)


def afterwards(env: Path, command: str) -> None:
    """Have the stand-in for Axolotl run `command` when its training is over."""
    program = env / "bin" / "axolotl"
    program.write_text(program.read_text(encoding="utf-8") + command + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "why", "mend"),
    [
        ("cat /dev/zero > {}/filler || true", "No space left on device", "rm {}/filler"),
        ("mount -o remount,ro {}", "Read-only file system", "mount -o remount,rw {}"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_takes_no_model_costs_no_training(
    small: tuple[Path, Path], spoil: str, why: str, mend: str
) -> None:
    """A file system of its own, for a root too, with the work folder elsewhere."""
    path, env = small
    said: list[str] = []
    with disk(path.parent / "models", "160m") as models:
        (path.parent / "work").mkdir()
        (models / "mine.work").symlink_to(path.parent / "work")
        afterwards(env, spoil.format(models))
        with pytest.raises(ExportError, match=rf"cannot be made .*{why}.*the training is kept"):
            attempt(path, env, models, said)
        assert not list(models.glob(".mine*"))
        subprocess.run(mend.format(models).split(), check=True)
        attempt(path, env, models, said)
        verify(models / "mine")
    assert calls(path) == ["train"]


def test_what_another_version_exported_is_exported_anew_and_not_trained_again(small: tuple[Path, Path]) -> None:
    path, env = small
    models, said = path.parent / "models", list[str]()
    attempt(path, env, models, said)
    model, first = models / "mine", read_artifact(models / "mine")
    before = {file.name: file.read_bytes() for file in model.iterdir() if file.name != NAME}
    edit(model / "tokenizer_config.json", model_max_length=1)
    write_artifact(model, first.model_copy(update={"export_rules": None}))
    attempt(path, env, models, said)
    assert said[-1].endswith("mine was exported by another version: it is exported again from its weights")
    assert {file.name: file.read_bytes() for file in model.iterdir() if file.name != NAME} == before
    assert read_artifact(model) == first
    assert first.export_rules == rules()
    verify(model)
    assert calls(path) == ["train"]
    assert sorted(one.name for one in models.iterdir()) == ["mine", "mine.work"]


def test_an_exchange_of_folders_that_was_killed_in_between_is_undone(small: tuple[Path, Path]) -> None:
    path, env = small
    models, said = path.parent / "models", list[str]()
    attempt(path, env, models, said)
    (models / "mine").rename(models / ".mine.before")
    attempt(path, env, models, said)
    assert calls(path) == ["train"]
    verify(models / "mine")
