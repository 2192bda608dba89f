"""Known formats of preference data: each recognised by its first row, and how a row becomes a pair.

Axolotl's and TRL's types that share columns share a reader; NAMES maps every name to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from blindside.reading import parse_json
from blindside.tables.prompt_columns import CONVERSATION, QUESTION, with_parts, with_system
from blindside.tables.rows import MALFORMED, Message, Record, TrackedRow, Unusable, first_filled, identity, number
from blindside.tables.turns import (
    Fields,
    answer,
    full_conversations,
    is_turn,
    is_turns,
    text_of,
    transcript,
    turns,
)
from train.errors import PairsError
from train.pairs.argilla import from_argilla, is_argilla
from train.pairs.pair import Pair

Parts = tuple[tuple[Message, ...], str, str]
Convert = Callable[[Mapping[str, Any], Fields], Parts]
_MESSAGES = (*CONVERSATION, "prompt")
_PROMPT = tuple(name for name in QUESTION if name not in ("turns", "text"))
_CHOSEN = ("chosen", "chosen_response")
_REJECTED = ("rejected", "rejected_response")
_SCORES = ("overall_score", "fine-grained_score", "score")
TIED = "tied"


def _named(values: Mapping[str, Any], own: str, usual: tuple[str, ...]) -> str:
    """The column that is meant: the one that was named, else the first usual one that has something."""
    if own:
        return own
    return first_filled(values, usual) or usual[0]


def _answered(values: Mapping[str, Any], prompt: tuple[Message, ...], fields: Fields) -> Parts:
    """The prompt with both answers, each read as an answer to it."""
    chosen, rejected = _columns(values, fields)
    return (
        prompt,
        answer(values.get(chosen), prompt, chosen, fields),
        answer(values.get(rejected), prompt, rejected, fields),
    )


def _columns(values: Mapping[str, Any], fields: Fields) -> tuple[str, str]:
    return _named(values, fields.chosen, _CHOSEN), _named(values, fields.rejected, _REJECTED)


def from_messages(values: Mapping[str, Any], fields: Fields) -> Parts:
    """A list of turns, and the answers: chat_template.default, TRL's explicit conversational form."""
    column = _named(values, fields.prompt, _MESSAGES)
    prompt = with_system(values, fields.system, turns(values.get(column), column, fields))
    return _answered(values, prompt, fields)


def from_conversations(values: Mapping[str, Any], fields: Fields) -> Parts:
    """Both conversations whole: *.argilla_chat, chatml.ultra and llama3.ultra, TRL's implicit conversational form."""
    one, other = _columns(values, fields)
    shared, chosen, rejected = full_conversations(values.get(one), values.get(other), fields)
    return with_system(values, fields.system, shared), chosen, rejected


def from_prompt(values: Mapping[str, Any], fields: Fields) -> Parts:
    """Three texts, perhaps a system message: chatml.* and llama3.*, user_defined, TRL's explicit standard form, CSV."""
    column = _named(values, fields.prompt, _PROMPT)
    value = with_parts(values, column, text_of(values.get(column), column))
    prompt = with_system(values, fields.system, turns(value, column, fields))
    return _answered(values, prompt, fields)


def from_transcripts(values: Mapping[str, Any], fields: Fields) -> Parts:
    """HH-RLHF: two transcripts in one text each."""
    chosen, rejected = _columns(values, fields)
    for column in (chosen, rejected):
        if transcript(text_of(values.get(column), column)) is None:
            raise Unusable(MALFORMED, f"`{column}` does not begin with a blank line and `Human:`")
    return full_conversations(values[chosen], values[rejected], fields)


def from_shared_text(values: Mapping[str, Any], fields: Fields) -> Parts:
    """TRL's implicit standard form: what both texts begin with is the prompt, a space before the answers theirs."""
    chosen, rejected = (text_of(values.get(column), column) for column in _columns(values, fields))
    shared = next((i for i, (a, b) in enumerate(zip(chosen, rejected, strict=False)) if a != b), None)
    if shared is None:
        shared = min(len(chosen), len(rejected))
    if shared and chosen[shared - 1] == " ":
        shared -= 1
    if not chosen[:shared].strip():
        raise Unusable(MALFORMED, "chosen and rejected begin with no shared text, and there is no column for a prompt")
    return ({"role": "user", "content": chosen[:shared]},), chosen[shared:], rejected[shared:]


def from_nectar(values: Mapping[str, Any], fields: Fields) -> Parts:
    """Ranked answers, rank 1 the best: the best against the worst. Axolotl 0.19's zephyr.nectar takes the worst two."""
    ranked = [
        (-rank, text_of(item.get("answer"), "answers.answer"))
        for item in _listed(values, "answers")
        if (rank := number(item.get("rank"))) is not None
    ]
    return turns(values.get("prompt"), "prompt", fields), *_extremes(ranked)


def from_ultrafeedback(values: Mapping[str, Any], fields: Fields) -> Parts:
    """Scored completions: the best against the worst."""
    scored = []
    for item in _listed(values, "completions"):
        score = next((score for name in _SCORES if (score := number(item.get(name))) is not None), None)
        if score is not None:
            scored.append((score, text_of(item.get("response"), "completions.response")))
    return turns(values.get("instruction"), "instruction", fields), *_extremes(scored)


def from_generations(values: Mapping[str, Any], fields: Fields) -> Parts:
    """distilabel: answers and their ratings in two lists of the same length: the best against the worst."""
    texts, ratings = values.get("generations"), values.get("ratings")
    if not isinstance(texts, list) or not isinstance(ratings, list) or len(texts) != len(ratings):
        raise Unusable(MALFORMED, "`generations` and `ratings` are not two lists of the same length")
    rated = [
        (rating, text_of(text, "generations"))
        for text, given in zip(texts, ratings, strict=True)
        if (rating := number(given)) is not None
    ]
    column = _named(values, fields.prompt, _PROMPT)
    prompt = with_system(values, fields.system, turns(values.get(column), column, fields))
    return prompt, *_extremes(rated)


def _listed(values: Mapping[str, Any], column: str) -> list[Mapping[str, Any]]:
    items = values.get(column)
    if not isinstance(items, list) or not all(is_turn(item) for item in items):
        raise Unusable(MALFORMED, f"`{column}` is not a list of answers")
    return items


def _extremes(scored: list[tuple[float, str]]) -> tuple[str, str]:
    """The best and the worst, the first of each where several are. Raises Unusable where all are equally good."""
    if len(scored) < 2:
        raise Unusable(MALFORMED, "has fewer than two answers with a rank or score")
    best, worst = max(scored, key=lambda one: one[0]), min(scored, key=lambda one: one[0])
    if best[0] == worst[0]:
        raise Unusable(TIED, "all its answers have the same rank or score")
    return best[1], worst[1]


_READERS: dict[str, Convert] = {
    "messages": from_messages,
    "conversations": from_conversations,
    "prompt": from_prompt,
    "transcripts": from_transcripts,
    "shared-text": from_shared_text,
    "nectar": from_nectar,
    "ultrafeedback": from_ultrafeedback,
    "generations": from_generations,
    "argilla": from_argilla,
}
_TEXTS = ("default", "icr", "intel", "prompt_pairs")
NAMES: dict[str, str] = {
    **{name: name for name in _READERS},
    "chat_template.default": "messages",
    "chat_template.argilla_chat": "conversations",
    **{f"chatml.{kind}": "prompt" for kind in _TEXTS},
    **{f"llama3.{kind}": "prompt" for kind in _TEXTS},
    **{f"{family}.{kind}": "conversations" for family in ("chatml", "llama3") for kind in ("argilla_chat", "ultra")},
    "zephyr.nectar": "nectar",
    "user_defined": "prompt",
    "user_defined.default": "prompt",
    "hh-rlhf": "transcripts",
    "distilabel": "generations",
}  # fmt: skip


def reader(name: str) -> Convert:
    """The reader of a format by any of its names. Raises PairsError's remedy as a ValueError."""
    known = NAMES.get(name)
    if known is None:
        raise ValueError(f"there is no format {name!r}; give one of {', '.join(NAMES)}")
    return _READERS[known]


def detect(record: Record, fields: Fields) -> str:
    """The format of a file by its first row. Raises PairsError naming the columns that are there."""
    values = record.values
    chosen = values.get(_named(values, fields.chosen, _CHOSEN))
    rejected = values.get(_named(values, fields.rejected, _REJECTED))
    if chosen is None or rejected is None:
        return _without_answers(record)
    if fields.prompt:
        return "messages" if is_turns(values.get(fields.prompt)) else "prompt"
    if any(is_turns(values.get(name)) and values.get(name) for name in _MESSAGES if not _is_whole(values, name)):
        return "messages"
    if is_turns(chosen) and len(chosen) > 1:
        return "conversations"
    if isinstance(values.get("messages"), str) or isinstance(values.get("conversation"), str):
        return "messages"
    if any(isinstance(values.get(name), str) and values[name] for name in _PROMPT):
        return "prompt"
    if isinstance(chosen, str) and isinstance(rejected, str):
        return "transcripts" if transcript(chosen) is not None else "shared-text"
    return "conversations"


def _is_whole(values: Mapping[str, Any], name: str) -> bool:
    """UltraFeedback's binarized `messages` repeats the whole chosen conversation: then it is no prompt."""
    value = values.get(name)
    return bool(value) and value == values.get("chosen")


def _without_answers(record: Record) -> str:
    values = record.values
    if isinstance(values.get("answers"), list):
        return "nectar"
    if isinstance(values.get("completions"), list):
        return "ultrafeedback"
    if isinstance(values.get("generations"), list) and isinstance(values.get("ratings"), list):
        return "generations"
    if is_argilla(values):
        return "argilla"
    names = ", ".join(values) or "nothing"
    raise PairsError(
        f"its columns ({names}) are no preference data that is known; name the columns of prompt, chosen and rejected",
        path=record.path,
        line=record.line,
    )


def to_pair(record: Record, convert: Convert, fields: Fields) -> Pair:
    """Raises Unusable."""
    values = TrackedRow(record.values)
    messages, chosen, rejected = convert(values, fields)
    given = values.get("id", values.get("prompt_id"))
    source = _source(values.get("source"))
    return Pair(
        record.path,
        record.line,
        messages,
        chosen,
        rejected,
        id=identity(given),
        source=source,
        unread=values.unread(),
    )


def _source(value: Any) -> dict[str, Any] | None:
    """Where a pair of ours comes from: an object, in Parquet and CSV as JSON."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = parse_json(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None
