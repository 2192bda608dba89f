"""Makes a run of answers that were collected elsewhere: one table, AlpacaEval's files, or FastChat's.

Joined by id or by the prompt's text, never by position; what did not join is counted and told.
The formats: docs/formats.md.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from blindside import console
from blindside.tables.rows import unread_sentence
from blindside.words import counted
from eval.answers import encode, read_answers
from eval.collect.imports.answer_files import (
    alpaca_outputs,
    fastchat_answers,
    fastchat_questions,
    model_name,
    table_row,
)
from eval.collect.imports.joining import ImportedAnswer, JoinedPrompt, JoinResult, by_key, join_sides, rows_of_table
from eval.collect.imports.judgeable import keep_answers
from eval.collect.input_records import read_records
from eval.collect.prompts.parser import Question
from eval.collect.prompts.prompt_set import prompts_sha256, training_key
from eval.collect.prompts.retired import retired_keys
from eval.collect.provenance import code, versions
from eval.errors import InputError
from eval.journal import Journal
from eval.records import SIDES, Response, Side, sha256_text, utc_now
from eval.run import Run, start_run
from eval.run_info import ModelInfo, PromptSet, RunInfo


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
    join = JoinResult()
    base, tuned = alpaca_outputs(base_path, join, say), alpaca_outputs(tuned_path, join, say)
    join_sides(by_key(base, "base", join), by_key(tuned, "tuned", join), join)
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
    join, asked = JoinResult(), fastchat_questions(questions, say)
    base, tuned = fastchat_answers(base_path, join, say), fastchat_answers(tuned_path, join, say)
    join_sides(by_key(base, "base", join), by_key(tuned, "tuned", join), join, lambda answer: asked.get(answer.key))
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
    base: Sequence[ImportedAnswer],
    tuned: Sequence[ImportedAnswer],
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


Say = Callable[[str], None]


def make_run(
    reports: Path,
    name: str,
    join: JoinResult,
    *,
    source: str,
    names: Mapping[Side, str],
    keep_errors: bool = False,
    say: Say,
) -> Run:
    """Write the run and say what was left out. Doing it again with the same answers changes nothing.

    Thinking is taken apart from the answers; what is no answer is left out, and so are error messages unless
    `keep_errors`. Raises InputError where nothing joined, RunError where `name` belongs to another comparison.
    """
    if join.joined:
        _one_content_per_id(row.question for row in join.joined)
        keep_answers(join, keep_errors=keep_errors)
    for note in join.notes:
        say(note)
    if not join.joined:
        raise InputError("no prompt has an answer of both models: nothing was imported", path=source)
    retired = retired_keys(reports)
    joined = [row for row in join.joined if training_key(row.question.prompt) not in retired]
    gone = len(join.joined) - len(joined)
    if gone:
        join.left_out["retired"] += gone * join.each
        say(f"{counted(gone, 'prompt')} left out: earlier runs harvested them for training (retired.jsonl)")
    if not joined:
        raise InputError("all of its prompts were harvested for the training: import others", path=source)
    prompts = [row.question.prompt for row in joined]
    unread = dict(Counter(name for row in join.joined for name in row.question.unread))
    if unread:
        say(unread_sentence(unread))
    info = RunInfo(
        run=name,
        origin="imported",
        models={side: _model(names[side], source, joined, side) for side in SIDES},
        engine="imported",
        decoding=None,
        prompt_set=PromptSet(
            source=source,
            sha256=prompts_sha256(prompts),
            asked=len(prompts),
            duplicates=join.duplicates,
            retired=gone,
            unjoined=join.unjoined,
            unread=unread,
            records=join.records,
            left_out={reason: count for reason, count in join.left_out.items() if count},
        ),
        code=code(),
        versions=versions(),
        times={"started": utc_now()},
    )
    run = _write(start_run(reports, info, prompts), joined)
    say(f"{counted(len(prompts), 'prompt')} with both answers imported")
    return run


def _write(run: Run, joined: Iterable[JoinedPrompt]) -> Run:
    """Append the answers that are not there yet, all with one fsync."""
    with run.writing():
        existing = read_answers(run.responses_path).responses
        rows = [_response(row, side) for row in joined for side in SIDES]
        missing = [row for row in rows if (row.prompt_id, row.side) not in existing]
        if missing:
            Journal(run.responses_path).append(encode(missing))
        counts = {"asked": len(rows), "answered": len(rows), "failed": 0}
        return run.update(lambda now: {"counts": counts, "times": {**now.times, "imported": utc_now()}})


def _response(row: JoinedPrompt, side: Side) -> Response:
    prompt, text = row.question.prompt, row.answer(side)
    return Response(
        prompt_id=prompt.id,
        side=side,
        messages=prompt.messages,
        category=prompt.category,
        text=text,
        thinking=row.thinking.get(side, ""),
        finish_reason="unknown",
        sha256=sha256_text(text),
        answered_at=utc_now(),
    )


def _model(name: str, source: str, joined: Iterable[JoinedPrompt], side: Side) -> ModelInfo:
    """Nobody knows the weights: what the model is, for us, is what it answered."""
    digest = hashlib.sha256()
    for line in sorted(f"{row.question.content} {sha256_text(row.answer(side))}\n" for row in joined):
        digest.update(line.encode())
    return ModelInfo(name=name, source=source, revision=f"answers-sha256:{digest.hexdigest()}")


def _one_content_per_id(questions: Iterable[Question]) -> None:
    by_id: dict[str, Question] = {}
    for question in questions:
        before = by_id.setdefault(question.prompt.id, question)
        if before is not question:
            raise question.record.error(
                f"id {question.prompt.id} has another prompt in line {before.record.line}: give each prompt its own id"
            )
