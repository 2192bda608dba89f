"""`blindside pairs from-choices`: two answers and which one was chosen; also FastChat's log of votes.

A row is {prompt, a, b, choice}, the names of the columns may vary. A FastChat log (…-conv.json) has objects of many
types line by line: only leftvote, rightvote, tievote and bothbad_vote are votes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from blindside import console
from train.pairs.convert import Tally, write_counted
from train.pairs.pair import Excluded, Pair, Record, Unusable
from train.pairs.read import Message
from train.pairs.records import read_records
from train.pairs.turns import CONFLICT, MALFORMED, Fields, text_of, turns

Say = Callable[[str], None]
TIE, BOTH_BAD, NO_VOTE = "tie", "both bad", "no vote"
_PROMPT = ("prompt", "messages", "conversation", "question", "input", "instruction")
_A = ("a", "answer_a", "response_a", "res_a", "output_a", "left", "response_1", "response1", "option_a")
_B = ("b", "answer_b", "response_b", "res_b", "output_b", "right", "response_2", "response2", "option_b")
_CHOICE = ("choice", "winner", "vote", "preference", "chosen", "label", "preferred")
_SAYS_A = frozenset({"a", "left", "1", "model_a", "answer_a", "response_a", "first", "leftvote", "[[a]]"})
_SAYS_B = frozenset({"b", "right", "2", "model_b", "answer_b", "response_b", "second", "rightvote", "[[b]]"})
_SAYS_TIE = frozenset({"tie", "same", "equal", "tievote", "draw", "both", "[[c]]"})
_SAYS_BAD = frozenset({"both_bad", "tie (bothbad)", "bothbad_vote", "bothbad", "neither", "none"})
_VOTES = {"leftvote", "rightvote", "tievote", "bothbad_vote"}


def from_choices(log: Path, out: Path, *, fields: Fields = Fields(), say: Say = console.say) -> Tally:  # noqa: B008
    """Read choices (JSONL, JSON, CSV, TSV, Parquet, .gz, or FastChat's log), write pairs and a card. Every row is a
    pair or counted by its reason. Raises PairsError."""
    rows = pair_choices(read_records(log), fields)
    return write_counted(rows, out, origin=str(log), how="The chosen answer against the other one.", say=say)


def pair_choices(records: Iterable[Record | Excluded], fields: Fields) -> Iterator[Pair | Excluded]:
    for record in records:
        if isinstance(record, Excluded):
            yield record
            continue
        try:
            yield _vote(record) if "states" in record.values or "tstamp" in record.values else _choice(record, fields)
        except Unusable as error:
            yield Excluded(record.path, record.line, error.reason, error.detail)


def _choice(record: Record, fields: Fields) -> Pair:
    values = record.values
    prompt = fields.prompt or _column(values, _PROMPT)
    names = _column(values, _A), _column(values, _B)
    said = values.get(_column(values, _CHOICE))
    a, b = (text_of(values.get(name), name) for name in names)
    messages = turns(values.get(prompt), prompt, fields)
    return _settled(record, said, messages, a, b, {"kind": "choice", "row": record.line})


def _column(values: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((name for name in names if values.get(name) not in (None, "")), names[0])


def _settled(record: Record, said: Any, messages: tuple[Message, ...], a: str, b: str, source: dict[str, Any]) -> Pair:
    """Raises Unusable for a tie, for both bad, and for a choice that names no answer."""
    plain = str(said).strip().lower()
    if plain in _SAYS_TIE:
        raise Unusable(TIE, "the answers tie")
    if plain in _SAYS_BAD:
        raise Unusable(BOTH_BAD, "neither answer is good")
    if plain not in _SAYS_A | _SAYS_B:
        raise Unusable(MALFORMED, f"the choice {said!r:.40} names neither answer")
    if a.strip() == b.strip():
        raise Unusable("the answers are the same", "both answers are the same text")
    chosen, rejected = (a, b) if plain in _SAYS_A else (b, a)
    return Pair(record.path, record.line, messages, chosen, rejected, source=source)


def _vote(record: Record) -> Pair:
    """One line of FastChat's log: two states, each a conversation of [role, text] after `offset` examples."""
    kind = record.values.get("type")
    if kind not in _VOTES:
        raise Unusable(NO_VOTE, f"the line's type is {kind!r:.40}")
    states = record.values.get("states")
    if not isinstance(states, list) or len(states) != 2 or not all(isinstance(s, dict) for s in states):
        raise Unusable(MALFORMED, "a vote needs two states")
    (before, a), (other, b) = (_state(state) for state in states)
    if before != other:
        raise Unusable(
            CONFLICT, "the two models were in different conversations: only the last answers differ in a pair"
        )
    models = [str(state.get("model_name") or "") for state in states]
    source = {"kind": "vote", "row": record.line, "models": models, "tstamp": record.values.get("tstamp")}
    return _settled(record, kind, before, a, b, source)


def _state(state: Mapping[str, Any]) -> tuple[tuple[Message, ...], str]:
    said = state.get("messages")
    offset = state.get("offset") or 0
    if not isinstance(said, list) or not isinstance(offset, int):
        raise Unusable(MALFORMED, "a state has no messages")
    texts: list[str] = []
    for item in said[offset:]:
        if not isinstance(item, list) or len(item) != 2:
            raise Unusable(MALFORMED, "a state has a message that is not [role, text]")
        texts.append(text_of(item[1], "messages"))
    if len(texts) < 2 or len(texts) % 2:
        raise Unusable(MALFORMED, "a state does not end with an answer")
    roles = ("user", "assistant")
    messages: list[Message] = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    system = state.get("system_message")
    first: list[Message] = [{"role": "system", "content": system}] if isinstance(system, str) and system.strip() else []
    return (*first, *messages[:-1]), messages[-1]["content"]
