"""`blindside export` on folders that transformers 5 saved."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import pytest

from tests.cli.command import blindside
from tests.support import TRAIN_PYTHON, require
from tests.train.families import FAMILIES, farthest, scores
from tests.train.models import load
from tests.warm.warm import train_python
from train.errors import ExportError
from train.export.export import check_base, export
from train.export.ropes import rope_parameters
from train.export.text_part import text_config


def test_it_says_what_it_changed_and_why(tmp_path: Path) -> None:
    saved, target = FAMILIES / "gemma3" / "hf5", tmp_path / "out"
    done = blindside("export", str(saved), str(target), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].endswith(f": for tgi-3.3, {len(lines) - 1} changes")
    reason = "(TGI uses 10000 if this key is missing)"
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
    assert there.stderr.strip().endswith("saved already exists; name a folder that is not")
    (saved / "tokenizer.json").unlink()
    lacks = blindside("export", "saved", "out", cwd=tmp_path)
    assert lacks.returncode == 1
    assert "has no tokenizer.json" in lacks.stderr
    nowhere = blindside("export", "a/b/c", "out", cwd=tmp_path)
    assert nowhere.returncode == 1
    assert "a/b/c is not a folder here, and the Hub does not give it" in nowhere.stderr
    assert len(nowhere.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def with_images(folder: Path, *, prefix: str, files: int) -> Path:
    """The family's Gemma 3 as the text part of a model that sees, in one file or two."""
    saved = FAMILIES / "gemma3" / "hf5"
    shutil.copytree(saved, folder)
    config = load(saved / "config.json")
    inner = {key: value for key, value in config.items() if key not in ("architectures", "transformers_version")}
    whole = {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "dtype": "bfloat16",
             "text_config": inner, "vision_config": {"model_type": "siglip_vision_model"},
             "transformers_version": config["transformers_version"]}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(whole))
    tensors = {name.replace("model.", prefix, 1): one for name, one in read(saved / "model.safetensors").items()}
    tensors["vision_tower.patch.weight"] = ("BF16", [2], b"\1\2\3\4")
    names = sorted(tensors)
    (folder / "model.safetensors").unlink()
    for number in range(files):
        path = folder / f"model-{number + 1:05}-of-{files:05}.safetensors"
        write(path, {name: tensors[name] for name in names[number::files]})
    return folder


Tensors = dict[str, tuple[str, list[int], bytes]]


def read(path: Path) -> Tensors:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    at = 8 + length
    return {n: (o["dtype"], o["shape"], data[at + o["data_offsets"][0] : at + o["data_offsets"][1]])
            for n, o in header.items()}  # fmt: skip


def write(path: Path, tensors: Tensors) -> None:
    header, end = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()))


@pytest.mark.parametrize(("prefix", "files"), [("language_model.model.", 1), ("model.language_model.", 2)])
def test_of_a_gemma_3_that_sees_the_text_part_is_written(tmp_path: Path, prefix: str, files: int) -> None:
    """As the Hub's files name it, and as transformers 5 does in memory: the same text model, byte for byte."""
    saved, plain = with_images(tmp_path / "saved", prefix=prefix, files=files), FAMILIES / "gemma3" / "hf5"
    done = blindside("export", "saved", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "note: the text part alone (Gemma3ForCausalLM): its image part is left out" in done.stdout
    written: Tensors = {}
    for path in (tmp_path / "out").glob("*.safetensors"):
        written |= read(path)
    assert written == read(plain / "model.safetensors")
    export(plain, plain, tmp_path / "plain")
    said, wanted = (load(tmp_path / name / "config.json") for name in ("out", "plain"))
    assert {key: said[key] for key in wanted} == wanted
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "plain", "saved"]
    with pytest.raises(ExportError, match=r"has an image part, .*`blindside export BASE models/TEXT` writes its text"):
        check_base(saved)
    check_base(tmp_path / "out")


def test_a_text_part_that_leaves_out_the_defaults_says_them() -> None:
    """As the Hub's 4B: eight heads of 256, and ropes of a million and ten thousand."""
    hub = {"model_type": "gemma3", "torch_dtype": "bfloat16", "eos_token_id": [1, 106], "text_config": {
        "hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024}}  # fmt: skip
    found = text_config(hub, 262208)
    assert (found["num_attention_heads"], found["num_key_value_heads"], found["head_dim"]) == (8, 4, 256)
    assert (found["vocab_size"], found["hidden_size"], found["sliding_window"]) == (262208, 2560, 1024)
    rope = rope_parameters(found)
    assert rope is not None
    assert rope["full_attention"] == {"rope_type": "linear", "factor": 8.0, "rope_theta": 1_000_000.0}
    assert rope["sliding_attention"]["rope_theta"] == 10_000.0
