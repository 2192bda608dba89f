"""Asking transformers itself, in the train environment: a subprocess, JSON in and JSON out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from blindside.places import python_path
from eval.records import Side
from train.protocol import Answer, Job, Reference, Request


def ask_references(python: Path, jobs: Mapping[Side, Job], memory: int | None) -> dict[Side, Reference]:
    """One Reference a side; where transformers can't be asked at all, each says so in `missing`.

    `memory` is how many bytes weights may take; None: what is free.
    """
    if not python.is_file():
        return _none(jobs, f"{python} is missing (`make train` builds it), so there is nothing to compare with")
    request = Request(jobs=list(jobs.values()), memory=memory)
    done = subprocess.run(
        [str(python), "-P", "-m", "train.reference"],
        input=request.model_dump_json().encode(),
        capture_output=True,
        env=os.environ | {"PYTHONPATH": python_path(), "TOKENIZERS_PARALLELISM": "false"},
        check=False,
    )
    try:
        references = Answer.model_validate_json(done.stdout).references
        return dict(zip(jobs, references, strict=True))
    except (ValidationError, ValueError):
        last = (done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return _none(jobs, f"transformers could not be asked ({last[:200]})")


def _none(jobs: Mapping[Side, Job], why: str) -> dict[Side, Reference]:
    return {side: Reference(missing=why) for side in jobs}
