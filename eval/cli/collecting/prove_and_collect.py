"""One collection: check what is served, collect missing answers, then ask a sample again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from blindside import console
from eval.cli.collecting.parity import prove_determinism, prove_parity
from eval.cli.collecting.serving import Servers
from eval.errors import EngineError, EngineUnreachable, RunError
from eval.records import SIDES, Side
from eval.run import Run, open_run

_LOOKS, _BETWEEN = 10, 0.2  # checks whether a server has ended, and seconds between them


@dataclass(frozen=True)
class CollectionSettings:
    """`python` runs the reference, in `dtype`, which is what the servers compute in; `force` continues without parity.

    `timeout` is in seconds, for one request; `quick_parity` puts fewer probes.
    """

    python: Path
    dtype: str
    concurrency: int
    force: bool
    timeout: float = 120.0
    #: Whether the sides may be served in different quantisations.
    mixed: bool = False
    quick_parity: bool = False


def is_complete(run: Run) -> bool:
    """Whether every answer is on disk: then nothing needs to be served."""
    return not count_missing(run, SIDES)


def count_missing(run: Run, sides: Collection[Side]) -> int:
    """How many answers of these sides are not on disk."""
    from eval.answers import read_answered_keys

    return sum(side in sides for _, side in read_answered_keys(run.responses_path).missing(run.prompts()))


def prove_and_collect(
    run: Run, turns: Iterable[Callable[[], AbstractContextManager[Servers]]], how: CollectionSettings
) -> int:
    """Take the turns one after the other, each with its own servers; returns how many answers failed."""
    from eval.collect.collect_options import CollectOptions
    from eval.collect.collector import collect

    options = CollectOptions(concurrency=how.concurrency, timeout=how.timeout, mixed=how.mixed)
    failed = 0
    for turn in turns:
        with turn() as servers, _as_ended(servers):
            run = prove_parity(
                run.update(engine=servers.engine),
                servers,
                how.python,
                how.dtype,
                force=how.force,
                quick=how.quick_parity,
            )
            failed += collect(run, servers.addresses, options=options, check=servers.check, say=console.say).failed
            run = _ask_again(open_run(run.folder.parent, run.name), servers)
    return failed


@contextmanager
def _as_ended(servers: Servers) -> Iterator[None]:
    """A server that is not reached any more may have ended: then that is raised, and not what it looked like."""
    try:
        yield
    except EngineUnreachable:
        for _ in range(_LOOKS):  # an engine may notice a moment later than we do
            servers.check()
            time.sleep(_BETWEEN)
        raise


def _ask_again(run: Run, servers: Servers) -> Run:
    """As prove_determinism. Where a server ends meanwhile and no answer is missing, the error says just that."""
    from compose.errors import ComposeError

    try:
        with _as_ended(servers):
            return prove_determinism(run, servers)
    except (ComposeError, EngineError) as error:
        if count_missing(run, servers.addresses):
            raise
        cut = RunError(
            f"all answers of {' and '.join(servers.addresses)} are collected, but the check whether they "
            f"change when requested again was interrupted: {error}"
        )
        cut.excerpt = error.excerpt
        raise cut from error


def print_answer_notes(run: Run) -> None:
    """Say what the answers look like, before anybody judges them; they are read one by one."""
    from eval.answers import read_responses
    from eval.evidence.signals.answer_notes import answer_notes

    switch = run.info.decoding.enable_thinking if run.info.decoding else None
    for line in answer_notes(read_responses(run.responses_path), (prompt.id for prompt in run.prompts()), switch):
        console.say(line)
