"""What a training on several GPUs leaves in shards: found, gathered a tensor at a time, and exported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.peak import measured
from tests.support import ROOT, free_port
from tests.train.models import SHAPES, hf5_folder, recipe, write_weights
from tests.train.test_stage import fake_training
from train.artifact import verify
from train.errors import ExportError
from train.export import sharded
from train.export.weights import read_tensors
from train.launch import environment
from train.stage import train
from train.tiny.world import pair_rows, to_jsonl


def ran(python: Path, *words: object) -> Any:
    done = subprocess.run(
        [str(python), "-m", "tests.train.sharded_models", *map(str, words)],
        capture_output=True, text=True, cwd=ROOT, env=environment(python.parents[1], offline=True),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.train
def test_fsdps_shards_are_gathered_as_axolotls_own_command_does(warm: Path, tmp_path: Path) -> None:
    assert ran(warm, "fsdp", tmp_path, free_port()) == {"parts": 2, "same": True, "files": 2}
    found = sharded.find(tmp_path / "output")
    assert found is not None
    assert (found.kind, found.folder) == ("fsdp", tmp_path / "output" / "checkpoint-5" / "pytorch_model_fsdp_0")


@pytest.mark.train
def test_deepspeeds_universal_checkpoint_is_gathered(warm: Path, tmp_path: Path) -> None:
    assert ran(warm, "zero", tmp_path) == {"same": True}
    found = sharded.find(tmp_path / "output")
    assert found is not None
    assert found.kind == "zero"


@pytest.mark.train
def test_a_training_that_left_shards_becomes_a_model(warm: Path, tmp_path: Path) -> None:
    """Everything around the training: what it left is kept in mind, gathered, exported and recorded."""
    (tmp_path / "pairs.jsonl").write_text(to_jsonl(pair_rows()[:8]), encoding="utf-8")
    path, env = recipe(tmp_path, hf5_folder(tmp_path / "base")), fake_training(tmp_path)
    (env / "bin" / "python").symlink_to(warm)
    (tmp_path / "prepared" / "model.safetensors").unlink()
    (tmp_path / "prepared" / "latest").write_text("global_step2", encoding="utf-8")
    ran(warm, "left", tmp_path / "prepared")
    program = env / "bin" / "axolotl"
    program.write_text(program.read_text(encoding="utf-8").replace("cp ", "cp -r "), encoding="utf-8")
    said: list[str] = []
    made = train(str(path), models=tmp_path / "models", env=env, say=said.append)
    verify(tmp_path / "models" / "mine")
    assert "Gathering the shards that the training left" in said
    assert made.weights_sha256 != made.base.weights_sha256
    assert read_tensors(tmp_path / "models" / "mine") == read_tensors(tmp_path / "base")


@pytest.mark.train
def test_half_a_gigabyte_of_shards_is_gathered_in_a_tenth_of_it(warm: Path, tmp_path: Path) -> None:
    found = ran(warm, "large", tmp_path, 512, 50)
    assert found["files"] == 8
    assert found["bytes"] > 512 << 20


@pytest.mark.train
def test_shards_of_another_model_are_told(warm: Path, tmp_path: Path) -> None:
    ran(warm, "zero", tmp_path)
    write_weights(tmp_path / "base" / "model.safetensors", {**SHAPES, "model.more.weight": [4]})
    found = sharded.find(tmp_path / "output")
    assert found is not None
    command = sharded.command(found, warm, tmp_path / "base", tmp_path / "again")
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment(warm.parents[1], offline=True)
    )
    assert done.returncode == 1
    assert "lack model.more.weight, compared with the base" in done.stderr


def test_deepspeeds_own_shards_are_told_with_its_converters_command(tmp_path: Path) -> None:
    (tmp_path / "global_step9").mkdir()
    (tmp_path / "latest").write_text("global_step9", encoding="utf-8")
    with pytest.raises(
        ExportError, match=r"ds_to_universal --input_folder .*/global_step9 --output_folder .*/universal"
    ):
        sharded.find(tmp_path)
    kept = sharded.files(tmp_path)
    (tmp_path / "universal" / "zero" / "a").mkdir(parents=True)
    (tmp_path / "universal" / "zero" / "a" / "fp32.pt").write_bytes(b"")
    found = sharded.find(tmp_path)
    assert found is not None
    assert sharded.files(tmp_path) == kept  # the same training is gone on with


def test_whole_weights_are_taken_before_any_shards(tmp_path: Path) -> None:
    folder = hf5_folder(tmp_path / "output")
    (folder / "latest").write_text("global_step9", encoding="utf-8")
    assert sharded.find(folder) is None
    assert sharded.files(folder) == [folder / "model.safetensors"]


EXPORT = (
    "import sys; from pathlib import Path; from train.export.export import export; export(*map(Path, sys.argv[1:]))"
)


def test_a_model_of_many_files_is_exported_in_less_memory_than_they_take(tmp_path: Path) -> None:
    """64 files of 4 MB, 256 MB together, under a limit; the process without any takes most of what is allowed."""
    for name, fill in (("base", 0), ("output", 1)):
        folder = hf5_folder(tmp_path / name)
        (folder / "model.safetensors").unlink()
        for number in range(64):
            shapes = {f"model.layers.{number}.mlp.up_proj.weight": [2**10, 2**10]}
            write_weights(folder / f"model-{number + 1:05}-of-00064.safetensors", shapes, fill)
    done = measured([sys.executable, "-c", EXPORT, tmp_path / "output", tmp_path / "base", tmp_path / "out"])
    assert done.code == 0, done.err
    assert len(list((tmp_path / "out").glob("model-*.safetensors"))) == 64
    assert done.megabytes < 160
