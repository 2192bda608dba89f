"""Asks transformers for its own results: a subprocess in the train environment, JSON in and JSON out."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from blindside.places import python_path
from eval.collect.progress import Steps
from eval.records import Side
from train.reference.protocol import PROGRESS, Answer, Job, Reference, Request


def ask_references(
    python: Path, jobs: Mapping[Side, Job], memory: int | None, say: Callable[[str], None] = lambda line: None
) -> dict[Side, Reference]:
    """One Reference a side; where transformers can't be asked at all, each says so in `why_missing`.

    `memory` is how many bytes weights may take; None: what is free. `say` gets how far it is, without a terminal.
    """
    if unable := why_missing(python):
        return {side: Reference(missing=unable) for side in jobs}
    request = Request(jobs=list(jobs.values()), memory=memory)
    with Steps("parity: transformers", dict.fromkeys(jobs, 0), say, step="text") as steps:
        code, out, last = _run(python, request, list(jobs), steps)
    try:
        return dict(zip(jobs, Answer.model_validate_json(out).references, strict=True))
    except (ValidationError, ValueError):
        why = f"transformers failed ({(last or f'exit status {code}')[:200]})"
        return {side: Reference(missing=why) for side in jobs}


def why_missing(python: Path) -> str:
    """Why transformers can't be asked, known before anything is; empty where it may."""
    if python.is_file():
        return ""
    return f"{python} is missing (`make train` builds it), so there is nothing to compare with"


def _run(python: Path, request: Request, sides: Sequence[Side], steps: Steps) -> tuple[int, bytes, str]:
    """Exit status, standard output and the last line of standard error, whose lines of progress go to `steps`."""
    with (
        subprocess.Popen(
            [str(python), "-P", "-m", "train.reference.reference"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": python_path(), "TOKENIZERS_PARALLELISM": "false"},
        ) as process,
        ThreadPoolExecutor(2) as threads,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            out = threads.submit(process.stdout.read)
            last = threads.submit(_follow, process.stderr, sides, steps)
            with suppress(BrokenPipeError):
                process.stdin.write(request.model_dump_json().encode())
                process.stdin.close()
            return process.wait(), out.result(), last.result()
        except BaseException:
            process.kill()
            raise


def _follow(stream: IO[bytes], sides: Sequence[Side], steps: Steps) -> str:
    last = ""
    for line in stream:
        text = line.decode(errors="replace").strip()
        if text.startswith(f'{{"{PROGRESS}": '):
            job, done, total, share = json.loads(text)[PROGRESS]
            steps.count(sides[job], done, total, share=share)
        else:
            last = text or last
    return last
