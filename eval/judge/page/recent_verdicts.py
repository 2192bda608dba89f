"""A reviewer's own verdicts as the page lists them: by left and right, never by model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from statistics import median

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.page_protocol import Recent
from eval.judge.page.reviewer_state import Draft, ReviewerState, Shown
from eval.judge.study import blinding, forms
from eval.judge.study.control_items import Key
from eval.judge.study.forms import FilledForm, Place
from eval.judge.study.study import STRENGTH, Study
from eval.records import Judgement, Side, Thumb, Verdict

#: After so many verdicts of a session a rest is suggested.
REST = 50
#: The pace is that of so many last verdicts, and of no fewer than _FEW.
_LAST, _FEW = 50, 5


def recent(judging: JudgingState, state: ReviewerState) -> tuple[Recent, ...]:
    """All verdicts in force, the latest first. A pair that came twice is there once, as it was judged last."""
    entries: dict[str, Recent] = {}
    for key, row in reversed(state.standing.items()):
        if row.item not in entries:
            snippet, flagged = judging.task(key).snippet, bool(state.flagged_of(row.item))
            entries[row.item] = Recent(
                row.verdict_id, snippet, choice_of(row), row.judged_at, row.comment.strip(), flagged
            )
    return tuple(entries.values())


def pace(state: ReviewerState) -> float:
    """Median seconds of the reviewer's last verdicts; 0 before there are enough of them."""
    seconds = [row.seconds for row in islice(reversed(state.standing.values()), _LAST)]
    return median(seconds) if len(seconds) >= _FEW else 0.0


@dataclass
class Rest:
    """When a session is to be told to rest: after each REST of the verdicts `given` in it that stand, once."""

    given: int = 0
    _told: int = 0

    def is_due(self) -> bool:
        if self.given % REST or self.given <= self._told:
            return False
        self._told = self.given
        return True


def given(judging: JudgingState, state: ReviewerState, key: Key) -> Draft:
    """What was last given beside a pair, as the file has it."""
    row = state.last.get(key)
    if isinstance(row, Verdict) and row.left:
        tags: dict[Place, tuple[str, ...]] = {
            forms.place_of("base", row.left): row.tags_base,
            forms.place_of("tuned", row.left): row.tags_tuned,
        }
        return Draft(row.comment, FilledForm(forms.from_cells(judging.study, row.criteria, row.left), _present(tags)))
    if isinstance(row, Thumb):
        return Draft(
            row.comment, FilledForm(forms.from_cells(judging.study, row.criteria, "base"), _present({"left": row.tags}))
        )
    return Draft()


def _present(tags: dict[Place, tuple[str, ...]]) -> dict[Place, tuple[str, ...]]:
    return {place: given for place, given in tags.items() if given}


def choice_of(row: Judgement) -> str:
    """What the reviewer chose, in places."""
    if isinstance(row, Verdict) and (row.outcome == "base" or row.outcome == "tuned") and row.left:
        return forms.graded_choice(forms.place_of(row.outcome, row.left), row.criteria.get(STRENGTH, ""))
    return row.outcome


def outcome_of(study: Study, choice: str, left: Side) -> str | None:
    """What a choice says with the side `left` on the left; None for one that this study does not offer."""
    if study.mode == "thumbs":
        return choice if choice in ("up", "down") else None
    plain, strength = forms.plain_choice(choice)
    if strength == "2" and study.mode != "graded":
        return None
    return next((blinding.outcome(one, left) for one in blinding.CHOICES if one == plain), None)


def earlier(state: ReviewerState, shown: Shown | None, *, editing: bool) -> str:
    """What was chosen before an undo, or what an edit is about to change; empty for a pair that has neither."""
    if shown is None or isinstance(shown, int):
        return ""
    row = state.standing.get(shown) if editing else state.undone.get(shown)
    return choice_of(row) if row else ""
