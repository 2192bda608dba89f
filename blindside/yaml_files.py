"""Reads YAML that people hand in, with limits on size, depth and aliases.

A few hundred bytes of aliases stand for billions of values, a hundred thousand brackets overflow the stack: both are
seen in the stream of events, before anything is built.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LARGEST = 256 * 1024  # bytes of a file
DEEPEST = 50  # lists and mappings within each other
MOST = 50_000  # values, each alias counted as what it stands for
#: A number of so many digits takes long to read, and Python does not print it.
_HUGE_NUMBER = re.compile(r"[-+0-9_:.a-fA-FxX]{200,}")
#: libyaml's where it is there: the same values ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: What yaml's constructors raise for a value that is not of its tag: `!!bool x` is a KeyError.
_UNBUILT = (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError, RecursionError)


class BadYaml(Exception):
    """A text that cannot be used as YAML. `line` counts from 1; None where it is about the whole."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def read_yaml(path: Path) -> Any:
    """The one document of a file. Raises BadYaml, and OSError where the file cannot be read."""
    with path.open("rb") as file:
        return parse_yaml(file.read(LARGEST + 1))


def parse_yaml(data: bytes) -> Any:
    """The one document of a text. Raises BadYaml."""
    if len(data) > LARGEST:
        raise BadYaml(f"is larger than {LARGEST // 1024} kB, too large for settings")
    try:
        _check(data)
        return yaml.load(data, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise BadYaml(f"is not YAML ({problem})", mark.line + 1 if mark else None) from None
    except _UNBUILT as error:
        raise BadYaml(f"is not YAML (a value does not fit its kind: {str(error)[:80]})") from None


@dataclass
class _Open:
    """A list or mapping that has not ended. `size` counts what is in it, itself included."""

    anchor: str | None
    size: int = 1


def _check(data: bytes) -> None:
    """Go through the events without building anything. Raises BadYaml at the first that is beyond a bound."""
    within, sizes = [_Open(None)], dict[str, int]()
    for event in yaml.parse(data, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.CollectionStartEvent):
            within.append(_Open(event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            _add(within.pop(), within, sizes)
        elif isinstance(event, yaml.AliasEvent):
            if any(one.anchor == event.anchor for one in within):
                raise BadYaml(f"contains itself through the alias *{event.anchor}: write it out", line)
            within[-1].size += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.ScalarEvent):
            if _HUGE_NUMBER.fullmatch(event.value) and event.implicit[0]:
                raise BadYaml(f"has a number of {len(event.value)} digits: write a smaller one", line)
            _add(_Open(event.anchor), within, sizes)
        if len(within) > DEEPEST + 1:
            raise BadYaml(f"nests lists or mappings more than {DEEPEST} deep: flatten it", line)
        if within[-1].size > MOST:
            raise BadYaml(f"stands for more than {MOST:,} values (aliases count each time): write fewer", line)


def _add(ended: _Open, within: list[_Open], sizes: dict[str, int]) -> None:
    within[-1].size += ended.size
    if ended.anchor:
        sizes[ended.anchor] = ended.size
