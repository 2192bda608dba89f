"""The doctor tries the base's chat template on the recipe's conversations, before a training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from compose.embedded.rendering import render as as_tgi
from tests.train.doctored import H100, SMALL, ask, machine, recipe
from tests.train.families import FAMILIES
from tests.train.models import hf5_folder, load
from tests.train.models import recipe as tiny_recipe
from train.doctor.doctor import check_ready
from train.errors import TrainError
from train.export.export import export
from train.export.rendering import render as as_transformers
from train.recipe import Recipe, read_recipe

SYSTEM = {"role": "system", "content": "Be brief."}


HELLO, HI = {"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hi."}


DATED = (
    "{% if messages[0]['role'] != 'system' %}{{ 'Today is ' + strftime_now('%d %B %Y') + '. ' }}{% endif %}"
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '<|im_end|>' }}{% endfor %}"
)


def with_template(tmp_path: Path, template: str, *conversations: list[dict[str, str]]) -> Recipe:
    """A recipe over pairs with these conversations, of a base with this template."""
    base = hf5_folder(tmp_path / "base")
    (base / "chat_template.jinja").write_text(template, encoding="utf-8")
    rows = [
        {"messages": turns, "chosen": HI, "rejected": {"role": "assistant", "content": str(n)}}
        for n, turns in enumerate(conversations)
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_recipe(tiny_recipe(tmp_path, base))


@pytest.mark.parametrize(
    ("raises", "turns", "roles"),
    [
        ("messages[0]['role'] == 'system'", [SYSTEM, HELLO], "system, user"),
        ("messages | length > 3", [HELLO, HI, HELLO, HI, HELLO], "user, assistant, user, assistant, user"),
    ],
    ids=["system", "many turns"],
)
def test_turns_that_the_template_refuses_are_told_before_training(
    raises: str, turns: list[dict[str, str]], roles: str, tmp_path: Path
) -> None:
    template = "{% if " + raises + " %}{{ raise_exception('not such turns') }}{% endif %}" + DATED
    asked = with_template(tmp_path, template, [HELLO, HI, HELLO], turns)
    found = ask(asked, machine(), tmp_path)["template"]
    assert (found.level, found.found) == (
        "fail",
        f"the base's template refuses the turns of {tmp_path}/pairs.jsonl:2 ({roles}): not such turns",
    )
    with pytest.raises(TrainError, match="remove such pairs, or move a system turn's text into the user's turn"):
        check_ready(asked, tmp_path, lambda line: None, machine=machine(), variables={"HF_HUB_OFFLINE": "1"})


@pytest.mark.parametrize(
    ("template", "turns", "level", "remedy"),
    [
        (DATED, [HELLO], "warn", "add a system turn to pairs and prompts: then it writes no date"),
        (DATED, [SYSTEM, HELLO], "ok", ""),
        ("{{ strftime_now('%Y') }}" + DATED, [SYSTEM, HELLO], "warn", "collect both sides on the same day; the model "
         "is served with another date than it was trained with"),
    ],
    ids=["without a system turn", "not written", "always"],
)  # fmt: skip
def test_a_template_that_writes_the_date_is_told(
    template: str, turns: list[dict[str, str]], level: str, remedy: str, tmp_path: Path
) -> None:
    found = ask(with_template(tmp_path, template, turns), machine(), tmp_path)["template"]
    assert (found.level, found.remedy) == (level, remedy)


def test_a_thinking_switch_that_servers_pass_over_is_refused_and_the_remedy_reaches_all(tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(FAMILIES / "qwen3" / "hf5", base)
    template = (base / "chat_template.jinja").read_text(encoding="utf-8")
    asked = recipe(SMALL, base_model=str(base), chat_template_kwargs={"enable_thinking": False})
    found = ask(asked, machine(H100), tmp_path)["template"]
    line = "{%- set enable_thinking = false %}"
    assert (found.level, line in found.remedy) == ("fail", True)
    assert "template" not in ask(recipe(SMALL, base_model=str(base)), machine(H100), tmp_path)

    values = {"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": True}
    wanted = as_transformers({"source": template, "values": {**values, "enable_thinking": False}})
    assert wanted != as_transformers({"source": template, "values": values})
    (base / "chat_template.jinja").write_text(line + template, encoding="utf-8")
    export(base, base, tmp_path / "x")
    served = load(tmp_path / "x" / "tokenizer_config.json")["chat_template"]
    # TGI hands on no such value, vLLM whichever is asked for.
    assert as_tgi({"source": served, "values": values}) == wanted
    assert as_transformers({"source": served, "values": {**values, "enable_thinking": True}}) == wanted
