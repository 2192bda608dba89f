"""Choosing the next token, as TGI's server does on a CPU: penalties, then warpers, then greedy or a seeded draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen. Greedy unless one of the warpers is set or `do_sample` is."""

    temperature: float = 1.0
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    typical_p: float = 1.0
    do_sample: bool = False
    seed: int = 0

    @property
    def draws(self) -> bool:
        """Whether chance has a part; a temperature other than 1 is enough, whatever `do_sample` says."""
        warped = self.temperature != 1.0 or self.top_k != 0 or self.top_p < 1.0 or self.typical_p < 1.0
        return self.do_sample or warped

    @property
    def plain(self) -> bool:
        """Greedy and without penalties: the row's scores can be used as they are."""
        return not self.draws and self.repetition_penalty == 1.0 and self.frequency_penalty == 0.0


class Chooser:
    """Chooses the tokens of one request; holds the request's own random generator."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.generator: torch.Generator | None = None
        if sampling.draws:
            self.generator = torch.Generator("cpu")
            self.generator.manual_seed(sampling.seed)

    def scores(self, logits: torch.Tensor, ids: Sequence[int]) -> torch.Tensor:
        """The scores (vocabulary,) after penalties and warpers; `ids` are prompt and answer so far."""
        if self.sampling.plain:
            return logits
        scores = _penalised(logits.clone(), torch.tensor(ids), self.sampling)
        return _warped(scores, self.sampling)

    def choose(self, scores: torch.Tensor) -> int:
        """The next token out of the scores (vocabulary,)."""
        if self.generator is None:
            return int(scores.argmax())
        chances = torch.softmax(scores, -1)
        # Dividing by exponential noise and taking the largest is a draw from `chances`.
        noise = torch.empty_like(chances).exponential_(1, generator=self.generator)
        return int(chances.div_(noise).argmax())


def _penalised(scores: torch.Tensor, ids: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    if sampling.repetition_penalty != 1.0:
        seen = scores.gather(0, ids)
        penalty = sampling.repetition_penalty
        scores.scatter_(0, ids, torch.where(seen < 0, seen * penalty, seen / penalty))
    if sampling.frequency_penalty != 0.0:
        share = torch.zeros_like(scores).scatter_add_(0, ids, torch.ones(len(ids), dtype=scores.dtype))
        scores -= share / len(ids) * sampling.frequency_penalty
    return scores


def _warped(scores: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    if sampling.temperature != 1.0:
        scores = scores / sampling.temperature
    if sampling.top_k:
        kept = scores.topk(min(sampling.top_k, scores.shape[-1])).values[-1]
        scores = scores.masked_fill(scores < kept, float("-inf"))
    if sampling.top_p < 1.0:
        scores = _top_p(scores, sampling.top_p)
    if sampling.typical_p < 1.0:
        scores = _typical(scores, sampling.typical_p)
    return scores


def _top_p(scores: torch.Tensor, mass: float) -> torch.Tensor:
    """Keep the smallest set of tokens whose chances add up to `mass`, and always the best one."""
    ordered, order = scores.sort(descending=False)
    dropped = ordered.softmax(-1).cumsum(-1) <= 1 - mass
    dropped[-1] = False
    return scores.masked_fill(torch.zeros_like(dropped).scatter(0, order, dropped), float("-inf"))


def _typical(scores: torch.Tensor, mass: float) -> torch.Tensor:
    """Keep the tokens whose surprise is closest to the expected one (locally typical sampling)."""
    logs = scores.log_softmax(-1)
    chances = logs.exp()
    surprise = -(logs * chances).nansum(-1)
    distance, order = (-logs - surprise).abs().sort(descending=False)
    total = chances.gather(0, order).cumsum(-1)
    last = int((total < mass).sum().clamp(max=len(total) - 1))
    dropped = distance > distance[last]
    return scores.masked_fill(torch.zeros_like(dropped).scatter(0, order, dropped), float("-inf"))
