"""Answers as others write them: a table's row, AlpacaEval's model_outputs.json, FastChat's questions and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from blindside.tables.encoding import Note
from blindside.tables.prompt_columns import PARTS, SYSTEM
from blindside.tables.reader import ignore
from blindside.tables.rows import filled, identity
from eval.collect.imports.joining import ImportedAnswer, JoinedPrompt, JoinResult
from eval.collect.input_records import Record, read_records
from eval.collect.prompts.parser import Question, read_question
from eval.records import clean_text


def table_row(record: Record, columns: Mapping[str, str]) -> JoinedPrompt | None:
    """A prompt and both answers; None where an answer is missing. `columns` maps prompt, base, tuned, … to names.

    An empty cell of a CSV is a missing answer; an empty text in JSON is an answer that is empty.
    """
    absent = [name for name in columns.values() if name not in record.values]
    if absent:
        there = ", ".join(map(str, record.values))
        raise record.error(f"has no column {absent[0]!r}; its columns are: {there}")
    base, tuned = (_answer(record, columns[side]) for side in ("base", "tuned"))
    if base is None or tuned is None:
        return None
    shown = set(columns.values())
    named = {name: value for name, value in record.values.items() if name not in shown and _is_part(name)}
    named |= {name: record.values[column] for name, column in columns.items() if name not in {"base", "tuned"}}
    left = tuple(name for name in record.values if name not in shown | named.keys() and filled(record.values[name]))
    question = read_question(replace(record, values=named))
    return JoinedPrompt(replace(question, unread=(*question.unread, *left)), base, tuned)


def _is_part(name: str) -> bool:
    """Whether a column belongs to the question beside it."""
    return name.strip().lower() in {*SYSTEM, *PARTS}


def alpaca_outputs(path: Path, join: JoinResult, note: Note = ignore) -> list[ImportedAnswer]:
    """Records with instruction and output; `dataset` is the category. All must come from one generator.

    `join` counts how many have no output: they are left out.
    """
    records = read_records(path, note)
    _one_model(records, "generator")
    return [_alpaca_answer(record) for record in _with("output", records, path, join)]


def _with(column: str, records: Sequence[Record], path: Path, join: JoinResult) -> list[Record]:
    """The records whose `column` is not null; a file in which none has it is refused by what reads it."""
    kept = [record for record in records if record.values.get(column) is not None]
    if 0 < len(kept) < len(records):
        empty = [f"line {record.line}" for record in records if record.values.get(column) is None]
        join.records += len(empty)
        join.left_out["an answer is missing"] += len(empty)
        join.note(
            len(empty),
            f"record of {path} has no {column} and is left out",
            f"records of {path} have no {column} and are left out",
            empty,
        )
        return kept
    return list(records)


def _alpaca_answer(record: Record) -> ImportedAnswer:
    text = _text(record, "output")
    values = {"category": record.values.get("dataset"), **record.values}
    asked: dict[str, Any] = {
        name: values[name]
        for name in ("instruction", "prompt", "input", "context", *SYSTEM, "category")
        if name in values
    }
    question = read_question(replace(record, values=asked))
    return ImportedAnswer(question.content, text, record, question)


def fastchat_questions(path: Path, note: Note = ignore) -> dict[str, Question]:
    """Questions by question_id."""
    questions: dict[str, Question] = {}
    for record in read_records(path, note):
        _id(record)
        question = read_question(record)
        if questions.setdefault(question.prompt.id, question).content != question.content:
            raise record.error(f"question_id {question.prompt.id} occurs twice, with different questions: fix the file")
    return questions


def fastchat_answers(path: Path, join: JoinResult, note: Note = ignore) -> list[ImportedAnswer]:
    """Answers by question_id: `text` (the old format) or the first turn of the first of `choices`."""
    records = read_records(path, note)
    _one_model(records, "model_id")
    texts = "text" if any(record.values.get("text") is not None for record in records) else "choices"
    return [ImportedAnswer(_id(record), _fastchat_text(record), record) for record in _with(texts, records, path, join)]


def model_name(answers: Sequence[ImportedAnswer], column: str) -> str:
    """The model that a file names, or nothing."""
    names = [answer.record.values.get(column) for answer in answers]
    return next((name for name in names if isinstance(name, str)), "")


def _fastchat_text(record: Record) -> str:
    if record.values.get("text") is not None or ("choices" not in record.values and "text" in record.values):
        return _text(record, "text")
    try:
        text = record.values["choices"][0]["turns"][0]
    except (KeyError, IndexError, TypeError):
        raise record.error("has neither text nor choices[0].turns[0]: is it a FastChat answer file?") from None
    if not isinstance(text, str):
        raise record.error("choices[0].turns[0] must be a text")
    return clean_text(text)


def _id(record: Record) -> str:
    value = identity(record.values.get("question_id"))
    if not value:
        raise record.error("has no question_id: is it a FastChat file?")
    return clean_text(value)


_KINDS: Mapping[type, str] = {list: "a list", dict: "an object", bool: "true or false", type(None): "null"}


def _text(record: Record, column: str) -> str:
    value = record.values.get(column)
    if not isinstance(value, str):
        columns = ", ".join(map(str, record.values))
        kind = _KINDS.get(type(value), "a number")
        given = f", and is {kind}" if column in record.values else ""
        raise record.error(f"{column} must be a text{given}; its columns are: {columns}")
    return clean_text(value)


def _answer(record: Record, column: str) -> str | None:
    value: Any = record.values[column]
    is_table = record.path.suffix.lower() in {".csv", ".tsv"}
    if value is None or (is_table and isinstance(value, str) and not value.strip()):
        return None
    return _text(record, column)


def _one_model(records: Sequence[Record], column: str) -> None:
    first: Any = None
    for record in records:
        name = record.values.get(column)
        first = name if first is None else first
        if name is not None and name != first:
            raise record.error(f"{column} is {name!r} after {first!r}: give each model's answers in a separate file")
