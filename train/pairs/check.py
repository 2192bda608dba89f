"""Checks training rows before Axolotl gets them, and cleans what can be cleaned.

What corrupts a target without a word is in train.pairs.problems.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from blindside.words import counted
from train.errors import PairsError
from train.files import write_atomic
from train.pairs.keys import prompt_key
from train.pairs.problems import problem_of
from train.pairs.read import Row, check_columns, read_lines, to_row
from train.recipe import DataSet
from train.token_check import KEY, row_key

FEW = 500
MANY = 20_000


@dataclass
class Checked:
    """What one data set came to. `problems` are rows that were left out, where leaving out was allowed."""

    rows: list[Row] = field(default_factory=list)
    #: Rows that lost white space.
    stripped: int = 0
    duplicates: int = 0
    problems: list[str] = field(default_factory=list)
    is_pairs: bool = True
    #: The rows name roles or properties in their own way, which Axolotl 0.19 reads for SFT but not for pairs.
    renamed: bool = False

    @property
    def changed(self) -> bool:
        """Whether the rows differ from what was read, so that Axolotl must be given a copy."""
        return bool(self.stripped or self.problems or self.renamed)

    def keys(self) -> set[str]:
        """The prompt_key of every row."""
        return {prompt_key(row.messages) for row in self.rows}

    def remarks(self) -> list[str]:
        """What a person should know, a sentence each."""
        n, remarks = len(self.rows), []
        if self.is_pairs and n < FEW:
            remarks.append(
                f"{counted(n, 'pair is', 'pairs are')} few: under {FEW} a model over-fits easily, watch the held-out "
                "answers"
            )
        if self.is_pairs and n > MANY:
            remarks.append(f"{n} pairs are many: over {MANY} more pairs rarely help and the run takes long")
        if self.duplicates:
            remarks.append(f"{counted(self.duplicates, 'row repeats', 'rows repeat')} an earlier row word for word")
        if self.stripped:
            remarks.append(f"{counted(self.stripped, 'row')} had white space at the ends of a text; it was removed")
        if self.problems:
            remarks.append(
                f"{counted(len(self.problems), 'row was', 'rows were')} left out, the first: {self.problems[0]}"
            )
        return remarks


def check_row(row: Row, path: Path | str) -> Row:
    """The row with its texts stripped. Raises PairsError where it cannot be trained on."""
    messages = tuple({"role": m["role"], "content": m["content"].strip()} for m in row.messages)
    chosen, rejected = row.chosen.strip(), None if row.rejected is None else row.rejected.strip()
    found = problem_of(messages, chosen, rejected)
    if found:
        raise PairsError(found[1], path=path, line=row.line)
    return replace(row, messages=messages, chosen=chosen, rejected=rejected)


def check_rows(rows: list[tuple[int, dict[str, object]]], asked: DataSet, *, leave_out: bool = False) -> Checked:
    """Check all rows of a data set. With `leave_out` a bad row is left out and reported, not raised (nobody can edit a
    data set of the Hub in place)."""
    done = Checked(is_pairs=asked.is_pairs, renamed=asked.is_pairs and not asked.plain)
    seen: Counter[str] = Counter()
    for line, raw in rows:
        try:
            read = to_row(raw, asked, asked.path, line)
            row = check_row(read, asked.path)
        except PairsError as error:
            if not leave_out:
                raise
            done.problems.append(str(error))
            continue
        done.stripped += (row.messages, row.chosen, row.rejected) != (read.messages, read.chosen, read.rejected)
        done.rows.append(row)
        seen[json.dumps([row.messages, row.chosen, row.rejected])] += 1
    done.duplicates = sum(count - 1 for count in seen.values())
    if not done.rows:
        raise PairsError("has no row that can be trained on", path=asked.path)
    return done


def check_file(path: Path, asked: DataSet) -> Checked:
    """Check a local JSONL or JSON file against the recipe's fields. Raises PairsError or RecipeError."""
    rows = list(read_lines(path))
    if not rows:
        raise PairsError("is empty", path=path)
    check_columns(sorted(rows[0][1]), asked)
    return check_rows(rows, asked)


def write_clean(checked: Checked, asked: DataSet, path: Path, *, keyed: bool = False) -> None:
    """Write the checked rows as JSONL under the recipe's own column names, messages as plain {role, content}.

    With `keyed` each has a column by which it is known in what Axolotl and TRL make of it.
    """
    plain = [_plain(row, asked) for row in checked.rows]
    if keyed:
        plain = [{**row, KEY: row_key(row)} for row in plain]
    lines = [json.dumps(row, ensure_ascii=False) for row in plain]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, "\n".join(lines) + "\n")


def _plain(row: Row, asked: DataSet) -> dict[str, object]:
    chosen = {"role": "assistant", "content": row.chosen}
    if row.rejected is None:
        return {asked.field_messages: [*row.messages, chosen]}
    return {
        asked.field_messages: list(row.messages),
        asked.field_chosen: chosen,
        asked.field_rejected: {"role": "assistant", "content": row.rejected},
    }
