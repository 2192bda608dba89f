"""Parity on a real tiny model: a correct pair passes, and each fault is caught and its cause named.

The servers are real engines on real folders; transformers' own forward pass is the other side of every comparison.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from eval.collect import progress
from eval.collect.parity.parity import Check, ParityReport, check_parity
from eval.collect.parity.reference import ask_references
from eval.errors import EngineError, EngineUnreachable, InputError, ParityFailed
from eval.records import Side
from eval.run_info import ModelInfo
from tests.collect.openai_servers import OpenAi, openai
from tests.collect.parity_world import PROMPTS, World
from tests.collect.servers import serving
from tests.compose.servers import MODEL, need_train, serve
from tests.support import TRAIN_PYTHON, free_port
from train.reference.protocol import Job

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    need_train()
    made = World(tmp_path_factory.mktemp("parity"))
    lines = made.command_lines()
    with serve(*lines.values(), cwd=made.parent) as urls:
        made.urls = dict(zip(lines, urls, strict=True))
        yield made


def _failed(report: ParityReport, side: Side) -> dict[str, str]:
    return {check.name: check.detail for check in report.failures if check.side == side}


def _of(report: ParityReport, side: Side, name: str) -> Check:
    return next(check for check in report.checks if (check.side, check.name) == (side, name))


NAMES = {
    "info",
    "template",
    "trained template",
    "tokens",
    "prompt log-probabilities",
    "greedy tokens",
    "weights",
    "end of turn",
}


def test_a_correct_pair_passes_with_nothing_left_unchecked(world: World) -> None:
    report = world.check({"base": "base", "tuned": "tuned"})
    assert report.lines() == [line for line in report.lines() if ": passed: " in line]
    assert {check.name for check in report.checks} == NAMES
    assert len(report.checks) == 2 * len(NAMES)
    assert report.passed
    report.raise_if_failed()
    record = json.loads(report.record("base").model_dump_json())
    assert (record["passed"], record["forced"], len(record["checks"])) == (True, False, len(NAMES))
    first = {"side": "base", "name": "info", "passed": True, "detail": report.checks[0].detail, "note": False}
    assert record["checks"][0] == first
    assert (record["probes"], record["quick"]) == (9, False)


def test_another_rope_base_and_a_missing_template_are_named(world: World) -> None:
    report = world.check({"base": "theta", "tuned": "no-template"})
    base, tuned = _failed(report, "base"), _failed(report, "tuned")
    assert "with rope base 10000 instead of 1000000" in base["weights"]
    assert set(base) >= {"prompt log-probabilities", "weights"}
    assert "the server says" in base["prompt log-probabilities"]
    assert set(tuned) == {"template"}
    assert "template missing" in tuned["template"]
    assert "has a chat_template.jinja" in tuned["template"]
    assert _of(report, "tuned", "weights").passed
    with pytest.raises(ParityFailed, match="base: weights, tuned: template"):
        report.raise_if_failed()


def test_one_space_in_the_template_and_earlier_weights_are_named(world: World) -> None:
    report = world.check({"base": "space", "tuned": "earlier"})
    base, tuned = _failed(report, "base"), _failed(report, "tuned")
    assert set(base) == {"template"}
    assert "from character 18 on the server has '<|im_start|>user\\n What" in base["template"].replace("system", "user")
    assert set(tuned) >= {"prompt log-probabilities", "weights"}
    assert "other weights than those saved" in tuned["weights"]
    assert "earlier checkpoint" in tuned["weights"]
    assert _of(report, "tuned", "template").passed


def test_tuned_served_as_base_and_a_missing_eos_are_named(world: World) -> None:
    report = world.check({"base": "tuned", "tuned": "no-eos"}, {"base": world.base, "tuned": world.no_eos})
    base, tuned = _failed(report, "base"), _failed(report, "tuned")
    assert f"answers with tuned's weights ({world.no_eos})" in base["weights"]
    assert set(tuned) == {"end of turn"}
    assert "runs past its end, '<|im_end|>' (1023)" in tuned["end of turn"]
    assert "names no end token" in tuned["end of turn"]


def test_a_dropped_rope_scaling_and_an_integer_eos_are_named(world: World) -> None:
    report = world.check({"base": "unscaled", "tuned": "int-eos"}, {"base": world.scaled, "tuned": world.int_eos})
    base, tuned = _failed(report, "base"), _failed(report, "tuned")
    assert "without its rope scaling" in base["weights"]
    assert "gives eos_token_id as the number 1023, and TGI reads only a list" in tuned["end of turn"]


def test_a_bos_by_the_tokenizer_passes_and_other_end_tokens_than_the_folders_are_told(world: World) -> None:
    report = world.check({"base": "bos", "tuned": "no-eos"}, {"base": world.bos, "tuned": world.tuned})
    assert _failed(report, "base") == {}
    assert not report.unchecked
    assert set(_failed(report, "tuned")) == {"end of turn"}
    assert "reads other settings" in _failed(report, "tuned")["end of turn"]


def test_a_base_that_never_ends_its_turn_is_noted_and_a_tuned_one_stays_unchecked(world: World) -> None:
    folders: dict[Side, Path] = {"base": world.unending, "tuned": world.unending}
    report = world.check({"base": "unending", "tuned": "unending"}, folders)
    assert report.passed
    [noted] = [check for check in report.checks if check.note]
    assert (noted.side, noted.name) == ("base", "never ends its turn")
    assert "none of 6 answers came to its end within 96 tokens" in noted.detail
    # The same weights on both sides can't be told apart.
    assert [(one.side, one.name) for one in report.unchecked] == [
        *(("base", "weights"), ("tuned", "weights"), ("tuned", "end of turn")),
    ]


def test_a_quick_check_makes_every_check_of_fewer_probes_and_says_how_far_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    said: list[str] = []
    report = world.check({"base": "base", "tuned": "tuned"}, quick=True, say=said.append)
    assert {check.name for check in report.checks} == NAMES
    assert report.passed
    assert not report.unchecked
    assert (report.probes, report.quick) == (3, True)
    assert "parity: asking 2 servers 3 probes each" in said
    assert any(
        re.fullmatch(r"parity: transformers: base text \d/4( · tuned text \d/4)?( · .* left)?", one) for one in said
    )
    swapped = world.check({"base": "tuned", "tuned": "theta"}, quick=True)
    assert "tuned's weights" in _failed(swapped, "base")["weights"]
    assert "with rope base" in _failed(swapped, "tuned")["weights"] or "base's" in _failed(swapped, "tuned")["weights"]


def test_half_precision_has_its_own_tolerance_and_still_shows_whose_weights_answer(world: World) -> None:
    report = world.check({"base": "base in bfloat16", "tuned": "base in bfloat16"}, dtype="bfloat16")
    assert _failed(report, "base") == {}
    assert _of(report, "base", "weights").passed
    assert "answers with base's weights" in _failed(report, "tuned")["weights"]


def test_a_wrong_dtype_is_hinted_at_and_each_server_of_a_side_is_checked(world: World) -> None:
    names = ["tuned", "theta", "tuned without prefill"]
    report = world.check({"base": "base in bfloat16", "tuned": names})
    assert "prompt log-probabilities" in _failed(report, "base")
    assert "a server that doesn't run in float32" in _failed(report, "base")["weights"]
    found = [check for check in report.checks if (check.side, check.name) == ("tuned", "weights")]
    assert [check.passed for check in found] == [True, False, None]
    assert [check.detail.split(": ")[0] for check in found] == [world.urls[name] for name in names]
    # The one that gives no log-probabilities of prompts is checked as far as it goes.
    last = {check.name: check for check in report.checks if check.detail.startswith(world.urls[names[2]])}
    unchecked = {"prompt log-probabilities", "weights"}
    assert {name for name, check in last.items() if check.passed is None} == unchecked
    assert {name for name, check in last.items() if check.passed} == NAMES - unchecked
    assert "--enable-prefill-logprobs" in last["prompt log-probabilities"].detail


def test_what_the_reference_can_not_do_is_said_and_the_rest_is_checked(world: World, tmp_path: Path) -> None:
    """Weights that don't fit into memory leave the tokenizer; a folder that transformers can't read leaves nothing."""
    (tmp_path / "config.json").write_text("{}")
    shutil.copy(world.base / "chat_template.jinja", tmp_path)
    folders: dict[Side, Path] = {"base": world.base, "tuned": tmp_path}
    report = world.check({"base": "space", "tuned": "tuned"}, folders, memory=1 << 20)
    assert set(_failed(report, "base")) == {"template"}
    unchecked = {check.name for check in report.unchecked if check.side == "base"}
    assert unchecked == {"prompt log-probabilities", "greedy tokens", "weights"}
    assert "GiB are free" in _of(report, "base", "weights").detail
    assert _of(report, "base", "end of turn").passed
    assert [check.name for check in report.checks if check.side == "tuned" and check.passed] == ["info"]
    assert _failed(report, "tuned") == {}
    assert "transformers can't read the tokenizer" in _of(report, "tuned", "template").detail


def test_a_wrong_name_is_told_and_a_path_in_a_container_is_not_guessed(world: World) -> None:
    url = world.urls["base"]
    missing = world.parent / "there-is-none"
    infos: dict[Side, ModelInfo] = {"base": ModelInfo(name="base", source=str(missing))}
    report = check_parity({"base": url}, infos, PROMPTS, python=missing, say=lambda line: None)
    assert f"serves {world.base}, not {missing}" in _failed(report, "base")["info"]
    assert {check.passed for check in report.checks if check.name != "info"} == {None}
    assert {check.detail for check in report.checks if check.name != "info"} == {_of(report, "base", "tokens").detail}
    assert "make train" in _of(report, "base", "tokens").detail
    assert (report.probes, report.unproved) == (0, (url,))


def test_a_hub_model_is_read_from_the_cache_and_its_weights_are_never_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_train()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "models--own--tiny" / "snapshots" / commit
    shutil.copytree(MODEL, snapshot, ignore=shutil.ignore_patterns("*.safetensors"))
    chat = [{"role": "user", "content": "Hi"}]
    cached = Job(model="own/tiny", revision=commit, chats=[chat], sequences=[[1, 2, 3]])
    jobs: dict[Side, Job] = {"base": cached, "tuned": Job(model="own/unknown", chats=[chat])}
    found = ask_references(TRAIN_PYTHON, jobs, None)
    assert found["base"].missing == ""
    assert found["base"].renderings[0].text == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert "`hf download own/tiny` fetches them" in found["base"].unscored
    assert "can't read the tokenizer of own/unknown" in found["tuned"].missing


def test_a_server_that_can_only_chat_proves_nothing_and_transformers_is_not_asked(tmp_path: Path) -> None:
    infos: dict[Side, ModelInfo] = {"base": ModelInfo(name="base", source=str(tmp_path))}
    python, asked = tmp_path / "python", tmp_path / "asked"
    python.write_text(f"#!/bin/sh\ntouch {asked}\n")
    python.chmod(0o700)
    with openai(OpenAi("any name")) as server:
        report = check_parity({"base": server.url}, infos, PROMPTS, python=python, say=lambda line: None)
        with pytest.raises(ParityFailed, match=f"nothing could be checked on {server.url}"):
            report.raise_unless_proved()
    assert [(check.name, check.passed) for check in report.checks] == [
        ("weights, template and tokens", None),
        ("info", None),
    ]
    assert "nothing could be checked on this server" in report.checks[0].detail
    assert not asked.exists()


def test_a_server_that_is_none_or_is_broken_is_an_error(tmp_path: Path) -> None:
    """A vLLM whose engine died answers 500 to all but its lists: that must not pass for one that tells little."""
    infos: dict[Side, ModelInfo] = {"base": ModelInfo(name="base", source=str(tmp_path))}
    broken = OpenAi("broken")
    app = broken.app()

    async def dead(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "EngineCore encountered an issue"}}, status=500)

    app.router.add_post("/v1/completions", dead)
    for served, said in ((web.Application(), "speaks neither"), (app, "EngineCore encountered an issue")):
        with serving(served) as url, pytest.raises(EngineError, match=said):
            check_parity({"base": url}, infos, PROMPTS, python=tmp_path, say=lambda line: None)


def test_nobody_there_and_an_unknown_dtype_are_errors(tmp_path: Path) -> None:
    infos: dict[Side, ModelInfo] = {"base": ModelInfo(name="base", source=str(tmp_path))}
    with pytest.raises(EngineUnreachable, match="is the server running"):
        check_parity({"base": f"http://127.0.0.1:{free_port()}"}, infos, PROMPTS, python=tmp_path)
    with pytest.raises(InputError, match="bfloat16"):
        check_parity({"base": "http://127.0.0.1:1"}, infos, PROMPTS, python=tmp_path, dtype="int8")
