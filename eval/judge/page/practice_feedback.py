"""The practice pairs of a study, and the feedback on a reviewer's verdict."""

from __future__ import annotations

from dataclasses import dataclass

from eval.judge.page.reviewer_state import ReviewerState
from eval.judge.study.forms import plain_choice
from eval.judge.study.localized import Language
from eval.judge.study.practice import PracticePair, our_pairs, plainly
from eval.judge.study.study import Study


@dataclass(frozen=True)
class Feedback:
    """What is known of a practice pair, told after its verdict: `expected` is the choice that is right."""

    right: bool
    expected: str
    why: str


def practice_of(study: Study) -> tuple[PracticePair, ...]:
    """The study's own pairs, or so many of ours; none that is a gold pair too. In thumbs ours tell no answer."""
    if study.own_practice:
        return study.own_practice.pairs
    gold = {plainly(pair.messages[-1].content) for pair in (study.gold.pairs if study.gold else ())}
    ours = [pair for pair in our_pairs() if not gold & {plainly(pair.prompt.en), plainly(pair.prompt.zh)}]
    if study.mode == "thumbs":
        ours = [pair.model_copy(update={"answer": ""}) for pair in ours]
    return tuple(ours[: study.practice])


def feedback(pair: PracticePair, choice: str, language: Language) -> Feedback | None:
    """What to tell of a choice; None where the pair has no known answer."""
    if not pair.expected:
        return None
    why = pair.why.say(language) if pair.why else ""
    return Feedback(plain_choice(choice)[0] == pair.expected, pair.expected, why)


def go_on(study: Study, state: ReviewerState, number: int) -> str:
    """The pair after the `number`-th is due, or practice is over (0), or begins again where too few were right.

    Then it says how many were right of how many that had to be ("1 / 2"), and nothing otherwise.
    """
    pairs = practice_of(study)
    state.practice = number + 1 if number < len(pairs) else 0
    right = sum(state.practised.values())
    needed = study.own_practice.pass_mark if study.own_practice else 0
    if state.practice or right >= needed:
        return ""
    state.practice, state.practised = 1, {}
    state.drafts = {shown: draft for shown, draft in state.drafts.items() if not isinstance(shown, int)}
    return f"{right} / {needed}"
