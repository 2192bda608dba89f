"""Axolotl's output as one moving line: steps, loss, time left."""

from __future__ import annotations

import ast
import re
import sys
import time
from collections import deque
from collections.abc import Callable
from statistics import fmean
from typing import TextIO

from blindside.console import one_line

_BAR = re.compile(
    r"^(?P<what>[^|]*?):?\s*\d+%\|.*?\|\s*(?P<done>\d+)/(?P<total>\d+)\s*"
    r"\[[\d:]+<(?P<left>[\d:?]+),\s*(?P<rate>[\d.?]+)\s*(?P<unit>[^\]]*)\]"
)
_NUMBERS = re.compile(r"\{'[^{}]*\}")
#: Seconds between lines where nobody can see a line move.
EVERY = 20.0


def parse_numbers(line: str) -> dict[str, float]:
    """The figures of a trainer's `{'loss': '0.5', …}` line; empty for any other line."""
    found = _NUMBERS.search(line)
    if found is None:
        return {}
    try:
        raw = ast.literal_eval(found.group())
        return {str(key): float(value) for key, value in raw.items()}
    except (ValueError, SyntaxError, TypeError, AttributeError):
        return {}


class Progress:
    """Reads lines, keeps the newest figures in `metrics`, and shows how far the run is on `out`.

    `watch` gets every line too; what it raises ends the run.
    """

    def __init__(
        self, title: str, out: TextIO | None = None, *, watch: Callable[[str], None] = lambda line: None
    ) -> None:
        self.title = title
        self._watch = watch
        self._recent: deque[tuple[float, float]] = deque(maxlen=5)
        self._counted: tuple[float, float] | None = None
        self._speed = 0.0
        self.metrics: dict[str, float] = {}
        self._out = out if out is not None else sys.stderr
        self._shown = 0
        self._last = time.monotonic()

    def feed(self, line: str) -> None:
        self._watch(line)
        figures = parse_numbers(line)
        self.metrics |= figures
        self._note(figures)
        bar = _BAR.match(line.strip())
        if bar is not None and int(bar["total"]) > 1:
            self._show(self._compact(bar))

    def _compact(self, bar: re.Match[str]) -> str:
        what, done, total = bar["what"].strip(), int(bar["done"]), int(bar["total"])
        if what:
            return f"{what}: {done}/{total}"
        return f"step {done}/{total} ({100 * done // max(total, 1)}%){self._figures()}, {bar['left']} left"

    def _figures(self) -> str:
        """What was logged: loss; margin and accuracy, means of the last lines; tokens per second, memory in GiB."""
        loss = f", loss {self.metrics['loss']:.4g}" if "loss" in self.metrics else ""
        if self._recent:
            margin, accuracy = (fmean(many) for many in zip(*self._recent, strict=True))
            loss += f", margin {margin:.2g}, accuracy {accuracy:.0%}"
        if self._speed:
            loss += f", {self._speed:,.0f} tokens/s"
        return loss + (f", {self.metrics['memory']:.1f} GiB" if "memory" in self.metrics else "")

    def _note(self, figures: dict[str, float]) -> None:
        """Keep what is shown of a log line of training."""
        if {"rewards/margins", "rewards/accuracies"} <= figures.keys():
            margin = figures["rewards/margins"]
            self._recent.append((margin, figures["rewards/accuracies"] if margin else 0.5))  # as the closing words
        if "num_tokens" in figures:
            now = time.monotonic()
            if self._counted is not None and now > self._counted[1]:
                self._speed = (figures["num_tokens"] - self._counted[0]) / (now - self._counted[1])
            self._counted = (figures["num_tokens"], now)

    def _show(self, text: str) -> None:
        line = one_line(f"  {self.title}: {text}")
        if self._out.isatty():
            self._out.write("\r" + line[:110].ljust(self._shown))
            self._shown = min(len(line), 110)
        elif time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            self._out.write(line + "\n")
        self._out.flush()

    def close(self) -> None:
        """End the moving line."""
        if self._shown:
            self._out.write("\r" + " " * self._shown + "\r")
            self._out.flush()
            self._shown = 0
