"""Known causes behind lines of a log, and what fixes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class KnownCause:
    """One cause: the texts that give it away (regular expressions, in any case), and its remedy, half a sentence."""

    signs: tuple[str, ...]
    remedy: str

    def fits(self, log: str) -> bool:
        return any(re.search(sign, log, re.IGNORECASE) for sign in self.signs)


def first_remedy(causes: Iterable[KnownCause], log: str) -> str:
    """Of the first cause that fits, so the particular ones stand before the general ones; empty where none does."""
    return next((cause.remedy for cause in causes if cause.fits(log)), "")
