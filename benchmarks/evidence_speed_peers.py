"""statgate, evalica and arena-rank on the verdicts of benchmarks/evidence_speed.py.

    PYTHON benchmarks/evidence_speed_peers.py NAME verdicts.npz

PYTHON is one that has the package; nothing of blindside is needed there. Prints JSON: seconds, megabytes, what it
found.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.intp]
RESAMPLES = 2000
#: evalica draws verdict by verdict and arena-rank compiles a fit each time: so many are run and the time scaled up.
FEW = 5
SCALED = f"scaled up from {FEW} of {RESAMPLES} bootstraps; no clusters, no sign flips"
#: As eval.records.OUTCOMES.
BASE, TUNED, TIE, BOTH_BAD = range(4)


def main() -> None:
    name, path = sys.argv[1:]
    stored = np.load(path)
    seconds, said = MEASURES[name](stored["item"], stored["outcome"])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": memory, "said": said}))


def statgate(item: Codes, outcome: Codes) -> tuple[float, str]:
    """evaluate_gate with 2,000 resamples and 2,000 permutations, records made beforehand."""
    records, config = importlib.import_module("statgate.records"), importlib.import_module("statgate.config")
    verdict = importlib.import_module("statgate.verdict")
    score = np.array([0.0, 1.0, 0.5, 0.5])[outcome]

    def run(values: NDArray[np.float64]) -> list[Any]:
        return [
            records.EvalRecord(case_id=str(case), score=value, run_index=index)
            for index, (case, value) in enumerate(zip(item.tolist(), values.tolist(), strict=True))
        ]

    base, tuned = run(1 - score), run(score)
    settings = config.GateSettings(margin=0.0, resamples=RESAMPLES, permutations=RESAMPLES, seed=0)
    start = time.perf_counter()
    found = verdict.evaluate_gate(base, tuned, settings)
    seconds = time.perf_counter() - start
    return seconds, f"tuned less base {found.interval.low:.4f} to {found.interval.high:.4f}, p {found.p_value:.3f}"


def evalica(item: Codes, outcome: Codes) -> tuple[float, str]:
    """Average win rate with percentile bootstrap over verdicts (it has no clusters and no sign flips)."""
    module = importlib.import_module("evalica")
    label = {BASE: module.Winner.X, TUNED: module.Winner.Y, TIE: module.Winner.Draw, BOTH_BAD: module.Winner.Draw}
    winners = [label[code] for code in outcome.tolist()]
    base, tuned = ["base"] * len(item), ["tuned"] * len(item)
    start = time.perf_counter()
    module.bootstrap(
        module.average_win_rate,
        base,
        tuned,
        winners,
        n_resamples=FEW,
        bootstrap_method="percentile",
        random_state=0,
    )
    return _scaled(start), SCALED


def arena_rank(item: Codes, outcome: Codes) -> tuple[float, str]:
    """Bradley-Terry with its default interval (sandwich, over verdicts); bootstraps are timed beside it.

    The loop over resamples is ours: its pool of workers forks under threads and hung here.
    """
    pandas, jax = importlib.import_module("pandas"), importlib.import_module("jax.numpy")
    data = importlib.import_module("arena_rank.utils.data_utils")
    models = importlib.import_module("arena_rank.models.bradley_terry")
    names = np.array(["model_b", "model_a", "tie", "both_bad"])
    frame = pandas.DataFrame({"model_a": "tuned", "model_b": "base", "winner": names[outcome]})
    start = time.perf_counter()
    verdicts = data.PairDataset.from_pandas(frame)
    model = models.BradleyTerry(n_competitors=2)
    model.compute_ratings_and_cis(verdicts)
    seconds = time.perf_counter() - start
    counts = np.asarray(verdicts.counts)
    drawn = np.random.default_rng(0).multinomial(len(item), counts / counts.sum(), size=FEW)
    start = time.perf_counter()
    for row in drawn.astype(np.float64):
        models.fit_single_bootstrap_sample(jax.asarray(row), model, verdicts)
    return seconds, f"its analytic interval, without clusters; {_scaled(start):,.0f} s for bootstraps, {SCALED}"


def _scaled(start: float) -> float:
    return (time.perf_counter() - start) * RESAMPLES / FEW


MEASURES: dict[str, Callable[[Codes, Codes], tuple[float, str]]] = {
    "statgate": statgate,
    "evalica": evalica,
    "arena-rank": arena_rank,
}


if __name__ == "__main__":
    main()
