"""One reviewer's session, independent of Gradio: takes an action, returns the next view.

Every action carries the nonce of the showing that it answers. A nonce is good once: whatever is posted twice, late, or
by hand is answered with the pair that is due, and nothing is recorded.
"""

from __future__ import annotations

import time
from dataclasses import replace

from eval.errors import BlindsideError, NotSaved
from eval.judge.page.judging_state import JudgingState
from eval.judge.page.next_pair import NOTHING, next_view
from eval.judge.page.page_protocol import Action, View
from eval.judge.page.practice_feedback import Feedback, feedback, go_on, practice_of
from eval.judge.page.recent_verdicts import Rest, earlier, given, outcome_of, pace, recent
from eval.judge.page.reviewer_state import Draft, ReviewerState, Shown
from eval.judge.study import blinding, forms
from eval.judge.study.forms import FilledForm, Notice
from eval.judge.study.localized import Language
from eval.judge.study.tasks import Task
from eval.records import Side

STALE, ELSEWHERE = Notice("stale"), Notice("elsewhere")
UNDONE, NOTHING_TO_UNDO = Notice("undone"), Notice("nothing_to_undo")
TARGET = Notice("target")
EDITED, EDIT_LEFT, EDIT_GONE = Notice("edited"), Notice("edit_left"), Notice("edit_gone")
PRACTICE_OVER, PRACTICE_BACK = Notice("practice_over"), Notice("practice_back")


class ReviewerSession:
    """One browser page of one reviewer. Its methods may be called by several threads at once."""

    def __init__(self, judging: JudgingState, reviewer: str, language: Language = "en") -> None:
        self.judging = judging
        self.reviewer = reviewer
        self._language = language
        self._nonce = ""
        self._view = View(state="none", nonce="")
        self._shown: Shown | None = None
        self._editing = False
        self._tried = ""
        self._practices = practice_of(judging.study)
        self._rest = Rest()
        self._shown_at = 0.0

    def show(self, notice: Notice | None = None) -> View:
        """What is due; with a notice, what is typed on the page is kept. Raises NotSaved, InputError."""
        with self.judging.turn(self.reviewer) as state:
            return self._due(state, notice, keep=notice is not None)

    def handle(self, action: Action) -> View:
        """Do what the page asks, and answer with what to show: the same once more where nothing could be saved."""
        typed = Draft(action.comment, FilledForm(action.criteria, action.tags))
        try:
            with self.judging.turn(self.reviewer) as state:
                if action.act == "ahead":
                    current = action.nonce == self._nonce and not self._editing
                    return next_view(self.judging, state, self._shown if current else None, self._form)
                self._language = action.language
                return self._told(self._answer(state, action, typed))
        except BlindsideError as error:
            if action.act == "ahead":
                return NOTHING
            return self._same(Notice("not_saved" if isinstance(error, NotSaved) else "broken", str(error)), typed)

    def _answer(self, state: ReviewerState, action: Action, typed: Draft) -> View:
        if action.nonce == self._nonce:
            return self._do(state, action, typed)
        if action.act == "leave":
            return self._view
        return self._due(state, STALE if action.act == "vote" else None, keep=True)

    def _told(self, view: View) -> View:
        """With a word about verdicts of this reviewer that had vanished from the file, once."""
        restored = 0 if view.notice else self.judging.ledger.restored(self.reviewer)
        if restored:
            self._view = view = replace(view, notice=Notice("restored", str(restored)))
        return view

    def _do(self, state: ReviewerState, action: Action, typed: Draft) -> View:
        if action.act == "recent":
            return replace(self._same(None, typed), recent=recent(self.judging, state))
        if action.act == "flag":
            return self._flag(state, action.edit, typed)
        if action.act == "leave" and not self._editing:
            self.judging.pool.leave(self.reviewer)
            return self._view
        if action.act == "undo" and not self._editing:
            return self._undo(state, typed)
        if action.act == "edit":
            return self._edit(state, action.edit, typed)
        if action.act in ("leave", "undo", "skip") and self._editing:
            self._keep(state, typed)
            return self._out_of_edit(state, EDIT_LEFT)
        if action.act == "skip":
            return self._skip(state, typed)
        return self._vote(state, action, typed) if action.act == "vote" else self._same(None, typed)

    def _vote(self, state: ReviewerState, action: Action, typed: Draft) -> View:
        shown = self._shown
        if shown is None:
            return self._due(state)
        if shown in state.standing and not self._editing:
            return self._due(state, ELSEWHERE)
        outcome = outcome_of(self.judging.study, action.choice or "", self._view.left)
        refusal = forms.problem(self.judging.study, typed.filled, typed.comment, self._language)
        if outcome is None or refusal:
            return self._same(refusal if outcome else STALE, typed)
        if isinstance(shown, int):
            return self._try(state, shown, action.choice or "", typed)
        strength = forms.plain_choice(action.choice or "")[1] if self.judging.study.mode == "graded" else None
        self.judging.write(state, shown, outcome, typed, time.monotonic() - self._shown_at, strength=strength)
        state.drafts.pop(shown, None)
        if self._editing:
            return self._out_of_edit(state, EDITED, saved=True)
        self._rest.given += 1
        return self._due(state, self._on_the_way(state), saved=True)

    def _on_the_way(self, state: ReviewerState) -> Notice | None:
        """A word when the target is reached, and now and then one to rest."""
        if len(state.standing) == self.judging.study.target:
            return TARGET
        return Notice("rest", str(self._rest.given)) if self._rest.is_due() else None

    def _skip(self, state: ReviewerState, typed: Draft) -> View:
        self._keep(state, typed)
        if isinstance(self._shown, int):
            return self._practised(state, self._shown, typed)
        if self._shown is not None and self._shown not in state.standing:
            self.judging.skip(state, self._shown)
        return self._due(state)

    def _try(self, state: ReviewerState, number: int, choice: str, typed: Draft) -> View:
        """A verdict on a practice pair: what is known of it is reported, and the first one counts."""
        message = feedback(self._practices[number - 1], choice, self._language)
        if message is None:
            return self._practised(state, number, typed)
        state.practised.setdefault(number, message.right)
        state.drafts[number] = typed
        self._tried = choice
        return self._show(state, number, None)

    def _practised(self, state: ReviewerState, number: int, typed: Draft) -> View:
        """On to the next practice pair, or to the real ones."""
        state.drafts[number] = typed
        missed = go_on(self.judging.study, state, number) if state.practice == number else ""
        if missed:
            return self._due(state, Notice("practice_again", missed))
        return self._due(state, None if state.practice else PRACTICE_OVER)

    def _flag(self, state: ReviewerState, wanted: str, typed: Draft) -> View:
        """Mark one of the reviewer's verdicts, and show the list again; or the pair on the page."""
        shown = self._shown if isinstance(self._shown, tuple) else None
        key = next((key for key, row in state.standing.items() if row.verdict_id == wanted), None) if wanted else shown
        if key is not None:
            # A pair that came twice is in the list once.
            for one in (state.flagged_of(key[1]) if wanted else ()) or (key,):
                self.judging.flag(state, one)
        view = self._same(None, typed)
        self._view = view = replace(view, flagged=shown in state.flagged, flags=state.flags)
        return replace(view, recent=recent(self.judging, state)) if wanted else view

    def _undo(self, state: ReviewerState, typed: Draft) -> View:
        """Take back the last judgement in force, and show its pair again with what was given beside it."""
        if isinstance(self._shown, int) and (self._shown > 1 or self._feedback):
            self._keep(state, typed)
            state.practice = self._shown if self._feedback else self._shown - 1
            return self._due(state, PRACTICE_BACK)
        if not state.standing:
            return self._same(NOTHING_TO_UNDO, typed)
        key = next(reversed(state.standing))
        self.judging.withdraw(state, key)
        self._rest.given -= 1
        self._keep(state, typed)
        self.judging.due.hold(state, key)
        return self._show(state, key, UNDONE, saved=True)

    def _edit(self, state: ReviewerState, wanted: str, typed: Draft) -> View:
        """Show one of the reviewer's verdicts again; it stands until another one replaces it."""
        key = next((key for key, row in state.standing.items() if row.verdict_id == wanted), None)
        if key is None:
            return self._same(EDIT_GONE, typed)
        self._keep(state, typed)
        self._editing = True
        return self._show(state, key, None)

    def _out_of_edit(self, state: ReviewerState, notice: Notice, *, saved: bool = False) -> View:
        self._editing, self._shown = False, None
        return self._due(state, notice, saved=saved)

    def _keep(self, state: ReviewerState, typed: Draft) -> None:
        if self._shown is not None:
            state.drafts[self._shown] = typed

    def _same(self, notice: Notice | None, typed: Draft) -> View:
        """What was shown before, once more, with what was typed."""
        self._nonce = blinding.nonce()
        view = replace(self._view, nonce=self._nonce, notice=notice, saved=False, keep=True, recent=())
        self._view = replace(view, comment=typed.comment, filled=typed.filled, form=self._form)
        if isinstance(self._shown, int):
            task = self._task(self._shown)
            self._view = replace(self._view, pair=task.pair, answer=task.answer, feedback=self._feedback)
        return self._view

    def _due(
        self, state: ReviewerState, notice: Notice | None = None, *, saved: bool = False, keep: bool = False
    ) -> View:
        """What is on the page if it is still to be judged, or else what is next."""
        if state.practice is None:
            state.practice = 0 if state.last or not self._practices else 1
        self._tried = ""
        if self._editing or state.practice:
            return self._show(state, self._shown if self._editing else state.practice, notice, saved=saved, keep=keep)
        key = None if isinstance(self._shown, int) else self._shown
        if key is None or key in state.skipped or not self.judging.due.is_askable(state, key):
            key = self.judging.next(state)
        self.judging.due.hold(state, key)
        return self._show(state, key, notice, saved=saved, keep=keep)

    def _show(
        self,
        state: ReviewerState,
        shown: Shown | None,
        notice: Notice | None,
        *,
        saved: bool = False,
        keep: bool = False,
    ) -> View:
        if shown != self._shown or not self._nonce:
            self._shown_at = time.monotonic()
            self._tried = ""
        self._shown, self._nonce = shown, blinding.nonce()
        draft = self._draft(state, shown)
        task = None if shown is None else self._task(shown)
        judged = len(state.standing)
        self._view = View(
            state="done" if shown is None else "ask",
            nonce=self._nonce,
            reviewer=self.reviewer,
            judged=judged,
            total=self.judging.due.total(state) if shown is not None else judged,
            skipped=sum(self.judging.due.is_askable(state, key) for key in state.skipped),
            mode=self.judging.study.mode,
            pair=task.pair if task else None,
            left=self._left(state, shown),
            answer=task.answer if task else None,
            comment=draft.comment,
            filled=draft.filled,
            form=self._form,
            practice=shown if isinstance(shown, int) else 0,
            practices=len(self._practices),
            feedback=self._feedback,
            earlier=earlier(state, shown, editing=self._editing),
            pace=pace(state),
            flagged=shown in state.flagged,
            flags=state.flags,
            editing=self._editing,
            notice=notice,
            saved=saved,
            keep=keep,
            can_undo=bool(state.standing)
            or self._editing
            or (isinstance(shown, int) and (shown > 1 or self._feedback is not None)),
        )
        return self._view

    @property
    def _feedback(self) -> Feedback | None:
        """What is known of the practice pair on the page, once it was judged."""
        if not self._tried or not isinstance(self._shown, int):
            return None
        return feedback(self._practices[self._shown - 1], self._tried, self._language)

    @property
    def _form(self) -> forms.Form:
        return forms.form_of(self.judging.study, self._language)

    def _task(self, shown: Shown) -> Task:
        if not isinstance(shown, int):
            return self.judging.shown(shown)
        pair = self._practices[shown - 1].pair(shown, self._language)
        return Task.of_answer(pair.base) if self.judging.study.mode == "thumbs" else Task.of_pair(pair)

    def _left(self, state: ReviewerState, shown: Shown | None) -> Side:
        if shown is None:
            return "base"
        if not isinstance(shown, int):
            return self.judging.left(state, shown)
        # As written, for everybody and in every run: practice pairs are public, and must tell nothing of the run's key.
        return "base"

    def _draft(self, state: ReviewerState, shown: Shown | None) -> Draft:
        if shown is None:
            return Draft()
        draft = state.drafts.get(shown)
        if draft is not None:
            return draft
        return Draft() if isinstance(shown, int) else given(self.judging, state, shown)
