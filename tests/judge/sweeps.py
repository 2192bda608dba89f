"""Small real sweeps: several runs over the same base and prompts, bound by a sweep.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.records import utc_now
from eval.run import Run, open_run
from eval.sweep import Candidate, Sweep, bind_runs, read_sweep, runs_of, write_sweep
from tests.judge.runs import make_run

NAMES = ("low", "middle", "high", "steep")
#: What a candidate's answers hold, so that a test knows whose they are and no name is in them.
SAYS = {"low": "amber", "middle": "birch", "high": "cedar", "steep": "dune"}


def make_sweep(folder: Path, *, k: int = 2, n: int = 12, **fields: Any) -> Sweep:
    """`k` candidates of sweep `rates` with `n` prompts; a tuned answer tells its candidate."""
    names: Sequence[str] = NAMES[:k]
    for name in names:
        answers = [(f"Long reply {i}, with words.", f"Short {SAYS[name]} reply {i}.") for i in range(n)]
        make_run(folder, answers=answers, name=f"rates-{name}")
    found = Sweep(
        sweep="rates",
        candidates=tuple(Candidate(name=name, run=f"rates-{name}", state="collected") for name in names),
        started=utc_now(),
        **fields,
    )
    write_sweep(folder / "reports", found)
    bind_runs(folder / "reports", found)
    return found


def runs(folder: Path) -> dict[str, Run]:
    """candidate -> its run, as they are on disk now."""
    return runs_of(folder / "reports", read_sweep(folder / "reports", "rates"))


def reopened(run: Run) -> Run:
    return open_run(run.folder.parent, run.name)
