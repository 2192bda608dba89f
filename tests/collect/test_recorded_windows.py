"""Parity's reference for a real TGI 3.3.7: its sliding windows, and Gemma 2's soft-capped attention."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.collect.parity.findings import ReferenceAnswers, ServedModel
from eval.collect.parity.reference import ask_references
from eval.collect.parity.weights import check_greedy, check_prompts, check_window
from eval.collect.probing.probes import Probe
from eval.collect.probing.proofs import TGI
from eval.collect.probing.protocol import Identity, ProbeResult, Token
from eval.records import Side
from eval.run_info import ModelInfo
from tests.compose.servers import need_train
from tests.train.families import FAMILIES, exchanges
from tests.warm.warm import train_python
from train.export.export import export
from train.reference.protocol import Job

pytestmark = pytest.mark.train

#: Folder and the recorded variant whose window is that of the export; the window, and probes beyond it.
SERVED = {
    "gemma2": ("exported", 16),
    "gemma3": ("both", 16),
    "traits/phi3-window": ("exported", 16),
    "traits/qwen3-window": ("exported", 16),
    "phi3": ("exported", None),
}


def _result(family: str) -> list[ProbeResult]:
    found = []
    for number, one in enumerate(exchanges(family, "prompt_logprobs", SERVED[family][0])):
        details = one["response"]["body"]["details"]
        prompt, answer = (
            tuple(Token(each["id"], each["text"], each["logprob"]) for each in details[part])
            for part in ("prefill", "tokens")
        )
        probe = Probe(f"text {number}", text="text")
        found.append(ProbeResult(probe, prompt=prompt, scored=True, answer=answer, finish=details["finish_reason"]))
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[ServedModel]]:
    """For each family two: beside what TGI computes, and beside what was trained."""
    need_train()
    done: dict[str, list[ServedModel]] = {}
    for family in SERVED:
        saved, folder = FAMILIES / family / "hf5", tmp_path_factory.mktemp("exported") / "model"
        export(saved, saved, folder)
        results = _result(family)
        asked = {"model": str(folder), "sequences": [result.ids for result in results]}
        jobs: dict[Side, Job] = {
            "base": Job.model_validate({**asked, "tgi": True}), "tuned": Job.model_validate(asked),
        }  # fmt: skip
        references = ask_references(train_python(), jobs, None)
        info = Identity("text-generation-inference", "FOLDER", None, TGI, is_tgi=True)
        model = ModelInfo(name=family, source=str(folder))
        done[family] = [
            ServedModel(
                "base",
                "http://tgi",
                model,
                info,
                results,
                ReferenceAnswers.of(references[side], jobs[side], []),
                "float32",
            )
            for side in ("base", "tuned")
        ]
    return done


@pytest.mark.parametrize("family", SERVED)
def test_the_real_tgi_agrees_with_what_tgi_computes(family: str, served: dict[str, list[ServedModel]]) -> None:
    """Gemma 2 among them: with the soft cap left out it would be off by up to 2.2."""
    one, _ = served[family]
    assert max(len(result.prompt) for result in one.results) > 100
    for found in (check_prompts(one), check_greedy(one)):
        assert found.passed, found.detail


@pytest.mark.parametrize("family", [family for family, (_, window) in SERVED.items() if window])
def test_beyond_the_window_training_and_serving_differ_and_it_is_told(
    family: str, served: dict[str, list[ServedModel]]
) -> None:
    computed, trained = served[family]
    assert check_prompts(trained).passed is False
    told = check_window(computed)
    assert told is not None
    assert told.note
    long = sum(len(result.ids) > 16 for result in computed.results)
    assert told.detail.startswith(f"{long} of 4 probes are longer than the sliding window of 16 tokens")
    assert long >= 3


def test_nothing_is_told_where_there_is_no_difference(served: dict[str, list[ServedModel]]) -> None:
    assert check_window(served["phi3"][0]) is None
    one = served["gemma2"][0]
    short = [result for result in one.results if len(result.ids) <= 16]
    assert short
    assert check_window(replace(one, results=short)) is None
    assert check_window(replace(one, identity=replace(one.identity, is_tgi=False))) is None
