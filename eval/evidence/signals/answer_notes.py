"""Notes on a collection's answers, printed before judging: lengths, empty answers, loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blindside.words import counted
from eval.collect.imports.error_texts import error_in, repeated
from eval.evidence.signals.answer_signals import TESTS
from eval.records import SIDES, Pair, Response

#: Share of answers or pairs beyond which most judging would be wasted, so a remedy is printed.
MANY = 0.2

_WORDS = {"truncated": "cut", "empty": "empty", "repetition": "repeating", "refusals": "refusing"}


def answer_notes(pairs: Sequence[Pair], enable_thinking: bool | None = None) -> Iterator[str]:
    """A line for each side, one for pairs whose answers are the same, and what to do where these are many.

    `enable_thinking` is what was asked of the chat template: whether a server heeded it shows in its answers.
    """
    if not pairs:
        return
    cut = {}
    for side in SIDES:
        answers = [pair.answer(side) for pair in pairs]
        cut[side] = sum(answer.truncated for answer in answers)
        yield f"{side}: {_answers(len(answers))}, {', '.join(_counted(answers))}"
    same = sum(pair.identical for pair in pairs)
    yield f"{same} of {counted(len(pairs), 'pair has', 'pairs have')} the same answer on both sides"
    yield from _no_answers(pairs)
    if enable_thinking is not None:
        yield from _unheeded(pairs, enable_thinking)
    for side, n in cut.items():
        if n > MANY * len(pairs):
            yield (
                f"note: {n} of {len(pairs)} {side} answers are cut at the limit of tokens, and people would judge "
                "fragments: start a new run with a higher --max-tokens (MAX_TOKENS=)"
            )
    if same > MANY * len(pairs):
        yield (
            f"note: {same} of {len(pairs)} pairs are identical and will not be asked, so the win rate stays close to "
            "50%: train longer or at a higher rate, ask prompts of the kind that was trained on, or check that the "
            "two addresses serve two models"
        )


def _no_answers(pairs: Sequence[Pair]) -> Iterator[str]:
    """Answers that look like what a server or a gateway says where it has none."""
    for side in SIDES:
        texts = [pair.answer(side).text for pair in pairs]
        if errors := [text for text in texts if error_in(text)]:
            found = counted(len(errors), f"{side} answer reads like an error", f"{side} answers read like errors")
            yield f"note: {found} of a server, the first: {_short(errors[0])}"
        for text in sorted(repeated(texts)):
            count = sum(one.strip() == text for one in texts)
            yield f"note: {count} of {len(texts)} {side} answers are the same text: {_short(text)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 80 else line[:79] + "…")


def _unheeded(pairs: Sequence[Pair], enable_thinking: bool) -> Iterator[str]:
    """Sides that did the other of what was asked in any answer (off) or in all of them (on)."""
    for side in SIDES:
        thought = sum(bool(pair.answer(side).thinking) for pair in pairs)
        if thought and not enable_thinking:
            yield f"note: thinking was switched off, and {side} thought in {thought} of {len(pairs)} answers"
        if enable_thinking and not thought:
            yield f"note: thinking was switched on, and {side} shows none: is it a model that thinks?"


def _counted(answers: Sequence[Response]) -> Iterator[str]:
    for name, word in _WORDS.items():
        yield f"{sum(TESTS[name](answers))} {word}"
    rare = {
        "ended by a content filter": sum(answer.ending == "filtered" for answer in answers),
        "ended in a tool call": sum(answer.ending == "tool call" for answer in answers),
        "broken off by an error": sum(answer.ending == "error" for answer in answers),
        "marked as a refusal by the server": sum(answer.refused for answer in answers),
        "with thinking, which is kept apart and not judged": sum(bool(answer.thinking) for answer in answers),
    }
    yield from (f"{count} {words}" for words, count in rare.items() if count)


def _answers(n: int) -> str:
    return "1 answer" if n == 1 else f"{n:,} answers"
