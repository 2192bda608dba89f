"""Folders that the server would misread are refused before anything is started."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compose.errors import ModelUnreadable
from compose.folder import check, is_local
from compose.stack import Model
from tests.compose.replay import DATA
from tests.compose.servers import MODEL, change


def test_what_both_read_alike_is_taken() -> None:
    for server in ("tgi", "vllm", "sglang"):
        check(Model("base", str(MODEL)), server)


def test_what_transformers_5_left_is_refused_for_tgi_alone(tmp_path: Path) -> None:
    shutil.copytree(DATA / "model-hf5", tmp_path / "m")
    shutil.copy(MODEL / "model.safetensors", tmp_path / "m")
    model = Model("tuned", str(tmp_path / "m"))
    check(model, "vllm")
    with pytest.raises(ModelUnreadable, match=r"tuned: .* misread its rope base .*; serve its export"):
        check(model, "tgi")
    change(tmp_path / "m/config.json", rope_theta=10000.0)
    with pytest.raises(ModelUnreadable, match="misread its tokenizer"):
        check(model, "tgi")
    change(tmp_path / "m/tokenizer_config.json", extra_special_tokens=None)
    with pytest.raises(ModelUnreadable, match="misread its chat template"):
        check(model, "tgi")
    (tmp_path / "m/chat_template.json").write_text("{}")
    check(model, "tgi")


def test_incomplete_folders_are_told(tmp_path: Path) -> None:
    for source, problem in ((tmp_path / "none", "is not a folder"), (tmp_path, "has no config.json")):
        with pytest.raises(ModelUnreadable, match=problem):
            check(Model("base", str(source)), "tgi")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnreadable, match=r"no \.safetensors weights"):
        check(Model("base", str(tmp_path)), "tgi")
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "config.json").write_text("{broken")
    with pytest.raises(ModelUnreadable, match=r"config\.json is not JSON"):
        check(Model("base", str(tmp_path)), "tgi")


@pytest.mark.parametrize(
    ("source", "local"),
    [("owner/name", False), ("gpt2", False), ("./m", True), ("/m", True), ("~/m", True), ("models/tiny/x", True)],
)
def test_a_folder_is_told_from_a_hub_id(source: str, local: bool) -> None:
    assert is_local(Model("base", source)) == local
