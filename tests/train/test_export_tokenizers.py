"""Tokenizers that transformers 4 and 5 build differently from the same files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.models import edit, hf5_folder, load
from train.errors import ExportError
from train.export.export import export


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return hf5_folder(tmp_path / "base")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return hf5_folder(tmp_path / "output", fill=1)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "exported"


def test_a_class_that_one_version_builds_anew_is_read_from_tokenizer_json(
    output: Path, base: Path, target: Path
) -> None:
    for folder in (base, output):
        edit(folder / "tokenizer_config.json", tokenizer_class="LlamaTokenizerFast", add_prefix_space=True)
    export(output, base, target)
    config = load(target / "tokenizer_config.json")
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert config["model_input_names"] == ["input_ids", "attention_mask"]
    # What the class had where nothing was said; null was said of bos and unk, and stays.
    assert (config["eos_token"], "bos_token" in config, "unk_token" in config) == ("<|im_end|>", False, False)


def test_spaces_in_front_are_the_same_in_the_older_words(output: Path, base: Path, target: Path) -> None:
    older = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}
    newer = {"type": "Metaspace", "replacement": "▁", "split": True}
    edit(base / "tokenizer.json", pre_tokenizer=older)
    edit(output / "tokenizer.json", pre_tokenizer=newer | {"prepend_scheme": "always"})
    export(output, base, target)
    edit(output / "tokenizer.json", pre_tokenizer=newer | {"prepend_scheme": "first"})
    with pytest.raises(ExportError, match=r"'first'.*'always'.*set `tokenizer_type: PreTrainedTokenizerFast`"):
        export(output, base, target)


def test_a_class_keeps_the_special_tokens_that_it_had_by_itself(output: Path, base: Path, target: Path) -> None:
    for folder in (base, output):
        edit(folder / "tokenizer_config.json", tokenizer_class="LlamaTokenizer", unk_token=None)
    export(output, base, target)
    assert load(target / "tokenizer_config.json")["unk_token"] == "<unk>"
