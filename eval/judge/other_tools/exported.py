"""`.exported.json`: which answer was on the left in each exported task. It never leaves the run's folder."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationError

from eval.errors import InputError
from eval.journal import write_atomically
from eval.records import Row, Sha256, Side
from eval.run import Run

NAME = ".exported.json"


class ExportedTask(Row):
    """What a task was made of, and hashes of the two texts as they were shown."""

    item: str
    left: Side
    base_sha256: Sha256
    tuned_sha256: Sha256
    #: Of the left and the right text, which may be masked.
    shown: tuple[Sha256, Sha256]


class Exported(Row):
    """The whole of the file: task -> what it was made of."""

    tasks: dict[str, ExportedTask] = Field(default_factory=dict)


def exported_path(run: Run) -> Path:
    return run.folder / NAME


def read_exported(run: Run) -> dict[str, ExportedTask]:
    """The tasks that were exported; none where nothing was. Raises InputError."""
    path = exported_path(run)
    try:
        return Exported.model_validate_json(path.read_bytes()).tasks
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not what export-tasks wrote"
        raise InputError(f"cannot be read ({reason}): restore it", path=path) from None


def write_exported(run: Run, tasks: dict[str, ExportedTask]) -> None:
    """Raises OSError."""
    before = os.umask(0o077)
    try:
        write_atomically(exported_path(run), Exported(tasks=tasks).model_dump_json(indent=1).encode())
    finally:
        os.umask(before)
