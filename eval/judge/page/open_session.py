"""Opens or continues a session for a page: welcome, name, first pair."""

from __future__ import annotations

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.page_protocol import Action, View
from eval.judge.page.practice_feedback import practice_of
from eval.judge.page.session import STALE, ReviewerSession
from eval.judge.study import blinding, forms
from eval.judge.study.forms import Notice
from eval.judge.study.names import clean_name


def answer_action(
    judging: JudgingState, session: ReviewerSession | None, action: Action, *, fixed: str = ""
) -> tuple[ReviewerSession | None, View]:
    """What the page is answered, and the session that continues. No page can change a `fixed` name."""
    name, problem = clean_name(fixed or action.reviewer)
    form, mode = forms.form_of(judging.study, action.language), judging.study.mode
    if not judging.tasks:
        return None, View(state="none", nonce=blinding.nonce(), reviewer=name, mode=mode)
    if session is not None and session.reviewer == name and action.act not in ("hello", "sit"):
        return session, session.handle(action)
    known = "" if fixed or not name or judging.was_asked(action.nonce, name) else judging.alike(name)
    if (
        known
        or not name
        or action.act in ("leave", "ahead")
        or (fixed and action.act != "sit" and _is_new(judging, name))
    ):
        welcome = View(
            state="welcome",
            nonce=blinding.nonce(),
            reviewer="" if known else name,
            total=judging.pool.open_to_anybody(),
            mode=mode,
            form=form,
            practices=len(practice_of(judging.study)),
            instructions=judging.study.instructions.say(action.language) if judging.study.instructions else "",
            notice=Notice("same_name", known) if known else problem if action.act == "sit" else None,
        )
        if known:
            judging.ask_who(welcome.nonce, name)
        return None, welcome
    session = ReviewerSession(judging, name, action.language)
    return session, session.show(STALE if action.act == "vote" else None)


def _is_new(judging: JudgingState, reviewer: str) -> bool:
    """Whether a reviewer never judged in this run, nor is at it."""
    with judging.turn(reviewer) as state:
        return not state.last and state.practice is None
