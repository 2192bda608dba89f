"""`blindside pairs check`: from a file or a data set to a report, and with `--fix` to a cleaned file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from blindside import console
from blindside.tables.rows import Excluded, Message
from blindside.tables.turns import Fields
from blindside.words import counted
from train.pairs.convert import Tally, usable
from train.pairs.pair import Pair
from train.pairs.source import PLAIN, TRAIN_ENV, local_file, read_pairs
from train.pairs.survey.counting import TokenCounter
from train.pairs.survey.near_duplicates import Overlap
from train.pairs.survey.report import findings, is_passed
from train.pairs.survey.scan import NEAR, SPACE, Scanner, ScanResult, stripped
from train.pairs.write import write_card, write_pairs
from train.recipe import Recipe
from train.resources.findings import Finding, show

Say = Callable[[str], None]


@dataclass
class FixResult:
    """What `--fix` did: in = written + the left out, by reason."""

    read: int = 0
    written: int = 0
    stripped: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass
class Survey:
    """A look at a file. `ok`: nothing must be fixed (exit status 0)."""

    look: ScanResult
    findings: list[Finding]
    fixed: FixResult | None = None

    @property
    def ok(self) -> bool:
        return is_passed(self.findings)


def check_pairs(
    source: str | Path,
    *,
    recipe: Recipe | None = None,
    evaluation: Sequence[Sequence[Message]] | None = None,
    format: str = "",
    fields: Fields = PLAIN,
    fix: Path | None = None,
    drop_near: bool = False,
    env: Path = TRAIN_ENV,
    say: Say = console.say,
) -> Survey:
    """Look at a file or hub:owner/name[:split] and say what was found; exit status 0 where `ok`, else 1.

    `recipe` gives tokenizer, template and sequence_len; `evaluation` the conversations that the evaluation asks; `fix`
    the path of a cleaned copy. Raises PairsError for a file that can't be read at all, RecipeError from the Hub.
    """
    overlap = Overlap(evaluation or ())
    with local_file(source, env) as path:
        with TokenCounter(recipe, env) if recipe else nullcontext() as counter:
            looker = Scanner(overlap, counter)
            look = looker.all(read_pairs(path, format=format, fields=fields, name=str(source)))
        found = findings(look, evaluation=None if evaluation is None else len(overlap))
        done = Survey(look, found)
        for line in show(found):
            say(line)
        if fix is not None:
            drop = (dict.fromkeys(look.near_lines, NEAR) if drop_near else {}) | look.drop
            rows = read_pairs(path, format=format, fields=fields, name=str(source))
            done.fixed = _fix(rows, drop, fix, str(source), say)
    return done


def _fix(rows: Iterable[Pair | Excluded], drop: dict[int, str], out: Path, origin: str, say: Say) -> FixResult:
    done, tally = FixResult(), Tally()
    done.written = write_pairs(_kept(usable(rows, tally), drop, done), out)
    done.read = tally.read
    done.left_out += tally.excluded
    how = f"Cleaned: white space removed in {counted(done.stripped, 'pair')}." if done.stripped else ""
    write_card(out, pairs=done.written, origin=origin, how=how, left_out=done.left_out)
    say(f"{done.written} of {counted(done.read, 'row')} written to {out}")
    if done.stripped:
        say(f"  {done.stripped} fixed: {SPACE} removed")
    for reason, count in done.left_out.most_common():
        say(f"  {count} left out: {reason}")
    return done


def _kept(pairs: Iterable[Pair], drop: dict[int, str], done: FixResult) -> Iterator[Pair]:
    for read in pairs:
        if read.line in drop:
            done.left_out[drop[read.line]] += 1
            continue
        pair = stripped(read)
        done.stripped += pair != read
        yield pair
