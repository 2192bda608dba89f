"""The gates of statgate, evalsig, evalproof and abeval on simulated verdicts, for benchmarks/evidence_simulations.py.

    PYTHON benchmarks/evidence_peers.py studies.npz [--looks] [--sequential]

PYTHON is one that has these packages; nothing of blindside is needed there. Prints JSON: name -> share of studies that
it would have released, or why it was not run. With --looks each is asked again every 20 verdicts, from 40 on, and
releases when it once says so; with --sequential the tests that are made for looking are there too. Base and tuned of a
verdict are scored 1 and 0.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Gate = Callable[[Codes, Floats], bool]

#: Resamples of each; their defaults of 5,000 to 10,000 take hours here and change no rate by more than noise.
RESAMPLES = 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("studies")
    parser.add_argument("--looks", action="store_true")
    parser.add_argument("--sequential", action="store_true")
    options = parser.parse_args()
    drawn = np.load(options.studies)
    found: dict[str, float | str] = {}
    for name, make in {**GATES, **(SEQUENTIAL if options.sequential else {})}.items():
        try:
            gate = make()
        except ImportError as error:
            found[name] = f"not run: {error}"
            continue
        looks = options.looks and name not in SEQUENTIAL
        pairs = zip(drawn["item"], drawn["score"], strict=True)
        found[name] = float(np.mean([released(gate, item, score, looks) for item, score in pairs]))
    print(json.dumps(found))


def released(gate: Gate, item: Codes, score: Floats, looks: bool) -> bool:
    stops: Iterator[int] = iter(range(40, len(item) + 1, 20)) if looks else iter([len(item)])
    return any(gate(item[:stop], score[:stop]) for stop in stops)


def means(item: Codes, score: Floats) -> Floats:
    """Mean score of each prompt judged so far."""
    number = np.bincount(item)
    total = np.bincount(item, weights=score)
    return np.asarray(total[number > 0] / number[number > 0])


def statgate() -> Gate:
    """SHIP: its 95% BCa interval of tuned less base, over prompts, lies above 0."""
    records, config, verdict = (
        importlib.import_module(f"statgate.{name}") for name in ("records", "config", "verdict")
    )
    settings = config.GateSettings(margin=0.0, resamples=RESAMPLES, permutations=100, seed=0, min_pairs=5)

    def gate(item: Codes, score: Floats) -> bool:
        def run(values: Floats) -> list[Any]:
            return [
                records.EvalRecord(case_id=str(case), score=float(value), run_index=index)
                for index, (case, value) in enumerate(zip(item, values, strict=True))
            ]

        return bool(verdict.evaluate_gate(run(1 - score), run(score), settings).verdict == verdict.Verdict.SHIP)

    return gate


def evalsig() -> Gate:
    """ALLOW: one-sided p < 0.05. Each verdict is an item, the prompt its cluster, where prompts have several."""
    types, gates = importlib.import_module("evalsig.types"), importlib.import_module("evalsig.compare.gate")

    def gate(item: Codes, score: Floats) -> bool:
        cluster = "prompt" if len(np.unique(item)) < len(item) else None

        def run(name: str, values: Floats) -> Any:
            rows = [
                types.ItemResult(item_id=f"{index:05}", score=float(value), cluster_id=str(case) if cluster else None)
                for index, (case, value) in enumerate(zip(item, values, strict=True))
            ]
            return types.RunFrame(run_id=name, model_id=name, task_id="judging", metric_name="score", items=rows)

        report = gates.gate(
            run("base", 1 - score), run("tuned", score), min_delta=1e-9, cluster=cluster, n_resamples=RESAMPLES, rng=0
        )
        return bool(report.verdict == gates.GateVerdict.ALLOW)

    return gate


def evalproof() -> Gate:
    """Tuned above base and p < 0.05 by its two-sided bootstrap over prompts (its gate itself only looks for a drop)."""
    stats = importlib.import_module("evalproof.stats")

    def gate(item: Codes, score: Floats) -> bool:
        prompts = means(item, score)
        found = stats.paired_bootstrap(1 - prompts, prompts, n_boot=RESAMPLES)
        return bool(found.delta > 0 and found.p_value < 0.05)

    return gate


def abeval() -> Gate:
    """Tuned above base and sign-flip p < 0.05, two-sided, over prompts."""
    compare = importlib.import_module("abeval.compare")

    def gate(item: Codes, score: Floats) -> bool:
        prompts = means(item, score)
        found = compare.paired_compare(list(1 - prompts), list(prompts), reps=RESAMPLES // 4)
        return bool(found.diff > 0 and found.p_permutation < 0.05)

    return gate


def statgate_sequential() -> Gate:
    """Its mixture SPRT at 5%, two-sided, fed every verdict: stops above 0."""
    module = importlib.import_module("statgate.core.sequential")

    def gate(item: Codes, score: Floats) -> bool:
        test = module.MixtureSPRT()
        for at in range(0, len(score), 20):
            state = test.update(2 * score[at : at + 20] - 1)
            if state.decided:
                return bool(state.direction > 0)
        return False

    return gate


def evalsig_sequential() -> Gate:
    """Its sequential gate at 5%, fed every verdict."""
    module = importlib.import_module("evalsig.inference.sequential")
    return lambda item, score: bool(module.sequential_gate(2 * score - 1).stopped)


GATES: dict[str, Callable[[], Gate]] = {
    "statgate compare (nominal 2.5%)": statgate,
    "evalsig gate (nominal 5%)": evalsig,
    "evalproof compare (nominal 2.5%)": evalproof,
    "abeval compare (nominal 2.5%)": abeval,
}
SEQUENTIAL: dict[str, Callable[[], Gate]] = {
    "statgate sequential, fed verdict by verdict (nominal 2.5%)": statgate_sequential,
    "evalsig watch, fed verdict by verdict (nominal 5%)": evalsig_sequential,
}


if __name__ == "__main__":
    main()
