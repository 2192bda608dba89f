"""What a reviewer may be called."""

from __future__ import annotations

import unicodedata

LONGEST_NAME = 60
_JOINERS = "\u200c\u200d"  # Persian and Indic names are written with them


def clean_name(name: str) -> tuple[str, str]:
    """(the name as it is written down, "") or ("", what is wrong with it).

    White space is trimmed and Unicode composed, so that one person is one reviewer however the name was typed.
    """
    clean = " ".join(unicodedata.normalize("NFC", name).split())
    if not clean:
        return "", "Please enter a name: it stands beside your verdicts."
    if len(clean) > LONGEST_NAME:
        return "", f"Please use a name of at most {LONGEST_NAME} characters."
    if any(unicodedata.category(char) in ("Cc", "Cf") and char not in _JOINERS for char in clean):
        return "", "Please use letters that can be seen: this name has invisible ones."
    return clean, ""
