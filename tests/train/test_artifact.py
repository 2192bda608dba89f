"""blindside.json: written whole, read strictly, and true to the weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.train.models import SHAPES, write_weights
from train.artifact import (
    SETTINGS,
    Artifact,
    Base,
    hash_setting,
    hash_weights,
    read_artifact,
    utc_seconds,
    verify,
    write_artifact,
)
from train.errors import ArtifactError

SHA = "a" * 64


def artifact(folder: Path) -> Artifact:
    return Artifact(
        name="tiny", base=Base(source="models/tiny-base", weights_sha256=SHA), recipe="train/recipes/tiny.yml",
        recipe_sha256=SHA, data_sha256={"pairs.jsonl": SHA}, weights_sha256=hash_weights(folder), template_sha256=SHA,
        tokenizer_sha256=SHA, versions={"axolotl": "0.19.0"}, metrics={"train_loss": 0.5}, created_at=utc_seconds(),
        inputs_sha256=SHA,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_weights(tmp_path / "model.safetensors", SHAPES)
    return tmp_path


def test_what_is_written_is_read(folder: Path) -> None:
    made = artifact(folder)
    write_artifact(folder, made)
    assert read_artifact(folder) == made
    assert (folder / "blindside.json").stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in folder.iterdir()) == ["blindside.json", "model.safetensors"]
    verify(folder)


def test_a_folder_without_it_is_not_finished(folder: Path) -> None:
    with pytest.raises(ArtifactError, match="is not a finished model"):
        read_artifact(folder)


def test_changed_weights_are_noticed(folder: Path) -> None:
    write_artifact(folder, artifact(folder))
    write_weights(folder / "model.safetensors", SHAPES, fill=1)
    with pytest.raises(ArtifactError, match=r"the weights in .* changed after they were trained"):
        verify(folder)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_changed_setting_is_noticed(name: str, folder: Path) -> None:
    (folder / name).write_text('{"rope_scaling": {"factor": 8.0}}', encoding="utf-8")
    hashes = {f"{Path(one).stem}_sha256": hash_setting(folder, one) for one in SETTINGS}
    write_artifact(folder, artifact(folder).model_copy(update=hashes))
    verify(folder)
    (folder / name).write_text("{}", encoding="utf-8")
    with pytest.raises(ArtifactError, match=rf"/{name} changed after it was exported; restore the file"):
        verify(folder)
    write_artifact(folder, artifact(folder))  # as an earlier version wrote it
    verify(folder)


def test_another_shard_changes_the_hash(folder: Path) -> None:
    before = hash_weights(folder)
    write_weights(folder / "model-2.safetensors", SHAPES)
    assert hash_weights(folder) != before


@pytest.mark.parametrize(
    ("spoil", "said"), [({"surprise": 1}, "surprise"), ({"weights_sha256": "x"}, "weights_sha256"), (None, "the file")]
)
def test_a_broken_one_is_one_sentence(spoil: dict[str, object] | None, said: str, folder: Path) -> None:
    write_artifact(folder, artifact(folder))
    path = folder / "blindside.json"
    value = json.loads(path.read_text(encoding="utf-8"))
    path.write_text("{" if spoil is None else json.dumps({**value, **spoil}), encoding="utf-8")
    with pytest.raises(ArtifactError, match=f"blindside.json: {said}: .*train again"):
        read_artifact(folder)
