"""`blindside pairs convert`: any known format to Axolotl's chat_template.default; every row is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from blindside import console
from blindside.tables.prompt_columns import marks_sentence, template_mark
from blindside.tables.rows import Excluded, unread_sentence
from blindside.tables.turns import Fields
from blindside.thinking import split_thinking
from blindside.words import counted
from train.errors import PairsError
from train.pairs.pair import Pair
from train.pairs.source import PLAIN, TRAIN_ENV, local_file, read_pairs
from train.pairs.write import write_card, write_pairs

Say = Callable[[str], None]
SHOWN = 5


@dataclass
class Tally:
    """Rows that were read: each is written or excluded by one reason. `first` holds the first few of each reason."""

    read: int = 0
    written: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[Excluded]] = field(default_factory=dict)
    #: Columns that hold something and are not read, with their rows.
    unread: Counter[str] = field(default_factory=Counter)
    #: Marks of chat templates that stand in texts, with the number of pairs.
    marks: Counter[str] = field(default_factory=Counter)
    #: Pairs in which an answer begins with thinking.
    thinking: int = 0

    def take(self, pair: Pair) -> None:
        self.unread.update(pair.unread)
        mark = template_mark(*(m["content"] for m in pair.messages), pair.chosen, pair.rejected)
        self.marks.update([mark] if mark else [])
        self.thinking += any(split_thinking(answer)[0] for answer in (pair.chosen, pair.rejected))

    def leave_out(self, row: Excluded) -> None:
        self.excluded[row.reason] += 1
        shown = self.first.setdefault(row.reason, [])
        if len(shown) < SHOWN:
            shown.append(row)

    def lines(self) -> Iterator[str]:
        """What was left out, a sentence a reason, and the first of them by file and line."""
        for reason, count in self.excluded.most_common():
            yield f"{count} left out: {reason}"
            yield from (f"  {row}" for row in self.first.get(reason, []))
        if self.unread:
            yield unread_sentence(self.unread)
        if self.marks:
            yield marks_sentence(self.marks.total(), next(iter(self.marks)), "pair")
        if self.thinking:
            having = counted(self.thinking, "pair has", "pairs have")
            yield f"{having} thinking before an answer, which is trained on as part of it"


def usable(rows: Iterable[Pair | Excluded], tally: Tally) -> Iterator[Pair]:
    """The pairs among rows, while `tally` counts all of them."""
    for row in rows:
        tally.read += 1
        if isinstance(row, Excluded):
            tally.leave_out(row)
        else:
            tally.take(row)
            yield row


def write_counted(rows: Iterable[Pair | Excluded], out: Path, *, origin: str, how: str, say: Say) -> Tally:
    """Write the pairs of `rows` with a card, and say what was left out. Raises PairsError where no pair is left."""
    tally = Tally()
    kept = usable(rows, tally)
    first = next(kept, None)
    if first is None:
        reasons = "; ".join([f"{count} {reason}" for reason, count in tally.excluded.most_common()])
        raise PairsError(f"gives no pair ({reasons or 'it is empty'}); nothing was written", path=origin)
    tally.written = write_pairs(_chain(first, kept), out)
    card = write_card(out, pairs=tally.written, origin=origin, how=how, left_out=tally.excluded)
    say(f"{counted(tally.written, 'pair')} from {counted(tally.read, 'row')} written to {out} (card: {card.name})")
    for line in tally.lines():
        say(line)
    return tally


def _chain(first: Pair, rest: Iterator[Pair]) -> Iterator[Pair]:
    yield first
    yield from rest


def convert(
    source: str | Path,
    out: Path,
    *,
    format: str = "",
    fields: Fields = PLAIN,
    env: Path = TRAIN_ENV,
    say: Say = console.say,
) -> Tally:
    """Read a file or hub:owner/name[:split], write `out` (.jsonl, .jsonl.gz, .parquet) and its card.

    Texts are written as they were read. Raises PairsError, or RecipeError where the Hub does not give the data.
    """
    with local_file(source, env) as path:
        rows = read_pairs(path, format=format, fields=fields, name=str(source), note=say)
        return write_counted(rows, out, origin=str(source), how="", say=say)
