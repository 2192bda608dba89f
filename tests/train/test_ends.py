"""Where an answer ends on TGI's transformers backend: at the tokenizer's eos_token, and nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose.embedded.rendering import render
from tests.support import ROOT
from tests.train.families import FAMILIES, exchanges
from tests.train.models import edit, load
from train.export.export import export


def with_eos(family: str, eos: str, folder: Path) -> Path:
    shutil.copytree(FAMILIES / family / "hf5", folder)
    edit(folder / "tokenizer_config.json", eos_token=eos)
    return folder


def test_the_real_tgi_passed_over_the_second_end_in_the_list() -> None:
    """The reason for what follows: transformers stopped there (the expected answer), TGI continued."""
    chats = load(FAMILIES / "qwen3" / "expected.json")["conversations"]
    wanted = next(one for one in chats if one["id"] == "user-2")
    answers = [one for one in exchanges("qwen3", "greedy", "exported")
               if one["request"]["body"]["messages"] == wanted["messages"]]  # fmt: skip
    assert load(FAMILIES / "qwen3" / "hf5" / "generation_config.json")["eos_token_id"] == [420, 421]
    assert wanted["greedy"]["stop_id"] == 421
    assert [one["response"]["body"]["usage"]["completion_tokens"] for one in answers] == [24]
    assert len(wanted["greedy"]["ids"]) == 18


def test_the_token_that_ends_a_turn_is_the_served_eos_token(tmp_path: Path) -> None:
    saved = with_eos("qwen3", "<|endoftext|>", tmp_path / "saved")
    export(saved, saved, tmp_path / "x")
    assert load(tmp_path / "x" / "tokenizer_config.json")["eos_token"] == "<|im_end|>"
    assert set(load(tmp_path / "x" / "generation_config.json")["eos_token_id"]) == {420, 421}


@pytest.mark.parametrize("family", ["qwen3", "olmo2"])
def test_a_token_that_ends_turns_already_stays(family: str, tmp_path: Path) -> None:
    saved = FAMILIES / family / "hf5"
    export(saved, saved, tmp_path / "x")
    before, after = (load(folder / "tokenizer_config.json") for folder in (saved, tmp_path / "x"))
    assert after["eos_token"] == before["eos_token"]
    assert after["chat_template"] == (saved / "chat_template.jinja").read_text(encoding="utf-8")


def test_a_template_that_writes_eos_token_goes_on_to_write_the_old_one(tmp_path: Path) -> None:
    saved = with_eos("qwen3", "<|endoftext|>", tmp_path / "saved")
    template = "{% for turn in messages %}{{ turn.content }}<|im_end|>{{ eos_token }}{% endfor %}"
    (saved / "chat_template.jinja").write_text(template, encoding="utf-8")
    export(saved, saved, tmp_path / "x")
    served = load(tmp_path / "x" / "tokenizer_config.json")
    values = {"messages": [{"role": "user", "content": "Hi"}], "eos_token": served["eos_token"]}
    assert served["eos_token"] == "<|im_end|>"
    assert render({"source": served["chat_template"], "values": values}) == "Hi<|im_end|><|endoftext|>"


def test_where_tgis_class_reads_the_list_the_bases_token_stays(tmp_path: Path) -> None:
    saved = with_eos("qwen3", "<|endoftext|>", tmp_path / "saved")
    edit(saved / "config.json", model_type="qwen2")
    export(saved, saved, tmp_path / "x")
    assert load(tmp_path / "x" / "tokenizer_config.json")["eos_token"] == "<|endoftext|>"


def test_compose_passes_a_dtype_to_both_servers() -> None:
    """Without one that backend takes float16, on a CPU too."""
    file = yaml.safe_load((ROOT / "compose" / "docker-compose.yml").read_text(encoding="utf-8"))
    services: dict[str, Any] = file["services"]
    passed = {name: services[name]["environment"]["DTYPE"] for name in ("base", "tuned")}
    assert passed == dict.fromkeys(("base", "tuned"), "${DTYPE:-bfloat16}")
