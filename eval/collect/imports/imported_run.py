"""From joined answers to a run folder that looks like a collected one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from blindside.tables.rows import unread_sentence
from blindside.words import counted
from eval.answers import encode, read_answers
from eval.collect.imports.joining import Join, Joined
from eval.collect.imports.no_answers import keep_answers
from eval.collect.prompts.parser import Question
from eval.collect.prompts.prompt_set import key, prompts_sha256
from eval.collect.prompts.retired import retired_keys
from eval.collect.provenance import code, versions
from eval.errors import InputError
from eval.journal import Journal
from eval.records import SIDES, Response, Side, sha256_text, utc_now
from eval.run import Run, start_run
from eval.run_info import ModelInfo, PromptSet, RunInfo

Say = Callable[[str], None]


def make_run(
    reports: Path,
    name: str,
    join: Join,
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
    joined = [row for row in join.joined if key(row.question.prompt) not in retired]
    gone = len(join.joined) - len(joined)
    if gone:
        join.left_out["retired"] += gone * join.each
        say(f"{counted(gone, 'prompt')} left out: earlier runs gave them to the training (retired.jsonl)")
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


def _write(run: Run, joined: Iterable[Joined]) -> Run:
    """Append the answers that are not there yet, all with one fsync."""
    with run.writing():
        there = read_answers(run.responses_path).responses
        rows = [_response(row, side) for row in joined for side in SIDES]
        missing = [row for row in rows if (row.prompt_id, row.side) not in there]
        if missing:
            Journal(run.responses_path).append(encode(missing))
        counts = {"asked": len(rows), "answered": len(rows), "failed": 0}
        return run.update(lambda now: {"counts": counts, "times": {**now.times, "imported": utc_now()}})


def _response(row: Joined, side: Side) -> Response:
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


def _model(name: str, source: str, joined: Iterable[Joined], side: Side) -> ModelInfo:
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
