"""A finding of the doctor, and how findings are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `remedy` is a sentence, empty where nothing is wrong; `detail` lines for who wants more."""

    name: str
    level: Level
    found: str
    remedy: str = ""
    detail: tuple[str, ...] = ()


def show(findings: Sequence[Finding]) -> Iterator[str]:
    """Lines for a terminal: a finding each, its table and its remedy below it."""
    width = max((len(one.name) for one in findings), default=0)
    for one in findings:
        yield f"{one.level:<5}{one.name:<{width}}  {one.found}"
        yield from (" " * (width + 9) + line for line in one.detail)
        if one.remedy:
            yield " " * (width + 7) + f"→ {one.remedy}"
