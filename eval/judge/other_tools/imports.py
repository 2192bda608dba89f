"""`blindside import-verdicts`: verdicts from another tool into the run's verdicts.csv.

Every row of the file becomes a verdict, or is counted by its reason. Imported rows are marked, and have no seal. A
skip there is a skip here. Doing it again adds nothing; what a kill left out, the next import adds.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blindside import console
from blindside.reading import BadFile
from blindside.tables.codes import BOTH_BAD, NONE, TIE, UNKNOWN, A, B, Codes, code_of, decide_codes
from blindside.tables.reader import read_rows
from blindside.tables.rows import Excluded, Unusable, filled
from blindside.words import counted
from eval.answers import read_answers
from eval.errors import InputError, RunError
from eval.judge.other_tools.argilla import from_argilla, is_argilla
from eval.judge.other_tools.exported import read_exported
from eval.judge.other_tools.given_verdict import SKIPPED, ColumnNames, GivenVerdict, from_plain
from eval.judge.other_tools.label_studio import from_label_studio, is_label_studio
from eval.judge.other_tools.resolve import BASE, TUNED, Left, Resolver, is_skip, model_words
from eval.judge.store.ledger import Ledger
from eval.judge.store.side_files import Skip, append_skip, read_skips
from eval.judge.study.study import read_frozen
from eval.records import Verdict, utc_now
from eval.run import Run
from eval.run_info import ImportRecord, RunInfo

Say = Callable[[str], None]
#: What a choice may mean.
MEANINGS = (A, B, BASE, TUNED, TIE, BOTH_BAD, NONE)
AGAIN, HERE = "the same reviewer judged the pair again", "judged here by the same reviewer"
#: At most so many rows are named one by one.
_NAMED = 3


@dataclass
class ImportSummary:
    """What became of a file's rows: `rows` = new + there + excluded. `there`: came in before."""

    rows: int = 0
    new: int = 0
    there: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, detail: str) -> None:
        self.excluded[reason] += 1
        self.named.setdefault(reason, []).append(detail)


@dataclass(frozen=True)
class ReadVerdicts:
    """A file, read: its verdicts and what is none, and how it was taken."""

    given: tuple[GivenVerdict, ...]
    excluded: tuple[Excluded, ...]
    layout: str


def import_verdicts(
    run: Run,
    path: Path,
    *,
    names: ColumnNames = ColumnNames(),  # noqa: B008
    choices: Mapping[str, str] | None = None,
    left: Left = "",
    reviewer: str = "",
    say: Say = console.say,
) -> ImportSummary:
    """Read a file and append its verdicts, all with one fsync, behind those that are there.

    `choices`: what each of their words means, where the file does not tell. `left`: which model their first answer is
    of, where the file does not say. `reviewer`: who judged, where the file names nobody. Raises InputError for a file
    that cannot be read, or whose words may mean several things; nothing is written then. Raises NotSaved.
    """
    if read_frozen(run.folder).mode != "compare":
        raise RunError(f"run {run.name} is judged by thumbs, which compare nothing: import into a run of another name")
    read = read_given(path, names, say)
    codes = _codes(read, path, choices or {}, model_words(run))
    say(codes.sentence())
    tally = ImportSummary(rows=len(read.given) + len(read.excluded))
    for one in read.excluded:
        tally.leave_out(one.reason, str(one))
    pairs = {pair.prompt_id: pair for pair in read_answers(run.responses_path).pairs(run.prompts())}
    tasks = read_exported(run)
    resolver = Resolver(run, pairs, tasks, codes, left=left, reviewer=reviewer)
    verdicts, skips = _resolved(resolver, read.given, path, tally)
    record = ImportRecord(
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        layout=read.layout,
        at=utc_now(),
        rows=tally.rows,
        verdicts=len(verdicts),
        exported=bool(tasks) and all(one.task in tasks for one in read.given),
    )
    _record(run, record)
    _write(run, verdicts, tally)
    _write_skips(run, skips)
    _tell(tally, say)
    return tally


def read_given(path: Path, names: ColumnNames, say: Say) -> ReadVerdicts:
    """What a file of any layout holds. Raises InputError for what makes it unreadable as a whole."""
    given: list[GivenVerdict] = []
    excluded: list[Excluded] = []
    layouts: Counter[str] = Counter()
    try:
        for record in read_rows(path, lambda note: say(f"{path} {note}")):
            if isinstance(record, Excluded):
                excluded.append(record)
                continue
            name, reader = next((name, reader) for name, fits, reader in _LAYOUTS if fits(record.values))
            layouts[name] += 1
            for one in reader(record, names):
                (given if isinstance(one, GivenVerdict) else excluded).append(one)  # type: ignore[arg-type]
    except BadFile as error:
        raise InputError(error.problem, path=path, line=error.line) from None
    if not given and not excluded:
        raise InputError("holds no rows: give a file with at least one", path=path)
    layout = ", ".join(layouts) or "table"
    say(f"{path.name} is read as {layout}")
    return ReadVerdicts(tuple(given), tuple(excluded), layout)


_LAYOUTS = (
    ("Label Studio", is_label_studio, from_label_studio),
    ("Argilla", is_argilla, from_argilla),
    ("table", lambda values: True, from_plain),
)


def _codes(read: ReadVerdicts, path: Path, choices: Mapping[str, str], words: Mapping[str, str]) -> Codes:
    """What each of their words means. Raises InputError for one that is unknown: nothing is guessed."""
    counts = Counter(code_of(one.said) for one in read.given if one.said != SKIPPED)
    if read.given and not any(filled(one.said) for one in read.given):
        raise InputError("has no column with the outcome: name it by --column outcome=NAME", path=path)
    first = {one.first for one in read.given}
    try:
        numbered = next(iter(first)) if len(first) == 1 else None
        codes = decide_codes("outcome", counts, "choices", choices, first=numbered, names=words)
    except BadFile as error:
        raise InputError(error.problem.replace('"0=a,1=b"', '"1=base,2=tuned"'), path=path) from None
    unknown = [code for code in counts if code and codes.of(code) == UNKNOWN]
    if unknown:
        shown, line = ", ".join(map(repr, unknown[:8])), next(g.line for g in read.given if code_of(g.said) in unknown)
        raise InputError(
            f"the outcome is {shown}, which is unknown: give its meaning with --choices, like "
            f'--choices "{unknown[0]}=tie" (one of {", ".join(MEANINGS)})',
            path=path,
            line=line,
        )
    return codes


def _resolved(
    resolver: Resolver, given: Sequence[GivenVerdict], path: Path, tally: ImportSummary
) -> tuple[list[Verdict], list[tuple[str, str, str]]]:
    """The verdicts in the order of their times, one a pair and reviewer; and (item, reviewer, time) of every skip."""
    made: list[tuple[GivenVerdict, Verdict]] = []
    skips: list[tuple[str, str, str]] = []
    for one in given:
        try:
            if is_skip(one):
                skips.append((resolver.found(one).pair.prompt_id, resolver.reviewer(one), one.at))
                raise Unusable(SKIPPED, "was skipped: it is stored as a skip, which counts against the claim")
            made.append((one, resolver.verdict(one)))
        except Unusable as error:
            tally.leave_out(error.reason, f"{path}:{one.line}: {error.detail}")
    last: dict[tuple[str, str, str], tuple[GivenVerdict, Verdict]] = {}
    for pair in sorted(made, key=lambda pair: _when(pair[1])):
        before = last.pop(pair[1].slot, None)
        if before is not None:
            tally.leave_out(AGAIN, f"{path}:{before[0].line}: line {pair[0].line} has the later verdict")
        last[pair[1].slot] = pair
    return [verdict for _, verdict in last.values()], skips


def _when(verdict: Verdict) -> tuple[str, str]:
    """By time; those without one come last, in an order that has nothing to do with the outcome: files are sorted."""
    if verdict.judged_at:
        return verdict.judged_at, ""
    return "~", hashlib.sha256(f"{verdict.run} {verdict.item}".encode()).hexdigest()


def _record(run: Run, record: ImportRecord) -> None:
    """Into run.json, before any row is written: what was imported must never look as if it had not been."""

    def change(now: RunInfo) -> dict[str, Any]:
        known = record.sha256 in {one.sha256 for one in now.imports}
        return {} if known else {"imports": (*now.imports, record)}

    try:
        run.update(change)
    except OSError as error:
        problem = f"cannot be written ({error.strerror}): free the disk or the folder, then import"
        raise InputError(problem, path=run.folder / "run.json") from None


def _write(run: Run, verdicts: Sequence[Verdict], tally: ImportSummary) -> None:
    ledger = Ledger(run.verdicts_path, Verdict, run.name, read_frozen(run.folder).columns)
    with ledger.turn():
        rows = list(_new(ledger.rows, verdicts, tally))
        if rows:
            ledger.append(*rows)
        tally.new = len(rows)


def _new(existing: Sequence[Verdict], verdicts: Sequence[Verdict], tally: ImportSummary) -> Iterator[Verdict]:
    """The rows to append: what is there stays, and a verdict that was changed elsewhere replaces the one imported."""
    ids = {row.verdict_id for row in existing}
    last = {row.slot: row for row in existing}
    for verdict in verdicts:
        before = last.get(verdict.slot)
        if verdict.verdict_id in ids:
            tally.there += 1
        elif before is None:
            yield verdict
        elif not before.imported and before.outcome != "withdrawn":
            tally.leave_out(HERE, f"{verdict.reviewer} judged prompt {verdict.item} on the judging page")
        elif "" < verdict.judged_at < before.judged_at:
            tally.leave_out(AGAIN, f"{verdict.reviewer} has a later verdict on prompt {verdict.item}")
        else:
            yield verdict.model_copy(update={"replaces": before.verdict_id})


def _write_skips(run: Run, skips: Sequence[tuple[str, str, str]]) -> None:
    existing = {(skip.item, skip.reviewer) for skip in read_skips(run)}
    for item, reviewer, at in skips:
        if (item, reviewer) not in existing:
            append_skip(run, Skip(run=run.name, item=item, reviewer=reviewer, kind="judgement", skipped_at=at))
            existing.add((item, reviewer))


def _tell(tally: ImportSummary, say: Say) -> None:
    used = tally.new + tally.there
    new = f"{tally.new} new, {tally.there} there before"
    say(f"{counted(tally.rows, 'row')}: {counted(used, 'verdict')} ({new}), {tally.rows - used} not usable")
    for reason, n in tally.excluded.most_common():
        names = tally.named[reason]
        more = f", and {n - _NAMED} more" if n > _NAMED else ""
        say(f"{n}: {reason} ({'; '.join(names[:_NAMED])}{more})")
    if tally.new or tally.there:
        say("they are marked as imported, without a seal: the gate's policy must allow them (`imported: true`)")
