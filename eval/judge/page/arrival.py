"""Whose session continues: a page that was just opened is welcomed, asked for a name, and seated."""

from __future__ import annotations

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.page_protocol import Action, View
from eval.judge.page.practising import practice_of
from eval.judge.page.session import STALE, ReviewerSession
from eval.judge.study import blinding, forms
from eval.judge.study.forms import Notice
from eval.judge.study.names import clean_name


def answer(
    desk: JudgingState, sitting: ReviewerSession | None, action: Action, *, fixed: str = ""
) -> tuple[ReviewerSession | None, View]:
    """What the page is answered, and the sitting that continues. No page can change a `fixed` name."""
    name, problem = clean_name(fixed or action.reviewer)
    form, mode = forms.form_of(desk.study, action.language), desk.study.mode
    if not desk.tasks:
        return None, View(state="none", nonce=blinding.nonce(), reviewer=name, mode=mode)
    if sitting is not None and sitting.reviewer == name and action.act not in ("hello", "sit"):
        return sitting, sitting.handle(action)
    known = "" if fixed or not name or desk.was_asked(action.nonce, name) else desk.alike(name)
    if known or not name or action.act in ("leave", "ahead") or (fixed and action.act != "sit" and _is_new(desk, name)):
        welcome = View(
            state="welcome",
            nonce=blinding.nonce(),
            reviewer="" if known else name,
            total=desk.pool.open_to_anybody(),
            mode=mode,
            form=form,
            practices=len(practice_of(desk.study)),
            instructions=desk.study.instructions.say(action.language) if desk.study.instructions else "",
            notice=Notice("same_name", known) if known else problem if action.act == "sit" else None,
        )
        if known:
            desk.ask_who(welcome.nonce, name)
        return None, welcome
    sitting = ReviewerSession(desk, name, action.language)
    return sitting, sitting.show(STALE if action.act == "vote" else None)


def _is_new(desk: JudgingState, reviewer: str) -> bool:
    """Whether a reviewer never judged in this run, nor is at it."""
    with desk.turn(reviewer) as seat:
        return not seat.last and seat.practice is None
