"""Compares one prepared pair with what is served for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from train.tokens.served import Messages, ServedTokenizer

_SHOWN = 4


@dataclass(frozen=True)
class Pair:
    """A row of the data, as the recipe's fields name it."""

    messages: Messages
    chosen: str
    rejected: str


@dataclass(frozen=True)
class PreparedPair:
    """What TRL made of a row."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]


def ended(ids: list[int], stops: list[int]) -> list[int]:
    """An answer up to the first token at which generation stops."""
    at = next((i for i, token in enumerate(ids) if token in stops), len(ids))
    return ids[: at + 1]


def length(pair: Pair, served: ServedTokenizer) -> int:
    """Tokens of the pair as a server has them, with the longer answer and its end."""
    text, prompt = served.prompt(pair.messages)
    return len(prompt) + 1 + max(len(served.answer(text, len(prompt), one)) for one in (pair.chosen, pair.rejected))


def compare(
    pair: Pair, found: PreparedPair, served: ServedTokenizer, limit: int | None
) -> Literal["same", "cut"] | str:
    """Whether the pair is trained on as it is served; else the first difference, as a sentence with its remedy."""
    text, prompt = served.prompt(pair.messages)
    if found.prompt != prompt:
        return _prompt(found.prompt, prompt, served)
    answers = [(pair.chosen, found.chosen), (pair.rejected, found.rejected)]
    wanted = [(served.answer(text, len(prompt), difference), ids) for difference, ids in answers]
    if limit is not None and any(len(prompt) + len(want) + 1 > limit for want, _ in wanted):
        return "cut"
    return next((difference for want, ids in wanted if (difference := _answer(ids, want, served))), "same")


def _prompt(trained: list[int], wanted: list[int], served: ServedTokenizer) -> str:
    shown = _difference(trained, wanted, served)
    return (
        f"a prompt is trained on as other tokens than a server is sent: {shown}; set chat_template: tokenizer_default "
        "and leave tokenizer settings out of the recipe, so that training reads what is served"
    )


def _answer(trained: list[int], wanted: list[int], served: ServedTokenizer) -> str | None:
    if trained[: len(wanted)] != wanted:
        return (
            f"an answer is trained on as other tokens than a server generates: {_difference(trained, wanted, served)}; "
            "check what the chat template makes of answers, or take the pair out"
        )
    end = trained[len(wanted) :]
    if len(end) == 1 and end[0] in served.stops:
        return None
    return (
        f"answers end with {served.show(end[:_SHOWN])} in training, and generation stops at one of "
        f"{served.show(served.stops)} and at nothing else; let the chat template end an answer with one of these, or "
        "add the token to eos_token_id in the base's generation_config.json"
    )


def _difference(trained: list[int], wanted: list[int], served: ServedTokenizer) -> str:
    both = zip(trained, wanted, strict=False)
    at = next((i for i, (one, other) in enumerate(both) if one != other), min(len(trained), len(wanted)))
    start = max(at - 1, 0)
    pieces = [served.show(ids[start : at + _SHOWN]) for ids in (trained, wanted)]
    return f"from token {at} on {pieces[0]} is trained, {pieces[1]} is served"
