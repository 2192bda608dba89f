"""How far a collection is: a bar a side on a terminal, else a line every few seconds."""

from __future__ import annotations

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
        every: float = 5.0,
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


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
