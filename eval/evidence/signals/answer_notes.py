"""Notes on a collection's answers, printed before judging: lengths, empty answers, loops."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from blindside.words import counted
from eval.collect.imports.error_texts import LEAST, error_in, is_repeated
from eval.evidence.signals.answer_signals import TESTS
from eval.records import SIDES, Response, Side

#: Share of answers or pairs beyond which most judging would be wasted, so a remedy is printed.
MANY = 0.2
#: Answers of so many characters, or so many of them, are looked at together.
_CHARACTERS, _TOGETHER = 1_000_000, 2000

Test = Callable[[Sequence[Response]], list[bool]]

_ALWAYS: Mapping[str, Test] = {
    "cut": TESTS["truncated"],
    "empty": TESTS["empty"],
    "repeating": TESTS["repetition"],
    "refusing": TESTS["refusals"],
}
_THINKING = "with thinking, which is stored separately and not judged"
_RARE: Mapping[str, Test] = {
    "ended by a content filter": lambda answers: [answer.ending == "filtered" for answer in answers],
    "ended in a tool call": lambda answers: [answer.ending == "tool call" for answer in answers],
    "broken off by an error": lambda answers: [answer.ending == "error" for answer in answers],
    "marked as a refusal by the server": lambda answers: [answer.refused for answer in answers],
    _THINKING: lambda answers: [bool(answer.thinking) for answer in answers],
}
_TESTS = {**_ALWAYS, **_RARE}


@dataclass
class _Seen:
    """One side's answers as they were looked at: of each what it shows and a hash, and texts only of a few."""

    at: dict[str, int] = field(default_factory=dict)
    hashes: list[bytes] = field(default_factory=list)
    #: Shape (answers, tests), a piece for each call of `add`.
    shown: list[NDArray[np.bool_]] = field(default_factory=lambda: [np.zeros((0, len(_TESTS)), dtype=np.bool_)])
    #: prompt id -> the beginning of a text that reads like a server's error.
    errors: dict[str, str] = field(default_factory=dict)
    #: Texts that come so often that they may be no answer, by their hash.
    often: dict[bytes, str] = field(default_factory=dict)
    _times: Counter[bytes] = field(default_factory=Counter)

    def add(self, answers: Sequence[Response]) -> None:
        self.shown.append(np.array([test(answers) for test in _TESTS.values()], dtype=np.bool_).T)
        for answer in answers:
            text = answer.text.strip()
            hashed = hashlib.blake2b(text.encode(), digest_size=16).digest()
            self.at[answer.prompt_id] = len(self.hashes)
            self.hashes.append(hashed)
            self._times[hashed] += 1
            if self._times[hashed] == LEAST:
                self.often[hashed] = text
            if error_in(answer.text):
                self.errors[answer.prompt_id] = _short(answer.text)

    def of(self, prompts: Sequence[str]) -> _Part:
        """What the answers to these prompts show."""
        rows = [self.at[prompt] for prompt in prompts]
        shown = dict(zip(_TESTS, np.concatenate(self.shown)[rows].sum(axis=0).tolist(), strict=True))
        hashes = [self.hashes[row] for row in rows]
        errors = [self.errors[prompt] for prompt in prompts if prompt in self.errors]
        times = Counter(hashes)
        often = {text: times[hashed] for hashed, text in self.often.items()}
        return _Part(shown, hashes, errors, {text: n for text, n in often.items() if is_repeated(text, n, len(rows))})


@dataclass(frozen=True)
class _Part:
    """Of one side's answers: how many show each sign, their hashes, errors, and texts that come too often."""

    shown: Mapping[str, int]
    hashes: Sequence[bytes]
    errors: Sequence[str]
    repeated: Mapping[str, int]


def answer_notes(
    answers: Iterable[Response], prompts: Iterable[str], enable_thinking: bool | None = None
) -> Iterator[str]:
    """A line for each side, one for pairs whose answers are the same, and what to do where these are many.

    Of the `prompts` (their ids, in order) that both sides answered. `answers` come in any order, and none is kept.
    `enable_thinking` is what was asked of the chat template: whether a server heeded it shows in its answers.
    """
    seen = {side: _Seen() for side in SIDES}
    for some in _some(answers):
        for side in SIDES:
            seen[side].add([answer for answer in some if answer.side == side])
    pairs = [prompt for prompt in prompts if all(prompt in seen[side].at for side in SIDES)]
    if pairs:
        yield from _lines({side: one.of(pairs) for side, one in seen.items()}, len(pairs), enable_thinking)


def _some(answers: Iterable[Response]) -> Iterator[list[Response]]:
    """All answers, some at a time."""
    some, size = list[Response](), 0
    for answer in answers:
        some.append(answer)
        size += len(answer.text)
        if size >= _CHARACTERS or len(some) >= _TOGETHER:
            yield some
            some, size = [], 0
    if some:
        yield some


def _lines(sides: Mapping[Side, _Part], n: int, enable_thinking: bool | None) -> Iterator[str]:
    for side, one in sides.items():
        yield f"{side}: {'1 answer' if n == 1 else f'{n:,} answers'}, {', '.join(_counted(one))}"
    same = sum(base == tuned for base, tuned in zip(sides["base"].hashes, sides["tuned"].hashes, strict=True))
    yield f"{same} of {counted(n, 'pair has', 'pairs have')} the same answer on both sides"
    for side, one in sides.items():
        yield from _no_answers(side, one, n)
    if enable_thinking is not None:
        for side, one in sides.items():
            yield from _unheeded(side, one.shown[_THINKING], n, enable_thinking)
    for side, one in sides.items():
        if (cut := one.shown["cut"]) > MANY * n:
            yield (
                f"note: {cut} of {n} {side} answers are cut at the limit of tokens, and people would judge "
                "fragments: start a new run with a higher --max-tokens (MAX_TOKENS=)"
            )
    if same > MANY * n:
        yield (
            f"note: {same} of {n} pairs are identical and will not be asked, so the win rate stays close to "
            "50%: train longer or at a higher rate, ask prompts of the kind that was trained on, or check that the "
            "two addresses serve two models"
        )


def _counted(one: _Part) -> Iterator[str]:
    yield from (f"{one.shown[words]} {words}" for words in _ALWAYS)
    yield from (f"{one.shown[words]} {words}" for words in _RARE if one.shown[words])


def _no_answers(side: Side, one: _Part, n: int) -> Iterator[str]:
    """Answers that look like what a server or a gateway says where it has none."""
    if one.errors:
        found = counted(len(one.errors), f"{side} answer reads like an error", f"{side} answers read like errors")
        yield f"note: {found} of a server, the first: {one.errors[0]}"
    for text, count in sorted(one.repeated.items()):
        yield f"note: {count} of {n} {side} answers are the same text: {_short(text)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 80 else line[:79] + "…")


def _unheeded(side: Side, thought: int, n: int, enable_thinking: bool) -> Iterator[str]:
    """A side that did the other of what was asked in any answer (off) or in all of them (on)."""
    if thought and not enable_thinking:
        yield f"note: thinking was switched off, and {side} thought in {thought} of {n} answers"
    if enable_thinking and not thought:
        yield f"note: thinking was switched on, and {side} shows none: is it a model that thinks?"
