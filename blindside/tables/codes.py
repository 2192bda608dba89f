"""The meaning of a column's codes, decided over the whole file: 1 is the first of 1 and 2, the second of 0 and 1.

Where the set of values leaves it open, nothing is read: `--choices "0=a,1=b"` says it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from blindside.reading import BadFile
from blindside.tables.rows import filled, identity, number

#: Columns of both answers, and the number of the first where they are numbered.
ANSWERS: tuple[tuple[str, str, int | None], ...] = (
    ("a", "b", None),
    *((f"{name}_a", f"{name}_b", None) for name in ("answer", "response", "res", "output", "option", "completion")),
    ("left", "right", None),
    *((f"{name}_0", f"{name}_1", 0) for name in ("response", "answer", "output", "completion")),
    *((f"{name}_1", f"{name}_2", 1) for name in ("response", "answer", "output", "completion")),
    ("response1", "response2", 1),
    ("conversation_a", "conversation_b", None),
)
#: Columns that say which answer was chosen, in the order in which they are looked for.
CHOICE = (
    *("choice", "winner", "vote", "preference", "overall_preference", "preferred", "better_response_id"),
    *("chosen", "label", "better"),
)

A, B, TIE, BOTH_BAD = "a", "b", "tie", "both bad"
UP, DOWN, NEUTRAL = "up", "down", "neutral"
NONE = "no choice"
UNKNOWN = "unknown"
_WORDS = {
    **dict.fromkeys(("a", "left", "model_a", "answer_a", "response_a", "first", "leftvote", "[[a]]", "a>b", "a>>b"), A),
    **dict.fromkeys(
        ("b", "right", "model_b", "answer_b", "response_b", "second", "rightvote", "[[b]]", "b>a", "b>>a"), B
    ),
    **dict.fromkeys(("tie", "same", "equal", "tievote", "draw", "both", "[[c]]", "a=b"), TIE),
    **dict.fromkeys(("both_bad", "tie (bothbad)", "bothbad_vote", "bothbad", "both bad", "neither"), BOTH_BAD),
    **dict.fromkeys(("none", "null", "nan", "n/a", "skip", "skipped", "unsure"), NONE),
}
_THUMBS = {
    **dict.fromkeys(("up", "true", "good", "like", "liked", "positive", "thumbs_up", "thumbsup", "👍", "yes"), UP),
    **dict.fromkeys(("down", "false", "bad", "dislike", "disliked", "negative", "thumbs_down", "thumbsdown"), DOWN),
    **dict.fromkeys(("👎", "no"), DOWN),
    **dict.fromkeys(("none", "null", "nan", "n/a", "neutral"), NONE),
}
OPTION = "--choices"


def code_of(value: Any) -> str:
    """A value as its code: 1.0 is 1, an empty cell is nothing, letters are small."""
    return identity(value).lower().removeprefix("+")


@dataclass
class Codes:
    """The codes of one column and what each means; a code that is not in `meaning` is unknown."""

    column: str
    meaning: dict[str, str]
    counts: Counter[str] = field(default_factory=Counter)

    def of(self, value: Any) -> str:
        return self.meaning.get(code_of(value), UNKNOWN) if filled(value) else NONE

    def sentence(self) -> str:
        """The table that is applied, with the number of rows of each code."""
        shown = [
            f"{code or 'empty'} = {self.meaning.get(code, UNKNOWN)} ({n})" for code, n in self.counts.most_common(20)
        ]
        return f"`{self.column}` is read as: {', '.join(shown)}"


def answer_columns(values: Mapping[str, Any]) -> tuple[str, str, int | None]:
    """The columns of both answers that a row has, and the number of the first; the first of ANSWERS where none is."""
    return next((names for names in ANSWERS if names[0] in values and names[1] in values), ANSWERS[0])


def by_model(values: Mapping[str, Any], value: Any) -> Any:
    """A winner that is named as the row names its models is the one or the other."""
    models = [values.get(name) for name in ("model_a", "model_b")]
    if isinstance(value, str) and models[0] != models[1] and value in models:
        return "model_a" if value == models[0] else "model_b"
    return value


def decide_codes(
    column: str,
    counts: Counter[str],
    rules: Literal["choices", "thumbs"],
    given: Mapping[str, str],
    *,
    first: int | None = None,
    names: Mapping[str, str] | None = None,
) -> Codes:
    """The codes of a column. `given` is what the option says, which decides alone; `first` is the number that the
    columns of the answers give to the first one, `names` what further words mean.

    Raises BadFile where the values leave open what they mean.
    """
    if given:
        return Codes(column, {"": NONE, **given}, counts)
    words = {**(names or {}), **(_WORDS if rules == "choices" else _THUMBS)}
    meaning = {code: words[code] for code in counts if code in words}
    scale = {value: code for code in counts if (value := number(code)) is not None}
    numbers = frozenset(scale)
    found: dict[float, str] | None = {}
    if numbers:
        decided = any(what != NONE for what in meaning.values())
        found = (
            choices_of(numbers, first, words_too=decided)
            if rules == "choices"
            else thumbs_of(numbers, words_too=decided)
        )
    flags = counts.keys() - {""}
    if found is None or (rules == "choices" and flags and flags <= {"true", "false"}):
        shown = ", ".join(sorted(filter(None, counts))[:8])
        example = '"0=a,1=b"' if rules == "choices" else '"1=down,5=up"'
        raise BadFile(f"`{column}` is ambiguous ({shown}): give the meaning with {OPTION} {example}")
    return Codes(column, {"": NONE, **meaning, **{scale[value]: what for value, what in found.items()}}, counts)


def _around(values: Iterable[float], middle: float, low: str, even: str, high: str) -> dict[float, str]:
    return {value: low if value < middle else high if value > middle else even for value in values}


def choices_of(
    values: frozenset[float], first: int | None = None, *, words_too: bool = False
) -> dict[float, str] | None:
    """Numbers as choices; None where they leave it open.

    1 and 2, or 0 and 1, count the answers. Numbers around 0, from 1 to 5, from 1 to 7, and parts between 1 and 2
    lie on a scale from the first answer to the second. Where the answers themselves are numbered, so are the choices.
    """
    if first is not None and values <= {first, first + 1}:
        return {value: A if value == first else B for value in values}
    whole = all(value.is_integer() for value in values)
    low, high = min(values), max(values)
    if low < 0:
        return _around(values, 0, A, TIE, B)
    if first is None and (values == {1, 2} or (values == {2} and words_too)):
        return {value: A if value == 1 else B for value in values}
    if first is None and values == {0, 1}:
        return {0: A, 1: B}
    if whole and high in (5, 7) and 1 <= low < (1 + high) / 2:
        return _around(values, (1 + high) / 2, A, TIE, B)
    if not whole and 1 <= low <= high <= 2:
        return _around(values, 1.5, A, TIE, B)
    return None


def thumbs_of(values: frozenset[float], *, words_too: bool = False) -> dict[float, str] | None:
    """Numbers as thumbs or stars; None where they leave it open. Of stars, 1 and 2 are down, 3 is neither."""
    whole = all(value.is_integer() for value in values)
    low, high = min(values), max(values)
    if low < 0:
        return _around(values, 0, DOWN, NEUTRAL, UP) if high <= 1 else None
    if values == {0, 1} or (values == {1} and words_too):
        return {value: UP if value else DOWN for value in values}
    if high in (4, 5) and 0 <= low < 3 and (whole or high == 5):
        return _around(values, 3, DOWN, NEUTRAL, UP)
    return None


def read_option(text: str, allowed: Iterable[str]) -> dict[str, str]:
    """`0=a,1=b` as {"0": "a", "1": "b"}. Raises ValueError, in words for a sentence."""
    allowed = tuple(allowed)
    found: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        code, meaning = (one.strip().lower() for one in part.rpartition("=")[::2])
        meaning = {"bad": BOTH_BAD, "none": NONE}.get(meaning, meaning)
        if not code or meaning not in allowed:
            raise ValueError(f"{OPTION} {part}: write code=meaning, the meaning one of {', '.join(allowed)}")
        found[code] = meaning
    return found
