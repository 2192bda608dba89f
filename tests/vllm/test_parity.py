"""Parity on a real vLLM, and on other engines in front of it: a correct pair passes, and each fault is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.collect.parity.parity import Check, ParityReport
from eval.collect.probing.proofs import CHAT_ONLY, ECHO, LLAMA_CPP, SGLANG, TGI, VLLM
from eval.records import Side
from tests.collect import models
from tests.collect.test_parity import NAMES
from tests.support import ROOT
from tests.vllm.world import OTHERS, World, as_saved

pytestmark = pytest.mark.train

#: What is not told by an engine, and so not checked of it.
UNTOLD = {
    "SGLang": set(),
    "llama.cpp": {"server", "info", "prompt log-probabilities", "weights"},
    "echo": {"server", "template", "greedy tokens", "end of turn"},
}


def of(report: ParityReport, url: str) -> dict[str, Check]:
    """The findings about one server, by name."""
    return {check.name: check for check in report.checks if check.detail.startswith(f"{url}: ")}


def failed(report: ParityReport, url: str) -> dict[str, str]:
    return {name: check.detail for name, check in of(report, url).items() if check.passed is False}


def both(world: World) -> dict[Side, str | list[str]]:
    return {side: world.served_at(side) for side in world.folders}


def test_a_correct_pair_passes_on_every_engine_and_what_is_not_told_is_named(world: World) -> None:
    report = world.check(both(world))
    assert report.passed, report.lines()
    for side in world.folders:
        on_vllm = of(report, world.urls[side])
        assert {name for name, check in on_vllm.items() if check.passed} == NAMES, report.lines()
        assert set(on_vllm) == NAMES
        for name, url in world.fronts[side].items():
            found = of(report, url)
            assert {one for one, check in found.items() if check.passed is None} == UNTOLD[name], (name, found)
            assert {one for one, check in found.items() if check.passed} == NAMES - UNTOLD[name]


def test_swapped_sides_are_named_on_every_engine(world: World) -> None:
    swapped: dict[Side, str | list[str]] = {"base": world.served_at("tuned"), "tuned": world.served_at("base")}
    report = world.check(swapped)
    pairs: list[tuple[Side, Side]] = [("base", "tuned"), ("tuned", "base")]
    for side, other in pairs:
        assert "serves" in failed(report, world.urls[other])["info"]
        for url in (world.urls[other], world.fronts[other]["SGLang"], world.fronts[other]["echo"]):
            assert f"the server of {side}" in failed(report, url)["weights"]
            assert f"answers with {other}'s weights" in failed(report, url)["weights"]
        assert "greedy tokens" in failed(report, world.fronts[other]["llama.cpp"])


def test_another_rope_base_and_another_template_are_named(world: World, tmp_path: Path) -> None:
    """The servers are right; the folders that they are compared with are changed."""
    spaced = models.copy(world.base, "spaced")
    template = (spaced / "chat_template.jinja").read_text(encoding="utf-8")
    (spaced / "chat_template.jinja").write_text(
        template.replace("'\\n' + message", "'\\n ' + message"), encoding="utf-8"
    )
    roped = as_saved(tmp_path / "roped", world.tuned)
    report = world.check(both(world), {"base": spaced, "tuned": roped})
    for url in (world.urls["base"], world.fronts["base"]["SGLang"], world.fronts["base"]["llama.cpp"]):
        assert set(failed(report, url)) == {"template"}, report.lines()
        assert "from character" in failed(report, url)["template"]
    assert failed(report, world.fronts["base"]["echo"]) == {}
    for url in (world.urls["tuned"], world.fronts["tuned"]["SGLang"], world.fronts["tuned"]["echo"]):
        assert "with rope base 10000 instead of 1000000" in failed(report, url)["weights"]
        assert "the server says" in failed(report, url)["prompt log-probabilities"]
    assert "greedy tokens" in failed(report, world.fronts["tuned"]["llama.cpp"])


def test_another_tokenizer_is_named(world: World) -> None:
    other = models.copy(world.base, "other-tokenizer")
    tokenizer = json.loads((other / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    one, two = "Ġcapital", "Ġof"
    vocabulary[one], vocabulary[two] = vocabulary[two], vocabulary[one]
    (other / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    report = world.check({"base": world.served_at("base")[:3]}, {"base": other})
    for url in world.served_at("base")[:3]:
        assert "by the saved tokenizer" in failed(report, url)["tokens"], report.lines()


def test_the_table_in_the_documentation_is_the_one_in_the_code() -> None:
    lines = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip().replace("`", "") for cell in line.split("|")[1:-1]] for line in lines if line[:2] == "| "]
    proofs = {one.name: one for one in (TGI, VLLM, SGLANG, LLAMA_CPP, ECHO, CHAT_ONLY)}
    told = {row[0]: row[1:5] for row in rows if row[0] in proofs}
    assert set(told) == set(proofs)
    for name, proof in proofs.items():
        ways = (proof.template, proof.tokens, proof.prompts, proof.answers)
        assert told[name] == [way or "no" for way in ways]
    assert set(OTHERS) - {"echo"} <= set(proofs)
