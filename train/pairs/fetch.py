"""Downloads a data set of the Hub to a file, by the train environment's `datasets`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from train.errors import RecipeError
from train.launch import ROOT, environment

_CHECK = "; check the name, the network, and HF_TOKEN where it is private"


def fetch_rows(name: str, split: str, revision: str | None, wanted: list[str], out: Path, env: Path) -> list[str]:
    """Bring the wanted columns of a data set's split to `out` as JSON lines; return the names of all its columns.

    The wanted column "*" is all of them. Raises RecipeError.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [str((env / "bin" / "python").absolute()), "-m", "train.pairs.hub"]
    command += [name, split, revision or "-", str(out.absolute())]
    if not Path(command[0]).is_file():
        raise RecipeError(f"{command[0]} is missing, which fetches data sets of the Hub: `make train` builds it")
    done = subprocess.run(
        command, input=json.dumps(wanted), capture_output=True, text=True,
        cwd=ROOT, env=environment(env, offline=bool(os.environ.get("HF_HUB_OFFLINE"))),
    )  # fmt: skip
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        answer = {"error": last[0]}
    if "error" in answer:
        raise RecipeError(
            f"the data set {name} cannot be fetched from the Hub: {answer['error']}"
            + ("" if "several configurations" in answer["error"] else _CHECK)
        )
    return [str(column) for column in answer["columns"]]
