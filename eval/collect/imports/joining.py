"""Joins the answers of two models by prompt, and counts unmatched answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from blindside.words import counted
from eval.collect.input_records import Record
from eval.collect.prompts.parser import Question
from eval.records import Side

SHOWN = 5  # examples in a sentence


@dataclass(frozen=True)
class ImportedAnswer:
    """One model's answer. `key` is what it is joined by: a question's id, or the hash of its text."""

    key: str
    text: str
    record: Record
    #: The prompt, where the answer's own record holds it.
    question: Question | None = None


@dataclass(frozen=True)
class JoinedPrompt:
    """A prompt with both answers."""

    question: Question
    base: str
    tuned: str
    #: What each model thought before its answer.
    thinking: Mapping[Side, str] = field(default_factory=dict)

    def answer(self, side: Side) -> str:
        return self.base if side == "base" else self.tuned


@dataclass
class JoinResult:
    """What came of a join; `notes` are sentences for the user about all that was left out.

    records = `each` * joined + left_out, where `each` prompt takes so many records: one row of a table, or two answers.
    """

    joined: list[JoinedPrompt] = field(default_factory=list)
    duplicates: int = 0
    unjoined: int = 0
    records: int = 0
    each: int = 1
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def note(self, count: int, one: str, several: str, examples: Iterable[str]) -> None:
        """Add "<count> <one or several>: <examples>" where there is something to tell."""
        if count:
            self.notes.append(f"{counted(count, one, several)}: {first_names(examples)}")


def first_names(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    every = [name if len(name) <= 60 else name[:59] + "…" for name in names]
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def by_key(answers: Iterable[ImportedAnswer], side: str, join: JoinResult) -> dict[str, ImportedAnswer]:
    """One side's answers by key. A key with several different answers is left out and named: which is meant?"""
    found: dict[str, ImportedAnswer] = {}
    unclear: dict[str, ImportedAnswer] = {}
    repeats: list[ImportedAnswer] = []
    for answer in answers:
        join.records += 1
        before = found.setdefault(answer.key, answer)
        if before is not answer:
            repeats.append(answer)
            if before.text != answer.text:
                unclear[answer.key] = answer
    join.duplicates += len(repeats)
    same = [label(answer) for answer in repeats if answer.key not in unclear]
    join.left_out["there twice"] += len(same)
    join.left_out["several different answers"] += len(repeats) - len(same) + len(unclear)
    twice = (f"answer of {side} occurs twice and counts once", f"answers of {side} occur twice and count once")
    join.note(len(same), *twice, same)
    join.note(
        len(unclear),
        f"prompt has several different answers of {side} and is left out",
        f"prompts have several different answers of {side} and are left out",
        map(label, unclear.values()),
    )
    return {key: answer for key, answer in found.items() if key not in unclear}


def label(answer: ImportedAnswer) -> str:
    """How a person finds the answer again: its prompt's id or text, and the line."""
    question = answer.question
    name = answer.key if question is None else repr(question.prompt.messages[-1].content[:40])
    return f"{name} (line {answer.record.line})"


def join_sides(
    base: Mapping[str, ImportedAnswer],
    tuned: Mapping[str, ImportedAnswer],
    join: JoinResult,
    question_of: Callable[[ImportedAnswer], Question | None] = lambda answer: answer.question,
) -> None:
    """Fill `join` with the keys that both sides have, in the order of `base`; the rest is counted and named."""
    join.each = 2
    found = dict[str, Question]()
    for key, answer in base.items():
        question = question_of(answer) if key in tuned else None
        if question is not None:
            found[key] = question
            join.joined.append(JoinedPrompt(question, answer.text, tuned[key].text))
    for side, answers in (("base", base), ("tuned", tuned)):
        lost = [label(answer) for key, answer in answers.items() if key not in found]
        join.unjoined += len(lost)
        join.left_out["no partner"] += len(lost)
        found_none = "without a match"
        one, several = f"answer of {side} {found_none} is left out", f"answers of {side} {found_none} are left out"
        join.note(len(lost), one, several, lost)


def rows_of_table(rows: Iterable[tuple[Record, JoinedPrompt | None]]) -> JoinResult:
    """The complete rows of one table, each prompt once: the first of it counts, the others are named."""
    join = JoinResult()
    first: dict[str, JoinedPrompt] = {}
    incomplete, repeats = list[str](), list[str]()
    for record, row in rows:
        join.records += 1
        if row is None:
            incomplete.append(f"line {record.line}")
        elif (before := first.setdefault(row.question.content, row)) is not row:
            other = "" if (before.base, before.tuned) == (row.base, row.tuned) else ", other answers"
            repeats.append(f"line {record.line} (first in line {before.question.record.line}{other})")
    join.joined = list(first.values())
    join.duplicates, join.unjoined = len(repeats), len(incomplete)
    join.left_out.update({"there twice": len(repeats), "an answer is missing": len(incomplete)})
    asked = "record repeats an earlier prompt and is left out", "records repeat earlier prompts and are left out"
    join.note(len(repeats), *asked, repeats)
    lacking = "record lacks an answer and is left out", "records lack an answer and are left out"
    join.note(len(incomplete), *lacking, incomplete)
    return join
