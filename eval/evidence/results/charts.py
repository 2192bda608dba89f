"""Geometry and words of the charts: what a template draws as HTML, and what a screen reader says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.evidence.bootstrap import Signed
from eval.evidence.figure import Figure
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
class Amount:
    """A number with its interval and n, as text."""

    label: str
    said: str
    interval: str
    n: str

    @classmethod
    def share(cls, label: str, estimate: Estimate) -> Amount:
        """A share, in percent."""
        return _amount(label, estimate, lambda share: f"{share:.1%}")

    @classmethod
    def coefficient(cls, label: str, estimate: Estimate) -> Amount:
        """No share: a kappa is at most 1, 0 for what chance gives, and may be negative."""
        return _amount(label, estimate, lambda value: f"{value:.2f}")

    @classmethod
    def seconds(cls, label: str, estimate: Estimate) -> Amount:
        return _amount(label, estimate, lambda value: f"{value:.1f}")

    @classmethod
    def points(cls, label: str, difference: Signed) -> Amount:
        """A difference of shares, in percentage points."""
        return _amount(label, difference, lambda value: f"{100 * value:+.1f}")


def _amount(label: str, found: Estimate | Signed, say: Callable[[float], str]) -> Amount:
    sure = found.low is not None and found.high is not None
    return Amount(
        label=label,
        said="insufficient" if found.value is None else say(found.value),
        interval=f"{say(found.low or 0.0)} to {say(found.high or 0.0)}" if sure else "insufficient",
        n=f"{found.n:,}",
    )


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
