"""One pass over a pair file: each row is looked at once, and a few hundred bytes of it are kept."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from blindside.tables.prompt_columns import template_mark
from blindside.tables.rows import Excluded
from blindside.thinking import split_thinking
from train.pairs.pair import Pair
from train.pairs.problems import problem_of
from train.pairs.survey.counting import TokenCounter
from train.pairs.survey.language import language_of
from train.pairs.survey.near_duplicates import NearDuplicates, Overlap, question_of, shingles
from train.pairs.survey.protocol import SHOWN, TokenCounts
from train.pairs.survey.secrets import EMAIL, kinds_in

SPACE = "white space at the ends of a text"
SECRET = "secret"
ASKED = "asked in the evaluation"
NEARLY_ASKED = "nearly asked in the evaluation"
DUPLICATE = "duplicate"
CONTRADICTION = "contradicts another pair"
NOT_FOUND = "answer that Axolotl does not find"
REFUSED = "refused by the chat template"
NEAR = "near-duplicate"
TOO_LONG = "longer than sequence_len"
MARKS = "marks of a chat template"
THINKING = "thinking before an answer"
UNREAD = "columns that are not read"


@dataclass
class Occurrences:
    """How often something was found, and the first lines where."""

    count: int = 0
    lines: list[int] = field(default_factory=list)
    example: str = ""

    def add(self, line: int, example: str = "") -> None:
        self.count += 1
        if len(self.lines) < SHOWN:
            self.lines.append(line)
        self.example = self.example or example


@dataclass
class ScanResult:
    """What a file holds. `drop`: the lines that cannot stay as they are, each with its reason."""

    rows: int = 0
    usable: int = 0
    turns: Counter[int] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    chosen_lengths: array[int] = field(default_factory=lambda: array("I"))
    rejected_lengths: array[int] = field(default_factory=lambda: array("I"))
    seen: defaultdict[str, Occurrences] = field(default_factory=lambda: defaultdict(Occurrences))
    secrets: defaultdict[str, Occurrences] = field(default_factory=lambda: defaultdict(Occurrences))
    drop: dict[int, str] = field(default_factory=dict)
    tokens: TokenCounts | None = None
    #: Those that are nearly an earlier pair.
    near_lines: array[int] = field(default_factory=lambda: array("I"))

    def leave_out(self, line: int, reason: str, example: str = "") -> None:
        self.seen[reason].add(line, example)
        self.drop.setdefault(line, reason)


def stripped(pair: Pair) -> Pair:
    """The pair without white space at the ends of its texts."""
    messages = tuple({"role": m["role"], "content": m["content"].strip()} for m in pair.messages)
    return replace(pair, messages=messages, chosen=pair.chosen.strip(), rejected=pair.rejected.strip())


class Scanner:
    """Looks at rows as they pass; `done` when the last one has."""

    def __init__(self, overlap: Overlap, counter: TokenCounter | None) -> None:
        self.look = ScanResult()
        self._overlap = overlap
        self._counter = counter
        self._near = NearDuplicates()
        #: Digest of prompt and both answers in an order of their own: the first line, negative where they are swapped.
        self._first: dict[bytes, int] = {}

    def all(self, rows: Iterable[Pair | Excluded]) -> ScanResult:
        for row in rows:
            self.look.rows += 1
            if isinstance(row, Excluded):
                self.look.leave_out(row.line, row.reason, str(row))
            else:
                self._pair(row)
        return self._done()

    def _pair(self, read: Pair) -> None:
        pair = stripped(read)
        if pair != read:
            self.look.seen[SPACE].add(read.line)
        found = problem_of(pair.messages, pair.chosen, pair.rejected)
        if found:
            self.look.leave_out(pair.line, found[0], f"{pair.path}:{pair.line}: {found[1]}")
            return
        self.look.usable += 1
        self._measure(pair)
        self._search(pair)
        if self._repeats(pair):
            return
        question = question_of(pair.messages)
        asked = shingles(question)
        self._asked(pair, asked)
        self._near.add(pair.line, asked | shingles(pair.chosen) | shingles(pair.rejected))
        if self._counter:
            self._counter.add(pair.line, pair.messages, pair.chosen, pair.rejected)

    def _measure(self, pair: Pair) -> None:
        self.look.turns[sum(m["role"] == "user" for m in pair.messages)] += 1
        self.look.languages[language_of(f"{pair.messages[-1]['content']} {pair.chosen}")] += 1
        self.look.chosen_lengths.append(len(pair.chosen))
        self.look.rejected_lengths.append(len(pair.rejected))

    def _search(self, pair: Pair) -> None:
        text = "\n".join([*(m["content"] for m in pair.messages), pair.chosen, pair.rejected])
        if mark := template_mark(text):
            self.look.seen[MARKS].add(pair.line, mark)
        if any(split_thinking(answer)[0] for answer in (pair.chosen, pair.rejected)):
            self.look.seen[THINKING].add(pair.line)
        if pair.unread:
            self.look.seen[UNREAD].add(pair.line, ", ".join(pair.unread))
        kinds = kinds_in(text)
        for kind in kinds:
            self.look.secrets[kind].add(pair.line)
        if kinds - {EMAIL}:
            self.look.leave_out(pair.line, SECRET)

    def _repeats(self, pair: Pair) -> bool:
        """Whether prompt and answers stood in an earlier line, the same way round or the other."""
        low, high = sorted((pair.chosen, pair.rejected))
        parts = [*(f"{m['role']}\1{m['content']}" for m in pair.messages), low, high]
        key = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()
        signed = pair.line if pair.chosen == low else -pair.line
        first = self._first.setdefault(key, signed)
        if first == signed:
            return False
        if (first > 0) == (signed > 0):
            self.look.leave_out(pair.line, DUPLICATE)
        else:
            self.look.leave_out(pair.line, CONTRADICTION, f"{pair.path}:{pair.line}: swaps line {abs(first)}")
            self.look.drop.setdefault(abs(first), CONTRADICTION)
        return True

    def _asked(self, pair: Pair, asked: set[str]) -> None:
        if self._overlap.exact(pair.messages):
            self.look.leave_out(pair.line, ASKED)
        elif len(self._overlap) and self._overlap.near(asked):
            self.look.leave_out(pair.line, NEARLY_ASKED)

    def _done(self) -> ScanResult:
        for line, other in self._near.pairs():
            self.look.near_lines.append(line)
            self.look.seen[NEAR].add(line, f"line {line} is nearly line {other}")
        if self._counter:
            tokens = self.look.tokens = self._counter.result()
            for line in tokens.not_found:
                self.look.leave_out(line, NOT_FOUND)
            for line in tokens.refused:
                self.look.leave_out(line, REFUSED, tokens.refused_why)
            if tokens.too_long:
                self.look.seen[TOO_LONG] = Occurrences(tokens.too_long, tokens.first_too_long)
        return self.look
