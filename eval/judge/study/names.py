"""Which names reviewers may have."""

from __future__ import annotations

import unicodedata

from eval.judge.study.forms import Notice

LONGEST_NAME = 60
_JOINERS = "\u200c\u200d"  # Persian and Indic names are written with them


def name_key(name: str) -> str:
    """What is the same for names that differ in case, width or spaces alone: Ann, ann, ANN, Ａｎｎ."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def clean_name(name: str) -> tuple[str, Notice | None]:
    """(the name as it is written down, None) or ("", what is wrong with it).

    White space is trimmed and Unicode composed, so that one person is one reviewer however the name was typed.
    """
    clean = " ".join(unicodedata.normalize("NFC", name).split())
    if not clean:
        return "", Notice("name_missing")
    if len(clean) > LONGEST_NAME:
        return "", Notice("name_long", str(LONGEST_NAME))
    if any(unicodedata.category(char) in ("Cc", "Cf") and char not in _JOINERS for char in clean):
        return "", Notice("name_invisible")
    return clean, None
