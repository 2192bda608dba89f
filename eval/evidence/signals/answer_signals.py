"""Signals that need no judge, over all pairs that both sides answered: refusals, loops, truncation, lengths, checks.

A pair that nobody judged counts as well. None of these says which model is better; each may say that one is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.collect.refusals import refuses
from eval.evidence.estimates.bootstrap import SignedEstimate, signed_bootstrap
from eval.evidence.estimates.distributions import t_quantile
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.judgements import word_count
from eval.evidence.signals.degeneration import is_empty, repeating
from eval.expect.expect import Expect
from eval.records import SIDES, Pair, Prompt, Response

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """Shares of the answers of both sides, over n prompts, and tuned minus base, paired."""

    base: Estimate
    tuned: Estimate
    difference: SignedEstimate


@dataclass(frozen=True)
class MustPass:
    """The n prompts with `expect` that both sides answered, by id.

    `broken`: base passes and tuned does not; `repaired`: the other way round.
    """

    passed_by: Signal
    broken_prompts: tuple[str, ...]
    repaired_prompts: tuple[str, ...]
    n: int

    @property
    def broken(self) -> int:
        return len(self.broken_prompts)

    @property
    def repaired(self) -> int:
        return len(self.repaired_prompts)


@dataclass(frozen=True)
class Signals:
    """Every signal over `n` pairs."""

    truncated: Signal
    empty: Signal
    repetition: Signal
    refusals: Signal
    #: Ended by a content filter, a tool call, or an error.
    interrupted: Signal
    #: Tuned answers that are the base's very text.
    unchanged: Estimate
    #: Mean length of tuned answers over the base's, in words.
    length_ratio: SignedEstimate
    must_pass: MustPass
    n: int

    @property
    def limits(self) -> dict[str, float | None]:
        """The figures under the names by which a policy limits them; None where there is no answer."""
        return {
            "truncated": self.truncated.tuned.value,
            "truncated_more_than_base": self.truncated.difference.value,
            "empty": self.empty.tuned.value,
            "repetition": self.repetition.tuned.value,
            "refusals_more_than_base": self.refusals.difference.value,
            "unchanged": self.unchanged.value,
            "length_ratio": self.length_ratio.value,
        }


#: Of each answer, whether it shows the signal.
TESTS: Mapping[str, Callable[[Sequence[Response]], list[bool]]] = {
    "truncated": lambda answers: [answer.truncated for answer in answers],
    "empty": lambda answers: [is_empty(answer.text) for answer in answers],
    "repetition": lambda answers: repeating(answer.text for answer in answers),
    "refusals": lambda answers: [answer.refused or refuses(answer.text) for answer in answers],
    "interrupted": lambda answers: [answer.ending not in ("complete", "cut") for answer in answers],
}


def expected(prompts: Iterable[Prompt]) -> dict[str, Expect]:
    """What the prompts that say so ask of any answer, by prompt id."""
    return {prompt.id: prompt.expect for prompt in prompts if prompt.expect is not None}


def measure(pairs: Sequence[Pair], expects: Mapping[str, Expect] | None = None) -> Signals:
    """All signals of these pairs; `expects` by prompt id."""
    shown = {name: _flags(pairs, test) for name, test in TESTS.items()}
    return Signals(
        **{name: _signal(flags) for name, flags in shown.items()},
        unchanged=win_rate(np.array([pair.identical for pair in pairs], dtype=np.float64)),
        length_ratio=length_ratio(words_of(pairs)),
        must_pass=must_pass(pairs, expects or {}),
        n=len(pairs),
    )


def must_pass(pairs: Sequence[Pair], expects: Mapping[str, Expect]) -> MustPass:
    """How both sides did on the prompts that say what an answer must be like."""
    asked = [(pair, expects[pair.prompt_id]) for pair in pairs if pair.prompt_id in expects]
    passed = np.array(
        [[expect.met_by(pair.answer(side).text) for side in SIDES] for pair, expect in asked], dtype=np.float64
    )
    passed = passed.reshape(len(asked), len(SIDES))
    moved = passed[:, 1] - passed[:, 0]
    ids = [pair.prompt_id for pair, _ in asked]
    broken, repaired = (tuple(ids[at] for at in np.flatnonzero(moved == way)) for way in (-1, 1))
    return MustPass(_signal(passed), broken, repaired, len(asked))


def words_of(pairs: Sequence[Pair]) -> Floats:
    """Length of both answers in words, shape (pairs, 2)."""
    words = [[word_count(pair.answer(side).text) for side in SIDES] for pair in pairs]
    return np.array(words, dtype=np.float64).reshape(len(pairs), len(SIDES))


def length_ratio(words: Floats, *, confidence: float = 0.95) -> SignedEstimate:
    """Sum of tuned over sum of base lengths, `words` of shape (pairs, 2), with the interval of a ratio of means.

    By Fieller (1954): all ratios r at which the mean of tuned - r * base, paired, is not distinguishable from 0
    (Student's t, n - 1 degrees of freedom). None where base answers are all empty, or so few or so unequal in length
    that no such interval is finite.
    """
    n = len(words)
    base, tuned = (words[:, 0].mean(), words[:, 1].mean()) if n else (0.0, 0.0)
    if base == 0:
        return SignedEstimate(None, None, None, n)
    value = float(tuned / base)
    if n < 2:
        return SignedEstimate(value, None, None, n)
    covariance = np.cov(words, rowvar=False) / n
    square = t_quantile((1 + confidence) / 2, n - 1) ** 2
    a = base**2 - square * covariance[0, 0]
    b = base * tuned - square * covariance[0, 1]
    c = tuned**2 - square * covariance[1, 1]
    if a <= 0:
        return SignedEstimate(value, None, None, n)
    half = np.sqrt(max(0.0, b**2 - a * c))
    return SignedEstimate(value, max(0.0, float((b - half) / a)), float((b + half) / a), n)


def _flags(pairs: Sequence[Pair], test: Callable[[Sequence[Response]], list[bool]]) -> Floats:
    """Whether each answer shows a signal, shape (pairs, 2)."""
    return np.array([test([pair.answer(side) for pair in pairs]) for side in SIDES], dtype=np.float64).T


def _signal(flags: Floats) -> Signal:
    return Signal(win_rate(flags[:, 0]), win_rate(flags[:, 1]), signed_bootstrap(flags[:, 1] - flags[:, 0]))
