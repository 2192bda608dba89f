"""What all sittings at one page share: the study, the pairs, the rows on disk, and one seat a reviewer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from eval.judge.opening.begin import refuse_candidate
from eval.judge.opening.fits import notes
from eval.judge.page.part import Ledgers, Part
from eval.judge.page.reviewer_state import Draft, ReviewerState
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
    """What all sittings at one run share. `study` is frozen into the run's folder, and so is the plan.

    Identical answers, prompts with an answer missing, and pairs held back for a giveaway are not among `tasks`.
    Raises InputError where the run's files cannot be read, or where its rows were judged by another study.
    """

    def __init__(self, run: Run, study: Study | None = None) -> None:
        refuse_candidate(run)
        part = Part(run, study)
        self._open([part], part.begun.blinding)

    def _open(self, parts: Sequence[Part], blinding: Blinding) -> None:
        """`blinding`: what is not of one run is drawn by it."""
        self._parts, self._blinding = parts, blinding
        self.study, self.run = parts[0].study, parts[0].run
        self.tasks = {item: task for part in parts for item, task in part.tasks.items()}
        self._part = {item: part for part in parts for item in part.tasks}
        self.ledger = Ledgers(parts)
        self.pool = self._pool()
        gold = self.study.gold.pairs if self.study.gold else ()
        self._gold = {pair.item: Task.of_pair(pair.pair()) for pair in gold}
        # Known answers are of no run; each one's rows go to one of them.
        self._gold_part = {item: parts[at % len(parts)] for at, item in enumerate(self._gold)}
        self._seats: dict[str, ReviewerState] = {}
        #: Of pages that were asked whether they are somebody known: their nonce to the name that was given.
        self._asked: dict[str, str] = {}
        for part in parts:
            for skip in read_skips(part.run):
                self._seat(skip.reviewer).put_off(self._key(part, skip))
            for flag in read_flags(part.run):
                self._seat(flag.reviewer).flag(self._key(part, flag), on=flag.flag == "on")

    def notes(self) -> list[str]:
        """What to say before anybody judges (opening.fits), of the first run: all have the same study and prompts."""
        return notes(self._parts[0].begun)

    def _pool(self) -> Pool:
        targets = {item: n for part in self._parts for item, n in part.targets.items()}
        return Pool({item: task.category for item, task in self.tasks.items()}, targets)

    @staticmethod
    def _key(part: Part, row: Skip | Flag) -> Key:
        """What a row of a run is about, as the page knows it."""
        return row.kind, row.item if row.kind == "gold" else part.prefix + row.item

    def _of(self, key: Key) -> tuple[Part, str]:
        """Whose a pair is, and what it is called there."""
        kind, item = key
        part = self._gold_part[item] if kind == "gold" else self._part[item]
        return part, item if kind == "gold" else part.own(item)

    @contextmanager
    def turn(self, reviewer: str) -> Iterator[ReviewerState]:
        """This reviewer's seat, true to the file until the block ends. Raises NotSaved, InputError."""
        known = self._seats.get(reviewer)
        # What takes long is made before anybody has to wait.
        own = None if known is not None and known.present else self._own(reviewer)
        with self.ledger.turn():
            self._note_new_rows()
            seat = self._seat(reviewer)
            if own is not None and not seat.present:
                seat.come(*own)
            yield seat

    def alike(self, reviewer: str) -> str:
        """Who is known by nearly this name (Ann for ann), where this very name is new; else nothing."""
        with self.ledger.turn():
            self._note_new_rows()
            others = [] if reviewer in self._seats else self._seats
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
        part = self._parts[0] if key[0] == "gold" else self._part[key[1]]
        return part.shown(key[1], task, mask=mask)

    def left(self, seat: ReviewerState, key: Key) -> Side:
        """Which model is on the left: never changed for a pair, and swapped where the pair comes again."""
        before = seat.last.get(key)
        if isinstance(before, Verdict) and before.left:
            return before.left
        kind, item = key
        if kind == "gold":
            return seat.extras.gold_sides[item]
        if kind == "repeat":
            return forms.side_at("right", self.left(seat, ("judgement", item)))
        return seat.way.sides[item]

    def next(self, seat: ReviewerState) -> Key | None:
        """What this reviewer is asked now; it is then theirs for a while. Skipped ones come last, the oldest first."""
        skipped = [key for key in seat.skipped if self.is_askable(seat, key)]
        key = self._choose(seat, list(seat.standing), skipped)
        self.hold(seat, key)
        return key

    def after(self, seat: ReviewerState, shown: Key) -> Key | None:
        """What this reviewer will be asked once they have judged what is before them, if nothing else
        happens; as far as others can wait it is kept for them."""
        if shown in seat.standing:
            return None
        skipped = [key for key in seat.skipped if key != shown and self.is_askable(seat, key)]
        with self._as_if_judged(seat, shown):
            key = self._choose(seat, [*seat.standing, shown], skipped)
        if key is not None and key[0] == "judgement":
            self.pool.lease_ahead(seat.reviewer, key[1])
        return key

    @contextmanager
    def _as_if_judged(self, seat: ReviewerState, key: Key) -> Iterator[None]:
        kind, item = key
        if kind != "judgement":
            yield
            return
        for counted in (self.pool.count, seat.way.count):
            counted(item, 1)
        try:
            yield
        finally:
            for counted in (self.pool.count, seat.way.count):
                counted(item, -1)

    def _choose(self, seat: ReviewerState, standing: Sequence[Key], skipped: Sequence[Key]) -> Key | None:
        key = seat.extras.due(standing, skipped)
        if key is not None:
            return key
        item = self.pool.choose(seat.way, [item for kind, item in skipped if kind == "judgement"])
        return ("judgement", item) if item is not None else next(iter(skipped), None)

    def is_askable(self, seat: ReviewerState, key: Key) -> bool:
        """Whether a pair may still be put before this reviewer."""
        kind, item = key
        if key in seat.standing or item not in (self._gold if kind == "gold" else self.tasks):
            return False
        if kind == "judgement":
            return self.pool.is_open(seat.way, item)
        return kind == "gold" or ("judgement", item) in seat.standing

    def hold(self, seat: ReviewerState, key: Key | None) -> None:
        """This pair is before this reviewer, and goes to nobody else for a while; the one before goes back."""
        if key is not None and key[0] == "judgement":
            self.pool.lease(seat.reviewer, key[1])
        else:
            self.pool.release(seat.reviewer)

    def total(self, seat: ReviewerState) -> int:
        """The reviewer's target, of all kinds: the study's, or all that was open to them. It does not shrink while
        others judge."""
        judged, still_open = len(seat.standing), self.pool.still_open(seat.way)
        seat.target = max(
            seat.target,
            judged + still_open + seat.extras.still_to_come(seat.standing, still_open),
            seat.open_at_first + seat.extras.still_to_come({}, seat.open_at_first),
        )
        return max(judged, min(seat.target, self.study.target or seat.target))

    def write(
        self, seat: ReviewerState, key: Key, outcome: str, draft: Draft, seconds: float, *, strength: str | None = None
    ) -> None:
        """Append a row, inside a turn; `strength`: in the mode `graded`. Raises NotSaved."""
        task, left, before = self.task(key), self.left(seat, key), seat.last.get(key)
        part, item = self._of(key)
        criteria = forms.to_cells(self.study, draft.filled, left)
        if strength is not None:
            criteria[STRENGTH] = strength
        common = {
            "verdict_id": _new_id(),
            "run": part.run.name,
            "item": item,
            "category": task.category,
            "reviewer": seat.reviewer,
            "outcome": outcome,
            "criteria": criteria,
            "comment": draft.comment,
            "seconds": round(seconds, 2),
            "judged_at": utc_now(),
            "replaces": before.verdict_id if before else "",
        }
        self._append(part, task.row(key[0], left, draft.filled, common))

    def withdraw(self, seat: ReviewerState, key: Key) -> None:
        """Append the row that takes back a standing one, inside a turn. Raises NotSaved."""
        before = seat.standing[key]
        changed = {"verdict_id": _new_id(), "outcome": "withdrawn", "seconds": 0.0, "judged_at": utc_now()}
        self._append(self._of(key)[0], before.model_copy(update={**changed, "replaces": before.verdict_id}))

    def skip(self, seat: ReviewerState, key: Key) -> None:
        """Put a pair off, inside a turn. Raises NotSaved."""
        part, item = self._of(key)
        run = part.run
        append_skip(run, Skip(run=run.name, item=item, reviewer=seat.reviewer, kind=key[0], skipped_at=utc_now()))
        seat.put_off(key)
        self.pool.release(seat.reviewer)

    def flag(self, seat: ReviewerState, key: Key) -> None:
        """Mark a pair to come back to, or take the mark off, inside a turn. Raises NotSaved."""
        (part, item), on = self._of(key), key not in seat.flagged
        row = Flag(
            run=part.run.name,
            item=item,
            reviewer=seat.reviewer,
            kind=key[0],
            flag="on" if on else "off",
            flagged_at=utc_now(),
        )
        append_flag(part.run, row)
        seat.flag(key, on=on)

    def _append(self, part: Part, row: Judgement) -> None:
        part.ledger.append(row)
        self._note_new_rows()

    def _note_new_rows(self) -> None:
        if any(part.read_anew for part in self._parts):
            self.pool.forget()
            for seat in self._seats.values():
                seat.forget()
            for part in self._parts:
                part.forget()
        for part in self._parts:
            for row in part.new_rows():
                self._note(part, row)

    def _note(self, part: Part, row: Judgement) -> None:
        kind = row.kind if isinstance(row, Verdict) else "judgement"
        item = row.item if kind == "gold" else part.prefix + row.item
        task = (self._gold if kind == "gold" else self.tasks).get(item)
        seat = self._seat(row.reviewer)
        if not seat.last:
            seat.open_at_first = self.pool.open_to_anybody()
        more = seat.note((kind, item), row, counts=task is not None and task.is_of(row))
        if more and kind == "judgement":
            self.pool.count(item, more)

    def _seat(self, reviewer: str) -> ReviewerState:
        return self._seats.setdefault(reviewer, ReviewerState(reviewer))

    def _own(self, reviewer: str) -> tuple[ReviewerQueue, ControlItems]:
        return self._way(reviewer), ControlItems(self._blinding, self.study, reviewer, len(self.tasks))

    def _way(self, reviewer: str) -> ReviewerQueue:
        return ReviewerQueue(self.pool, self._blinding, reviewer)


def _new_id() -> str:
    """A letter first, so that no spreadsheet takes digits around one e for a number."""
    return f"v{uuid.uuid4().hex}"
