"""Chooses the next token as TGI does on a CPU: warpers, then greedy or a seeded draw."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen. Greedy unless one of the warpers is set or `do_sample` is."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    do_sample: bool = False
    seed: int = 0

    @property
    def draws(self) -> bool:
        """Whether chance has a part; a temperature other than 1 is enough, whatever `do_sample` says."""
        return self.do_sample or self.temperature != 1.0 or self.top_k != 0 or self.top_p < 1.0


class Chooser:
    """Chooses the tokens of one request; holds the request's own random generator."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.generator: torch.Generator | None = None
        if sampling.draws:
            self.generator = torch.Generator("cpu")
            self.generator.manual_seed(sampling.seed)

    def scores(self, logits: torch.Tensor) -> torch.Tensor:
        """The scores (vocabulary,) after the warpers."""
        return _warped(logits, self.sampling) if self.sampling.draws else logits

    def choose(self, scores: torch.Tensor) -> int:
        """The next token out of the scores (vocabulary,)."""
        if self.generator is None:
            return int(scores.argmax())
        chances = torch.softmax(scores, -1)
        # Dividing by exponential noise and taking the largest is a draw from `chances`.
        noise = torch.empty_like(chances).exponential_(1, generator=self.generator)
        return int(chances.div_(noise).argmax())


def _warped(scores: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    if sampling.temperature != 1.0:
        scores = scores / sampling.temperature
    if sampling.top_k:
        kept = scores.topk(min(sampling.top_k, scores.shape[-1])).values[-1]
        scores = scores.masked_fill(scores < kept, float("-inf"))
    return _top_p(scores, sampling.top_p) if sampling.top_p < 1.0 else scores


def _top_p(scores: torch.Tensor, mass: float) -> torch.Tensor:
    """Keep the smallest set of tokens whose chances add up to `mass`, and always the best one."""
    ordered, order = scores.sort(descending=False)
    dropped = ordered.softmax(-1).cumsum(-1) <= 1 - mass
    dropped[-1] = False
    return scores.masked_fill(torch.zeros_like(dropped).scatter(0, order, dropped), float("-inf"))
