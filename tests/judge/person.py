"""A reviewer at a page, who sees views and presses keys; no browser, no server."""

from __future__ import annotations

from collections.abc import Mapping

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.open_session import answer_action
from eval.judge.page.page_protocol import Act, Action, View
from eval.judge.page.session import ReviewerSession
from eval.judge.study.forms import Place
from eval.judge.study.study import Language, Overlap, Study

#: Everybody may judge every pair, and at once.
PLAIN = Study(practice=0, overlap=Overlap(reviewers=9))


class Person:
    """One tab of one reviewer."""

    def __init__(self, judging: JudgingState, name: str = "Ana", *, fixed: str = "", language: Language = "en") -> None:
        self.judging = judging
        self.name = name
        self.fixed = fixed
        self.language: Language = language
        self.session: ReviewerSession | None = None
        self.view = self.act("hello")

    def act(
        self,
        act: Act,
        choice: str | None = None,
        comment: str = "",
        *,
        criteria: Mapping[str, str] | None = None,
        tags: Mapping[Place, tuple[str, ...]] | None = None,
        edit: str = "",
        nonce: str | None = None,
    ) -> View:
        action = Action.model_validate(
            {
                "act": act,
                "reviewer": self.name,
                "nonce": nonce if nonce is not None else self.view.nonce if self.session else "",
                "choice": choice,
                "comment": comment,
                "criteria": dict(criteria or {}),
                "tags": dict(tags or {}),
                "edit": edit,
                "language": self.language,
            }
        )
        self.session, self.view = answer_action(self.judging, self.session, action, fixed=self.fixed)
        return self.view

    def vote(self, choice: str = "left", comment: str = "", *, nonce: str | None = None) -> View:
        return self.act("vote", choice, comment, nonce=nonce)

    def undo(self, comment: str = "") -> View:
        return self.act("undo", comment=comment)

    def skip(self) -> View:
        return self.act("skip")

    @property
    def item(self) -> str:
        """What is on the page."""
        if self.view.answer is not None:
            return self.view.answer.prompt_id
        assert self.view.pair is not None
        return self.view.pair.prompt_id

    def judge_all(self, choice: str = "left", most: int = 100_000) -> list[str]:
        """Vote until nothing is left, or so many times; the items in the order in which they came."""
        judged: list[str] = []
        while self.view.state == "ask" and len(judged) < most:
            judged.append(self.item)
            assert self.vote(choice).saved
        return judged
