"""Builds a wheel of the running code without a build tool.

It holds what judging needs: every module, and the files beside those of `eval`. Recipes, compose files and whatever
else people keep in a checkout stay at home.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from blindside.places import CODE, PACKAGES

#: Files beside modules that are part of the package (pyproject.toml's package-data).
_DATA = frozenset({".yml", ".json", ".jsonl", ".csv", ".css", ".js", ".jinja", ".txt"})
#: Zip's first date: the same code makes the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
_WHEEL = "Wheel-Version: 1.0\nGenerator: blindside\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel() -> tuple[str, bytes]:
    """Its file name, and its bytes."""
    version = metadata.version("blindside")
    info = f"blindside-{version}.dist-info"
    files = {path.relative_to(CODE).as_posix(): path.read_bytes() for path in _files()}
    about = f"Metadata-Version: 2.1\nName: blindside\nVersion: {version}\n"
    files |= {f"{info}/METADATA": about.encode(), f"{info}/WHEEL": _WHEEL.encode()}
    lines = [f"{name},{_hash(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    return f"blindside-{version}-py3-none-any.whl", _zipped(files)


def _files() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((CODE / package).rglob("*")):
            is_ours = not any(part.startswith((".", "__pycache__")) for part in path.relative_to(CODE).parts)
            wanted = path.suffix == ".py" or (package == "eval" and path.suffix in _DATA)
            if is_ours and wanted and path.is_file() and not path.is_symlink():
                yield path


def _hash(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
