"""study.yml: read strictly, frozen into the run, held against changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.errors import InputError
from eval.judge.page.judging_state import JudgingState
from eval.judge.setup.frozen_study import freeze_study
from eval.judge.store.verdict_files import columns_in, read_verdicts
from eval.judge.study.forms import form_of
from eval.judge.study.study import Overlap, Study, read_frozen, read_study
from tests.judge.person import Person
from tests.judge.runs import make_run

FULL = """
question: {en: "Which answer would you rather get?", zh: "你更想收到哪个回答？"}
overlap: {reviewers: 2, share: 0.2}
criteria:
  - {name: clarity, question: "Which is clearer?", required: true}
  - {name: facts, question: {en: "Right?", zh: "对吗？"}, scale: {1: wrong, 2: {en: partly, zh: 部分}, 3: right}}
  - {name: tone, question: "Tone?", scale: [cold, warm]}
reason: required
tags: [incorrect, too_long, unsafe]
gold: {file: gold.jsonl, rate: 0.1}
repeats: {rate: 0.05, after: 3}
practice: 1
giveaways: {policy: mask, phrases: ["Acme Corp"]}
"""
GOLD = '{"id": "g1", "prompt": "2 + 2?", "better": "4", "worse": "5"}\n'


def written(tmp_path: Path, text: str, gold: str = GOLD) -> Path:
    (tmp_path / "gold.jsonl").write_text(gold)
    path = tmp_path / "study.yml"
    path.write_text(text)
    return path


def test_a_full_study_is_read(tmp_path: Path) -> None:
    study = read_study(written(tmp_path, FULL))
    assert study.overlap == Overlap(reviewers=2, share=0.2)
    assert study.columns.criteria == ("clarity", "facts_base", "facts_tuned", "tone_base", "tone_tuned")
    assert study.columns.tags
    assert study.values["clarity"] == ("base", "tuned", "tie")
    assert study.values["facts_base"] == ("1", "2", "3")
    assert study.gold is not None
    assert [(pair.item, pair.better, pair.worse) for pair in study.gold.pairs] == [("gold:g1", "4", "5")]
    form = form_of(study, "zh")
    assert form.question == "你更想收到哪个回答？"
    assert [one.question for one in form.criteria] == ["Which is clearer?", "对吗？", "Tone?"]
    assert form.criteria[1].values == (("1", "wrong", ""), ("2", "部分", ""), ("3", "right", ""))
    assert (form.criteria[0].pairwise, form.criteria[2].values) == (
        True,
        (("cold", "cold", ""), ("warm", "warm", "")),
    )


def test_a_number_is_the_overlap_of_all(tmp_path: Path) -> None:
    assert read_study(written(tmp_path, "overlap: 3")).overlap == Overlap(reviewers=3, share=1.0)
    assert read_study(written(tmp_path, "practice: 0")).overlap == Overlap(reviewers=2, share=0.2)


def test_numbers_of_a_scale_become_text(tmp_path: Path) -> None:
    study = read_study(written(tmp_path, "criteria: [{name: stars, question: Stars, scale: [1, 2, 3]}]"))
    assert study.values["stars_base"] == ("1", "2", "3")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("questions: x", "questions: Extra inputs are not permitted"),
        ("overlap: {reviewers: 0}", "overlap.reviewers: Input should be greater than or equal to 1"),
        ("overlap: {share: 20}", "overlap.share: Input should be less than or equal to 1"),
        ("mode: stars", "mode: Input should be 'compare', 'graded' or 'thumbs'"),
        ("criteria: [{name: Big One, question: x}]", "criteria.0.name: String should match"),
        ("criteria: [{name: a, question: x, scale: [1]}]", "criteria.0.scale"),
        ("criteria: [{name: a, question: x, scale: [yes, no]}]", "put yes, no, on and off in quotes"),
        ("criteria: [{name: a, question: x, scale: other}]", "criteria.0.scale"),
        ("criteria: [{name: comment, question: x}]", "two columns are called comment"),
        (
            "criteria: [{name: a, question: x, scale: [1, 2]}, {name: a_base, question: x}]",
            "two columns are called a_base",
        ),
        ('tags: ["a;b"]', "tags: list each tag once"),
        ("tags: [a, a]", "tags: list each tag once"),
        ("practice: 9", "practice: Input should be less than or equal to 3"),
        ("giveaways: {policy: blur}", "giveaways.policy: Input should be 'mark', 'mask' or 'hold'"),
        ("mode: thumbs\nrepeats: {rate: 0.1}", "gold and repeats need two answers"),
        ("mode: thumbs\ncriteria: [{name: a, question: x}]", "pairwise criteria need two answers"),
        ("gold: {rate: 0.1}", "gold: it has no pairs"),
        ("gold: {rate: 2, file: gold.jsonl}", "gold.rate: Input should be less than or equal to 0.5"),
        ("gold: {rate: 0.1, file: missing.jsonl}", "missing.jsonl: cannot be read"),
        ("- a list", "holds no settings"),
        ("a: [", "is not YAML"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_field(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read_study(written(tmp_path, text))
    assert problem in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("gold", "problem"),
    [
        (GOLD + '{"id": "g2"}\n', "gold.jsonl:2: messages: Field required"),
        (GOLD + GOLD, "gold: the id g1 occurs twice"),
        ('{"id": "g", "prompt": "x", "better": "a", "worse": "a"}', "gold.jsonl:1: better and worse are the same"),
        ("nonsense", "gold.jsonl:1: "),
    ],
)
def test_a_gold_file_is_held_to_its_form(tmp_path: Path, gold: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_study(written(tmp_path, FULL, gold))


def test_a_missing_study_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yml: cannot be read \(No such file or directory\): give a study"):
        read_study(tmp_path / "none.yml")


def test_it_is_frozen_into_the_run_with_its_gold(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert read_frozen(run.folder) == Study()
    study = read_study(written(tmp_path, FULL))
    assert freeze_study(run, study) == study
    (tmp_path / "gold.jsonl").unlink()
    assert read_frozen(run.folder) == freeze_study(run) == JudgingState(run).study == study
    assert json.loads((run.folder / "study.json").read_text())["gold"]["pairs"][0]["better"] == "4"


def test_columns_cannot_change_once_rows_are_there(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    tags, more = Study(practice=0, tags=("incorrect",)), Study(practice=0, tags=("incorrect", "unsafe"), reason="off")
    Person(JudgingState(run, tags)).vote()
    assert columns_in(run.verdicts_path).tags
    for other in (Study(), Study(mode="thumbs")):
        with pytest.raises(InputError, match="judge a run of another name"):
            JudgingState(run, other)
    assert read_frozen(run.folder) == tags
    Person(JudgingState(run, more)).vote()
    assert read_frozen(run.folder) == more
    assert len(read_verdicts(run.verdicts_path)) == 2


def test_a_scale_may_grow_but_not_lose_values(tmp_path: Path) -> None:
    run = make_run(tmp_path)

    def stars(*values: str) -> Study:
        return Study.model_validate(
            {"practice": 0, "criteria": [{"name": "stars", "question": "Stars?", "scale": list(values)}]}
        )

    Person(JudgingState(run, stars("1", "2"))).vote()
    assert JudgingState(run, stars("1", "2", "3")).study == stars("1", "2", "3")
    with pytest.raises(InputError, match="values of the scale before"):
        JudgingState(run, stars("2", "3"))


def test_before_the_first_row_everything_may_change(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    JudgingState(run, Study(tags=("incorrect",)))
    assert JudgingState(run, Study(mode="thumbs")).study == read_frozen(run.folder) == Study(mode="thumbs")


def test_a_cell_that_no_criterion_offers_stops_the_reading(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    study = Study.model_validate({"practice": 0, "criteria": [{"name": "clarity", "question": "Clearer?"}]})
    person = Person(JudgingState(run, study))
    person.act("vote", "left", criteria={"clarity": "tie"})
    run.verdicts_path.write_bytes(run.verdicts_path.read_bytes().replace(b",tie,", b",Tie,"))
    with pytest.raises(
        InputError, match=r"verdicts\.csv:2: clarity: 'Tie' is not one of base, tuned, tie: correct the cell"
    ):
        read_verdicts(run.verdicts_path)


def test_a_spoilt_study_json_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (run.folder / "study.json").write_text('{"mode": "stars"}')
    with pytest.raises(InputError, match=r"study\.json: mode: "):
        JudgingState(run)
