"""Keeps from joined answers what can be judged: no thinking, and no error message in place of an answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from blindside.thinking import split_thinking
from blindside.words import counted
from eval.collect.imports.error_texts import error_in, repeated
from eval.collect.imports.joining import JoinedPrompt, JoinResult
from eval.records import SIDES, Side

ONLY_THOUGHT = "thinking without an answer"
REPEATED = "the same text on more than 5% of the prompts"

Same = Mapping[Side, frozenset[str]]


def keep_answers(join: JoinResult, *, keep_errors: bool) -> None:
    """Take thinking apart, and leave out prompts with an answer that is none; each reason is counted and noted."""
    rows = [_split(row) for row in join.joined]
    for side in SIDES:
        thought = sum(bool(row.thinking.get(side) and row.answer(side)) for row in rows)
        if thought:
            begin = counted(thought, f"answer of {side} begins", f"answers of {side} begin")
            join.notes.append(f"{begin} with thinking, which is stored separately and not judged")
    same: Same = {side: repeated(row.answer(side) for row in rows) for side in SIDES}
    join.joined = []
    gone: defaultdict[tuple[str, Side], list[str]] = defaultdict(list)
    for row in rows:
        why = next((one for side in SIDES if (one := _why_none(row, side, same, keep_errors))[0]), None)
        if why is None:
            join.joined.append(row)
        else:
            gone[why].append(f"line {row.question.record.line}")
    for (reason, side), lines in gone.items():
        join.left_out[reason] += len(lines) * join.each
        keep = "" if reason == ONLY_THOUGHT else " (--keep-errors keeps them)"
        since = f"left out, since {side} has {reason} there{keep}"
        join.note(len(lines), f"prompt is {since}", f"prompts are {since}", lines)


def _why_none(row: JoinedPrompt, side: Side, same: Same, keep_errors: bool) -> tuple[str, Side]:
    """Why one side's answer is none, or nothing."""
    text = row.answer(side)
    if row.thinking.get(side) and not text:
        return ONLY_THOUGHT, side
    if keep_errors:
        return "", side
    return error_in(text) or (REPEATED if text.strip() in same[side] else ""), side


def _split(row: JoinedPrompt) -> JoinedPrompt:
    """The row with its thinking apart; an answer without any stays as it is, white space and all."""
    parts = {side: split_thinking(row.answer(side)) for side in SIDES}
    thinking = {side: thought for side, (thought, _) in parts.items() if thought}
    return replace(row, base=parts["base"][1], tuned=parts["tuned"][1], thinking=thinking)
