"""What the answers of a collection look like, said before anybody judges them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eval.evidence.signals import TESTS
from eval.records import SIDES, Pair, Response

#: Of the answers, or of the pairs: beyond it most of the judging would be for nothing, so it says what to do.
MANY = 0.2

_WORDS = {"truncated": "cut", "empty": "empty", "repetition": "repeating", "refusals": "refusing"}


def looks(pairs: Sequence[Pair]) -> Iterator[str]:
    """A line for each side, one for pairs whose answers are the same, and what to do where these are many."""
    if not pairs:
        return
    cut = {}
    for side in SIDES:
        answers = [pair.answer(side) for pair in pairs]
        cut[side] = sum(answer.truncated for answer in answers)
        yield f"{side}: {_answers(len(answers))}, {', '.join(_counted(answers))}"
    same = sum(pair.identical for pair in pairs)
    yield f"{same} of {len(pairs)} pairs have the same answer on both sides"
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


def _counted(answers: Sequence[Response]) -> Iterator[str]:
    for name, word in _WORDS.items():
        yield f"{sum(map(TESTS[name], answers))} {word}"
    if filtered := sum(answer.filtered for answer in answers):
        yield f"{filtered} ended by a content filter"


def _answers(n: int) -> str:
    return "1 answer" if n == 1 else f"{n:,} answers"
