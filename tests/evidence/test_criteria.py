"""Criteria, tags and thumbs as figures, counted by hand."""

from __future__ import annotations

from eval.evidence.reviewers.criteria import criteria_figures, thumb_figures
from eval.judge.study.study import Study
from eval.records import Thumb, Verdict
from tests.judge.verdicts import verdict

STUDY = Study.model_validate(
    {
        "criteria": [
            {"name": "correct", "question": "Which?"},
            {"name": "clear", "question": "How?", "scale": [1, 2, 3]},
            {"name": "tone", "question": "How?", "scale": ["warm", "cold"]},
        ],
        "tags": ["too_long"],
    }
)


def rows() -> list[Verdict]:
    """Item 1 by two reviewers, item 2 by one, who left most open."""
    first = {"correct": "tuned", "clear_base": "1", "clear_tuned": "3", "tone_base": "cold", "tone_tuned": "warm"}
    again = {"correct": "tie", "clear_base": "2", "clear_tuned": "2", "tone_base": "warm", "tone_tuned": "warm"}
    return [
        verdict(1, criteria=first, tags_base=("too_long",)),
        verdict(2, item="item-1", reviewer="Bob", criteria=again),
        verdict(3, item="item-2", criteria={"correct": "base", "clear_base": ""}),
    ]


def test_criteria_and_tags_by_hand() -> None:
    found = {figure.name: figure for figure in criteria_figures(STUDY, rows())}
    values = {name: (figure.value, figure.n) for name, figure in found.items()}
    assert values == {
        "correct: win rate": (0.375, 2),
        "clear: mean of base": (1.5, 1),
        "clear: mean of tuned": (2.5, 1),
        "clear: tuned minus base": (1.0, 1),
        "tone warm: base": (0.5, 1),
        "tone cold: base": (0.5, 1),
        "tone warm: tuned": (1.0, 1),
        "tone cold: tuned": (0.0, 1),
        "tag too_long: base": (0.25, 2),
        "tag too_long: tuned": (0.0, 2),
    }
    assert found["correct: win rate"].low is not None


def test_nobody_answered_is_no_number() -> None:
    assert {figure.value for figure in criteria_figures(STUDY, [])} == {None}


def test_thumbs_by_hand() -> None:
    def thumb(number: int, item: str, outcome: str) -> Thumb:
        common = {"verdict_id": f"t{number}", "run": "r", "item": item, "category": "", "reviewer": "Ana"}
        rest = {"side": "tuned", "sha256": "0" * 64, "comment": "", "seconds": 1.0, "judged_at": ""}
        return Thumb.model_validate({**common, **rest, "outcome": outcome})

    found = list(thumb_figures([thumb(1, "a", "up"), thumb(2, "a", "down"), thumb(3, "b", "up")]))
    assert [(figure.value, figure.n) for figure in found] == [(0.75, 2), (None, 2), (None, 1), (None, 1)]


def test_grades_by_hand() -> None:
    """The mean grade counts a prompt once and both_bad not at all; a tie is no distance."""
    study = Study.model_validate({"mode": "graded"})
    given = [
        verdict(1, outcome="tuned", criteria={"strength": "2"}),
        verdict(2, item="item-1", reviewer="Bob", outcome="base", criteria={"strength": "1"}),
        verdict(3, item="item-2", outcome="tie", criteria={"strength": ""}),
        verdict(4, item="item-3", outcome="tuned", criteria={"strength": "1"}),
        verdict(5, item="item-4", outcome="both_bad", criteria={"strength": ""}),
    ]
    found = {figure.name: (figure.value, figure.n) for figure in criteria_figures(study, given)}
    assert found == {
        "grade, -2 (base) to 2 (tuned)": (0.5, 3),
        "much better, of the wins of base": (0.0, 1),
        "much better, of the wins of tuned": (0.5, 2),
    }
    assert {figure.value for figure in criteria_figures(study, [])} == {None}
