"""Regular expressions in time that grows with the text only: no pattern and no answer can hang a check.

Python's engine tries one way after another, and may need longer than anybody waits. Here all ways are followed at
once (Thompson 1968), as RE2 and Go do. So what needs memory of the past is refused: back-references, look-around,
atomic groups. The rest means what it means in `re`, whose parser reads the pattern and whose classes match characters.
"""

from __future__ import annotations

import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable
from typing import Any

#: Steps that a pattern may have; repetitions count as often as they are repeated.
LONGEST = 500
#: Moves that are remembered before all are forgotten.
_REMEMBERED = 20_000

_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}
_REFUSED = {
    op.GROUPREF: "a back-reference",
    op.GROUPREF_EXISTS: "a back-reference",
    op.ASSERT: "look-around",
    op.ASSERT_NOT: "look-around",
    op.ATOMIC_GROUP: "an atomic group",
    op.POSSESSIVE_REPEAT: "a possessive repetition",
}
_OF_CHARACTERS = re.IGNORECASE | re.DOTALL | re.ASCII

States = frozenset[int]
#: Character before, character after, whether that is the text's last; None at the ends.
Place = tuple[str | None, str | None, bool]


class Pattern:
    """A pattern to search texts for. Raises ValueError, with the reason, for one that cannot be used."""

    def __init__(self, source: str) -> None:
        try:
            tree = parser.parse(source)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"is no regular expression ({error})") from None
        #: Each step is ("char", compiled class), ("split", step, step), ("at", kind, multiline, ascii) or ("match",).
        self._steps: list[tuple[Any, ...]] = []
        self._sequence(tree, tree.state.flags)
        self._add("match")
        self._moves: dict[tuple[States, Place], tuple[bool, States]] = {}

    def found_in(self, text: str) -> bool:
        """Whether the pattern matches anywhere in the text, as `re.search`."""
        states: States = frozenset()
        last = len(text) - 1
        before: str | None = None
        for at in range(len(text) + 1):
            after = text[at] if at <= last else None
            matched, states = self._move(states, (before, after, at == last))
            if matched:
                return True
            before = after
        return False

    def _move(self, states: States, place: Place) -> tuple[bool, States]:
        key = (states, place)
        known = self._moves.get(key)
        if known is None:
            if len(self._moves) >= _REMEMBERED:
                self._moves.clear()
            known = self._moves[key] = self._follow(states, place)
        return known

    def _follow(self, states: States, place: Place) -> tuple[bool, States]:
        """Whether a match ends here, and the states behind the next character."""
        open_ones, seen, onward = [0, *states], set[int](), set[int]()
        while open_ones:
            state = open_ones.pop()
            if state in seen:
                continue
            seen.add(state)
            kind, *rest = self._steps[state]
            if kind == "match":
                return True, frozenset()
            if kind == "split":
                open_ones += rest
            elif kind == "at":
                open_ones += [state + 1] if _holds(place, *rest) else []
            elif place[1] is not None and rest[0].fullmatch(place[1]):
                onward.add(state + 1)
        return False, frozenset(onward)

    def _add(self, *step: Any) -> int:
        if len(self._steps) >= LONGEST:
            raise ValueError("is too long, or repeats too often: make it shorter")
        self._steps.append(step)
        return len(self._steps) - 1

    def _sequence(self, tree: Iterable[tuple[Any, Any]], flags: int) -> None:
        for kind, value in tree:
            self._one(kind, value, flags)

    def _one(self, kind: Any, value: Any, flags: int) -> None:
        if kind in _REFUSED:
            raise ValueError(f"uses {_REFUSED[kind]}, which can take for ever: write it without")
        if kind is op.SUBPATTERN:
            _, on, off, inner = value
            self._sequence(inner, (flags | on) & ~off)
        elif kind is op.BRANCH:
            self._branch(value[1], flags)
        elif kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            least, most, inner = value
            self._repeat(least, most, inner, flags)
        elif kind is op.AT:
            self._add("at", value, bool(flags & re.MULTILINE), bool(flags & re.ASCII))
        else:
            self._add("char", re.compile(_character(kind, value), flags & _OF_CHARACTERS))

    def _branch(self, ways: list[Any], flags: int) -> None:
        split = self._add("split")
        begins, ends = [], []
        for way in ways:
            begins.append(len(self._steps))
            self._sequence(way, flags)
            ends.append(self._add("split"))
        self._steps[split] = ("split", *begins)
        for end in ends:
            self._steps[end] = ("split", len(self._steps))

    def _repeat(self, least: int, most: Any, inner: Any, flags: int) -> None:
        for _ in range(least):
            self._sequence(inner, flags)
        if most is op.MAXREPEAT:
            split = self._add("split")
            self._sequence(inner, flags)
            self._add("split", split)
            self._steps[split] = ("split", split + 1, len(self._steps))
            return
        splits = []
        for _ in range(most - least):
            splits.append(self._add("split"))
            self._sequence(inner, flags)
        for split in splits:
            self._steps[split] = ("split", split + 1, len(self._steps))


def _character(kind: Any, value: Any) -> str:
    """A class of characters as `re` writes it."""
    if kind is op.ANY:
        return "."
    if kind is op.IN:
        negated = value[0][0] is op.NEGATE
        return f"[{'^' * negated}{''.join(map(_member, value[negated:]))}]"
    if kind in (op.LITERAL, op.NOT_LITERAL):
        return f"[{'^' * (kind is op.NOT_LITERAL)}{_escaped(value)}]"
    raise ValueError(f"uses {str(kind).lower()}, which is not known here: write it without")


def _member(member: tuple[Any, Any]) -> str:
    kind, value = member
    if kind is op.RANGE:
        return f"{_escaped(value[0])}-{_escaped(value[1])}"
    return _CATEGORIES[value] if kind is op.CATEGORY else _escaped(value)


def _escaped(code: int) -> str:
    return f"\\U{code:08x}"


def _holds(place: Place, kind: Any, multiline: bool, ascii_only: bool) -> bool:
    """Whether an anchor holds between two characters."""
    before, after, last = place
    if kind in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
        return before is None or (kind is op.AT_BEGINNING and multiline and before == "\n")
    if kind in (op.AT_END, op.AT_END_STRING):
        return after is None or (kind is op.AT_END and after == "\n" and (multiline or last))
    word = re.compile(r"\w", re.ASCII if ascii_only else 0)
    sides = [one is not None and bool(word.match(one)) for one in (before, after)]
    return (sides[0] != sides[1]) == (kind is op.AT_BOUNDARY)
