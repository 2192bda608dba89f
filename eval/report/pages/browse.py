"""The browse page: a run's prompts with search and filters, and one item of them."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from eval.evidence.conditions import HASTY
from eval.evidence.reviewers.bias import EDGES
from eval.judge.study.study import Study
from eval.records import OUTCOMES, Outcome, Thumb, Verdict
from eval.report.pages.query import FILTERS, Agreement, Length, Query, Sort, Time, Which
from eval.report.pages.snapshot import Entry, Snapshot

ROWS_A_PAGE = 100
LONGEST_SNIPPET = 90
#: Characters of an answer that are searched for its snippet.
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

    study: Study
    entry: Entry
    judged: tuple[Judged, ...]
    thumbs: tuple[Thumb, ...]
    before: str
    after: str

    @property
    def counts(self) -> tuple[tuple[Outcome, int], ...]:
        """Its verdicts that count, by outcome, in the order of OUTCOMES."""
        return _counts(self.entry)


def listing(snapshot: Snapshot, query: Query) -> Listing:
    """The query's page; a page beyond the last is the last."""
    found = find(snapshot, query)
    pages = max(1, -(-len(found) // ROWS_A_PAGE))
    page = min(query.page, pages)
    shown = found[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
    return Listing(lines(shown, query), len(found), len(snapshot.entries), page, pages)


def find(snapshot: Snapshot, query: Query) -> list[Entry]:
    """The entries that every part of the query fits, in its order."""
    asked = tuple(getattr(query, name) for name in (*FILTERS, "sort"))
    return snapshot.once(("found", asked), lambda: _found(snapshot, query))


def _found(snapshot: Snapshot, query: Query) -> list[Entry]:
    found = list(snapshot.entries)
    for fits in _tests(snapshot, query):
        found = [entry for entry in found if fits(entry)]
    return sorted(found, key=_ORDER[query.sort]) if query.sort else found


def lines(entries: Sequence[Entry], query: Query) -> tuple[Line, ...]:
    """Entries as rows of a list."""
    return tuple(_line(entry, query) for entry in entries)


def open_item(snapshot: Snapshot, query: Query) -> Item | None:
    """The query's item, or None where the run has no such prompt."""
    entry = snapshot.by_id.get(query.item)
    if entry is None:
        return None
    before, after = _neighbours(snapshot, query)
    return replace(whole_item(snapshot, entry), before=before, after=after)


def whole_item(snapshot: Snapshot, entry: Entry) -> Item:
    """All that is known of a prompt, without its neighbours in a list."""
    item = entry.prompt.id
    thumbs = tuple(thumb for thumb in snapshot.thumbs if thumb.item == item)
    return Item(snapshot.study, entry, tuple(_judged(snapshot, item)), thumbs, "", "")


def _neighbours(snapshot: Snapshot, query: Query) -> tuple[str, str]:
    """The ids before and after the query's item in its list; empty where there is none."""
    ids = [one.prompt.id for one in find(snapshot, query)]
    at = ids.index(query.item) if query.item in ids else None
    before = ids[at - 1] if at else ""
    after = ids[at + 1] if at is not None and at + 1 < len(ids) else ""
    return before, after


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
    pair = entry.pair
    return Line(
        entry=entry,
        asked=snippet(entry.asked, query.words),
        base=snippet(pair.base.text, query.words) if pair else "",
        tuned=snippet(pair.tuned.text, query.words) if pair else "",
        outcomes=_counts(entry),
        comments=sum(bool(verdict.comment) for verdict in entry.verdicts),
    )


def _counts(entry: Entry) -> tuple[tuple[Outcome, int], ...]:
    counts = Counter(verdict.outcome for verdict in entry.verdicts)
    return tuple((outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome])


def _tests(snapshot: Snapshot, query: Query) -> Iterator[Callable[[Entry], bool]]:
    """What an entry must be like, one test for each part of the query that says anything: the cheap ones first."""
    if query.category:
        yield lambda entry: entry.prompt.category == query.category
    if query.verdict == "skipped":
        yield lambda entry: entry.prompt.id in snapshot.table.passed_over
    if query.verdict or query.reviewer or query.tag or query.criterion or query.time:
        yield lambda entry: _verdicts_fit(entry, query)
    if query.agreement:
        yield _AGREEMENT[query.agreement]
    if query.length:
        yield lambda entry: entry.ratio is not None and length_of(entry.ratio) == query.length
    if query.expect:
        yield lambda entry: entry.expected == query.expect or (query.expect == "any" and bool(entry.expected))
    if query.trait:
        yield lambda entry: query.trait in entry.traits
    if words := query.words:
        yield lambda entry: _holds(entry.haystack, words)


def _holds(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)


def _verdicts_fit(entry: Entry, query: Query) -> bool:
    narrow = query.reviewer or query.tag or query.criterion or query.time
    own = [one for one in entry.verdicts if _asked_for(one, query)] if narrow else entry.verdicts
    if not own and (query.tag or query.criterion or query.time or (query.reviewer and query.verdict != "unjudged")):
        return False
    return not query.verdict or _WHICH[query.verdict](entry, own)


def _asked_for(verdict: Verdict, query: Query) -> bool:
    """Whether a verdict is by the reviewer, with the tag, the answer to the criterion, and in the time asked for."""
    side, _, tag = query.tag.partition(":")
    column, _, value = query.criterion.partition("=")
    return (
        (not query.reviewer or verdict.reviewer == query.reviewer)
        and (not query.tag or tag in (verdict.tags_base if side == "base" else verdict.tags_tuned))
        and (not query.criterion or verdict.criteria.get(column, "") == value)
        and (not query.time or _TIMES[query.time][0] <= verdict.seconds < _TIMES[query.time][1])
    )


def length_of(ratio: float) -> Length:
    """The bin of eval.evidence.reviewers.bias that a ratio of lengths is in."""
    return LENGTHS[(bisect_left if ratio < 1 else bisect_right)(EDGES, ratio, 1, len(EDGES) - 1) - 1]


def _has(outcome: Outcome) -> Callable[[Entry, Sequence[Verdict]], bool]:
    return lambda _, own: any(verdict.outcome == outcome for verdict in own)


def _is_open(entry: Entry, own: Sequence[Verdict]) -> bool:
    return not own and entry.pair is not None and not entry.pair.identical


LENGTHS: tuple[Length, ...] = ("half", "shorter", "same", "longer", "twice")
_TIMES: dict[Time, tuple[float, float]] = {
    "hasty": (0, HASTY),
    "short": (HASTY, 10),
    "middle": (10, 60),
    "long": (60, math.inf),
}
#: What each verdict filter asks of an entry and of the verdicts on it (by one reviewer, where one is chosen).
_WHICH: dict[Which, Callable[[Entry, Sequence[Verdict]], bool]] = {
    **{outcome: _has(outcome) for outcome in OUTCOMES},
    "comment": lambda _, own: any(verdict.comment for verdict in own),
    "unjudged": _is_open,
    "identical": lambda entry, _: entry.pair is not None and entry.pair.identical,
    "unanswered": lambda entry, _: entry.pair is None,
    "giveaway": lambda entry, _: bool(entry.giveaways),
    "skipped": lambda *_: True,
}
_AGREEMENT: dict[Agreement, Callable[[Entry], bool]] = {
    "alike": lambda entry: len(entry.verdicts) > 1 and not entry.disagreement,
    "disagreement": lambda entry: entry.disagreement,
    "single": lambda entry: len(entry.verdicts) == 1,
}
#: Smallest first; whatever lacks what is sorted by comes last.
_ORDER: dict[Sort, Callable[[Entry], float]] = {
    "verdicts": lambda entry: -len(entry.verdicts),
    "tuned": lambda entry: math.inf if entry.margin is None else -entry.margin,
    "base": lambda entry: math.inf if entry.margin is None else entry.margin,
    "ratio": lambda entry: math.inf if entry.ratio is None else -entry.ratio,
    "slow": lambda entry: -max((verdict.seconds for verdict in entry.verdicts), default=0.0),
    "comments": lambda entry: -sum(bool(verdict.comment) for verdict in entry.verdicts),
}


def _judged(snapshot: Snapshot, item: str) -> list[Judged]:
    """Every row on an item, in the order of the file."""
    rows = snapshot.by_item.get(item, ())
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
