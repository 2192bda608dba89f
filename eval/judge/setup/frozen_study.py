"""study.json: the study as it was when judging began, compared with what is asked for later."""

from __future__ import annotations

from pathlib import Path

from eval.errors import InputError
from eval.journal import write_atomically
from eval.judge.store.acknowledged import acknowledged_path
from eval.judge.store.verdict_files import columns_in, has_rows
from eval.judge.study.study import NAME, Study, read_frozen
from eval.records import Thumb, Verdict
from eval.run import Run


def rows_path(run: Run, study: Study) -> Path:
    """Where this study's judgements are written."""
    return thumbs_path(run) if study.mode == "thumbs" else run.verdicts_path


def thumbs_path(run: Run) -> Path:
    return run.folder / "thumbs.csv"


def freeze_study(run: Run, study: Study | None = None) -> Study:
    """Write study.json and return the study: the one given, or without one that of the file, or the default one.

    Raises InputError where rows are there already whose columns, values or mode the study does not have, and where the
    file cannot be read or written.
    """
    path = run.folder / NAME
    before = read_frozen(run.folder) if path.exists() else None
    study = study or before or Study()
    if study == before:
        return study
    _refuse_other_columns(run, study, before)
    try:
        write_atomically(path, (study.model_dump_json(indent=2) + "\n").encode())
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}): fix that, then judge", path=path) from None
    return study


def _refuse_other_columns(run: Run, study: Study, before: Study | None) -> None:
    remedy = "continue with the study that they were judged by, or judge a run of another name"
    other = run.verdicts_path if study.mode == "thumbs" else thumbs_path(run)
    if with_rows(other):
        raise InputError(f"mode: {other.name} has rows of the other mode: {remedy}", path=run.folder / NAME)
    path = with_rows(rows_path(run, study))
    if path is None:
        return
    columns = columns_in(path, Thumb if study.mode == "thumbs" else Verdict)
    if columns != study.columns:
        raise InputError(f"criteria, tags: {path.name} has rows with other columns: {remedy}", path=run.folder / NAME)
    lost = {name for name, values in (before.values if before else {}).items() if set(values) - set(study.values[name])}
    if lost:
        problem = f"criteria: {', '.join(sorted(lost))}: {path.name} has rows with values of the scale before: {remedy}"
        raise InputError(problem, path=run.folder / NAME)


def with_rows(path: Path) -> Path | None:
    """The file, or else its second copy, where it has rows."""
    return next((one for one in (path, acknowledged_path(path)) if has_rows(one)), None)


def is_judged(run: Run) -> bool:
    return any(with_rows(path) for path in (run.verdicts_path, thumbs_path(run)))
