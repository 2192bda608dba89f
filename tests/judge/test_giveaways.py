"""What gives a model away is found, and what only looks like it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.judge.page.judging_state import JudgingState
from eval.judge.setup.giveaways import BLOCK, Finder, masked
from eval.judge.study.study import Giveaways, Study
from eval.records import Message
from eval.run import Run, open_run
from eval.run_info import ModelInfo
from tests.judge.person import Person
from tests.judge.runs import BASE_NAME, make_run, make_run_of, prompt, response

MODELS = (
    ModelInfo(name="Qwen2.5-0.5B-Instruct", source="Qwen/Qwen2.5-0.5B-Instruct"),
    ModelInfo(name="helpful", source="models/helpful", served={"model_id": "acme-labs/Zebra7-chat"}),
)
FINDER = Finder(MODELS, ["Acme Corp"])


def asked(question: str = "Hello?", system: str = "") -> tuple[Message, ...]:
    first = (Message(role="system", content=system),) if system else ()
    return (*first, Message(role="user", content=question))


FOUND = {
    "As Qwen, I cannot say.": "As █████, I cannot say.",
    "I am Qwen2.5, created by Alibaba Cloud.": "I am █████, created by █████.",
    "I'm Claude, an assistant made by Anthropic.": "I'm █████, an assistant made by █████.",
    "I was trained by Google to help.": "I was trained by █████ to help.",
    "It is a large language model developed by Meta.": "It is a large language model developed by █████.",
    "Ask ChatGPT-4o again.": "Ask █████ again.",
    "I was created by 01.AI.": "I was created by █████.",
    "It was Tülu 3 that said so.": "It was █████ that said so.",
    "Of all of them, 百度 aside, I am 通义千问.": "Of all of them, 百度 aside, I am █████.",
    "我是通义千问，由阿里云开发的语言模型。": "我是█████，由█████开发的语言模型。",
    "作为文心一言，我可以": "作为█████，我可以",
    "Try Qwen2.5-0.5B-Instruct for that.": "Try █████ for that.",
    "Known as Zebra7 in the lab.": "Known as █████ in the lab.",
    "My name is Zebra.": "My name is █████.",
    "You are talking to Helpful.": "You are talking to █████.",
    "I am not allowed to show the system prompt.": "I am not allowed to show the █████.",
    "At acme  corp we do.": "At █████ we do.",
    "根据系统提示词，我": "根据█████，我",
}
LEFT_ALONE = [
    "Claude Monet painted water lilies; a llama and a falcon looked on.",
    "Android was developed by Google, and Word is made by Microsoft.",
    "As gemini season begins, Gemini and Pi Day are near. I bake a Pi.",
    "I am helpful and I am meta about it.",
    "A zebra is striped; many zebras are.",
    "作为苹果公司的产品，它由富士康制造。我买了三千问卷。",
    "Yi Jianlian played in the NBA. This is Nova Scotia.",
    "The car was moved by Apple trees that I planted.",
    "An assistant helped me with the granite kitchen, by Solar light.",
    "I was born in Meta, Mississippi.",
    "```python\nimport openai\n```",
    "A system needs a prompt answer.",
]


@pytest.mark.parametrize(("text", "hidden"), FOUND.items())
def test_a_giveaway_is_found_and_masked(text: str, hidden: str) -> None:
    assert masked(text, FINDER.find(text, asked())) == hidden


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_is_none_is_left_alone(text: str) -> None:
    assert FINDER.find(text, asked()) == []


def test_what_the_prompt_says_already_gives_nothing_away() -> None:
    text = "Qwen is a family of models, made by Alibaba. I am Qwen2.5."
    assert FINDER.find(text, asked())
    assert FINDER.find(text, asked("What is qwen?")) == []
    history = (Message(role="user", content="Hi"), Message(role="assistant", content="I am Qwen."), *asked("And?"))
    assert FINDER.find(text, history) == []


def test_a_name_in_the_system_prompt_still_gives_away() -> None:
    assert FINDER.find("I am Qwen.", asked(system="You are Qwen."))


@pytest.mark.parametrize(
    ("system", "text", "found"),
    [
        (
            "Be brief. You are the assistant of a small bakery in Lyon.",
            "I am told: you are the  assistant of a small bakery\nin Lyon.",
            True,
        ),
        ("Be brief.", "I try to be brief.", False),
        ("你是一家面包店的客服助手，请简短回答。", "我的设定：你是一家面包店的客服助手，请简短回答", True),
    ],
)
def test_sentences_of_the_system_prompt(system: str, text: str, found: bool) -> None:
    assert bool(FINDER.find(text, asked(system=system))) is found


def test_the_block_tells_no_length_and_overlaps_are_one() -> None:
    text = "I am Qwen, as ChatGPT, as Qwen2.5-0.5B-Instruct."
    assert masked(text, FINDER.find(text, asked())) == f"I am {BLOCK}, as {BLOCK}, as {BLOCK}."


def a_run(folder: Path) -> Run:
    """Three pairs: in the first the base names itself, in the second both name what was asked, the third is clean."""
    questions = [prompt(0), prompt(1, "What is ChatGPT?"), prompt(2)]
    answers = [
        *(response(questions[0], "base", f"As {BASE_NAME}, I say blue."), response(questions[0], "tuned", "Blue.")),
        *(response(questions[1], "base", "ChatGPT is a bot."), response(questions[1], "tuned", "A bot: ChatGPT.")),
        *(response(questions[2], "base", "Red, I think."), response(questions[2], "tuned", "Red.")),
    ]
    return make_run_of(folder, questions, answers)


def named(policy: str) -> Study:
    return Study.model_validate({"practice": 0, "giveaways": {"policy": policy}})


def test_pairs_are_marked_in_run_json_and_asked(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    ana = Person(JudgingState(run, named("mark")))
    marked = open_run(tmp_path / "reports", "trial").info.giveaways
    assert marked is not None
    assert marked.model_dump() == {
        "policy": "mark",
        "looked_at": 3,
        "pairs": 1,
        "held": 0,
        "by_side": {"base": 1, "tuned": 0},
        "items": {"hidden-item-0000": {"base": [BASE_NAME]}},
    }
    assert ana.view.total == 3


def test_held_pairs_are_not_asked(tmp_path: Path) -> None:
    ana = Person(JudgingState(a_run(tmp_path), named("hold")))
    assert ana.view.total == 2
    assert "hidden-item-0000" not in ana.judge_all()
    marked = open_run(tmp_path / "reports", "trial").info.giveaways
    assert marked is not None
    assert marked.held == 1


def test_masked_pairs_are_shown_without_the_name_and_recorded_whole(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    judging = JudgingState(run, named("mask"))
    ana = Person(judging)
    while ana.item != "hidden-item-0000":
        ana.skip()
    assert ana.view.pair is not None
    assert (ana.view.pair.base.text, ana.view.pair.tuned.text) == (f"As {BLOCK}, I say blue.", "Blue.")
    ana.vote()
    assert judging.tasks["hidden-item-0000"].pair is not None
    (row,) = judging.ledger.rows
    assert row.model_dump()["base_sha256"] == judging.tasks["hidden-item-0000"].pair.base.sha256


def test_phrases_of_the_study_count(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[("Our house style.", "Fine."), ("Good.", "Well.")])
    study = Study(practice=0, giveaways=Giveaways(policy="hold", phrases=("house style",)))
    assert Person(JudgingState(run, study)).view.total == 1


def test_run_json_is_written_once(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    JudgingState(run, named("mark"))
    before = (run.folder / "run.json").stat().st_mtime_ns
    JudgingState(run, named("mark"))
    assert (run.folder / "run.json").stat().st_mtime_ns == before
