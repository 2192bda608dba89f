"""Verdicts become pairs with their provenance, and what was harvested is never asked again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from eval.collect.prompts.prompt_set import load_prompts
from eval.collect.prompts.retired import FILE, read_retired, retired_keys
from eval.errors import InputError, RunError
from eval.judge.csv_codec import PLAIN, Columns
from eval.judge.store.ledger import Ledger
from eval.judge.study.study import STRENGTH
from eval.records import Kind, Mark, Pair, Thumb, Verdict, utc_now
from eval.release.next_round.harvest import Harvest, Thresholds, harvest
from eval.release.next_round.thumbs import harvest_thumbs
from eval.run import Run
from tests.judge.runs import make_run, make_run_of, prompt, response
from tests.support import judged
from train.pairs.pair import Pair as Trained
from train.pairs.source import read_pairs
from train.pairs.survey.run import check_pairs

ANSWERS = [(f"Base says {n}.", f"Tuned says {n}.") for n in range(8)] + [("The same.", "The same.")]


def pairs(run: Run) -> list[Pair]:
    from eval.answers import read_answers

    return read_answers(run.responses_path).pairs(run.prompts())


def judge(run: Run, *marks: tuple[int, str, Mark], kind: Kind = "judgement") -> list[Verdict]:
    """Verdicts (item's number, reviewer, outcome), put on disk as the page puts them."""
    store = Ledger(run.verdicts_path, Verdict, run.name, PLAIN)
    rows = []
    for item, reviewer, outcome in marks:
        changes: dict[str, Any] = {"reviewer": reviewer, "kind": kind}
        if kind == "gold":
            changes["item"] = f"gold:{item}"
        rows.append(judged(run, pairs(run)[item], outcome=outcome).model_copy(update=changes))
        store.append(rows[-1])
    return rows


def take(run: Run, out: Path, **thresholds: Any) -> tuple[Harvest, list[str]]:
    said: list[str] = []
    return harvest(run, out, thresholds=Thresholds(**thresholds), say=said.append), said


def test_sure_verdicts_become_pairs_and_everything_else_is_counted(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS)
    rows = judge(
        run,
        *[(0, who, "tuned") for who in ("ann", "bob")],
        *((0, "cem", "tie"), (1, "ann", "base"), (2, "ann", "tie"), (3, "ann", "both_bad")),
        *((4, "ann", "base"), (4, "bob", "tuned"), (5, "ann", "tuned"), (5, "bob", "tuned"), (5, "cem", "base")),
        *((5, "dee", "tie"), (5, "eve", "tuned")),
    )
    judge(run, (6, "ann", "tuned"), kind="gold")
    judge(run, (0, "ann", "base"), kind="repeat")
    done, said = take(run, tmp_path / "next.jsonl")
    harvested = [row for row in read_pairs(tmp_path / "next.jsonl") if isinstance(row, Trained)]
    assert [(row.chosen, row.rejected) for row in harvested] == [
        ("Tuned says 0.", "Base says 0."), ("Base says 1.", "Tuned says 1."), ("Tuned says 5.", "Base says 5."),
    ]  # fmt: skip
    assert dict(done.tally.excluded) == {
        "tie": 1, "both bad": 1, "no majority": 1, "not judged": 2, "both answers are the same": 1,
    }  # fmt: skip
    assert done.tally.read == 9 == done.tally.written + done.tally.excluded.total()
    assert dict(done.verdicts) == {"counted": len(rows), "left out: gold": 1, "left out: repeat": 1}
    first = pairs(run)[0]
    assert harvested[0].source == {
        "kind": "verdicts", "run": "trial", "item": first.prompt_id, "verdicts": [row.verdict_id for row in rows[:3]],
        "prefer_chosen": 2, "prefer_rejected": 0, "neither": 1, "chosen_side": "tuned",
        "chosen_sha256": first.tuned.sha256, "rejected_sha256": first.base.sha256,
        "chosen_model": run.info.models["tuned"].name, "rejected_model": run.info.models["base"].name,
    }  # fmt: skip
    assert "ann" not in (tmp_path / "next.jsonl").read_text(encoding="utf-8")
    assert "3 prompts retired: later runs leave them out" in said
    assert check_pairs(tmp_path / "next.jsonl", say=lambda line: None).ok


@pytest.mark.parametrize(
    ("thresholds", "kept"), [({}, 2), ({"agreement": 0.7}, 1), ({"reviewers": 3}, 1), ({"agreement": 0.0}, 2)]
)
def test_thresholds_say_how_sure_a_preference_must_be(thresholds: dict[str, Any], kept: int, tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS)
    judge(run, (0, "ann", "tuned"), (1, "ann", "base"), (1, "bob", "base"), (1, "cem", "tuned"))
    done, _ = take(run, tmp_path / "next.jsonl", **thresholds)
    assert done.tally.written == kept


def test_answers_that_must_not_be_taught_are_left_out(tmp_path: Path) -> None:
    asked = [prompt(0), prompt(1)]
    rows = [
        response(asked[0], "base", "short"), response(asked[0], "tuned", "cut o", finish_reason="length"),
        response(asked[1], "base", "short"), response(asked[1], "tuned", "whole"),
    ]  # fmt: skip
    run = make_run_of(tmp_path, asked, rows)
    judge(run, (0, "ann", "tuned"))
    stale = judged(run, pairs(run)[1]).model_copy(update={"tuned_sha256": "0" * 64})
    Ledger(run.verdicts_path, Verdict, run.name, PLAIN).append(stale)
    with pytest.raises(RunError, match=r"gives no pair .*cut at the token limit.*; judge more|gives no pair") as caught:
        take(run, tmp_path / "next.jsonl")
    assert "the better answer was cut at the token limit" in str(caught.value)
    assert "judged on another text than the run has now" in str(caught.value)
    assert retired_keys(run.folder.parent) == frozenset()


def test_harvested_prompts_are_never_asked_again(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS)
    judge(run, (0, "ann", "tuned"), (1, "ann", "base"))
    done, _ = take(run, tmp_path / "next.jsonl")
    assert done.retired == 2
    reports = run.folder.parent
    again, _ = take(run, tmp_path / "next.parquet")
    assert (again.retired, again.tally.written) == (0, 2)
    assert {row.item for row in read_retired(reports).values()} == {pairs(run)[n].prompt_id for n in (0, 1)}
    loaded = load_prompts(str(run.prompts_path), retired=retired_keys(reports), limit=3)
    assert [one.id for one in loaded.prompts] == [pairs(run)[n].prompt_id for n in (2, 3, 4)]
    assert loaded.retired == 2
    assert "2 prompts left out: earlier runs harvested them for training (retired.jsonl)" in loaded.messages
    few = tmp_path / "few.jsonl"
    few.write_text(json.dumps({"prompt": pairs(run)[0].messages[0].content.upper()}) + "\n")
    with pytest.raises(InputError, match="all of its 1 prompts are training data, or were harvested for it"):
        load_prompts(str(few), retired=retired_keys(reports))


def test_a_broken_list_of_retired_prompts_stops_and_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"prompt_key": "short"}\n')
    with pytest.raises(InputError, match=r"retired\.jsonl:1: .*: fix the line"):
        read_retired(tmp_path)
    assert read_retired(tmp_path / "nowhere") == {}


def test_errors_name_the_remedy(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS)
    with pytest.raises(RunError, match="has no verdicts yet: judge it first"):
        take(run, tmp_path / "next.jsonl")
    with pytest.raises(InputError, match="agreement is a share from 0 to 1"):
        Thresholds(agreement=60)


def thumb(run: Run, item: int, outcome: Literal["up", "down"], reviewer: str = "ann") -> None:
    pair = pairs(run)[item]
    row = Thumb(
        verdict_id=f"{run.name}-{item}-{reviewer}", run=run.name, item=pair.prompt_id, category="", reviewer=reviewer,
        side="tuned", outcome=outcome, sha256=pair.tuned.sha256, comment="=1+1", seconds=1.0, judged_at=utc_now(),
    )  # fmt: skip
    Ledger(run.folder / "thumbs.csv", Thumb, run.name, PLAIN).append(row)


def test_thumbs_of_several_runs_are_paired_on_the_same_prompt(tmp_path: Path) -> None:
    first = make_run(tmp_path, answers=[("-", f"First {n}.") for n in range(3)], name="first")
    second = make_run(tmp_path, answers=[("-", f"Second {n}.") for n in range(3)], name="second")
    for run, item in ((first, 0), (first, 1), (second, 1), (second, 2)):
        thumb(run, item, "up")
    for run, item in ((second, 0), (first, 2)):
        thumb(run, item, "down")
    said: list[str] = []
    done = harvest_thumbs([first, second], tmp_path / "thumbs.jsonl", say=said.append)
    made = [row for row in read_pairs(tmp_path / "thumbs.jsonl") if isinstance(row, Trained)]
    assert [(row.chosen, row.rejected) for row in made] == [("First 0.", "Second 0."), ("Second 2.", "First 2.")]
    assert made[0].source == {
        "kind": "thumbs", "up": ["first-0-ann"], "down": ["second-0-ann"],
        "items": [["first", "hidden-item-0000"], ["second", "hidden-item-0000"]],
    }  # fmt: skip
    assert dict(done.tally.excluded) == {"no answer to this prompt was disliked": 2}
    assert done.tally.read == 6
    assert done.retired == 2
    with pytest.raises(RunError, match="it takes a liked and a disliked answer"):
        harvest_thumbs([first], tmp_path / "alone.jsonl", say=said.append)


def test_grades_say_by_how_much_a_pair_is_preferred(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS)
    graded: list[tuple[int, str, Mark, str]] = [
        (0, "ann", "tuned", "2"),
        (0, "bob", "tuned", "1"),
        (1, "ann", "base", "1"),
        (4, "ann", "base", "2"),
    ]
    graded += [(4, "bob", "base", "2"), (4, "cem", "tuned", "1"), (5, "ann", "tuned", "2"), (5, "bob", "tie", "")]
    store = Ledger(run.verdicts_path, Verdict, run.name, Columns((STRENGTH,)))
    for item, reviewer, outcome, strength in graded:
        row = judged(run, pairs(run)[item], outcome=outcome)
        store.append(row.model_copy(update={"reviewer": reviewer, "criteria": {STRENGTH: strength}}))
    take(run, tmp_path / "all.jsonl")
    rows = [row for row in read_pairs(tmp_path / "all.jsonl") if isinstance(row, Trained)]
    assert [(row.source or {})["margin"] for row in rows] == [1.5, 1.0, 1.0]
    done, _ = take(run, tmp_path / "clear.jsonl", margin=1.2)
    assert (done.tally.written, done.tally.excluded["too small a margin"]) == (1, 2)


def test_a_margin_asks_for_grades(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS)
    judge(run, (0, "ann", "tuned"))
    with pytest.raises(InputError, match="judged without grades: leave the margin out"):
        take(run, tmp_path / "next.jsonl", margin=1)
    with pytest.raises(InputError, match="from 0 to 2"):
        Thresholds(margin=3)
