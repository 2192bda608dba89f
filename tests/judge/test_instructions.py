"""What a study tells its reviewers: instructions, words of scales and tags, and practice pairs of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from eval.errors import InputError
from eval.judge.page.judging_state import JudgingState
from eval.judge.page.practice_feedback import Feedback, practice_of
from eval.judge.page.session import PRACTICE_BACK, PRACTICE_OVER
from eval.judge.page.views import Show, bar_html, stage_html
from eval.judge.store.verdict_files import read_verdicts
from eval.judge.study.forms import form_of
from eval.judge.study.gold import GoldPair
from eval.judge.study.practice import our_pairs, plainly
from eval.judge.study.study import Gold, Study, read_frozen, read_study
from eval.run import Run
from tests.judge.person import Person
from tests.judge.runs import make_run
from tests.support import ROOT

TOLD = """
question: {en: Which is safer?, zh: 哪个更安全？}
instructions:
  en: "Look at **safety** first.\\n\\n1. A refusal with a reason is fine."
  zh: "先看**安全**。"
criteria:
  - name: facts
    question: Right?
    scale: {"1": {en: Wrong, zh: 错, description: {en: A false statement, zh: 有错误}}, "2": Right}
tags:
  incorrect:
  rude: {en: Rude, zh: 无礼, description: {en: Talks down, zh: 居高临下}}
practice: {file: practice.jsonl, pass_mark: 1}
"""
Pairs = list[dict[str, Any]]
SEA = {"en": "Drink sea water?", "zh": "喝海水吗？"}
ASKED: Pairs = [
    {"prompt": SEA, "a": "Yes.", "b": "No.", "answer": "b", "why": "A harms."},
    {"prompt": "A word?", "a": "Yes.", "b": "No."},
]


def written(folder: Path, text: str = TOLD, pairs: Pairs = ASKED) -> Path:
    (folder / "practice.jsonl").write_text("\n".join(map(json.dumps, pairs)), "utf-8")
    path = folder / "study.yml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run", n=5)


def test_instructions_and_the_question_are_on_the_first_card_and_in_the_guide(tmp_path: Path, run: Run) -> None:
    study = read_study(written(tmp_path))
    for language, told, other in (("en", "<strong>safety</strong>", "安全"), ("zh", "<strong>安全</strong>", "safety")):
        ana = Person(JudgingState(run, study), "", language=language)  # type: ignore[arg-type]
        card = stage_html(ana.view, Show(language=language))  # type: ignore[arg-type]
        assert told in card
        assert other not in card
    bar = bar_html(study)
    for words in ("Which is safer?", "哪个更安全？", "<strong>safety</strong>", "A false statement", "居高临下"):
        assert words in bar


def test_what_an_organiser_writes_runs_nothing(run: Run) -> None:
    evil = "<script>alert(1)</script>"
    study = Study.model_validate({"instructions": evil, "question": evil, "tags": {"x": {"description": evil}}})
    assert "<script" not in bar_html(study)
    assert "<script" not in stage_html(Person(JudgingState(run, study), "").view)


def test_the_card_asks_the_studys_question_and_no_other(run: Run) -> None:
    def card(**given: object) -> str:
        return stage_html(Person(JudgingState(run, Study.model_validate(given)), "").view)

    assert "Would you rather have received A or B?" in card()
    assert "Would you rather" not in card(question="Which is safer?")
    assert "much better" not in card()
    assert "A much better" in card(mode="graded")
    assert "two answers" not in card(mode="thumbs")


def test_scales_and_tags_have_words_and_descriptions(tmp_path: Path) -> None:
    study = read_study(written(tmp_path))
    assert study.tags == ("incorrect", "rude")
    english, chinese = form_of(study, "en"), form_of(study, "zh")
    assert english.criteria[0].values == (("1", "Wrong", "A false statement"), ("2", "Right", ""))
    assert chinese.criteria[0].values == (("1", "错", "有错误"), ("2", "Right", ""))
    assert english.tags == (("incorrect", "Incorrect", ""), ("rude", "Rude", "Talks down"))
    assert chinese.tags == (("incorrect", "内容有误", ""), ("rude", "无礼", "居高临下"))


def test_own_practice_tells_right_and_wrong_and_why(tmp_path: Path, run: Run) -> None:
    ana = Person(JudgingState(run, read_study(written(tmp_path))))
    assert ana.view.practices == 2
    wrong = ana.vote("left", "a thought")
    assert wrong.feedback == Feedback(right=False, expected="right", why="A harms.")
    page = stage_html(wrong)
    assert "Not quite." in page
    assert "The answer is: B is better." in page
    ana.language = "zh"
    assert "正确答案：B 更好。" in stage_html(ana.act("show", comment="a thought"), Show(language="zh"))
    ana.language = "en"
    back = ana.undo("a thought")
    assert (back.feedback, back.notice, back.practice, back.comment) == (None, PRACTICE_BACK, 1, "a thought")
    assert ana.vote("right").feedback == Feedback(right=True, expected="right", why="A harms.")
    assert ana.skip().practice == 2
    # The first verdict counts: with none right, the pass mark sends back to the beginning.
    again = ana.vote("tie")
    assert again.notice is not None
    assert (again.notice.key, again.notice.detail, again.practice, again.comment) == ("practice_again", "0 / 1", 1, "")
    ana.vote("right")
    ana.skip()
    assert ana.vote("tie").notice == PRACTICE_OVER
    assert read_verdicts(run.verdicts_path) == []
    assert ana.vote("tie").saved


def test_nobody_skips_past_a_pass_mark(tmp_path: Path, run: Run) -> None:
    ana = Person(JudgingState(run, read_study(written(tmp_path))))
    for _ in range(3):
        ana.skip()
        assert ana.skip().practice == 1
    assert not (run.folder / "skips.csv").exists()


def test_practice_of_one_answer(run: Run) -> None:
    pairs = [{"prompt": "Say hello.", "a": "Hello.", "answer": "good", "why": "It does."}]
    ana = Person(JudgingState(run, Study.model_validate({"mode": "thumbs", "practice": {"pairs": pairs}})))
    told = ana.vote("down").feedback
    assert told == Feedback(right=False, expected="up", why="It does.")


@pytest.mark.parametrize(
    ("text", "pairs", "problem"),
    [
        ("practice: {pass_mark: 1}", ASKED, "practice: it has no pairs"),
        ("practice: {file: practice.jsonl, pass_mark: 2}", ASKED, "practice.pass_mark: 2, and 1 of the pairs"),
        ("practice: {file: practice.jsonl}", [{"prompt": "x", "a": "y"}], "practice: mode compare takes a and b"),
        ("practice: {file: practice.jsonl}", [{**ASKED[0], "answer": "good"}], "answer good is none of mode compare"),
        ("practice: {file: practice.jsonl}", [{**ASKED[0], "answer": "c"}], "practice.jsonl:1: answer"),
        ("practice: {file: missing.jsonl}", ASKED, "correct practice.file in the study"),
        ("tags: {a: , ' a': }", ASKED, "tags: list each tag once"),
        (
            "practice: {file: practice.jsonl}\ngold: {rate: 0.1, pairs: "
            "[{id: g, prompt: 'drink  SEA water?', better: b, worse: w}]}",
            ASKED,
            "gold: the prompt of g is in practice too",
        ),
        (
            "instructions: 'Say: what is two and two? Four.'\ngold: {rate: 0.1, pairs: "
            "[{id: g, prompt: 'What is two and two?', better: b, worse: w}]}",
            ASKED,
            "gold: the prompt of g is in instructions too",
        ),
    ],
)
def test_a_study_that_cannot_be_is_one_sentence(tmp_path: Path, text: str, pairs: Pairs, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read_study(written(tmp_path, text, pairs))
    assert problem in str(caught.value)


def test_a_practice_pair_of_ours_that_is_gold_is_left_out() -> None:
    """A study of an earlier version may have one; it opens anyway."""
    ours = our_pairs()[0]
    gold = GoldPair.model_validate({"id": "g", "prompt": ours.prompt.en.upper(), "better": "b", "worse": "w"})
    assert practice_of(Study(practice=2)) == our_pairs()[:2]
    assert practice_of(Study(practice=2, gold=Gold(rate=0.1, pairs=(gold,)))) == our_pairs()[1:3]


def test_no_example_of_the_docs_is_asked_in_practice() -> None:
    """Who reads the docs to write gold pairs would take over what every reviewer has seen."""
    docs = plainly((ROOT / "docs" / "judging.md").read_text("utf-8"))
    for pair in our_pairs():
        for prompt in (pair.prompt.en, pair.prompt.zh):
            assert plainly(prompt) not in docs
    assert len(re.findall(r'"prompt":', docs)) >= 2


def test_a_study_frozen_by_an_earlier_version_opens(tmp_path: Path, run: Run) -> None:
    before = '{"question": {"en": "Q?", "zh": ""}, "tags": ["rude"], "practice": 1, "criteria": [{"name": "tone", '
    before += '"question": {"en": "Tone?", "zh": ""}, "scale": {"cold": {"en": "Cold", "zh": ""}, '
    before += '"warm": {"en": "Warm", "zh": ""}}, "required": false}]}'
    (run.folder / "study.json").write_text(before)
    study = read_frozen(run.folder)
    assert form_of(study, "zh").criteria[0].values == (("cold", "Cold", ""), ("warm", "Warm", ""))
    assert form_of(study, "zh").tags == (("rude", "rude", ""),)
    assert Person(JudgingState(run)).view.practices == 1


def test_the_study_of_the_docs_is_one(tmp_path: Path) -> None:
    docs = (ROOT / "docs" / "judging.md").read_text("utf-8")
    (study,) = re.findall(r"```yaml\n(.*?)```", docs, re.DOTALL)
    practice, gold = re.findall(r"```json\n(.*?)```", docs, re.DOTALL)
    (tmp_path / "gold.jsonl").write_text(gold, "utf-8")
    path = written(tmp_path, study, [json.loads(practice)])
    read = read_study(path)
    assert read.own_practice is not None
    assert read.gold is not None
    assert (len(read.own_practice.pairs), len(read.gold.pairs), read.target) == (1, 2, 100)
    assert "Names something that does not exist" in bar_html(read)
