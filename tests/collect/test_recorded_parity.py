"""Parity of what a real TGI 3.3.7 said, in float32, in bfloat16, and with the rope base that it misread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from eval.collect.parity.findings import ReferenceAnswers, SavedModel, ServedModel
from eval.collect.parity.reference import ask_references
from eval.collect.parity.weights import check_greedy, check_prompts, check_weights
from eval.collect.probing.probes import Probe
from eval.collect.probing.proofs import TGI
from eval.collect.probing.protocol import Identity, ProbeResult, Token
from eval.records import Side
from eval.run_info import ModelInfo
from tests.compose.replay import DATA
from tests.compose.servers import MODEL, need_train
from tests.warm.warm import train_python
from train.reference.protocol import Job

pytestmark = pytest.mark.train

#: The recorded launches, and what each computed in.
LAUNCHES = {"main": "float32", "hf5-tokfix": "float32", "bf16": "bfloat16"}
#: Parameters that change the choice of a token.
_NOT_GREEDY = ("do_sample", "temperature", "repetition_penalty", "frequency_penalty", "seed", "watermark", "grammar")


def _recorded() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Launch, id and details of every greedy answer with log-probabilities of its prompt."""
    for name in ("exchanges.jsonl", "batch_exchanges.jsonl"):
        for line in (DATA / name).read_text(encoding="utf-8").splitlines():
            exchange = json.loads(line)
            sent, got = exchange["request"]["body"], exchange["response"]["body"]
            details = got.get("details") if isinstance(got, dict) else None
            if not isinstance(details, dict) or len(details.get("prefill") or []) < 2 or not details.get("tokens"):
                continue
            if not any((sent.get("parameters") or {}).get(name) for name in _NOT_GREEDY):
                yield exchange["launch"], exchange["id"], details


def _result(name: str, details: dict[str, Any]) -> ProbeResult:
    prompt, answer = (
        tuple(Token(one["id"], one["text"], one["logprob"]) for one in details[part]) for part in ("prefill", "tokens")
    )
    return ProbeResult(
        Probe(name, text=name), prompt=prompt, scored=True, answer=answer, finish=details["finish_reason"]
    )


#: What a server would say that has a larger vocabulary.
FOREIGN = ProbeResult(Probe("text", text="text"), prompt=(Token(1, "a", None), Token(5000, "b", -1.0)), scored=True)


@pytest.fixture(scope="module")
def served() -> dict[str, ServedModel]:
    """What TGI said by launch, beside transformers on the weights that it served."""
    need_train()
    results: dict[str, list[ProbeResult]] = {launch: [] for launch in LAUNCHES}
    for launch, name, details in _recorded():
        if launch in results:
            results[launch].append(_result(name, details))
    whole = [result for launch in ("main", "hf5-tokfix") for result in results[launch]]
    jobs: dict[Side, Job] = {"base": _job("float32", [*whole, FOREIGN]), "tuned": _job("bfloat16", results["bf16"])}
    references = ask_references(train_python(), jobs, None)
    known: dict[str, ReferenceAnswers] = {
        jobs[side].dtype: ReferenceAnswers.of(references[side], jobs[side], []) for side in jobs
    }
    info = Identity("text-generation-inference", "tiny", None, TGI, is_tgi=True)
    model = ModelInfo(name="tiny", source=str(MODEL))
    return {
        launch: ServedModel("base", "http://tgi", model, info, results[launch], known[dtype], dtype)
        for launch, dtype in LAUNCHES.items()
    }


def _job(dtype: str, results: list[ProbeResult]) -> Job:
    prompts = [result.prompt_ids for result in results]
    return Job.model_validate(
        {"model": str(MODEL), "dtype": dtype, "sequences": [result.ids for result in results], "suspects": prompts}
    )


@pytest.mark.parametrize(("launch", "least"), [("main", 700), ("bf16", 150)])
def test_a_tgi_that_serves_the_saved_weights_agrees_within_its_dtype(
    served: dict[str, ServedModel], launch: str, least: int
) -> None:
    one = served[launch]
    assert sum(len(result.prompt) - 1 for result in one.results) >= least
    prompts = check_prompts(one)
    assert prompts.passed, prompts.detail
    for found in (check_greedy(one), check_weights(one, prompts.passed, None)):
        assert found.passed, found.detail


def test_the_rope_base_that_tgi_misread_is_named(served: dict[str, ServedModel]) -> None:
    one = served["hf5-tokfix"]
    prompts, weights = check_prompts(one), check_weights(one, False, None)
    assert prompts.passed is False
    assert weights.passed is False
    assert "with rope base 10000 instead of 1000000" in weights.detail


def test_tokens_that_the_saved_model_lacks_are_another_models(served: dict[str, ServedModel]) -> None:
    """Nothing of such a server can be scored, which is no excuse but a failure."""
    one = replace(served["main"], results=[FOREIGN])
    for found in (check_prompts(one), check_greedy(one)):
        assert found.passed is False
        assert "it is another model" in found.detail
    assert check_weights(one, False, None).passed is not True


def test_the_same_model_on_both_sides_can_not_be_told_apart(served: dict[str, ServedModel]) -> None:
    one = served["main"]
    found = check_weights(one, True, SavedModel("tuned", one.model, one.known))
    assert found.passed is None
    assert "cannot be distinguished" in found.detail
