"""Engines as people have them, by their documented bodies: what they tell is kept, and unlike weights are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from eval.answers import read_answers
from eval.collect.collect_options import CollectOptions
from eval.collect.collector import collect
from eval.collect.engines.connect import connect
from eval.collect.new_run import start_collected_run
from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import InputError
from eval.records import Message, Side
from eval.run import Run, open_run
from eval.run_info import Decoding, ModelInfo
from tests.collect.hosted import MODEL, Hosted, azure, hosting, litellm, llama_cpp, lm_studio, ollama, openrouter
from tests.collect.runs import FAST
from tests.collect.test_prompts import write

HI = (Message(role="user", content="Name a colour."),)
#: name -> server, what stands behind its address, its engine's name, and what it tells of the weights it loaded.
ENGINES: dict[str, tuple[Callable[[], Hosted], str, str, dict[str, Any]]] = {
    "ollama": (ollama, "", "Ollama 0.12.3", {"quantization": "Q4_K_M", "n_ctx": 4096, "parameters": "8.2B"}),
    "ollama, not loaded": (
        lambda: ollama(context=None), "/v1", "Ollama 0.12.3", {"quantization": "Q4_K_M", "parameters": "8.2B"}
    ),
    "lm studio": (lm_studio, "/v1", "LM Studio", {"quantization": "Q4_K_M", "n_ctx": 8192}),
    "litellm": (litellm, "", "OpenAI-compatible server", {}),
    "azure": (azure, "/openai/deployments/gpt/chat/completions?api-version=2024-10-21", "OpenAI-compatible server", {}),
    "openrouter": (openrouter, "/api/v1", "OpenRouter", {"n_ctx": 32768}),
    "llama.cpp": (
        llama_cpp, "", "llama.cpp b7000-abc", {"quantization": "Q4_K - Medium", "n_ctx": 2048, "parameters": 1772480}
    ),
    "llama.cpp, old": (
        lambda: llama_cpp(old=True), "/v1", "llama.cpp b7000-abc",
        {"quantization": "Q4_K - Medium", "n_ctx": 2048, "parameters": 1772480},
    ),
}  # fmt: skip
TOLD = ("quantization", "n_ctx", "parameters")


@pytest.mark.parametrize("name", ENGINES)
async def test_each_is_known_and_what_it_tells_is_kept(name: str) -> None:
    make, behind, called, told = ENGINES[name]
    with hosting(make()) as server:
        async with connect(server.url + behind) as engine:
            answer = await engine.chat(HI, 64)
    assert engine.info.name == called
    assert engine.info.model_id == ("gpt" if name == "azure" else MODEL)
    assert {key: value for key, value in engine.info.served.items() if key in TOLD} == told
    assert answer.text.startswith("Blue")
    assert answer.thinking == (
        "Hm." if server.message.get("reasoning") or server.message.get("reasoning_content") else ""
    )
    assert answer.finish_reason == server.finish
    assert json.dumps(engine.info.served)


@pytest.mark.parametrize("name", ["ollama", "lm studio", "openrouter", "llama.cpp"])
async def test_no_answer_goes_beyond_the_context_that_is_told(name: str) -> None:
    make, behind, _, told = ENGINES[name]
    with hosting(make()) as server:
        async with connect(server.url + behind) as engine:
            assert await engine.fit(HI, 64) == 64
            assert await engine.fit(HI, 10**6) == told["n_ctx"] - 12


SWITCHES: dict[str, dict[str, Any]] = {
    "ollama": {"reasoning_effort": "none"},
    "openrouter": {"reasoning": {"enabled": False}},
    "llama.cpp": {"chat_template_kwargs": {"enable_thinking": False}},
    "lm studio": {"chat_template_kwargs": {"enable_thinking": False}},
}


@pytest.mark.parametrize("name", SWITCHES)
async def test_thinking_is_switched_as_each_documents_it(name: str) -> None:
    make, behind, _, _ = ENGINES[name]
    with hosting(make()) as server:
        async with connect(server.url + behind, enable_thinking=False) as engine:
            await engine.chat(HI, 64)
    assert all(SWITCHES[name].items() <= body.items() for body, _ in server.asked)


def run_on(folder: Path, base: Hosted, tuned: Hosted, behind: str = "", *prompts: str, mixed: bool = False) -> Run:
    asked = [{"id": text, "prompt": text} for text in prompts or ("Name a colour.",)]
    loaded = load_prompts(write(folder / "p.jsonl", asked))
    urls: dict[Side, str] = {"base": base.url + behind, "tuned": tuned.url + behind}
    decoding = Decoding(max_tokens=32)
    run = start_collected_run(folder / "reports", "first", loaded=loaded, decoding=decoding, urls=urls, mixed=mixed)
    collect(run, urls, options=CollectOptions(**{**vars(FAST), "mixed": mixed}), say=lambda line: None)
    return run


@pytest.mark.parametrize("name", ["litellm", "azure", "openrouter"])
def test_a_filtered_prompt_is_that_prompts_failure_in_the_servers_words(tmp_path: Path, name: str) -> None:
    make, behind, _, _ = ENGINES[name]
    with hosting(make()) as base, hosting(make()) as tuned:
        run = run_on(tmp_path, base, tuned, behind, "Name a colour.", "flag me")
    found = read_answers(run.responses_path)
    assert set(found.responses) == {("Name a colour.", "base"), ("Name a colour.", "tuned")}
    assert {failure.refused for failure in found.failures.values()} == {True}
    assert all("filtered" in one.error or "flagged" in one.error for one in found.failures.values())
    ending = {"litellm": "cut", "azure": "filtered", "openrouter": "complete"}[name]
    assert {answer.ending for answer in found.responses.values()} == {ending}


def test_an_error_with_status_200_is_no_answer(tmp_path: Path) -> None:
    with hosting(openrouter()) as base, hosting(openrouter()) as tuned:
        run = run_on(tmp_path, base, tuned, "/api/v1", "Name a colour.", "break off")
    found = read_answers(run.responses_path)
    assert len(found.responses) == 2
    assert all("an error (down)" in failure.error for failure in found.failures.values())


async def test_azure_gets_its_key_in_both_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLINDSIDE_API_KEY", "k-1")
    with hosting(azure()) as server:
        async with connect(server.url + ENGINES["azure"][1]) as engine:
            await engine.chat(HI, 8)
    assert {(headers["api-key"], headers["Authorization"]) for _, headers in server.asked} == {("k-1", "Bearer k-1")}


MIXED: list[tuple[Hosted, Hosted, bool]] = [
    (llama_cpp("Q4_K - Medium"), llama_cpp("F16"), True),
    (llama_cpp("F16"), llama_cpp("F16"), False),
    (ollama("Q4_K_M"), ollama("F16"), True),
    (ollama("Q4_K_M"), ollama("q4_K_M"), False),
    (lm_studio("Q4_K_M"), lm_studio("Q8_0"), True),
    (llama_cpp("Q4_K - Medium"), openrouter(), False),
]


@pytest.mark.parametrize(("base", "tuned", "refused"), MIXED)
def test_unlike_quantisations_are_refused_unless_asked_for(
    tmp_path: Path, base: Hosted, tuned: Hosted, refused: bool
) -> None:
    with ExitStack() as stack:
        one, other = stack.enter_context(hosting(base)), stack.enter_context(hosting(tuned))
        if tuned.chat != base.chat:
            other.url += "/api/v1"
        if refused:
            with pytest.raises(InputError, match=r"served as Q4.* and the tuned model as .*--mixed-precision"):
                run_on(tmp_path, one, other)
            assert not (tmp_path / "reports").exists()
        run = run_on(tmp_path, one, other, mixed=refused)
    served = json.loads((run.folder / "run.json").read_text())["models"]["base"]["served"]
    assert served["quantization"].startswith(("Q4", "F16"))


def test_servers_that_took_the_place_of_others_are_held_to_the_same(tmp_path: Path) -> None:
    loaded = load_prompts(write(tmp_path / "p.jsonl", [{"prompt": "Name a colour."}]))
    models: dict[Side, ModelInfo] = {side: ModelInfo(name=side, source=side) for side in ("base", "tuned")}
    run = start_collected_run(tmp_path, "r", loaded=loaded, decoding=Decoding(), models=models, engine="e")
    with hosting(llama_cpp("Q4_0")) as base, hosting(llama_cpp("F16")) as tuned:
        collect(run, {"base": base.url}, options=FAST, say=lambda line: None)
        with pytest.raises(InputError, match="served as Q4_0 and the tuned model as F16"):
            collect(open_run(tmp_path, "r"), {"tuned": tuned.url}, options=FAST, say=lambda line: None)
