"""What all sessions of one judging page share: the study, the pairs, the rows on disk, a state for each reviewer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from eval.judge.page.due_pairs import DuePairs
from eval.judge.page.judged_run import JudgedRun, RunLedgers
from eval.judge.page.reviewer_state import Draft, ReviewerState
from eval.judge.setup.begin import refuse_candidate
from eval.judge.setup.policy_check import notes
from eval.judge.store.side_files import Flag, Skip, append_flag, append_skip, read_flags, read_skips
from eval.judge.study import forms
from eval.judge.study.assignment import Pool, ReviewerQueue
from eval.judge.study.blinding import Blinding
from eval.judge.study.control_items import ControlItems, Key
from eval.judge.study.names import name_key
from eval.judge.study.study import STRENGTH, Study
from eval.judge.study.tasks import Task
from eval.records import Judgement, Side, Verdict, utc_now
from eval.run import Run


class JudgingState:
    """What all sessions on one run share. `study` is frozen into the run's folder, and so is the plan.

    Identical answers, prompts with an answer missing, and pairs held back for a giveaway are not among `tasks`.
    Raises InputError where the run's files cannot be read, or where its rows were judged by another study.
    """

    def __init__(self, run: Run, study: Study | None = None) -> None:
        refuse_candidate(run)
        judged = JudgedRun(run, study)
        self._open([judged], judged.setup.blinding)

    def _open(self, judged_runs: Sequence[JudgedRun], blinding: Blinding) -> None:
        """`blinding`: what is not of one run is drawn by it."""
        self._judged_runs, self._blinding = judged_runs, blinding
        self.study, self.run = judged_runs[0].study, judged_runs[0].run
        self.tasks = {item: task for judged in judged_runs for item, task in judged.tasks.items()}
        self._run_of = {item: judged for judged in judged_runs for item in judged.tasks}
        self.ledger = RunLedgers(judged_runs)
        self.pool = self._pool()
        gold = self.study.gold.pairs if self.study.gold else ()
        self._gold = {pair.item: Task.of_pair(pair.pair()) for pair in gold}
        self.due = DuePairs(self.pool, self.study, self.tasks, self._gold)
        # Gold pairs belong to no run; the rows of each go to one of the runs.
        self._gold_run_of = {item: judged_runs[at % len(judged_runs)] for at, item in enumerate(self._gold)}
        self._states: dict[str, ReviewerState] = {}
        #: Nonce -> name given, for pages that were asked whether they are a known reviewer.
        self._asked: dict[str, str] = {}
        for judged in judged_runs:
            for skip in read_skips(judged.run):
                self._state_of(skip.reviewer).put_off(self._key(judged, skip))
            for flag in read_flags(judged.run):
                self._state_of(flag.reviewer).flag(self._key(judged, flag), on=flag.flag == "on")

    def notes(self) -> list[str]:
        """Notes before judging (setup.policy_check), of the first run: all have the same study and prompts."""
        return notes(self._judged_runs[0].setup)

    def _pool(self) -> Pool:
        targets = {item: n for judged in self._judged_runs for item, n in judged.targets.items()}
        return Pool({item: task.category for item, task in self.tasks.items()}, targets)

    @staticmethod
    def _key(judged: JudgedRun, row: Skip | Flag) -> Key:
        """What a row of a run is about, as the page knows it."""
        return row.kind, row.item if row.kind == "gold" else judged.prefix + row.item

    def _of(self, key: Key) -> tuple[JudgedRun, str]:
        """Whose a pair is, and what it is called there."""
        kind, item = key
        judged = self._gold_run_of[item] if kind == "gold" else self._run_of[item]
        return judged, item if kind == "gold" else judged.own(item)

    @contextmanager
    def turn(self, reviewer: str) -> Iterator[ReviewerState]:
        """This reviewer's state, as the file has it until the block ends. Raises NotSaved, InputError."""
        known = self._states.get(reviewer)
        # Slow work first, before anybody waits for the lock.
        own = None if known is not None and known.present else self._own(reviewer)
        with self.ledger.turn():
            self._note_new_rows()
            state = self._state_of(reviewer)
            if own is not None and not state.present:
                state.come(*own)
            yield state

    def alike(self, reviewer: str) -> str:
        """Who is known by nearly this name (Ann for ann), where this very name is new; else nothing."""
        with self.ledger.turn():
            self._note_new_rows()
            others = [] if reviewer in self._states else self._states
            return next((known for known in others if name_key(known) == name_key(reviewer)), "")

    def ask_who(self, nonce: str, reviewer: str) -> None:
        """This page is asked whether its reviewer is somebody known; the latest thousand are remembered."""
        self._asked[nonce] = reviewer
        for old in list(self._asked)[:-1000]:
            del self._asked[old]

    def was_asked(self, nonce: str, reviewer: str) -> bool:
        """Whether this page was asked, and says the same name again."""
        return self._asked.get(nonce) == reviewer

    def task(self, key: Key) -> Task:
        kind, item = key
        return self._gold[item] if kind == "gold" else self.tasks[item]

    def shown(self, key: Key) -> Task:
        """A task as reviewers may see it: its giveaways masked where the study says so."""
        mask = self.study.giveaways.policy == "mask" and key[0] != "gold"
        task = self.task(key)
        # Pairs with a known answer are named apart from those of a run.
        judged = self._judged_runs[0] if key[0] == "gold" else self._run_of[key[1]]
        return judged.shown(key[1], task, mask=mask)

    def left(self, state: ReviewerState, key: Key) -> Side:
        """Which model is on the left: never changed for a pair, and swapped where the pair comes again."""
        before = state.last.get(key)
        if isinstance(before, Verdict) and before.left:
            return before.left
        kind, item = key
        if kind == "gold":
            return state.extras.gold_sides[item]
        if kind == "repeat":
            return forms.side_at("right", self.left(state, ("judgement", item)))
        return state.way.sides[item]

    def next(self, state: ReviewerState) -> Key | None:
        """What this reviewer is asked now; it is then theirs for a while."""
        return self.due.next(state)

    def after(self, state: ReviewerState, shown: Key) -> Key | None:
        """What this reviewer will be asked once they have judged what is before them."""
        return self.due.after(state, shown)

    def write(
        self, state: ReviewerState, key: Key, outcome: str, draft: Draft, seconds: float, *, strength: str | None = None
    ) -> None:
        """Append a row, inside a turn; `strength`: in the mode `graded`. Raises NotSaved."""
        task, left, before = self.task(key), self.left(state, key), state.last.get(key)
        judged, item = self._of(key)
        criteria = forms.to_cells(self.study, draft.filled, left)
        if strength is not None:
            criteria[STRENGTH] = strength
        common = {
            "verdict_id": _new_id(),
            "run": judged.run.name,
            "item": item,
            "category": task.category,
            "reviewer": state.reviewer,
            "outcome": outcome,
            "criteria": criteria,
            "comment": draft.comment,
            "seconds": round(seconds, 2),
            "judged_at": utc_now(),
            "replaces": before.verdict_id if before else "",
        }
        self._append(judged, task.row(key[0], left, draft.filled, common))

    def withdraw(self, state: ReviewerState, key: Key) -> None:
        """Append the row that takes back a standing one, inside a turn. Raises NotSaved."""
        before = state.standing[key]
        changed = {"verdict_id": _new_id(), "outcome": "withdrawn", "seconds": 0.0, "judged_at": utc_now()}
        self._append(self._of(key)[0], before.model_copy(update={**changed, "replaces": before.verdict_id}))

    def skip(self, state: ReviewerState, key: Key) -> None:
        """Put a pair off, inside a turn. Raises NotSaved."""
        judged, item = self._of(key)
        run = judged.run
        append_skip(run, Skip(run=run.name, item=item, reviewer=state.reviewer, kind=key[0], skipped_at=utc_now()))
        state.put_off(key)
        self.pool.release(state.reviewer)

    def flag(self, state: ReviewerState, key: Key) -> None:
        """Mark a pair to come back to, or take the mark off, inside a turn. Raises NotSaved."""
        (judged, item), on = self._of(key), key not in state.flagged
        row = Flag(
            run=judged.run.name,
            item=item,
            reviewer=state.reviewer,
            kind=key[0],
            flag="on" if on else "off",
            flagged_at=utc_now(),
        )
        append_flag(judged.run, row)
        state.flag(key, on=on)

    def _append(self, judged: JudgedRun, row: Judgement) -> None:
        judged.ledger.append(row)
        self._note_new_rows()

    def _note_new_rows(self) -> None:
        if any(judged.read_anew for judged in self._judged_runs):
            self.pool.forget()
            for state in self._states.values():
                state.forget()
            for judged in self._judged_runs:
                judged.forget()
        for judged in self._judged_runs:
            for row in judged.new_rows():
                self._note(judged, row)

    def _note(self, judged: JudgedRun, row: Judgement) -> None:
        kind = row.kind if isinstance(row, Verdict) else "judgement"
        item = row.item if kind == "gold" else judged.prefix + row.item
        task = (self._gold if kind == "gold" else self.tasks).get(item)
        state = self._state_of(row.reviewer)
        if not state.last:
            state.open_at_first = self.pool.open_to_anybody()
        more = state.note((kind, item), row, counts=task is not None and task.is_of(row))
        if more and kind == "judgement":
            self.pool.count(item, more)

    def _state_of(self, reviewer: str) -> ReviewerState:
        return self._states.setdefault(reviewer, ReviewerState(reviewer))

    def _own(self, reviewer: str) -> tuple[ReviewerQueue, ControlItems]:
        return self._way(reviewer), ControlItems(self._blinding, self.study, reviewer, len(self.tasks))

    def _way(self, reviewer: str) -> ReviewerQueue:
        return ReviewerQueue(self.pool, self._blinding, reviewer)


def _new_id() -> str:
    """A letter first, so that no spreadsheet takes digits around one e for a number."""
    return f"v{uuid.uuid4().hex}"
