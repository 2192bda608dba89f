"""A run folder, reports/<name>/: its provenance in run.json, and its prompts.

reports/<name>/
  run.json          written first; says what was compared, by which engine, with what parameters (eval.run_info)
  prompts.jsonl     the prompts that are asked, after exclusions
  responses.jsonl   eval.answers
  verdicts.csv      eval.judge.store.verdict_files
  report/           eval.evidence.summary
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from blindside.garbage import collected_later
from blindside.validation import first_problem
from eval.errors import RunError
from eval.journal import write_atomically
from eval.records import Prompt
from eval.run_info import Decoding, RunInfo

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_LATER_HASHES = ("config_sha256", "generation_config_sha256")


@lru_cache(maxsize=2)
def _prompts(path: Path, changed: int, size: int) -> tuple[Prompt, ...]:
    """A file's prompts; `changed` (ns) and `size` say which version of it."""
    # By bytes: str.splitlines would also split at U+2028, which JSON leaves as it is.
    with collected_later():
        return tuple(Prompt.model_validate_json(line) for line in path.read_bytes().splitlines())


@dataclass(frozen=True)
class Run:
    """A run folder that exists, with its run.json read."""

    folder: Path
    info: RunInfo

    @property
    def name(self) -> str:
        return self.info.run

    @property
    def decoding(self) -> Decoding:
        """How this run's answers are decoded. Raises RunError for imported answers, to which none can be added."""
        if self.info.decoding is None:
            raise RunError(f"run {self.name} holds imported answers: collect into a run of another name")
        return self.info.decoding

    @property
    def prompts_path(self) -> Path:
        return self.folder / "prompts.jsonl"

    @property
    def responses_path(self) -> Path:
        return self.folder / "responses.jsonl"

    @property
    def verdicts_path(self) -> Path:
        return self.folder / "verdicts.csv"

    @property
    def picture_path(self) -> Path:
        """How the tuned model's training went, drawn (train.figures.picture), where it left that."""
        return self.folder / "training.svg"

    @property
    def base_picture_path(self) -> Path:
        """The same of the base's training, where the base is the result of an earlier round."""
        return self.folder / "training-base.svg"

    @property
    def report_folder(self) -> Path:
        return self.folder / "report"

    def prompts(self) -> list[Prompt]:
        """The prompts of this run, in their order."""
        stamp = self.prompts_path.stat()
        return list(_prompts(self.prompts_path, stamp.st_mtime_ns, stamp.st_size))

    def update(self, change: Callable[[RunInfo], dict[str, Any]] | None = None, **changes: Any) -> Run:
        """Write run.json again with `changes` (fields of RunInfo), and return the run that has them.

        The other fields stay as the file has them: a server that judges and one that collects write different ones, and
        one after the other. A field that is added to, not replaced, is made by `change` from what the file has now.
        """
        with _alone(self.folder):
            now = _read(self.folder).info
            info = now.model_copy(update=changes | (change(now) if change else {}))
            if info != now:
                write_run_json(self.folder, info)
        return Run(self.folder, info)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Held by the one process that collects; RunError where another one does."""
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    f"run {self.name} is being collected by another process: wait for it, or end it"
                ) from None
            yield


def start_run(reports: Path, info: RunInfo, prompts: Sequence[Prompt]) -> Run:
    """Make the run's folder, or return the one that is there if it compares the same things.

    Raises RunError naming what differs when the folder belongs to another comparison.
    """
    if not NAME.fullmatch(info.run):
        raise RunError(f"{info.run!r} can't name a run: use letters, digits, dot, dash and underscore, at most 100")
    folder = reports / info.run
    if (folder / "run.json").exists():
        run = _read(folder)
        _refuse_other(run, info)
        return run
    if (folder / "sweep.json").exists():
        raise RunError(f"{folder} is a sweep: give the run another name")
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(prompt.model_dump_json() + "\n" for prompt in prompts)
    write_atomically(folder / "prompts.jsonl", lines.encode())
    write_run_json(folder, info)
    return Run(folder, info)


def open_run(reports: Path, name: str) -> Run:
    """The run called `name`; when that is empty, the one last collected or judged. RunError lists what there is."""
    runs = list_runs(reports)
    if not runs:
        raise RunError(f"there is no run in {reports}/: make one with `make eval` (or `blindside collect`)")
    if not name:
        return _read(max(runs, key=_last_touched))
    wanted = reports / name
    if wanted not in runs:
        known = ", ".join(sorted(folder.name for folder in runs)[:10])
        raise RunError(f"there is no run {name!r} in {reports}/: there are {known}")
    return _read(wanted)


def _last_touched(folder: Path) -> int:
    """When a run was last collected or judged, in nanoseconds: reports made from it do not count."""
    files = (folder / name for name in ("run.json", "responses.jsonl", "verdicts.csv"))
    return max(file.stat().st_mtime_ns for file in files if file.exists())


def list_runs(reports: Path) -> list[Path]:
    """Folders below `reports` that hold a run.json, by name."""
    return sorted(path.parent for path in reports.glob("*/run.json"))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While it lasts nobody else updates the folder's run.json; who comes meanwhile waits."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_run_json(folder: Path, info: RunInfo) -> None:
    write_atomically(folder / "run.json", (info.model_dump_json(indent=2) + os.linesep).encode())


def _read(folder: Path) -> Run:
    path = folder / "run.json"
    try:
        return Run(folder, RunInfo.model_validate_json(path.read_bytes()))
    except ValidationError as error:
        raise RunError(f"{path}: {first_problem(error)}: restore the file, or start a new run with RUN=") from None


def _refuse_other(run: Run, info: RunInfo) -> None:
    ours, theirs = run.info.identity(), _as_recorded(run.info, info).identity()
    differing = [key for key in ours if ours[key] != theirs[key]]
    if differing:
        raise RunError(
            f"run {run.name} compares something else (other {', '.join(differing)}): "
            "choose a new name with RUN=, nothing was changed"
        )


def _as_recorded(then: RunInfo, now: RunInfo) -> RunInfo:
    """`now` without the hashes that an earlier version did not write down: its runs continue."""
    models = {}
    for side, model in now.models.items():
        missing = [name for name in _LATER_HASHES if getattr(then.models[side], name) is None]
        models[side] = model.model_copy(update=dict.fromkeys(missing))
    return now.model_copy(update={"models": models})
