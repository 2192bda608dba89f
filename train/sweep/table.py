"""The table of a sweep's trainings: updated in place on a terminal, elsewhere a line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table as Grid

from blindside.console import terminal
from train.data import Say
from train.progress import Progress
from train.sweep.stage import last_figures

HEAD = ("candidate", "state", "held-out accuracy", "margin", "chosen log-prob.", "time left")
#: Of a training without held-out pairs the figures are those of its own pairs, and the table says so.
_OWN = " (own pairs)"


class Quiet(Progress):
    """Keeps how far a training is, for the table to show."""

    text = ""

    def _show(self, text: str) -> None:
        self.text = text


@dataclass
class Row:
    """A candidate: `state` as it is shown, figures by name as `last_figures` has them; `live`: the file that grows."""

    state: str = "waiting"
    figures: Mapping[str, float] = field(default_factory=dict)
    live: Path | None = None
    progress: Progress | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        if self.live is not None:
            self.figures = last_figures(self.live) or self.figures
        kind = "held_out" if "held_out_accuracy" in self.figures else "training"
        own = _OWN if kind == "training" else ""
        found = [self.figures.get(f"{kind}_{name}") for name in ("accuracy", "margin", "logps_chosen")]
        accuracy = "" if found[0] is None else f"{found[0]:.0%}{own}"
        return (self.state, accuracy, *("" if one is None else f"{one:.3g}" for one in found[1:]), self.left)

    @property
    def left(self) -> str:
        if isinstance(self.progress, Quiet) and self.live is not None:
            return (
                self.progress.text.rpartition(", ")[2].removesuffix(" left") if " left" in self.progress.text else "…"
            )
        return ""


class Table:
    """Use it as a context manager; `console`: where it is drawn if that is a terminal."""

    def __init__(self, names: Sequence[str], say: Say, console: Console | None = None) -> None:
        self.rows = {name: Row() for name in names}
        self._say = say
        self._console = console or terminal(stderr=True)
        self._live = Live(get_renderable=self.grid, console=self._console) if self._console.is_terminal else None

    def __enter__(self) -> Table:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def begin(self, name: str, live: Path) -> Callable[..., Progress]:
        """A candidate's training begins; what is to show how far it is."""
        row = self.rows[name] = Row("checking", live=live)

        def shown(title: str, **how: Any) -> Progress:
            row.state = "training"
            row.progress = (Quiet if self._live else Progress)(title, **how)
            return row.progress

        return shown

    def set(self, name: str, state: str, figures: Mapping[str, float] | None = None) -> None:
        """What became of a candidate, told where nobody sees the table move."""
        row = self.rows[name]
        self.rows[name] = Row(state, figures or row.figures)
        if not self._live:
            self._say(self.line(name))

    def line(self, name: str) -> str:
        """Like "low: trained; held-out accuracy 73%, margin 0.42, chosen log-prob. -31.2"."""
        state, *cells = self.rows[name].cells
        parts = [f"{head} {cell}" for head, cell in zip(HEAD[2:], cells, strict=True) if cell]
        return f"{name}: {state}" + (f"; {', '.join(parts)}" if parts else "")

    def grid(self) -> Grid:
        """The table as it is now."""
        grid = Grid(*HEAD)
        for name, row in self.rows.items():
            grid.add_row(name, *row.cells)
        return grid
