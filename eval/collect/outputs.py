"""Answers as others write them: a table's row, AlpacaEval's model_outputs.json, FastChat's questions and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.collect.joining import Answer, Joined
from eval.collect.questions import Question, read_question
from eval.collect.readers import Record, read_records
from eval.records import clean_text


def table_row(record: Record, columns: Mapping[str, str]) -> Joined | None:
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
    named = {name: record.values[column] for name, column in columns.items() if name not in {"base", "tuned"}}
    return Joined(read_question(replace(record, values=named)), base, tuned)


def alpaca_outputs(path: Path) -> list[Answer]:
    """Records with instruction and output; `dataset` is the category. All must come from one generator."""
    records = read_records(path)
    _one_model(records, "generator")
    return [_alpaca_answer(record) for record in records]


def _alpaca_answer(record: Record) -> Answer:
    text = _text(record, "output")
    values = {"category": record.values.get("dataset"), **record.values}
    asked: dict[str, Any] = {
        name: values[name] for name in ("instruction", "prompt", "input", "category") if name in values
    }
    question = read_question(replace(record, values=asked))
    return Answer(question.content, text, record, question)


def fastchat_questions(path: Path) -> dict[str, Question]:
    """Questions by question_id."""
    questions: dict[str, Question] = {}
    for record in read_records(path):
        _id(record)
        question = read_question(record)
        if questions.setdefault(question.prompt.id, question).content != question.content:
            raise record.error(f"question_id {question.prompt.id} is there twice, with other questions: mend the file")
    return questions


def fastchat_answers(path: Path) -> list[Answer]:
    """Answers by question_id: `text` (the old format) or the first turn of the first of `choices`."""
    records = read_records(path)
    _one_model(records, "model_id")
    return [Answer(_id(record), _fastchat_text(record), record) for record in records]


def model_name(answers: Sequence[Answer], column: str) -> str:
    """The model that a file names, or nothing."""
    names = [answer.record.values.get(column) for answer in answers]
    return next((name for name in names if isinstance(name, str)), "")


def _fastchat_text(record: Record) -> str:
    if "text" in record.values:
        return _text(record, "text")
    try:
        text = record.values["choices"][0]["turns"][0]
    except (KeyError, IndexError, TypeError):
        raise record.error("has neither text nor choices[0].turns[0]: is it a FastChat answer file?") from None
    if not isinstance(text, str):
        raise record.error("choices[0].turns[0] must be a text")
    return clean_text(text)


def _id(record: Record) -> str:
    value = record.values.get("question_id")
    if value is None or not str(value).strip():
        raise record.error("has no question_id: is it a FastChat file?")
    return clean_text(str(value).strip())


def _text(record: Record, column: str) -> str:
    value = record.values.get(column)
    if not isinstance(value, str):
        there = ", ".join(map(str, record.values))
        raise record.error(f"{column} must be a text; its columns are: {there}")
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
            raise record.error(f"{column} is {name!r} after {first!r}: give one model's answers a file")
