"""One figure of a report with its n and interval, for machines and for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eval.evidence.estimates.bootstrap import SignedEstimate
from eval.evidence.estimates.winrate import Estimate

#: `share` in [0, 1]; `points`: a difference of shares; `number`: a coefficient, a ratio, seconds or nats.
#: `bounds`: an interval of a share without a value of its own.
Kind = Literal["share", "points", "number", "p-value", "count", "bounds", "rate"]


@dataclass(frozen=True)
class Metric:
    """One row of summary.csv: value, 95% interval and n; a p-value without interval; a count, which is its n."""

    name: str
    kind: Kind
    value: float | None
    low: float | None
    high: float | None
    n: int
    unit: str

    @classmethod
    def share(cls, name: str, estimate: Estimate, unit: str = "prompts") -> Metric:
        return cls(name, "share", estimate.value, estimate.low, estimate.high, estimate.n, unit)

    @classmethod
    def number(cls, name: str, estimate: Estimate | SignedEstimate, unit: str = "prompts") -> Metric:
        return cls(name, "number", estimate.value, estimate.low, estimate.high, estimate.n, unit)

    @classmethod
    def points(cls, name: str, signed: SignedEstimate, unit: str = "prompts") -> Metric:
        return cls(name, "points", signed.value, signed.low, signed.high, signed.n, unit)

    @classmethod
    def p(cls, name: str, value: float | None, n: int, unit: str = "prompts") -> Metric:
        return cls(name, "p-value", value, None, None, n, unit)

    @classmethod
    def count(cls, name: str, n: int, unit: str) -> Metric:
        return cls(name, "count", None, None, None, n, unit)

    @property
    def size(self) -> str:
        """Like "1 prompt" and "60 prompts": of how many."""
        return f"{self.n} {self.unit.removesuffix('s') if self.n == 1 else self.unit}"

    @property
    def said(self) -> str:
        """The value as people read it; nothing for a count."""
        if self.value is None:
            return "" if self.kind == "count" or (self.kind == "bounds" and self.low is not None) else "insufficient"
        return self._said(self.value)

    @property
    def interval(self) -> str:
        """The interval as people read it; a figure that should have one and has not says so."""
        if self.low is not None and self.high is not None:
            return f"{self._said(self.low)} to {self._said(self.high)}"
        return "insufficient" if self.kind in ("share", "points", "number", "bounds") else ""

    def _said(self, value: float) -> str:
        if self.kind in ("share", "bounds", "rate"):
            return f"{value:.1%}"
        if self.kind == "points":
            return f"{100 * value:+.1f} points"
        return f"{value:.3g}"


def with_interval(estimate: Estimate, *, nothing: str = "insufficient") -> str:
    """A share with its interval and n, as part of a sentence; `nothing` where there is no value."""
    figure = Metric.share("", estimate)
    if estimate.value is None:
        return nothing
    return (
        f"{figure.said}, {figure.interval} (n={figure.n})" if estimate.sufficient else f"{figure.said} (n={figure.n})"
    )
