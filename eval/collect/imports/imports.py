"""Runs made of answers that were collected elsewhere: one table, AlpacaEval's files, or FastChat's.

Joined by id or by the prompt's text, never by position; what did not join is counted and told.
The formats: docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blindside import console
from eval.collect.imports.answer_files import (
    alpaca_outputs,
    fastchat_answers,
    fastchat_questions,
    model_name,
    table_row,
)
from eval.collect.imports.imported_run import Say, make_run
from eval.collect.imports.joining import Answer, Join, index, join_sides, rows_of_table
from eval.collect.input_records import read_records
from eval.records import Side
from eval.run import Run


def import_table(
    reports: Path,
    name: str,
    path: Path,
    *,
    prompt: str = "prompt",
    base: str = "base",
    tuned: str = "tuned",
    id: str = "",
    category: str = "",
    base_name: str = "",
    tuned_name: str = "",
    keep_errors: bool = False,
    say: Say = console.say,
) -> Run:
    """A run out of one CSV, JSONL, JSON or Parquet file with a prompt and both answers in each record.

    `prompt` … `category` are columns. Raises InputError with file and line, RunError where `name` is another
    comparison.
    """
    columns = {"prompt": prompt, "base": base, "tuned": tuned, "id": id, "category": category}
    wanted = {what: column for what, column in columns.items() if column}
    records = read_records(path, say)
    rows = [(record, table_row(record, wanted)) for record in records]
    names: dict[Side, str] = {"base": base_name or base, "tuned": tuned_name or tuned}
    return make_run(reports, name, rows_of_table(rows), source=path.name, names=names, keep_errors=keep_errors, say=say)


def import_alpaca_eval(
    reports: Path,
    name: str,
    base_path: Path,
    tuned_path: Path,
    *,
    base_name: str = "",
    tuned_name: str = "",
    keep_errors: bool = False,
    say: Say = console.say,
) -> Run:
    """A run out of two AlpacaEval `model_outputs.json` (instruction, output, generator), joined by the instruction.

    Raises as import_table does.
    """
    join = Join()
    base, tuned = alpaca_outputs(base_path, join, say), alpaca_outputs(tuned_path, join, say)
    join_sides(index(base, "base", join), index(tuned, "tuned", join), join)
    names = _names(base, tuned, "generator", base_path, tuned_path, base_name, tuned_name)
    return make_run(
        reports,
        name,
        join,
        source=f"{base_path.name}, {tuned_path.name}",
        names=names,
        keep_errors=keep_errors,
        say=say,
    )


def import_fastchat(
    reports: Path,
    name: str,
    questions: Path,
    base_path: Path,
    tuned_path: Path,
    *,
    base_name: str = "",
    tuned_name: str = "",
    keep_errors: bool = False,
    say: Say = console.say,
) -> Run:
    """A run out of FastChat's question file and two answer files, joined by question_id; first turns only.

    Raises as import_table does.
    """
    join, asked = Join(), fastchat_questions(questions, say)
    base, tuned = fastchat_answers(base_path, join, say), fastchat_answers(tuned_path, join, say)
    join_sides(index(base, "base", join), index(tuned, "tuned", join), join, lambda answer: asked.get(answer.key))
    silent = asked.keys() - {answer.key for answer in (*base, *tuned)}
    left_out = "question has no answer at all and is left out", "questions have no answer at all and are left out"
    join.note(len(silent), *left_out, sorted(silent))
    turns = [row.question.prompt.id for row in join.joined if "turns" in row.question.cut]
    several = "several turns, of which only the first is compared"
    join.note(len(turns), f"question has {several}", f"questions have {several}", turns)
    names = _names(base, tuned, "model_id", base_path, tuned_path, base_name, tuned_name)
    source = f"{questions.name}, {base_path.name}, {tuned_path.name}"
    return make_run(reports, name, join, source=source, names=names, keep_errors=keep_errors, say=say)


def _names(
    base: Sequence[Answer],
    tuned: Sequence[Answer],
    column: str,
    base_path: Path,
    tuned_path: Path,
    base_name: str,
    tuned_name: str,
) -> dict[Side, str]:
    """Names as given, else as the files say, else the files' own."""
    return {
        "base": base_name or model_name(base, column) or base_path.stem,
        "tuned": tuned_name or model_name(tuned, column) or tuned_path.stem,
    }
