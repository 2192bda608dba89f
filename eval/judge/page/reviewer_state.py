"""The state of one reviewer: their rows on disk, and what is kept in memory only."""

from __future__ import annotations

from dataclasses import dataclass, field

from eval.judge.study.assignment import ReviewerQueue
from eval.judge.study.control_items import ControlItems, Key
from eval.judge.study.forms import FilledForm
from eval.records import Judgement

#: What a page shows: a pair of the run, or the number of a practice pair.
Shown = Key | int


@dataclass(frozen=True)
class Draft:
    """What was typed beside a pair."""

    comment: str = ""
    filled: FilledForm = field(default_factory=FilledForm)


@dataclass
class ReviewerState:
    """`last`: the last row of each pair; `standing`: those in force on these answers, the latest at the end."""

    reviewer: str
    last: dict[Key, Judgement] = field(default_factory=dict)
    standing: dict[Key, Judgement] = field(default_factory=dict)
    #: Rows that were taken back and not given again.
    undone: dict[Key, Judgement] = field(default_factory=dict)
    skipped: list[Key] = field(default_factory=list)
    flagged: set[Key] = field(default_factory=set)
    drafts: dict[Shown, Draft] = field(default_factory=dict)
    #: The practice pair that is due, 0 for none; None until the reviewer came.
    practice: int | None = None
    #: Practice pair -> whether its first verdict was right.
    practised: dict[int, bool] = field(default_factory=dict)
    #: The most that this reviewer could ever have judged, and how many pairs were open before their first row.
    target: int = 0
    open_at_first: int = 0
    _way: ReviewerQueue | None = None
    _extras: ControlItems | None = None

    @property
    def present(self) -> bool:
        """Whether the reviewer came since the server began."""
        return self._way is not None

    @property
    def way(self) -> ReviewerQueue:
        assert self._way is not None
        return self._way

    @property
    def extras(self) -> ControlItems:
        assert self._extras is not None
        return self._extras

    def come(self, way: ReviewerQueue, extras: ControlItems) -> None:
        """The reviewer is here for the first time since the server began."""
        self._way, self._extras = way, extras
        for kind, item in self.standing:
            if kind == "judgement":
                way.count(item, 1)

    def forget(self) -> None:
        """Begin again, for a file that is read again."""
        self.last, self.standing, self.undone = {}, {}, {}
        if self._way is not None:
            self._way.forget()

    def note(self, key: Key, row: Judgement, counts: bool) -> int:
        """A row of the file; how many more judgements of this pair stand after it: 1, 0 or -1."""
        before = self.standing.pop(key, None)
        stands = counts and row.outcome != "withdrawn"
        self.last[key] = row
        self.undone.pop(key, None)
        if before is not None and row.outcome == "withdrawn":
            self.undone[key] = before
        if stands:
            self.standing[key] = row
            self.skipped = [one for one in self.skipped if one != key]
        more = int(stands) - int(before is not None)
        if more and key[0] == "judgement" and self._way is not None:
            self._way.count(key[1], more)
        return more

    def put_off(self, key: Key) -> None:
        self.skipped = [*(one for one in self.skipped if one != key), key]

    def flag(self, key: Key, *, on: bool) -> None:
        """Mark a pair to come back to, or take the mark off."""
        (self.flagged.add if on else self.flagged.discard)(key)

    def flagged_of(self, item: str) -> tuple[Key, ...]:
        """As what an item is marked: where it came twice, as either or both."""
        return tuple(key for key in self.flagged if key[1] == item)

    @property
    def flags(self) -> int:
        """How many items with a verdict in force are marked to come back to."""
        return len({item for _, item in self.flagged} & {item for _, item in self.standing})
