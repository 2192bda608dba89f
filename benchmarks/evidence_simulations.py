"""How often the statistics are wrong, and how often they find what is there: simulated studies, ours beside others.

    .venv/bin/python -m benchmarks.evidence_simulations [--studies 2000] [--seed 1] [--peers PYTHON --peer-studies 200]

A verdict is simulated as a person with a preference of their own for each prompt (beta-distributed; two verdicts on a
prompt correlate by 0.2). "Releases" is the share of studies in which tuned is called better; where tuned equals base
that is the share of false releases. `--peers` names a Python that has statgate, evalsig, evalproof and abeval; they see
the same verdicts (the first `--peer-studies` studies), each with the rule and the level that it calls its default.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from eval.evidence.estimates.bootstrap import bootstrap, sign_flip
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.sequential.e_process import fixed_bets, log_wealth
from eval.evidence.sequential.sequential import closed_prompts
from eval.evidence.signals.ppi import TRUST, predicted_log_wealth, predicted_win_rate
from tests.evidence.studies import sampled, verdicts

Floats = NDArray[np.float64]

PROMPTS, REVIEWERS, SPREAD = 100, 5, 2.0
THRESHOLD = np.log(20)
PEERS = Path(__file__).with_name("evidence_peers.py")


class Study:
    """One stream of verdicts a study: `item` and `score`, both of shape (studies, verdicts), in the order given."""

    def __init__(self, item: NDArray[np.intp], score: Floats, reviewers: int) -> None:
        self.item, self.score, self.reviewers = item, score, reviewers

    def closed(self) -> Floats:
        """Scores of the prompts in the order in which they closed, shape (studies, prompts)."""
        planned = np.full(int(self.item.max()) + 1, self.reviewers)
        pairs = zip(self.item, self.score, strict=True)
        return np.stack([closed_prompts(item, score, planned).scores for item, score in pairs])


def streams(
    rng: np.random.Generator, studies: int, prompts: int, reviewers: int, *, win_rate: float = 0.5, turn: bool = True
) -> Study:
    """Verdicts prompt by prompt (`turn`), or all in random order."""
    score = verdicts(rng, (studies, prompts, reviewers), win_rate=win_rate, spread=SPREAD).reshape(studies, -1)
    item = np.tile(np.repeat(np.arange(prompts), reviewers), (studies, 1))
    if not turn:
        order = rng.random(item.shape).argsort(axis=1)
        item, score = np.take_along_axis(item, order, axis=1), np.take_along_axis(score, order, axis=1)
    return Study(item, score, reviewers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", type=Path, help="a Python that has the peers")
    parser.add_argument("--peer-studies", type=int, default=200)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    peers = Peers(options.peers, options.peer_studies)
    single_look(rng, options.studies, peers)
    every_look(rng, options.studies, peers)
    power(rng, options.studies, peers)
    with_a_judge(rng, options.studies)


def single_look(rng: np.random.Generator, studies: int, peers: Peers) -> None:
    title(f"{PROMPTS} prompts x {REVIEWERS} reviewers, tuned equals base, one look: false releases")
    drawn = streams(rng, studies, PROMPTS, REVIEWERS)
    scores = drawn.closed()
    tell("interval above 50%, analytic (nominal 2.5%)", share(scores, analytic), studies)
    tell("interval above 50%, bootstrap (nominal 2.5%)", share(scores, resampled), studies)
    tell("sign-flip, two-sided (nominal 5%)", share(scores, flips), studies)
    tell("anytime-valid, on closed prompts (nominal 5%)", stopped(scores, PROMPTS), studies)
    naive = drawn.score.mean(axis=1) - 0.5 > 1.96 * 0.5 / np.sqrt(drawn.score.shape[1])
    tell("for contrast: verdicts taken for independent (nominal 2.5%)", float(naive.mean()), studies)
    peers.tell(drawn)


def every_look(rng: np.random.Generator, studies: int, peers: Peers) -> None:
    for turn in (False, True):
        how = "prompt by prompt" if turn else "in random order"
        title(f"The same with a look after every verdict up to {PROMPTS * REVIEWERS}, {how}: false releases")
        drawn = streams(rng, studies, PROMPTS, REVIEWERS, turn=turn)
        tell("anytime-valid, on closed prompts (nominal 5%)", stopped(drawn.closed(), PROMPTS), studies)
        tell("for contrast: the same bets moved at every verdict", stopped(drawn.score, PROMPTS * REVIEWERS), studies)
        peers.tell(drawn, "--looks", "--sequential")


def power(rng: np.random.Generator, studies: int, peers: Peers) -> None:
    for rate in (0.55, 0.6):
        title(f"300 single verdicts, true win rate {rate:.0%}: releases")
        drawn = streams(rng, studies, 300, 1, win_rate=rate)
        tell("anytime-valid, at any look (nominal 5%)", stopped(drawn.score, 300), studies)
        tell("interval above 50%, one look (nominal 2.5%)", share(drawn.score, analytic), studies)
        peers.tell(drawn, "--sequential")


def with_a_judge(rng: np.random.Generator, studies: int) -> None:
    title("A model judge on 600 prompts, one person each on 150 drawn at random; win rate 50% where not said")
    print(f"{'':58} covers  alone  widest  saved   at any look: 50%    60%  alone 60%")
    for agreement, bias in ((0.6, 0.0), (0.7, 0.0), (0.8, 0.0), (0.8, 0.3), (0.9, 0.0)):
        drawn = sampled(rng, studies, 600, 150, agreement=agreement, likes_tuned=bias)
        found = [predicted_win_rate(*one) for one in zip(drawn.human, drawn.judge, drawn.asked, strict=True)]
        covers = np.mean([covered(one.estimate) for one in found])
        alone = np.mean([covered(one.people) for one in found])
        widest = max(width(one.estimate) / width(one.people) for one in found)
        saved = np.mean([one.saved / (one.saved + one.estimate.n) for one in found])
        said = f"agrees {agreement:.0%}" + (f", and says tuned to {bias:.0%} whatever it reads" if bias else "")
        any_look = [anytime(rng, studies, agreement, bias, *how) for how in ((0.5, True), (0.6, True), (0.6, False))]
        print(
            f"{said:58} {covers:6.1%} {alone:6.1%} {widest:7.3f} {saved:6.1%}"
            f"{any_look[0]:19.1%} {any_look[1]:6.1%} {any_look[2]:10.1%}"
        )


def anytime(rng: np.random.Generator, studies: int, agreement: float, bias: float, rate: float, helped: bool) -> float:
    """The share of studies that stop at some look, each prompt sent to people with probability 1/4."""
    drawn = sampled(rng, studies, 600, 600, win_rate=rate, agreement=agreement, likes_tuned=bias)
    asked = rng.random(drawn.asked.shape) < 0.25
    human, probability = np.where(asked, drawn.human, np.nan), np.full(asked.shape, 0.25)
    trust = TRUST if helped else (0.0,)
    path = predicted_log_wealth(human, drawn.judge, asked, probability, horizon=600, trust=trust)
    return float(np.mean(path.max(axis=1) >= THRESHOLD))


def stopped(scores: Floats, horizon: int) -> float:
    """The share of studies whose wealth reached 20 at some prompt."""
    return float(np.mean(log_wealth(scores, 0.5, fixed_bets(horizon)).max(axis=1) >= THRESHOLD))


def share(scores: Floats, released: Callable[[Floats], bool]) -> float:
    return float(np.mean([released(one) for one in scores]))


def analytic(scores: Floats) -> bool:
    return above(win_rate(scores))


def resampled(scores: Floats) -> bool:
    return above(bootstrap(scores))


def flips(scores: Floats) -> bool:
    return (sign_flip(scores).p_value or 1) <= 0.05


def above(estimate: Estimate) -> bool:
    return estimate.low is not None and estimate.low > 0.5


def covered(estimate: Estimate) -> bool:
    return estimate.low is not None and estimate.high is not None and estimate.low <= 0.5 <= estimate.high


def width(estimate: Estimate) -> float:
    return (estimate.high or 0.0) - (estimate.low or 0.0)


class Peers:
    """The other gates, in a Python of their own."""

    def __init__(self, python: Path | None, studies: int) -> None:
        self.python, self.studies = python, studies

    def tell(self, drawn: Study, *flags: str) -> None:
        """Print each one's share of releases; the flags are those of evidence_peers.py."""
        if self.python is None:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "studies.npz"
            np.savez(path, item=drawn.item[: self.studies], score=drawn.score[: self.studies])
            command = [str(self.python), str(PEERS), str(path), *flags]
            said = subprocess.run(command, capture_output=True, text=True, check=False)
        if said.returncode:
            raise SystemExit(said.stderr)
        for name, found in json.loads(said.stdout).items():
            tell(name, found, min(self.studies, len(drawn.item)))


def title(text: str) -> None:
    print(f"\n{text}")


def tell(what: str, found: float | str, n: int) -> None:
    """One line: a share of n studies with its exact 95% interval, or why there is none."""
    if isinstance(found, str):
        print(f"  {what:70} {found}", flush=True)
        return
    low, high = binomtest(round(found * n), n).proportion_ci(method="exact")
    print(f"  {what:70} {found:6.1%}   {low:.1%} to {high:.1%}, n={n}", flush=True)


if __name__ == "__main__":
    main()
