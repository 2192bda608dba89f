"""Which servers a command stands on, and `blindside down`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

if TYPE_CHECKING:
    from compose.plan import Plan
    from compose.stack import Model


class Stack(Protocol):
    """Servers that run: an address a side, what serves, and a look whether all still live."""

    urls: dict[str, str]
    #: The name that /info should give, where it is not the model's source.
    served: dict[str, str]
    engine: str

    def check(self) -> None: ...


@contextmanager
def stack(
    turn: Sequence[Model], plan: Plan, *, run: str, python: Path, logs: Path, say: Callable[[str], None]
) -> Iterator[Stack]:
    """The servers of one turn of the plan; they are down again when this is left, however it is left."""
    if plan.kind == "embedded":
        from compose.stack import EmbeddedStack

        with EmbeddedStack(turn, python=python, logs=logs, say=say) as embedded:
            yield embedded
    else:
        from compose.containers import DockerStack

        with DockerStack(turn, run=run, plan=plan, logs=logs, say=say) as containers:
            yield containers


def down(run: Annotated[str, typer.Argument(help="Only this run's, whoever uses them.")] = "") -> None:
    """Remove containers that a run left behind; without a name, those whose program has ended.

    Example: `blindside down`
    """
    from compose.leftovers import down as remove

    typer.echo(f"{remove(run or None, say=typer.echo)} containers removed")


def register(app: typer.Typer) -> None:
    app.command()(down)
