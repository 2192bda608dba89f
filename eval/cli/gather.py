"""From servers to answers: prove what is served, ask what is missing, ask a sample again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from blindside import console
from eval.cli.proof import prove_determinism, prove_parity
from eval.cli.serving import Stack
from eval.run import Run, open_run


@dataclass(frozen=True)
class How:
    """`python` runs the reference, in `dtype`, which is what the servers compute in; `force` goes on without parity.

    `timeout` is in seconds, for one request; `quick_parity` puts fewer probes.
    """

    python: Path
    dtype: str
    concurrency: int
    force: bool
    timeout: float = 120.0
    quick_parity: bool = False


def complete(run: Run) -> bool:
    """Whether every answer is on disk: then nothing needs to be served."""
    from eval.answers import read_answers

    return not read_answers(run.responses_path).missing(run.prompts())


def gather(run: Run, turns: Iterable[Callable[[], AbstractContextManager[Stack]]], how: How) -> int:
    """Take the turns one after the other, each with its own servers; returns how many answers failed."""
    from eval.collect.collector import CollectOptions, collect

    options = CollectOptions(concurrency=how.concurrency, timeout=how.timeout)
    failed = 0
    for turn in turns:
        with turn() as servers:
            run = prove_parity(
                run.update(engine=servers.engine),
                servers,
                how.python,
                how.dtype,
                force=how.force,
                quick=how.quick_parity,
            )
            failed += collect(run, servers.addresses, options=options, check=servers.check, say=console.say).failed
            run = prove_determinism(open_run(run.folder.parent, run.name), servers)
    return failed


def tell_looks(run: Run) -> None:
    """Say what the answers look like, before anybody judges them."""
    from eval.answers import read_answers
    from eval.evidence.looks import looks

    for line in looks(read_answers(run.responses_path).pairs(run.prompts())):
        console.say(line)
