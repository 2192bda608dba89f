"""Loads a prompt set, without duplicates, training data and retired prompts.

A source is a JSONL, JSON, CSV, TSV or Parquet file, or a data set of the Hub: hub:owner/name[:split].
Columns and rules: docs/formats.md.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from blindside.tables.encoding import Note
from blindside.tables.prompt_columns import marks_sentence
from blindside.tables.rows import unread_sentence
from blindside.words import counted
from eval.collect.input_records import Record, read_records
from eval.collect.prompts.parser import Question, read_question
from eval.errors import InputError
from eval.records import Prompt
from eval.run_info import PromptSet
from train.pairs.keys import prompt_key


@dataclass(frozen=True)
class LoadedPrompts:
    """The prompts to ask, their provenance, and sentences for the user about what was left out."""

    prompts: list[Prompt]
    prompt_set: PromptSet
    messages: list[str] = field(default_factory=list)
    #: How many were left out because earlier runs gave them to the training.
    retired: int = 0


def load_prompts(
    source: str,
    *,
    training_keys: frozenset[str] = frozenset(),
    retired: frozenset[str] = frozenset(),
    limit: int | None = None,
) -> LoadedPrompts:
    """Read `source` and leave out what occurs twice, is training data, or is retired (`train.pairs.keys.prompt_key`).

    `retired` are the keys of prompts that were harvested from earlier runs (`eval.collect.prompts.retired`).
    `limit` keeps the first so many of what remains. Raises InputError naming file and line.
    """
    notes: list[str] = []
    described, records = _records(source, notes.append)
    questions = [read_question(record) for record in records]
    unique = _without_duplicates(questions)
    untrained = [question for question in unique if training_key(question.prompt) not in training_keys]
    fresh = [question for question in untrained if training_key(question.prompt) not in retired]
    asked = fresh if limit is None else fresh[:limit]
    if not asked:
        why = ", or were harvested for it" if len(fresh) < len(untrained) else ""
        raise InputError(f"all of its {len(unique)} prompts are training data{why}: give others", path=described)
    prompts = [question.prompt for question in asked]
    gone = len(untrained) - len(fresh)
    left_out = {
        "there twice": len(questions) - len(unique),
        "training data": len(unique) - len(untrained),
        "retired": gone,
        "beyond the limit": len(fresh) - len(asked),
    }
    prompt_set = PromptSet(
        source=described,
        sha256=prompts_sha256(prompts),
        asked=len(prompts),
        duplicates=len(questions) - len(unique),
        in_training_data=len(unique) - len(untrained),
        retired=gone,
        unread=dict(Counter(name for question in questions for name in question.unread)),
        records=len(questions),
        left_out={reason: count for reason, count in left_out.items() if count},
    )
    return LoadedPrompts(prompts, prompt_set, [*notes, *_messages(prompt_set, asked, len(fresh), gone)], gone)


def training_key(prompt: Prompt) -> str:
    """The key under which training data knows this prompt."""
    return prompt_key([{"role": message.role, "content": message.content} for message in prompt.messages])


def prompts_sha256(prompts: Iterable[Prompt]) -> str:
    """Hex sha256 over ids, messages and categories in their order: the identity of a prompt set."""
    digest = hashlib.sha256()
    for prompt in prompts:
        digest.update(prompt.model_dump_json().encode() + b"\n")
    return digest.hexdigest()


def _records(source: str, note: Note) -> tuple[str, list[Record]]:
    """What run.json will call the source, and its records."""
    if not source.startswith("hub:"):
        return source, read_records(Path(source), note)
    from eval.collect.prompts.hub import download

    described, files = download(source)
    return described, [record for path in files for record in read_records(path, note)]


def _without_duplicates(questions: Iterable[Question]) -> list[Question]:
    """The first of each content. Raises InputError where one id stands for two contents."""
    by_id: dict[str, Question] = {}
    contents: set[str] = set()
    unique: list[Question] = []
    for question in questions:
        before = by_id.setdefault(question.prompt.id, question)
        if before.content != question.content:
            raise question.record.error(
                f"id {question.prompt.id} has another prompt in line {before.record.line}: give each prompt its own id"
            )
        if question.content not in contents:
            contents.add(question.content)
            unique.append(question)
    return unique


def _messages(prompt_set: PromptSet, asked: list[Question], fresh: int, retired: int) -> list[str]:
    turns = sum("turns" in question.cut for question in asked)
    answers = sum("answer" in question.cut for question in asked)
    marked = [question.mark for question in asked if question.mark]
    trained = prompt_set.in_training_data
    notes = {
        f"{counted(prompt_set.duplicates, 'duplicate prompt')} left out": prompt_set.duplicates,
        f"{counted(trained, 'prompt')} left out: the model was trained on them": trained,
        f"{counted(retired, 'prompt')} left out: earlier runs harvested them for training (retired.jsonl)": retired,
        f"{counted(turns, 'prompt has', 'prompts have')} several turns: only the first is asked": turns,
        f"{counted(answers, 'conversation ends', 'conversations end')} with an answer, which is left out": answers,
        f"the first {len(asked)} of {fresh} prompts are asked": fresh - len(asked),
        unread_sentence(prompt_set.unread): len(prompt_set.unread),
        marks_sentence(len(marked), marked[0] if marked else "", "prompt"): len(marked),
    }
    return [text for text, count in notes.items() if count]
