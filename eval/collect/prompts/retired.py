"""Evaluation prompts that became training pairs: reports/retired.jsonl, one line per prompt, append-only.

A model that was trained on a prompt cannot be judged by it, nor can any that is made from it later: so no later run
asks a prompt that is written down here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from eval.errors import InputError, RunError
from eval.journal import Journal, json_lines
from eval.records import Row, Sha256

FILE = "retired.jsonl"


class Retired(Row):
    """A prompt that is no longer asked: its train.pairs.keys.prompt_key, and which run gave it away, when, to what."""

    prompt_key: Sha256
    run: str
    item: str
    retired_at: str
    pairs: str


def read_retired(reports: Path) -> dict[str, Retired]:
    """By prompt_key; empty where nothing was retired. Raises InputError naming file and line."""
    path = reports / FILE
    found: dict[str, Retired] = {}
    if not path.is_file():
        return found
    for number, line in json_lines(path):
        try:
            row = Retired.model_validate_json(line)
        except ValidationError as error:
            problem = f"{error.errors()[0]['msg']}: fix the line; without it its prompt would be asked again"
            raise InputError(problem, path=path, line=number) from None
        found.setdefault(row.prompt_key, row)
    return found


def retired_keys(reports: Path) -> frozenset[str]:
    """What `load_prompts(retired=…)` takes."""
    return frozenset(read_retired(reports))


def retire(reports: Path, rows: Iterable[Retired]) -> int:
    """Write down those that are not yet there; returns how many are new. Raises RunError where the disk refuses."""
    existing = read_retired(reports)
    new = {row.prompt_key: row for row in rows if row.prompt_key not in existing}
    if not new:
        return 0
    try:
        Journal(reports / FILE).append("".join(row.model_dump_json() + "\n" for row in new.values()).encode())
    except OSError as error:
        raise RunError(f"{reports / FILE}: can't be written ({error.strerror}): nothing was harvested") from error
    return len(new)
