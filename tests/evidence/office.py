"""LibreOffice Calc without a screen, with a profile of its own."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tests.support import FAST, require

#: Kinds of column in the dialogue of "Text Import".
Kind = Literal["Standard", "Text"]
_CODES: dict[Kind, int] = {"Standard": 1, "Text": 2}
_FILTER = "Text - txt - csv (StarCalc)"
_MOST_COLUMNS = 60


#: The last two boxes of "Export Text File": quote all text cells, save cell content as shown.
QUOTINGS = {"plain": "false,true", "all text quoted": "true,true", "all text quoted, raw": "true,false"}


def saved_again(
    files: Mapping[str, Path], folder: Path, kind: Kind = "Standard", quoting: str = QUOTINGS["plain"]
) -> dict[str, Path]:
    """Each CSV, by a name of its own, as Calc saves it after it was opened with every column of this kind."""
    require(not FAST and shutil.which("soffice") is not None, "the spreadsheet tests need Debian's libreoffice-calc")
    before, after = folder / "before", folder / "after"
    before.mkdir(parents=True)
    for name, path in files.items():
        shutil.copy(path, before / f"{name}.csv")
    columns = "/".join(f"{column}/{_CODES[kind]}" for column in range(1, _MOST_COLUMNS))
    command = [
        *("soffice", "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}"),
        f"--infilter={_FILTER}:44,34,76,1,{columns},1033,false,false",
        *("--convert-to", f"csv:{_FILTER}:44,34,76,1,,1033,{quoting}"),
        *("--outdir", str(after), *(str(before / f"{name}.csv") for name in files)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    made = {name: after / f"{name}.csv" for name in files}
    assert all(path.is_file() for path in made.values()), done.stdout + done.stderr
    return made


def cells(path: Path) -> list[list[str]]:
    """Every cell of a CSV."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, strict=True))
