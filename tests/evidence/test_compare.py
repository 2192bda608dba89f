"""Two runs side by side: paired on the prompts they share, by text, whatever their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from eval.answers import read_answers
from eval.errors import InputError, RunError
from eval.records import Mark, Outcome, Prompt
from eval.report.compare import compare_runs
from eval.report.write_report import write_comparison
from eval.run import Run, write_run_json
from eval.run_info import Decoding, ModelInfo
from tests.cli.command import blindside
from tests.evidence.judged import record, verdict_on
from tests.judge.runs import make_run_of, prompt, response


def run_of(folder: Path, name: str, texts: Sequence[str]) -> Run:
    """A run of these questions, under ids that tell its name."""
    asked = [prompt(n, text).model_copy(update={"id": f"{name}-{n}"}) for n, text in enumerate(texts)]
    rows = [response(one, side, f"{name} {side} {one.id}") for one in asked for side in ("base", "tuned")]
    return make_run_of(folder, asked, rows, name=name)


def judge(run: Run, outcomes: Mapping[str, Sequence[Mark]]) -> Run:
    """Verdicts by question, each by a reviewer of its own."""
    pairs = {pair.messages[-1].content: pair for pair in read_answers(run.responses_path).pairs(run.prompts())}
    run.verdicts_path.unlink(missing_ok=True)
    rows = [
        verdict_on(run, pairs[text], outcome, reviewer=f"reviewer {n}")
        for text, given in outcomes.items()
        for n, outcome in enumerate(given)
    ]
    record(run, rows)
    return run


SHARED = ("What is red?", "Was ist grün?", "什么是蓝色？", "What is\nblack?")


@pytest.fixture
def two(tmp_path: Path) -> tuple[Run, Run]:
    """The shared questions stand in other places and under other ids, beside questions that only one run asks."""
    old = run_of(tmp_path, "old", ["only old", *SHARED, "judged by nobody"])
    new = run_of(tmp_path, "new", [*reversed(SHARED), "only new", "also new"])
    judge(
        old,
        {
            "only old": ["base"],
            SHARED[0]: ["tuned", "tuned"],
            SHARED[1]: ["base"],
            SHARED[2]: ["tie", "both_bad"],
            SHARED[3]: ["tuned", "base", "tie"],
        },
    )
    judge(
        new,
        {
            "only new": ["base"],
            "also new": ["tie"],
            SHARED[0]: ["tuned"],
            SHARED[1]: ["tuned", "base"],
            SHARED[2]: ["tuned"],
            SHARED[3]: ["base"],
        },
    )
    return old, new


def test_the_change_is_that_of_a_hand_count(two: tuple[Run, Run]) -> None:
    found = compare_runs(*two)
    # Old 1, 0, 1/2, 1/2; new 1, 1/2, 1, 0: changes 0, 1/2, 1/2, -1/2.
    assert found.change.value == pytest.approx(0.125)
    assert (found.n, found.better, found.worse, found.same) == (4, 2, 1, 1)
    assert (found.only_old, found.only_new) == (1, 2)
    assert [half.shared.value for half in (found.old, found.new)] == pytest.approx([0.5, 0.625])
    assert [half.win_rate.value for half in (found.old, found.new)] == pytest.approx([2 / 5, 3 / 6])
    assert [half.win_rate.n for half in (found.old, found.new)] == [5, 6]
    assert found.warnings == ()


def test_the_other_way_round_the_change_has_the_other_sign(two: tuple[Run, Run]) -> None:
    there, back = compare_runs(*two).change, compare_runs(two[1], two[0]).change
    assert (there.value, there.n) == (-(back.value or 0), back.n)


def test_a_run_does_not_differ_from_itself(two: tuple[Run, Run]) -> None:
    found = compare_runs(two[0], two[0])
    assert (found.change.value, found.same, found.only_old, found.only_new) == (0, 5, 0, 0)
    assert "not distinguishable from no change" in found.in_words


def test_the_interval_holds_the_true_change_as_often_as_it_says(tmp_path: Path) -> None:
    texts = [f"question {n}" for n in range(40)]
    old, new = run_of(tmp_path, "old", texts), run_of(tmp_path, "new", texts)
    rng = np.random.default_rng(4)
    held, studies = 0, 200
    for _ in range(studies):
        # Prompts have preferences of their own, shared by both runs in part; the win rates are 50% and 65%.
        common = rng.uniform(-0.2, 0.2, size=len(texts))
        for run, rate in ((old, 0.5), (new, 0.65)):
            tuned = rng.random((len(texts), 2)) < (rate + common)[:, None]
            judge(run, {text: [_side(one) for one in row] for text, row in zip(texts, tuned, strict=True)})
        change = compare_runs(old, new).change
        assert change.low is not None
        assert change.high is not None
        held += change.low <= 0.15 <= change.high
    assert 0.91 <= held / studies <= 0.99


def _side(tuned: bool) -> Outcome:
    return "tuned" if tuned else "base"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [("base", "tuned", "the new run is better"), ("tuned", "base", "the new run is worse")],
)
def test_a_clear_change_is_said_in_words(tmp_path: Path, before: Mark, after: Mark, told: str) -> None:
    texts = [f"question {n}" for n in range(12)]
    old, new = run_of(tmp_path, "old", texts), run_of(tmp_path, "new", texts)
    # One prompt goes the other way, so that there is something to draw from.
    judge(old, {text: [before if n else after] for n, text in enumerate(texts)})
    judge(new, {text: [after if n else before] for n, text in enumerate(texts)})
    assert told in compare_runs(old, new).in_words


def test_prompts_that_nobody_judged_in_both_are_insufficient(two: tuple[Run, Run]) -> None:
    old, new = two
    judge(new, {"only new": ["tuned"], SHARED[0]: ["both_bad"]})
    found = compare_runs(old, new)
    assert (found.n, found.change.value) == (0, None)
    assert found.in_words == "0 prompts were judged in both runs: insufficient for a comparison."
    assert "%" not in found.in_words


def changed(run: Run, **changes: object) -> Run:
    info = run.info.model_copy(update=changes)
    write_run_json(run.folder, info)
    return Run(run.folder, info)


def test_another_base_is_told_and_so_is_a_base_that_nobody_knows(two: tuple[Run, Run]) -> None:
    old, new = two
    for pin in ("e" * 64, None):
        base = ModelInfo(name="zebra", source="local/zebra", weights_sha256=pin)
        other = changed(new, models={**new.info.models, "base": base})
        (warning,) = compare_runs(old, other).warnings
        assert "do not compare with the same base" in warning
        assert f"Note: {warning}" in write_comparison(compare_runs(old, other))
    loose = [changed(run, models={**run.info.models, "base": base}) for run in two]
    assert len(compare_runs(*loose).warnings) == 1


def test_another_way_of_decoding_is_told(two: tuple[Run, Run]) -> None:
    other = changed(two[1], decoding=Decoding(max_tokens=7))
    assert "decode differently" in compare_runs(two[0], other).warnings[0]


def test_runs_that_share_nothing_are_refused(tmp_path: Path) -> None:
    old, new = run_of(tmp_path, "old", ["one", "two"]), run_of(tmp_path, "new", ["three", "One"])
    with pytest.raises(RunError, match="runs old and new share no prompt: ask both the same prompts"):
        compare_runs(old, new)


def test_the_same_words_in_another_role_are_another_prompt(tmp_path: Path) -> None:
    old = run_of(tmp_path, "old", ["one"])
    asked = Prompt(id="x", messages=(old.prompts()[0].messages[0].model_copy(update={"role": "assistant"}),))
    new = make_run_of(tmp_path, [asked], [], name="new")
    with pytest.raises(RunError, match="share no prompt"):
        compare_runs(old, new)


def test_a_file_that_cannot_be_trusted_is_named(two: tuple[Run, Run]) -> None:
    path = two[1].verdicts_path
    path.write_text(path.read_text().replace(",both_bad,", ",worst,").replace(",tie,", ",worst,"))
    with pytest.raises(InputError, match=r"new/verdicts\.csv:3: outcome: .*'worst'"):
        compare_runs(*two)


def test_the_command_prints_and_writes_the_comparison(two: tuple[Run, Run], tmp_path: Path) -> None:
    done = blindside("compare", "old", "new", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "On 4 shared prompts the win rate moved by +12.5 points, 95% interval" in done.stdout
    assert "Of 4 shared prompts 2 became better, 1 worse, 1 stayed." in done.stdout
    assert "left out: 1 of the old one, 2 of the new one." in done.stdout
    assert (two[1].report_folder / "compare-old.md").read_text().strip() == done.stdout.strip()
