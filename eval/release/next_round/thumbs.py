"""Thumbs become pairs: a liked answer against a disliked one to the same prompt.

One run shows one answer a prompt, so it takes several runs, of models that answered the same prompts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from blindside import console
from blindside.tables.rows import Excluded, Record
from blindside.tables.turns import Fields
from blindside.words import counted
from eval.answers import read_answers
from eval.errors import RunError
from eval.judge.store.verdict_files import in_force, read_thumbs
from eval.release.next_round.harvest import Harvest, Say, retire_prompts
from eval.run import Run
from train.errors import PairsError
from train.pairs.convert import write_counted
from train.pairs.feedback import pair_feedback
from train.pairs.pair import Pair

FILE = "thumbs.csv"
OTHER_TEXT = "judged on another text than the run has now"


def harvest_thumbs(runs: Sequence[Run], out: Path, *, say: Say = console.say) -> Harvest:
    """Write pairs of thumbs up and down on the same prompt, over all `runs`, to `out`, and retire their prompts.

    Every thumb in force is in a pair or counted by its reason. Raises RunError where no pair comes out, InputError for
    files that can't be read.
    """
    numbers = count(1)
    records = [record for run in runs for record in _records(run, numbers)]
    thumbs = {record.line: record.values for record in records if isinstance(record, Record)}
    used: Counter[str] = Counter()
    rows = [_told(row, thumbs) for row in pair_feedback(records, "thumbs", Fields(), used)]
    names = ", ".join(run.name for run in runs)
    taken = {item for row in rows if isinstance(row, Pair) and row.source for item in map(tuple, row.source["items"])}
    retired = sum(retire_prompts(run, [p for p in run.prompts() if (run.name, p.id) in taken], out) for run in runs)
    try:
        tally = write_counted(rows, out, origin=f"thumbs of {names}", how="Thumbs up against down.", say=say)
    except PairsError as error:
        raise RunError(f"{error}: it takes a liked and a disliked answer to the same prompt") from None
    tally.read = used["rows"]
    say(f"{counted(retired, 'prompt')} retired: later runs leave them out")
    return Harvest(tally, Counter({"counted": used["rows"]}), retired)


def _records(run: Run, numbers: Iterator[int]) -> Iterator[Record | Excluded]:
    """The thumbs in force as rows of a feedback log, numbered over all runs."""
    answers = read_answers(run.responses_path).responses
    path = str(run.folder / FILE)
    for row in in_force(read_thumbs(run.folder / FILE, run=run.name)):
        answer, number = answers.get((row.item, row.side)), next(numbers)
        if answer is None or answer.sha256 != row.sha256:
            yield Excluded(path, number, OTHER_TEXT, f"{row.item}: {OTHER_TEXT}")
            continue
        messages = [{"role": m.role, "content": m.content} for m in answer.messages]
        values = {"messages": messages, "answer": answer.text, "thumb": row.outcome, "user": row.reviewer}
        yield Record(path, number, {**values, "run": run.name, "item": row.item, "verdict": row.verdict_id})


def _told(row: Pair | Excluded, thumbs: dict[int, dict[str, object]]) -> Pair | Excluded:
    """A pair with the verdicts it comes from in place of the numbers given here."""
    if isinstance(row, Excluded) or row.source is None:
        return row
    up, down = ([thumbs[line] for line in row.source[side]] for side in ("up", "down"))
    items = sorted({(str(one["run"]), str(one["item"])) for one in (*up, *down)})
    ids = {"up": [one["verdict"] for one in up], "down": [one["verdict"] for one in down]}
    return replace(row, source={"kind": "thumbs", "items": items, **ids})
