"""A reviewer's own verdicts, as the page shows them again: in places, not in models."""

from __future__ import annotations

from eval.judge import forms
from eval.judge.desk import Desk
from eval.judge.extras import Key
from eval.judge.forms import Filled, Place
from eval.judge.seats import Draft, Seat
from eval.judge.showing import Recent
from eval.records import Judgement, Thumb, Verdict

#: So many can be changed from the list.
LAST = 20


def recent(desk: Desk, seat: Seat) -> tuple[Recent, ...]:
    """The last verdicts in force, the latest first. A pair that came twice is there once, as it was judged last."""
    entries: dict[str, Recent] = {}
    for key, row in reversed(seat.standing.items()):
        if row.item not in entries:
            entries[row.item] = Recent(row.verdict_id, desk.task(key).snippet, _choice(row), row.judged_at)
        if len(entries) == LAST:
            break
    return tuple(entries.values())


def given(desk: Desk, seat: Seat, key: Key) -> Draft:
    """What was last given beside a pair, as the file has it."""
    row = seat.last.get(key)
    if isinstance(row, Verdict) and row.left:
        tags: dict[Place, tuple[str, ...]] = {
            forms.place_of("base", row.left): row.tags_base,
            forms.place_of("tuned", row.left): row.tags_tuned,
        }
        return Draft(row.comment, Filled(forms.from_cells(desk.study, row.criteria, row.left), _present(tags)))
    if isinstance(row, Thumb):
        return Draft(
            row.comment, Filled(forms.from_cells(desk.study, row.criteria, "base"), _present({"left": row.tags}))
        )
    return Draft()


def _present(tags: dict[Place, tuple[str, ...]]) -> dict[Place, tuple[str, ...]]:
    return {place: given for place, given in tags.items() if given}


def _choice(row: Judgement) -> str:
    if isinstance(row, Verdict) and (row.outcome == "base" or row.outcome == "tuned") and row.left:
        return forms.place_of(row.outcome, row.left)
    return row.outcome
