"""A million verdicts (200,000 prompts x 5): seconds and memory to the full verdict, beside other packages.

    .venv/bin/python -m benchmarks.evidence_speed [--prompts 200000] [--reviewers 5] [--peers PYTHON]

Ours: every figure of the resampling (2,000 bootstraps, 2,000 sign flips), the analytic interval, the sign test, the
anytime-valid test and its confidence sequence, from the columns of verdicts. `--peers` names a Python with statgate,
evalica or arena-rank; each gets the same verdicts in the form it takes, timed without making that form. Every package
runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.counts import prompt_counts, resampled
from eval.evidence.estimates.winrate import sign_test, win_rate
from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED
from eval.evidence.sequential.sequential import closed_prompts, progress

#: Seconds that a package may take.
PATIENCE = 900
PEERS = Path(__file__).with_name("evidence_speed_peers.py")
#: Score of each outcome code.
SCORES = np.empty(4)
SCORES[[BASE, TUNED, TIE, BOTH_BAD]] = 0.0, 1.0, 0.5, np.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--prompts", type=int, default=200_000)
    parser.add_argument("--reviewers", type=int, default=5)
    parser.add_argument("--peers", type=Path, help="a Python that has the peers")
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        ours(options.ours)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verdicts.npz"
        item, outcome = make(options.prompts, options.reviewers)
        np.savez(path, item=item, outcome=outcome)
        print(f"{len(item):,} verdicts on {options.prompts:,} prompts")
        first = tell("blindside", [sys.executable, "-m", "benchmarks.evidence_speed", "--ours", str(path)])
        if options.peers and first:
            for name in ("statgate", "evalica", "arena-rank"):
                seconds = tell(name, [str(options.peers), str(PEERS), name, str(path)])
                if seconds:
                    print(f"{'':12} {seconds / first:,.0f} times as long")


def make(prompts: int, reviewers: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Verdicts in random order: 15% ties, 5% both bad, and a preference of its own for each prompt."""
    rng = np.random.default_rng(1)
    item = rng.permutation(np.repeat(np.arange(prompts), reviewers))
    prefers = np.where(rng.random(len(item)) < rng.beta(2, 2, prompts)[item], TUNED, BASE)
    kind = rng.random(len(item))
    return item, np.where(kind < 0.15, TIE, np.where(kind < 0.2, BOTH_BAD, prefers)).astype(np.intp)


def ours(path: Path) -> None:
    """Time the full verdict on stored columns and print it as JSON."""
    stored = np.load(path)
    item, outcome = stored["item"], stored["outcome"]
    prompts = int(item.max()) + 1
    reviewers = np.full(prompts, len(item) // prompts)
    start = time.perf_counter()
    counts = prompt_counts(item, outcome, prompts)
    found = resampled(counts)
    analytic, sign = win_rate(counts.scores), sign_test(counts.scores)
    any_time = progress(closed_prompts(item, SCORES[outcome], reviewers), horizon=prompts)
    seconds = time.perf_counter() - start
    said = f"bootstrap {interval(found.win_rate.low, found.win_rate.high)}, sign-flip p {found.sign_flip.p_value:.3f}, "
    said += f"analytic {interval(analytic.low, analytic.high)}, sign test p {sign.p_value:.3f}, "
    said += f"at any time {interval(any_time.low, any_time.high)}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": memory, "said": said}))


def interval(low: float | None, high: float | None) -> str:
    return "none" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def tell(name: str, command: list[str]) -> float | None:
    """Run one package, print what it says, return its seconds, or None where it could not run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        print(f"{name:12} not done after {PATIENCE} s")
        return None
    if done.returncode:
        print(f"{name:12} not run: {done.stderr.strip().splitlines()[-1]}")
        return None
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{name:12} {found['seconds']:7.2f} s {found['megabytes']:7.0f} MB  {found['said']}", flush=True)
    return float(found["seconds"])


if __name__ == "__main__":
    main()
