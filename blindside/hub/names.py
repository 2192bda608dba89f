"""Names of Hub data sets as people write them: hub:owner/name[:split]."""

from __future__ import annotations

import re

HUB = "hub:"
#: The Hub's own rule: letters, digits, `-`, `_` and `.`, the last two not at the ends, neither `--` nor `..`.
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_PART}(?:/{_PART})?")
#: Of a split, `datasets` takes a slice too: train[:100]. Its configuration may stand before it: main/test.
_SPLIT = re.compile(r"(?:[A-Za-z0-9_][\w.-]{0,99}/){0,3}[A-Za-z0-9_][\w.\[\]:%+-]{0,99}", re.ASCII)


def read_source(source: str) -> tuple[str, str]:
    """(name, split) of `hub:owner/name[:[configuration/]split]`, the split empty where none is said.

    Raises ValueError, one sentence. A name that is a path would be read as a folder of this machine.
    """
    name, colon, split = source.removeprefix(HUB).partition(":")
    odd = colon and (not _SPLIT.fullmatch(split) or ("/" in split and "/" not in name))
    if not _is_name(name) or odd:
        given = source if len(source) <= 120 else source[:119] + "…"
        raise ValueError(
            f"{given!r} names no data set of the Hub: write hub:owner/name or hub:owner/name:split, "
            "or give the path of a file without hub:"
        )
    return name, split


def _is_name(name: str) -> bool:
    shaped = len(name) <= 96 and _NAME.fullmatch(name) is not None
    return shaped and "--" not in name and ".." not in name and not name.endswith(".git")
