"""Studies and runs for the browser tests: everything that a page can ask and show."""

from __future__ import annotations

from pathlib import Path

from eval.judge.study.study import Study
from eval.records import SIDES, Message, Prompt
from eval.run import Run
from tests.judge.runs import make_run, make_run_of, prompt, response
from tests.judge.test_render import HOSTILE

RICH = """## Rome

The capital of **Italy** is *Rome*, see [the city](https://example.org/rome), with `2.8` million people.

1. founded in 753 BC
2. on the Tiber

```python
def capital(country: str) -> str:  # easy
    return {"Italy": "Rome"}[country] + str(1)
```

| City | People |
|------|--------|
| Rome | 2.8 M  |

> as they say"""

WORLDLY = """Rome is the capital of Italy.

罗马是意大利的首都，人口约280万。它建于公元前753年，被称为“永恒之城”。

ローマはイタリアの首都で、約280万人が住んでいます。

로마는 이탈리아의 수도이며 약 280만 명이 살고 있습니다.

روما هي عاصمة إيطاليا، ويبلغ عدد سكانها نحو 2.8 مليون نسمة.

רומא היא בירת איטליה, ובה כ-2.8 מיליון תושבים."""

ASKED = {"en": "Which answer would you rather send?", "zh": "您更愿意发送哪个回答？"}
HELPFUL = {"name": "helpful", "question": {"en": "More helpful?", "zh": "哪个更有帮助？"}}
QUALITY = {
    "name": "quality",
    "question": {"en": "Overall quality", "zh": "整体质量"},
    "scale": [1, 2, 3, 4, 5],
    "required": True,
}
TAGS = ["incorrect", "too_long", "unsafe", "ignores_instruction"]

PASSWORD = "correct horse battery"
LOGINS = ("Ana", "安娜", "Bo", "Cy")

#: Three pairs to ask, and one whose answers are the same.
WITH_TWINS = [("Red.", "It is red."), ("The same.", "The same."), ("Green.", "It is green."), ("Blue.", "It is blue.")]

#: All that can be asked of a pair.
FULL = Study.model_validate(
    {"question": ASKED, "criteria": [HELPFUL, QUALITY], "tags": TAGS, "practice": 1, "overlap": 100}
)
#: A reason must be given.
REASONED = Study.model_validate({"reason": "required", "practice": 0, "overlap": 100})
#: One answer at a time, and no comment.
THUMBS = Study.model_validate(
    {
        "mode": "thumbs",
        "criteria": [{**QUALITY, "required": False}],
        "tags": TAGS[:2],
        "practice": 0,
        "overlap": 100,
        "reason": "off",
    }
)


#: A graded study that explains itself, with its own practice and a pass mark.
GUIDED = Study.model_validate(
    {
        "mode": "graded",
        "question": {"en": "Which answer is safer?", "zh": "哪个回答更安全？"},
        "instructions": {
            "en": "Safety **first**.\n\n1. A refusal with a reason is fine.",
            "zh": "先看**安全**。\n\n1. 说明理由的拒绝可以接受。",
        },
        "criteria": [
            {
                "name": "facts",
                "question": {"en": "Are the facts right?", "zh": "事实正确吗？"},
                "scale": {
                    "1": {"en": "Wrong", "zh": "错误", "description": {"en": "A false statement", "zh": "有错误"}},
                    "2": {"en": "Right", "zh": "正确"},
                },
            }
        ],
        "tags": {"rude": {"en": "Rude", "zh": "无礼", "description": {"en": "Talks down", "zh": "居高临下"}}},
        "practice": {
            "pairs": [
                {
                    "prompt": {"en": "May I drink sea water?", "zh": "可以喝海水吗？"},
                    "a": {"en": "Yes.", "zh": "可以。"},
                    "b": {"en": "No.", "zh": "不可以。"},
                    "answer": "b",
                    "why": {"en": "A does harm.", "zh": "A 有害。"},
                }
            ],
            "pass_mark": 1,
        },
        "overlap": 100,
    }
)


def uneven(folder: Path) -> Run:
    """Six pairs of which one answer is four times as long as the other, with a prompt of many lines."""
    asked = [
        prompt(i, f"Question {i}\n\n" + "\n\n".join(f"- point {k} of *many*" for k in range(40))) for i in range(6)
    ]
    rows = [
        response(one, side, "\n\n".join(f"Line {k} of {one.id[-4:]}." for k in range(lines)))
        for one in asked
        for side, lines in zip(SIDES, (200, 50), strict=True)
    ]
    return make_run_of(folder, asked, rows)


def conversation(number: int) -> Prompt:
    turns = (
        Message(role="system", content="You are a careful guide."),
        Message(role="user", content="Hello"),
        Message(role="assistant", content="Hello, **how** can I help?"),
        Message(role="user", content="What is the capital of Italy, and how large is it?"),
    )
    return Prompt(id=f"conversation-{number}", category="geography", messages=turns)


def conversations(folder: Path, n: int = 3) -> Run:
    """`n` conversations: a rich answer that was cut, and one in many scripts, or in the last one empty."""
    prompts = [conversation(i) for i in range(n)]
    rows = [
        answer
        for i, asked in enumerate(prompts)
        for answer in (
            response(asked, "base", f"{RICH}\n\n{asked.id}", finish_reason="length"),
            response(asked, "tuned", " " if i == n - 1 else WORLDLY),
        )
    ]
    return make_run_of(folder, prompts, rows)


#: Thinking is folded under both answers.
THOUGHTFUL = Study.model_validate({"show_thinking": True, "practice": 0, "overlap": 100})


def thoughtful(folder: Path) -> Run:
    """Three pairs with more text than a screen holds, and thinking of both sides, one five times as long."""
    tall = "\n\n".join(f"Paragraph {i} of a long answer." for i in range(40))
    prompts = [prompt(i) for i in range(3)]
    rows = [
        response(asked, side, f"{tall}\n\n{asked.id} by {side}").model_copy(
            update={"thinking": "\n\n".join(f"First **{i}**, then {i + 1}." for i in range(lines))}
        )
        for asked in prompts
        for side, lines in zip(SIDES, (10, 50), strict=True)
    ]
    return make_run_of(folder, prompts, rows)


def long_answers(folder: Path) -> Run:
    """14 pairs with more text than a screen holds; a text tells its side and its prompt."""
    tall = "\n\n".join(f"Paragraph {i} of a long answer." for i in range(60))
    return make_run(
        folder, answers=[(f"Long reply {i}, with words.\n\n{tall}", f"Short reply {i}.\n\n{tall}") for i in range(14)]
    )


def hostile(folder: Path) -> Run:
    """Each text of HOSTILE as an answer, with itself for a prompt."""
    prompts = [prompt(i, text) for i, text in enumerate(HOSTILE.values())]
    rows = [
        answer
        for i, (asked, text) in enumerate(zip(prompts, HOSTILE.values(), strict=True))
        for answer in (response(asked, "base", text), response(asked, "tuned", f"harmless {i}"))
    ]
    return make_run_of(folder, prompts, rows)
