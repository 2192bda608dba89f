"""Prepares the next pair while the current one is read, so that nobody waits after a verdict."""

from __future__ import annotations

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.page_protocol import View
from eval.judge.page.recent_verdicts import earlier, given
from eval.judge.page.reviewer_state import ReviewerState, Shown
from eval.judge.study.forms import Form

NOTHING = View(state="none", nonce="")


def next_view(judging: JudgingState, state: ReviewerState, shown: Shown | None, form: Form) -> View:
    """What comes once `shown` is judged, as it will be shown, inside a turn; NOTHING where that is open.

    It has no nonce, so it cannot be judged before the verdict on `shown` is saved.
    """
    key = judging.after(state, shown) if isinstance(shown, tuple) else None
    if key is None:
        return NOTHING
    task, draft = judging.shown(key), state.drafts.get(key) or given(judging, state, key)
    return View(
        state="ask",
        nonce="",
        reviewer=state.reviewer,
        mode=judging.study.mode,
        pair=task.pair,
        left=judging.left(state, key),
        answer=task.answer,
        comment=draft.comment,
        filled=draft.filled,
        form=form,
        earlier=earlier(state, key, editing=False),
        flagged=key in state.flagged,
    )
