"""The servers a command uses: started here by Docker or as processes, or running elsewhere; and `blindside down`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from blindside import console
from blindside.words import counted
from eval.errors import InputError

if TYPE_CHECKING:
    from compose.containers import DockerStack
    from compose.embedded_stack import EmbeddedStack
    from compose.plan import Plan
    from compose.stack import Model
    from compose.vllm import VllmStack
    from eval.collect.engines.connect import Address
    from eval.records import Side


class Servers(Protocol):
    """Servers that run: where each side answers, what serves, and a look whether all still live."""

    @property
    def engine(self) -> str: ...

    @property
    def addresses(self) -> dict[Side, Address]: ...

    @property
    def served(self) -> dict[str, str]:
        """The names that /info should give, where they are known not to be the models' sources."""
        ...

    def check(self) -> None: ...


class RunningServers:
    """Servers that somebody else started, and watches."""

    def __init__(self, base: Sequence[str], tuned: Sequence[str]) -> None:
        """Raises InputError where one side has no address."""
        if not base or not tuned:
            raise InputError("both sides need an address: give --base-url and --tuned-url(repeatable, for replicas)")
        self.addresses: dict[Side, Address] = {"base": list(base), "tuned": list(tuned)}
        self.served: dict[str, str] = {}

    @property
    def engine(self) -> str:
        from eval.collect.new_run import engine_at

        return engine_at(self.addresses)

    def check(self) -> None:
        return None


class StartedServers:
    """Servers that we started, by either engine."""

    def __init__(self, stack: EmbeddedStack | VllmStack | DockerStack) -> None:
        self._stack = stack
        self.served = stack.served
        self.engine = stack.engine
        self.check = stack.check

    @property
    def addresses(self) -> dict[Side, Address]:
        """Those of the servers that live now."""
        from eval.records import SIDES

        there = self._stack.addresses()
        return {side: there[side] for side in SIDES if side in there}


@contextmanager
def start_servers(
    turn: Sequence[Model], plan: Plan, *, run: str, python: Path, logs: Path, say: Callable[[str], None]
) -> Iterator[Servers]:
    """The servers of one turn of the plan; they are down again when this is left, however it is left.

    `python` is that of the environment that serves, where it is not a container that does.
    """
    with _stack_of(turn, plan, run=run, python=python, logs=logs, say=say) as stack:
        yield StartedServers(stack)


def _stack_of(
    turn: Sequence[Model], plan: Plan, *, run: str, python: Path, logs: Path, say: Callable[[str], None]
) -> EmbeddedStack | VllmStack | DockerStack:
    if plan.kind == "embedded":
        from compose.embedded_stack import EmbeddedStack

        return EmbeddedStack(turn, python=python, logs=logs, say=say)
    if plan.kind == "vllm":
        from compose.vllm import VllmStack

        return VllmStack(turn, plan=plan, python=python, logs=logs, say=say)
    from compose.containers import DockerStack

    return DockerStack(turn, run=run, plan=plan, logs=logs, say=say)


def down(run: Annotated[str, typer.Argument(help="Only those of this run, even if they are in use.")] = "") -> None:
    """Remove containers that a run left behind; without a name, all whose program has ended.

    Example: `blindside down`
    """
    from compose.leftovers import down as remove

    console.say(f"{counted(remove(run or None, say=console.say), 'container')} removed")


def register(app: typer.Typer) -> None:
    app.command()(down)
