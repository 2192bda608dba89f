"""Thinking on the page: never by default, and where a study shows it, so that no side is known by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.errors import InputError
from eval.judge.page.judging_state import JudgingState
from eval.judge.page.views import stage_html
from eval.judge.study.study import Study, read_study
from eval.records import SIDES, Response, Side
from eval.run import Run
from tests.judge.person import PLAIN, Person
from tests.judge.runs import TUNED_NAME, make_run_of, prompt, response

SHOWN = PLAIN.model_copy(update={"show_thinking": True})
THOUGHT = "Blue or grey? Blue."


def run_of(folder: Path, base: str, tuned: str) -> Run:
    """A run of one pair with this thinking before its answers."""
    asked, thoughts = prompt(1), {"base": base, "tuned": tuned}

    def row(side: Side, text: str) -> Response:
        return response(asked, side, text).model_copy(update={"thinking": thoughts[side]})

    return make_run_of(folder, [asked], [row("base", "It is blue."), row("tuned", "Blue.")])


def page_of(run: Run, study: Study) -> str:
    return stage_html(Person(JudgingState(run, study), "Ana").view)


def test_thinking_is_not_shown_unless_the_study_says_so(tmp_path: Path) -> None:
    page = page_of(run_of(tmp_path, THOUGHT, f"{THOUGHT} Surely."), PLAIN)
    assert "It is blue." in page
    assert "Blue or grey" not in page
    assert "Thinking before the answer" not in page


def test_thinking_is_folded_under_both_answers(tmp_path: Path) -> None:
    page = page_of(run_of(tmp_path, THOUGHT, f"{THOUGHT} <b>Surely.</b>"), SHOWN)
    assert page.count('<details class="bs-system bs-thinking">') == 2
    assert "&lt;b&gt;Surely.&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("base", "tuned"),
    [
        (THOUGHT, ""),
        ("", THOUGHT),
        (THOUGHT, " \n"),
        (THOUGHT, f"I am {TUNED_NAME}, so blue."),
        ("As Claude, I say blue.", THOUGHT),
    ],
    ids=["base alone", "tuned alone", "white space", "a name of the run", "a known name"],
)
def test_thinking_that_would_tell_a_side_is_shown_of_neither(tmp_path: Path, base: str, tuned: str) -> None:
    page = page_of(run_of(tmp_path, base, tuned), SHOWN)
    assert "It is blue." in page
    assert "Thinking before the answer" not in page
    assert not any(text in page for text in (THOUGHT, TUNED_NAME, "Claude"))


def test_thumbs_never_show_thinking(tmp_path: Path) -> None:
    path = tmp_path / "study.yml"
    path.write_text("mode: thumbs\nshow_thinking: true\n")
    with pytest.raises(InputError, match="show_thinking needs two answers"):
        read_study(path)
    page = page_of(run_of(tmp_path, THOUGHT, THOUGHT), PLAIN.model_copy(update={"mode": "thumbs"}))
    assert "Blue." in page
    assert "Blue or grey" not in page


def test_thinking_changes_nothing_of_what_is_judged(tmp_path: Path) -> None:
    """Two answers that differ in their thinking alone are identical, and are not asked."""
    asked = prompt(1)
    rows = [
        response(asked, side, "Blue.").model_copy(update={"thinking": text})
        for side, text in zip(SIDES, ("One.", "Two."), strict=True)
    ]
    assert Person(JudgingState(make_run_of(tmp_path, [asked], rows), SHOWN), "Ana").view.state == "none"
