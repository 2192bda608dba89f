"""The pairs of a file for browsing: filters, search, lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from blindside.tables.rows import Excluded
from train.pairs.pair import Pair
from train.pairs.problems import problem_of
from train.pairs.source import read_pairs
from train.pairs.survey.scan import stripped

#: More would not fit into a page's patience, or a laptop's memory; the rest is counted.
MOST = 50_000
#: Upper ends of the classes of lengths, in characters.
CLASSES = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)

Test = Callable[[Pair], bool]
FILTERS: dict[str, Test] = {
    "All pairs": lambda pair: True,
    "Chosen is longer": lambda pair: len(pair.chosen) > len(pair.rejected),
    "Rejected is longer": lambda pair: len(pair.rejected) > len(pair.chosen),
    "Several turns": lambda pair: sum(m["role"] == "user" for m in pair.messages) > 1,
    "With a system message": lambda pair: pair.messages[0]["role"] == "system",
    "Not fit for training": lambda pair: bool(trouble(pair)),
}


def trouble(pair: Pair) -> str:
    """What is wrong with a pair by itself; empty where nothing is."""
    clean = stripped(pair)
    found = problem_of(clean.messages, clean.chosen, clean.rejected)
    if found:
        return found[1]
    return "white space at the ends of a text" if clean != pair else ""


@dataclass
class PairFile:
    """`left_out` are the file's broken rows, `more` how many pairs are beyond MOST."""

    name: str
    pairs: list[Pair] = field(default_factory=list)
    left_out: list[Excluded] = field(default_factory=list)
    more: int = 0

    def find(self, which: str, search: str) -> list[int]:
        """Places of the pairs that pass a filter and hold the words of a search, without regard to case."""
        test, words = FILTERS.get(which, FILTERS["All pairs"]), search.casefold().split()
        return [n for n, pair in enumerate(self.pairs) if test(pair) and _holds(pair, words)]

    def lengths(self, places: Sequence[int]) -> list[tuple[str, int, int]]:
        """(class, chosen, rejected): how many answers of these pairs are how long, in characters."""
        chosen = Counter(_class(len(self.pairs[n].chosen)) for n in places)
        rejected = Counter(_class(len(self.pairs[n].rejected)) for n in places)
        names = [f"≤ {end:,}" for end in CLASSES] + [f"> {CLASSES[-1]:,}"]
        return [(name, chosen[n], rejected[n]) for n, name in enumerate(names)]


def read_pair_file(path: Path) -> PairFile:
    """Raises PairsError for a file that can't be read."""
    shelf = PairFile(path.name)
    for row in read_pairs(path):
        if isinstance(row, Excluded):
            shelf.left_out.append(row)
        elif len(shelf.pairs) < MOST:
            shelf.pairs.append(row)
        else:
            shelf.more += 1
    return shelf


def _holds(pair: Pair, words: Sequence[str]) -> bool:
    if not words:
        return True
    text = "\n".join([*(m["content"] for m in pair.messages), pair.chosen, pair.rejected, pair.id]).casefold()
    return all(word in text for word in words)


def _class(length: int) -> int:
    return next((n for n, end in enumerate(CLASSES) if length <= end), len(CLASSES))
