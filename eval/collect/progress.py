"""Progress of a collection or of a few long steps: bars on a terminal, elsewhere a line every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.progress import Task as Bar
from rich.text import Text

from blindside.console import one_line, terminal
from eval.records import Side

EVERY = 5.0  # seconds between lines where there is no terminal


class Rate(ProgressColumn):
    """Answers a second, over the last seconds."""

    def render(self, task: Bar) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s")


class Progress:
    """Shows `done` of `totals` per side. Use it as a context manager.

    Without a terminal `say` gets a line at most every `every` seconds, from `tick`.
    """

    def __init__(
        self,
        totals: Mapping[Side, int],
        say: Callable[[str], None],
        *,
        every: float = EVERY,
        console: Console | None = None,
    ) -> None:
        self._totals = dict(totals)
        self._done: dict[Side, int] = dict.fromkeys(totals, 0)
        self._failed = 0
        self._say = say
        self._every = every
        self._began = self._told = time.monotonic()
        self._console = console or terminal(stderr=True)
        self._bars = self._make_bars() if self._console.is_terminal else None
        self._ids = (
            {side: self._bars.add_task(side, total=n, failed="") for side, n in totals.items()} if self._bars else {}
        )

    def __enter__(self) -> Progress:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def advance(self, side: Side, *, failed: bool = False) -> None:
        """One more prompt of `side` is settled, by an answer or by a failure."""
        self._done[side] += 1
        self._failed += failed
        if self._bars:
            self._bars.advance(self._ids[side])
            if failed:
                self._bars.update(self._ids[side], failed=f"{self._failed} failed")

    def tell(self, sentence: str) -> None:
        """Say something beside the bars."""
        if self._bars:
            self._bars.console.print(one_line(sentence))
        else:
            self._say(sentence)

    def tick(self) -> None:
        """Called often; says a line when it is time for one."""
        now = time.monotonic()
        if self._bars is None and now - self._told >= self._every:
            self._told = now
            self._say(self.line(now - self._began))

    def line(self, seconds: float) -> str:
        """Like "base 120/300 · tuned 118/300 · 34.1 answers/s · 11 s left", after `seconds` of work."""
        done, total = sum(self._done.values()), sum(self._totals.values())
        parts = [f"{side} {self._done[side]}/{self._totals[side]}" for side in self._totals]
        if done and seconds > 0:
            rate = done / seconds
            parts += [f"{rate:.1f} answers/s", f"{_duration((total - done) / rate)} left"]
        parts += [f"{self._failed} failed"] if self._failed else []
        return " · ".join(parts)

    def _make_bars(self) -> Bars:
        return Bars(
            TextColumn("{task.description:5}"),
            BarColumn(),
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failed]}"),
            console=self._console,
        )


class Steps:
    """Shows how many steps of each of several things are done, where a step may take a minute, and the time left.

    Use it as a context manager: on a terminal a line that moves, else `say` gets one when something is new, at most
    every EVERY seconds. `step` is what a step is called, as "probe".
    """

    def __init__(
        self,
        what: str,
        totals: Mapping[str, int],
        say: Callable[[str], None],
        *,
        step: str,
        console: Console | None = None,
    ) -> None:
        self._what, self._step, self._say = what, step, say
        self._counts = {name: (0, total) for name, total in totals.items()}
        self._share = 0.0
        self._began = self._told = time.monotonic()
        self._last = dict(self._counts)
        console = console or terminal(stderr=True)
        self._status = console.status(self.line(0.0)) if console.is_terminal else None
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="steps", daemon=True)

    def __enter__(self) -> Steps:
        if self._status:
            self._status.start()
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._ticker.join()
        if self._status:
            self._status.stop()

    def count(self, name: str, done: int, total: int, *, share: float | None = None) -> None:
        """So many of `name` are done. `share` of all the work, in [0, 1], where the steps are not of one size."""
        self._counts[name] = (done, total)
        sums = [sum(many) for many in zip(*self._counts.values(), strict=True)]
        before, self._share = self._share, sums[0] / max(1, sums[1]) if share is None else share
        if not before and not self._share:  # what comes before the first step is no measure of the steps
            self._began = time.monotonic()

    def line(self, seconds: float) -> str:
        """Like "parity: base probe 3/9 · tuned probe 2/9 · 40 s left", after `seconds` of work."""
        parts = [f"{name} {self._step} {done}/{total}" for name, (done, total) in self._counts.items() if total]
        if 0 < self._share < 1 and seconds > 0:
            parts.append(f"{_duration(seconds * (1 - self._share) / self._share)} left")
        return f"{self._what}: {' · '.join(parts or ['loading'])}"

    def _tick(self) -> None:
        while not self._over.wait(0.25):
            now = time.monotonic()
            line = self.line(now - self._began)
            if self._status:
                self._status.update(line)
            elif now - self._told >= EVERY and self._counts != self._last:
                self._told, self._last = now, dict(self._counts)
                self._say(line)


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
