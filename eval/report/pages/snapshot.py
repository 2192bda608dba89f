"""A run's files at one moment, read once for all pages, and again only where they changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from eval.answers import Answers, read_answers
from eval.evidence.analysis import Analysis, FixedInputs, analyse, fixed_inputs
from eval.evidence.build_judgements import build_judgements
from eval.evidence.judgements import Judgements
from eval.evidence.reviewers.criteria import grade
from eval.evidence.signals.traits import traits_of
from eval.judge.csv_codec import PLAIN, Columns
from eval.judge.setup.frozen_study import thumbs_path
from eval.judge.store.acknowledged import alterations, in_short
from eval.judge.store.side_files import Skip, read_skips
from eval.judge.store.verdict_files import RowsFile, in_force, read_rows, read_thumbs
from eval.judge.study.gold import PREFIX, GoldPair
from eval.judge.study.study import Study, read_frozen
from eval.records import SIDES, Failure, Pair, Prompt, Side, Thumb, Verdict
from eval.report.pages.query import Expected
from eval.run import Run

T = TypeVar("T")

#: Of each of a run's files what tells whether it is as it was (eval.journal).
Stamp = tuple[tuple[int, int, int] | None, ...]

#: What is seen of an entry whatever its verdicts are.
_OF_ANSWERS = ("ratio", "traits", "expected")
#: Lists and drawings of one snapshot that are kept.
_MOST_KEPT = 64
SCORES: dict[str, float] = {"tuned": 1.0, "tie": 0.5, "base": 0.0}


@dataclass(frozen=True)
class Entry:
    """One prompt of the run, what was answered, and the verdicts on it that count.

    `number` counts from 1. `giveaways` are the words that gave a model away, by side.
    """

    number: int
    prompt: Prompt
    pair: Pair | None
    failures: tuple[Failure, ...]
    verdicts: tuple[Verdict, ...]
    giveaways: Mapping[Side, list[str]]

    @property
    def gold(self) -> bool:
        """Whether it is no prompt of the run, but a pair whose better answer is known."""
        return self.prompt.id.startswith(PREFIX)

    @property
    def asked(self) -> str:
        """The last question of the conversation."""
        return self.prompt.messages[-1].content

    @cached_property
    def disagreement(self) -> bool:
        return len({verdict.outcome for verdict in self.verdicts}) > 1

    @cached_property
    def score(self) -> float | None:
        """Mean of its verdicts, tuned 1, tie 1/2, base 0; None where none of them prefers or ties."""
        scores = [SCORES[verdict.outcome] for verdict in self.verdicts if verdict.outcome in SCORES]
        return sum(scores) / len(scores) if scores else None

    @cached_property
    def margin(self) -> float | None:
        """By how much its verdicts prefer the tuned answer: the mean of their grades (-2 to 2), or of 1, 0 and -1 where
        they have none; None where none of them prefers or ties."""
        preferring = [verdict for verdict in self.verdicts if verdict.outcome in SCORES]
        grades = [(grade(verdict), 2 * SCORES[verdict.outcome] - 1) for verdict in preferring]
        values = [sign if graded is None else graded for graded, sign in grades]
        return sum(values) / len(values) if values else None

    @cached_property
    def ratio(self) -> float | None:
        """Characters of the tuned answer over the base's, one added to each."""
        return (len(self.pair.tuned.text) + 1) / (len(self.pair.base.text) + 1) if self.pair else None

    @cached_property
    def traits(self) -> frozenset[str]:
        return traits_of(self.pair) if self.pair else frozenset()

    @cached_property
    def expected(self) -> Expected:
        """Whether the answers are as `expect` says; "" where the prompt says nothing."""
        if self.pair is None or self.prompt.expect is None:
            return ""
        base, tuned = (self.prompt.expect.met_by(self.pair.answer(side).text) for side in SIDES)
        return ("passed" if tuned else "broken") if base else ("repaired" if tuned else "failed")

    @property
    def haystack(self) -> str:
        """All that a search looks through, folded. Made anew each time: to keep it of a large run takes longer."""
        texts = [self.prompt.id, *(message.content for message in self.prompt.messages)]
        if self.pair is not None:
            texts += [self.pair.base.text, self.pair.tuned.text]
        return "\n".join([*texts, *(verdict.comment for verdict in self.verdicts)]).casefold()


@dataclass(frozen=True, eq=False)
class Snapshot:
    """`counted` are the rows that the figures are made of; `thumbs` are in force."""

    run: Run
    study: Study
    answers: Answers
    entries: tuple[Entry, ...]
    table: Judgements
    columns: Columns
    #: verdicts.csv as it was read.
    file: RowsFile[Verdict]
    counted: tuple[Verdict, ...]
    skips: tuple[Skip, ...]
    thumbs: tuple[Thumb, ...]
    #: What of verdicts.csv is not as it was when it was saved, a sentence each.
    altered: tuple[str, ...] = ()
    #: What judging does not change, from an earlier snapshot of the same answers and plan.
    known_before: FixedInputs | None = None
    _kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` makes of this snapshot, which no language changes: made once, and kept for the next who ask.

        The oldest of many is forgotten.
        """
        kept = self._kept.get(key)
        if kept is None:
            while len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)), None)
            kept = self._kept[key] = make()
        made: T = kept
        return made

    @property
    def rows(self) -> Sequence[Verdict]:
        """All of verdicts.csv."""
        return self.file.rows

    @cached_property
    def whole(self) -> Analysis:
        """Everything that is known of the run."""
        return self._whole(self.table, self.counted)

    @cached_property
    def by_item(self) -> dict[str, list[Verdict]]:
        """Every row of verdicts.csv by its prompt, in the order of the file."""
        rows: dict[str, list[Verdict]] = {}
        for row in self.rows:
            rows.setdefault(row.item, []).append(row)
        return rows

    @cached_property
    def judged_traits(self) -> list[tuple[float, frozenset[str]]]:
        """Of each judged prompt its score, and what tells its two answers apart."""
        return [(entry.score, entry.traits) for entry in self.entries if entry.score is not None]

    @cached_property
    def traits(self) -> frozenset[str]:
        """All that tells two answers of the run apart."""
        return frozenset().union(*(entry.traits for entry in self.entries))

    @cached_property
    def known(self) -> FixedInputs:
        return self.known_before or fixed_inputs(self.run, self.answers)

    def without(self, reviewers: Sequence[str]) -> Analysis:
        """What would be known if these reviewers had judged nothing."""
        rows = [row for row in self.rows if row.reviewer not in reviewers]
        return self._whole(*build_judgements(self.run, self.answers, rows))

    def _whole(self, table: Judgements, verdicts: Sequence[Verdict]) -> Analysis:
        return analyse(self.run, self.answers, table, verdicts, known=self.known)

    @cached_property
    def by_id(self) -> dict[str, Entry]:
        """The prompts, and the gold pairs."""
        golds = self.study.gold.pairs if self.study.gold else ()
        return {entry.prompt.id: entry for entry in (*self.entries, *map(_gold_entry, golds))}

    @cached_property
    def categories(self) -> tuple[str, ...]:
        return tuple(sorted({entry.prompt.category for entry in self.entries} - {""}))

    @cached_property
    def reviewers(self) -> tuple[str, ...]:
        return tuple(sorted(self.table.reviewers))


def read_snapshot(run: Run, before: Snapshot | None = None) -> Snapshot:
    """Read the run's files; `before` is an earlier snapshot of the same prompts, answers, study and plan.

    Raises InputError for files that cannot be trusted.
    """
    answers = before.answers if before else read_answers(run.responses_path)
    file = read_rows(run.verdicts_path, Verdict, run=run.name)
    table, counted = build_judgements(run, answers, file.rows)
    return Snapshot(
        run=run,
        study=read_frozen(run.folder),
        answers=answers,
        entries=tuple(_judged_since(before, counted) if before else _entries(run, answers, counted)),
        table=table,
        columns=file.columns or PLAIN,
        file=file,
        counted=tuple(counted),
        skips=tuple(read_skips(run)),
        thumbs=tuple(in_force(read_thumbs(thumbs_path(run), run=run.name))),
        altered=tuple(in_short(alterations(run.verdicts_path, file, Verdict, run=run.name))),
        known_before=before.known if before else None,
    )


def _entries(run: Run, answers: Answers, counted: Sequence[Verdict]) -> list[Entry]:
    prompts, giveaways = run.prompts(), run.info.giveaways.items if run.info.giveaways else {}
    pairs = {pair.prompt_id: pair for pair in answers.pairs(prompts)}
    failures: dict[str, list[Failure]] = defaultdict(list)
    for failure in answers.failures.values():
        failures[failure.prompt_id].append(failure)
    verdicts = _by_item(counted)
    return [
        Entry(
            number,
            prompt,
            pairs.get(prompt.id),
            tuple(failures[prompt.id]),
            tuple(verdicts[prompt.id]),
            giveaways.get(prompt.id, {}),
        )
        for number, prompt in enumerate(prompts, start=1)
    ]


def _judged_since(before: Snapshot, counted: Sequence[Verdict]) -> Iterator[Entry]:
    """The entries of before with the verdicts of now. One whose verdicts are the same keeps what was seen of it."""
    verdicts = _by_item(counted)
    for entry in before.entries:
        own = tuple(verdicts[entry.prompt.id])
        if own == entry.verdicts:
            yield entry
            continue
        changed = replace(entry, verdicts=own)
        changed.__dict__.update({name: entry.__dict__[name] for name in _OF_ANSWERS if name in entry.__dict__})
        yield changed


def _by_item(counted: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in counted:
        found[verdict.item].append(verdict)
    return found


def _gold_entry(gold: GoldPair) -> Entry:
    prompt = Prompt(id=gold.item, messages=gold.messages, category=gold.category)
    return Entry(0, prompt, gold.pair(), (), (), {})
