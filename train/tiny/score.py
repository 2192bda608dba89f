"""Whether an answer about the small world is right and fluent, and how long. No torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from train.tiny.world import Fact, all_facts

_WORD = re.compile(r"[a-z0-9']+")


def words(text: str) -> list[str]:
    """Lower-case words and numbers, punctuation dropped."""
    return _WORD.findall(text.lower())


def _says(text: list[str], phrase: str) -> bool:
    wanted = words(phrase)
    return any(text[i : i + len(wanted)] == wanted for i in range(len(text) - len(wanted) + 1))


def is_right(fact: Fact, answer: str) -> bool:
    """Says the fact's answer and no other answer of its category, but for what the question itself names.

    Where questions name each other's answers (sums, days), it must say the question as well: "3 plus 3 is 7" is no
    answer to 3 plus 4.
    """
    spoken = words(answer)
    if fact.category in ("sum", "calendar"):
        return _says(spoken, fact.short)
    if fact.category == "safety":
        return _says(spoken, "can't help") and _says(spoken, fact.answer)
    asked = {fact.slots["x"], fact.slots.get("y", ""), fact.answer}
    others = {f.answer for f in all_facts() if f.category == fact.category} - {fact.answer}
    named = " ".join(asked)
    wrong = [o for o in others if _says(spoken, o) and not _says(words(named), o)]
    return _says(spoken, fact.answer) and not wrong


def is_fluent(answer: str, finished: bool) -> bool:
    """Ended by itself, ends as a sentence does, and has no word that the world's answers lack."""
    return finished and answer.rstrip().endswith((".", "!", "?")) and set(words(answer)) <= _known()


def _known() -> set[str]:
    return {word for fact in all_facts() for text in (fact.long, fact.short) for word in words(text)}


@dataclass(frozen=True)
class Figures:
    """Over `n` evaluation prompts; shares in 0..1, `words` is the mean a answer."""

    n: int
    right: float
    fluent: float
    right_and_fluent: float
    words: float


def score(answers: Sequence[tuple[str, bool]]) -> Figures:
    """Figures of (text, ended by itself), one a fact, in the order of `all_facts()`."""
    marks = [
        (is_right(fact, text), is_fluent(text, finished))
        for fact, (text, finished) in zip(all_facts(), answers, strict=True)
    ]
    n = len(marks)
    return Figures(
        n=n,
        right=sum(right for right, _ in marks) / n,
        fluent=sum(fluent for _, fluent in marks) / n,
        right_and_fluent=sum(right and fluent for right, fluent in marks) / n,
        words=sum(len(text.split()) for text, _ in answers) / n,
    )
