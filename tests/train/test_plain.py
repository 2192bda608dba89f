"""Templates that rely on trim_blocks, rendered as transformers and as TGI do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from compose.embedded.rendering import render as by_the_engine
from tests.train.families import FAMILIES
from tests.train.models import HF5, load
from train.export.export import export
from train.export.rendering import plain
from train.export.rendering import render as by_transformers

BLOCKS: dict[str, Any] = json.loads((FAMILIES / "blocks.json").read_text(encoding="utf-8"))
LF = "\n"


def values(messages: list[dict[str, str]]) -> dict[str, Any]:
    return {"messages": messages, "add_generation_prompt": True}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("blocks")
    saved = folder / "saved"
    shutil.copytree(FAMILIES / "qwen3" / "hf5", saved)
    (saved / "chat_template.jinja").write_text(BLOCKS["template"], encoding="utf-8")
    export(saved, saved, folder / "exported")
    written: str = load(folder / "exported" / "tokenizer_config.json")["chat_template"]
    assert (folder / "exported" / "chat_template.jinja").read_text(encoding="utf-8") == written
    return written


@pytest.mark.parametrize("chat", BLOCKS["conversations"], ids=lambda chat: chat["id"])
def test_an_exported_template_reads_alike_everywhere(chat: dict[str, Any], exported: str) -> None:
    asked = values(chat["messages"])
    assert by_the_engine({"source": BLOCKS["template"], "values": asked}) == chat["tgi"] != chat["transformers"]
    assert by_the_engine({"source": exported, "values": asked}) == chat["transformers"]
    assert by_transformers({"source": exported, "values": asked}) == chat["transformers"]


def test_it_is_the_template_that_the_real_tgi_rendered_right(exported: str) -> None:
    assert exported == BLOCKS["trimmed_template"]


@pytest.mark.parametrize("folder", [HF5, FAMILIES / "qwen3" / "hf5", FAMILIES / "olmo2" / "hf5"], ids=str)
def test_minus_signs_everywhere_need_nothing(folder: Path) -> None:
    template = (folder / "chat_template.jinja").read_text(encoding="utf-8")
    assert plain(template) == template


PIECES = ["{% if a %}", "{%- if a %}", "{% if b -%}", "{%+ if a %}", "{% if a +%}", "{% endif %}", "{%- endif -%}",
          "{# c #}", "{#- c -#}", "{{ x }}", "{{- x -}}", LF, LF + LF, " ", "  ", "\t", "word",
          "{% raw %} {{ r }}" + LF + "{% endraw %}"]  # fmt: skip


def balanced(pieces: list[str]) -> str:
    depth, kept = 0, []
    for piece in pieces:
        if "endif" in piece and not depth:
            continue
        depth += ("endif" not in piece) * (" if " in piece) - ("endif" in piece)
        kept.append(piece)
    return "".join(kept) + "{% endif %}" * depth


@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_nothing_that_is_rendered_changes(pieces: list[str]) -> None:
    source, names = balanced(pieces), {"a": 1, "b": 0, "x": "X"}
    today = Environment(trim_blocks=True, lstrip_blocks=True)
    wanted, done = today.from_string(source).render(names), plain(source)
    assert Environment().from_string(done).render(names) == wanted
    assert today.from_string(done).render(names) == wanted
    assert plain(done) == done
