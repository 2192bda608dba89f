"""The switch for thinking: sent to both sides alike, kept in the run, refused where no server would heed it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.collect.new_run import start_collected_run
from eval.collect.parity.determinism import check_determinism
from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import InputError, RunError
from eval.records import Side
from eval.run import Run, open_run
from eval.run_info import Decoding
from tests.cli.command import blindside
from tests.collect.openai_servers import OpenAi, openai
from tests.collect.runs import FAST, gather
from tests.collect.servers import Tgi, tgi
from tests.collect.test_prompts import write


class Model(OpenAi):
    """Thinks unless its template is reported not to, as Qwen 3 does."""

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        whole = super().completion(body)
        if body.get("chat_template_kwargs", {}).get("enable_thinking", True):
            whole["choices"][0]["message"]["reasoning_content"] = "Hm."
        return whole


def started(folder: Path, urls: dict[Side, str], switch: bool | None) -> Run:
    loaded = load_prompts(write(folder / "p.jsonl", [{"prompt": f"Question {n}?"} for n in range(3)]))
    decoding = Decoding(max_tokens=64, enable_thinking=switch)
    return start_collected_run(folder / "reports", "first", loaded=loaded, decoding=decoding, urls=urls)


@pytest.mark.parametrize("switch", [True, False])
def test_the_switch_goes_with_every_request_to_both_sides(tmp_path: Path, switch: bool) -> None:
    with openai(Model("base")) as base, openai(Model("tuned")) as tuned:
        urls: dict[Side, str] = {"base": base.url, "tuned": tuned.url}
        run = started(tmp_path, urls, switch)
        gather(run, urls)
        check_determinism(open_run(tmp_path / "reports", "first"), urls, options=FAST, say=lambda line: None)
        bodies = [*base.bodies, *tuned.bodies, *base.probes, *tuned.probes]
    assert len(bodies) > 6
    assert {body["chat_template_kwargs"]["enable_thinking"] for body in bodies} == {switch}
    assert json.loads((run.folder / "run.json").read_text())["decoding"]["enable_thinking"] is switch
    words = "at most 64 tokens, thinking switched " + ("on" if switch else "off")
    assert open_run(tmp_path / "reports", "first").decoding.words() == words


def test_left_out_nothing_is_sent_and_nothing_written(tmp_path: Path) -> None:
    with openai(Model("base")) as base, openai(Model("tuned")) as tuned:
        urls: dict[Side, str] = {"base": base.url, "tuned": tuned.url}
        run = started(tmp_path, urls, None)
        gather(run, urls)
        assert not any("chat_template_kwargs" in body for body in (*base.bodies, *tuned.bodies))
    assert json.loads((run.folder / "run.json").read_text())["decoding"] == {"temperature": 0, "max_tokens": 64}
    assert Decoding(max_tokens=64).model_dump() == {"temperature": 0, "max_tokens": 64}


def test_another_switch_is_another_comparison(tmp_path: Path) -> None:
    with openai(Model("base")) as base, openai(Model("tuned")) as tuned:
        urls: dict[Side, str] = {"base": base.url, "tuned": tuned.url}
        started(tmp_path, urls, False)
        with pytest.raises(RunError, match="compares something else"):
            started(tmp_path, urls, None)


def test_tgi_has_no_switch_and_says_what_has(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        urls: dict[Side, str] = {"base": base.url, "tuned": tuned.url}
        with pytest.raises(InputError, match=r"no switch for thinking: put \{% set enable_thinking = false %\} at the"):
            started(tmp_path, urls, False)
    assert not (tmp_path / "reports").exists()


def test_the_command_passes_it_on_and_tells_what_is_not_heeded(tmp_path: Path) -> None:
    prompts = write(tmp_path / "p.jsonl", [{"prompt": "Name a colour."}])
    with openai(Model("base")) as base, openai(OpenAi("tuned")) as tuned:
        asked = ("collect", "--base-url", base.url, "--tuned-url", tuned.url, "--prompts", prompts, "--run", "r")
        done = blindside(*asked, "--no-enable-thinking", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "was switched" not in done.stdout
        tuned.say = lambda text: f"<think>Hm.</think>{text}"  # type: ignore[method-assign]
        done = blindside(*asked[:-1], "s", "--no-enable-thinking", cwd=tmp_path)
    assert "tuned: 1 answer, 0 cut, 0 empty, 0 repeating, 0 refusing, 1 with thinking, which is stored" in done.stdout
    assert "note: thinking was switched off, and tuned thought in 1 of 1 answers" in done.stdout
