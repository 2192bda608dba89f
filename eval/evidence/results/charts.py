"""Geometry and words of the charts: what a template draws as HTML, and what a screen reader says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.evidence.report import Figure
from eval.evidence.winrate import Estimate

#: A share over fewer prompts than this is drawn grey: its interval spans half of the axis or more.
SMALL = 10


@dataclass(frozen=True)
class Dot:
    """A share with its interval on an axis from 0 to 1; `href` leads to what it is made of."""

    label: str
    estimate: Estimate
    unit: str = "prompts"
    href: str = ""
    #: The share that would say "no difference"; drawn as a line.
    null: float | None = 0.5

    @property
    def small(self) -> bool:
        return self.estimate.n < SMALL

    @property
    def said(self) -> str:
        return self._figure.said

    @property
    def interval(self) -> str:
        return self._figure.interval

    @property
    def n(self) -> str:
        return f"{self.estimate.n:,}"

    @property
    def spoken(self) -> str:
        """The row in words, for those who do not see it."""
        interval = f"95% interval {self.interval}" if self.estimate.sufficient else "insufficient for an interval"
        return f"{self.label}: {self.said}, {interval}, {self.n} {self.unit}"

    @property
    def at(self) -> str:
        """Where the dot lies, as CSS; nothing where there is no value."""
        return "" if self.estimate.value is None else percent(self.estimate.value)

    @property
    def range(self) -> tuple[str, str] | None:
        """Where the interval begins and how wide it is, as CSS."""
        low, high = self.estimate.low, self.estimate.high
        return None if low is None or high is None else (percent(low), percent(high - low))

    @property
    def _figure(self) -> Figure:
        return Figure.share(self.label, self.estimate)


@dataclass(frozen=True)
class Coefficient:
    """A figure that is no share, such as a kappa: at most 1, 0 for what chance gives, and it may be negative."""

    label: str
    estimate: Estimate

    @property
    def said(self) -> str:
        return "insufficient" if self.estimate.value is None else f"{self.estimate.value:.2f}"

    @property
    def interval(self) -> str:
        low, high = self.estimate.low, self.estimate.high
        return "insufficient" if low is None or high is None else f"{low:.2f} to {high:.2f}"

    @property
    def n(self) -> str:
        return f"{self.estimate.n:,}"


@dataclass(frozen=True)
class Segment:
    """A part of a stacked bar; `key` names its colour."""

    key: str
    label: str
    count: int
    href: str = ""


def spoken(segments: Sequence[Segment], unit: str) -> str:
    """A stacked bar in words."""
    total = sum(segment.count for segment in segments)
    parts = ", ".join(f"{segment.label} {segment.count:,}" for segment in segments)
    return f"{parts}, of {total:,} {unit}"


def percent(share: float) -> str:
    """A length in CSS; two decimals are finer than any screen."""
    return f"{100 * share:.2f}%"
