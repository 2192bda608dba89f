"""The list of a run's prompts and one item of it: search, filters, pages, and what is shown of a pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.evidence.results.query import Query, Which
from eval.evidence.results.snapshot import Entry, Snapshot
from eval.records import OUTCOMES, Outcome, Thumb, Verdict

ROWS_A_PAGE = 100
LONGEST_SNIPPET = 90
#: Of an answer of any length, as much is looked at for its snippet.
_LOOKED_AT = 20_000

Standing = Literal["counts", "replaced", "taken back", "repeat", "gold", "not counted"]


@dataclass(frozen=True)
class Line:
    """One row of the list. `outcomes` are the verdicts on it, by outcome, in the order of OUTCOMES."""

    entry: Entry
    asked: str
    base: str
    tuned: str
    outcomes: tuple[tuple[Outcome, int], ...]
    comments: int


@dataclass(frozen=True)
class Listing:
    """One page of the prompts that a query finds: rows `first` to `last` of `found`, of `total`."""

    lines: tuple[Line, ...]
    found: int
    total: int
    page: int
    pages: int

    @property
    def first(self) -> int:
        return (self.page - 1) * ROWS_A_PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1


@dataclass(frozen=True)
class Judged:
    """A row of verdicts.csv on an item, and whether it counts."""

    verdict: Verdict
    standing: Standing


@dataclass(frozen=True)
class Item:
    """One item, and its neighbours' ids in the list that it was opened from."""

    entry: Entry
    judged: tuple[Judged, ...]
    thumbs: tuple[Thumb, ...]
    before: str
    after: str


def listing(snapshot: Snapshot, query: Query) -> Listing:
    """The query's page; a page beyond the last is the last."""
    found = find(snapshot, query)
    pages = max(1, -(-len(found) // ROWS_A_PAGE))
    page = min(query.page, pages)
    shown = found[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
    return Listing(lines(shown, query), len(found), len(snapshot.entries), page, pages)


def find(snapshot: Snapshot, query: Query) -> list[Entry]:
    """The entries that every part of the query fits, in the order of the prompts."""
    return [entry for entry in snapshot.entries if _fits(entry, query)]


def lines(entries: Sequence[Entry], query: Query) -> tuple[Line, ...]:
    """Entries as rows of a list."""
    return tuple(_line(entry, query) for entry in entries)


def open_item(snapshot: Snapshot, query: Query) -> Item | None:
    """The query's item, or None where the run has no such prompt."""
    entry = snapshot.by_id.get(query.item)
    if entry is None:
        return None
    ids = [one.prompt.id for one in find(snapshot, query)]
    at = ids.index(query.item) if query.item in ids else None
    before = ids[at - 1] if at else ""
    after = ids[at + 1] if at is not None and at + 1 < len(ids) else ""
    thumbs = tuple(thumb for thumb in snapshot.thumbs if thumb.item == query.item)
    return Item(entry, tuple(_judged(snapshot, query.item)), thumbs, before, after)


def snippet(text: str, words: Sequence[str] = ()) -> str:
    """One line of at most LONGEST_SNIPPET characters: the start, or where the first of `words` is if it lies beyond."""
    line = " ".join(text[:_LOOKED_AT].split())
    if len(line) <= LONGEST_SNIPPET:
        return line
    folded = line.casefold()
    first = min((at for at in map(folded.find, words) if at >= 0), default=0)
    start = 0 if first < LONGEST_SNIPPET // 2 else first - LONGEST_SNIPPET // 4
    opening = "…" if start else ""
    room = LONGEST_SNIPPET - len(opening)
    rest = line[start:]
    return opening + (rest if len(rest) <= room else rest[: room - 1] + "…")


def _line(entry: Entry, query: Query) -> Line:
    counts = Counter(verdict.outcome for verdict in entry.verdicts)
    pair = entry.pair
    return Line(
        entry=entry,
        asked=snippet(entry.asked, query.words),
        base=snippet(pair.base.text, query.words) if pair else "",
        tuned=snippet(pair.tuned.text, query.words) if pair else "",
        outcomes=tuple((outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome]),
        comments=sum(bool(verdict.comment) for verdict in entry.verdicts),
    )


def _fits(entry: Entry, query: Query) -> bool:
    if query.category and entry.prompt.category != query.category:
        return False
    own = [v for v in entry.verdicts if not query.reviewer or v.reviewer == query.reviewer]
    if query.reviewer and not own and query.verdict != "unjudged":
        return False
    if query.verdict and not _WHICH[query.verdict](entry, own):
        return False
    return all(word in entry.haystack for word in query.words)


def _has(outcome: Outcome) -> Callable[[Entry, list[Verdict]], bool]:
    return lambda _, own: any(verdict.outcome == outcome for verdict in own)


def _is_open(entry: Entry, own: list[Verdict]) -> bool:
    return not own and entry.pair is not None and not entry.pair.identical


#: What each verdict filter asks of an entry and of the verdicts on it (by one reviewer, where one is chosen).
_WHICH: dict[Which, Callable[[Entry, list[Verdict]], bool]] = {
    **{outcome: _has(outcome) for outcome in OUTCOMES},
    "disagreement": lambda entry, _: entry.disagreement,
    "comment": lambda _, own: any(verdict.comment for verdict in own),
    "unjudged": _is_open,
    "identical": lambda entry, _: entry.pair is not None and entry.pair.identical,
    "unanswered": lambda entry, _: entry.pair is None,
    "giveaway": lambda entry, _: bool(entry.giveaways),
}


def _judged(snapshot: Snapshot, item: str) -> list[Judged]:
    """Every row on an item, in the order of the file."""
    rows = [row for row in snapshot.rows if row.item == item]
    replaced = {row.replaces for row in rows}
    counted = {row.verdict_id for row in snapshot.by_id[item].verdicts}
    return [Judged(row, _standing(row, replaced, counted)) for row in rows]


def _standing(row: Verdict, replaced: set[str], counted: set[str]) -> Standing:
    if row.verdict_id in counted:
        return "counts"
    if row.verdict_id in replaced:
        return "replaced"
    if row.outcome == "withdrawn":
        return "taken back"
    return "not counted" if row.kind == "judgement" else row.kind
