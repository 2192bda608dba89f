"""Reads settings that people write in YAML: a study, a gate's policy, a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from blindside.yaml_files import BadYaml, read_yaml
from eval.errors import InputError


def read_settings(path: Path, *, unreadable: str, empty: str) -> dict[str, Any]:
    """The settings in a file by their names.

    Raises InputError: with the remedy `unreadable` for a file that cannot be read, with `empty` for one without names.
    """
    try:
        data: Any = read_yaml(path)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): {unreadable}", path=path) from None
    except BadYaml as error:
        raise InputError(f"{error.problem}: correct the file, texts in quotes", path=path, line=error.line) from None
    if not isinstance(data, dict):
        raise InputError(empty, path=path)
    return data
