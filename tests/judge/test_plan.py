"""What a study plans: reviewers of each pair, and which prompts people are drawn for by a known chance."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.answers import read_answers
from eval.judge.blinding import Blinding
from eval.judge.desk import Desk
from eval.judge.drawing import drawing_order, is_drawn
from eval.judge.plan import draw_of, plan_of
from eval.judge.study import Study
from eval.run import open_run
from tests.judge.runs import FIXED_KEY, make_run, with_key


def test_the_plan_is_that_of_the_study(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[*((f"a {n}", f"b {n}") for n in range(10)), ("same", "same")])
    assert set(plan_of(run, read_answers(run.responses_path)).values()) == {1}
    (run.folder / "study.json").write_text(json.dumps({"overlap": {"reviewers": 3, "share": 0.2}}))
    plan = plan_of(run, read_answers(run.responses_path))
    assert (len(plan), sorted(plan.values())) == (10, [1] * 8 + [3] * 2)


def test_a_pair_held_back_is_not_planned(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[("As zebrabase-7b I say yes", "Yes."), ("a", "b")])
    Desk(run, Study.model_validate({"giveaways": {"policy": "hold"}}))
    assert list(plan_of(open_run(run.folder.parent, run.name), read_answers(run.responses_path))) == [
        "hidden-item-0001"
    ]


@pytest.mark.parametrize("sample", [0.1, 0.5])
def test_people_are_drawn_with_the_chance_that_was_said(sample: float) -> None:
    blinding = Blinding("run", FIXED_KEY)
    drawn = sum(is_drawn(blinding, f"item {n}", sample) for n in range(10_000))
    assert abs(drawn - 10_000 * sample) < 200
    assert all(is_drawn(blinding, f"item {n}", 1.0) for n in range(100))


def test_only_drawn_prompts_are_asked_and_all_are_in_the_draw(tmp_path: Path) -> None:
    run, blinding = with_key(make_run(tmp_path, n=60)), Blinding("trial", FIXED_KEY)
    desk = Desk(run, Study(sample=0.5))
    draw, plan = draw_of(run, read_answers(run.responses_path)), plan_of(run, read_answers(run.responses_path))
    assert set(desk.tasks) == set(plan) == {item for item in draw if is_drawn(blinding, item, 0.5)}
    assert 15 < len(plan) < 45
    assert (len(draw), set(draw.values())) == (60, {0.5})
    assert list(draw) == drawing_order(blinding, sorted(draw))
    assert list(draw) != sorted(draw)
