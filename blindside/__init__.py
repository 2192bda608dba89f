"""blindside: train with DPO, serve both models, judge blind, release on evidence.

In a notebook: `run = blindside.open_run("reports/first")`, `blindside.win_rate(run.judgements())`. The names below are
imported when they are first used, so `import blindside` costs next to nothing. The modules of this package are the
ground floor that `train`, `compose` and `eval` share; they import none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eval.public import (
        Agreement,
        BlindsideError,
        Decision,
        Estimate,
        Run,
        agreement,
        decide,
        open_run,
        read_verdicts,
        report,
        win_rate,
    )

__all__ = [
    "Agreement",
    "BlindsideError",
    "Decision",
    "Estimate",
    "Run",
    "agreement",
    "decide",
    "open_run",
    "read_verdicts",
    "report",
    "win_rate",
]


if not TYPE_CHECKING:  # a type checker takes the names from above, and finds a wrong one

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'blindside' has no attribute {name!r}")
        value = getattr(import_module("eval.public"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
