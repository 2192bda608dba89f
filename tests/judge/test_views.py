"""The page's HTML: what it says in each state, and that it says nothing of which model stands where."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from eval.judge.page.page_protocol import View
from eval.judge.page.views import Show, bar_html, stage_html, top_html
from eval.judge.study.forms import Notice
from eval.judge.study.study import Study
from eval.records import Message, Pair, Prompt
from tests.judge.runs import prompt, response


def pair(base: str, tuned: str, *, asked: Prompt | None = None, cut: str = "") -> Pair:
    asked = asked or prompt(1)
    reasons = {side: "length" if side == cut else "eos_token" for side in ("base", "tuned")}
    return Pair(
        prompt_id=asked.id,
        messages=asked.messages,
        category=asked.category,
        base=response(asked, "base", base, finish_reason=reasons["base"]),
        tuned=response(asked, "tuned", tuned, finish_reason=reasons["tuned"]),
    )


def ask(shown: Pair, **changes: object) -> View:
    return replace(View(state="ask", nonce="n0nce", reviewer="Ana", total=3, pair=shown), **changes)  # type: ignore[arg-type]


def test_the_page_is_the_same_whichever_model_stands_left() -> None:
    one = stage_html(ask(pair("Blue.", "It is blue.", cut="tuned"), left="base"))
    other = stage_html(ask(pair("It is blue.", "Blue.", cut="base"), left="tuned"))
    assert one == other
    assert one.index("Blue.") < one.index("It is blue.")
    marked = stage_html(ask(pair("It is blue.", "It is grey."), left="base"), Show(marked=True))
    assert marked == stage_html(ask(pair("It is grey.", "It is blue."), left="tuned"), Show(marked=True))
    assert "It is <mark>blue</mark>." in marked


@pytest.mark.parametrize("changes", [{"earlier": "left"}, {"flagged": True, "pace": 3.0}, {"mode": "graded"}])
def test_what_a_sitting_adds_is_the_same_too(changes: dict[str, object]) -> None:
    one = stage_html(ask(pair("Blue.", "It is blue."), left="base", **changes))
    assert one == stage_html(ask(pair("It is blue.", "Blue."), left="tuned", **changes))


def test_ids_hashes_and_figures_stay_on_the_server() -> None:
    shown = pair("Blue.", "It is blue.")
    page = stage_html(ask(shown))
    for secret in ("hidden-item", shown.base.sha256[:8], shown.tuned.sha256[:8], "0.123", "9.87", "eos_token", "base"):
        assert secret not in page


@pytest.mark.parametrize("empty", ["", " \n\t"])
def test_an_empty_answer_says_so(empty: str) -> None:
    assert stage_html(ask(pair(empty, "Blue."))).count("This answer is empty.") == 1


def test_a_truncated_answer_says_so() -> None:
    assert stage_html(ask(pair("It is", "Blue.", cut="base"))).count("it reached the token limit") == 1
    assert "token limit" not in stage_html(ask(pair("It is", "Blue.")))


def test_a_conversation_is_shown_whole_with_its_system_prompt_folded() -> None:
    asked = Prompt(
        id="c",
        messages=(
            Message(role="system", content="Be brief."),
            Message(role="user", content="First?"),
            Message(role="assistant", content="**One.**"),
            Message(role="user", content="And <b>then</b>?"),
        ),
    )
    page = stage_html(ask(pair("x", "y", asked=asked)))
    assert '<details class="bs-system"><summary>System prompt</summary>' in page
    assert page.index("Be brief.") < page.index("First?") < page.index("<strong>One.</strong>")
    assert "And &lt;b&gt;then&lt;/b&gt;?" in page
    assert "bs-multi" in page


def test_words_from_people_are_escaped() -> None:
    evil = '"><script>alert(1)</script>'
    page = stage_html(ask(pair("x", "y"), comment=evil, reviewer=evil, notice=Notice("broken", evil)))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 3


def test_each_state_says_what_to_do() -> None:
    def page(state: Literal["welcome", "done", "none"]) -> str:
        return stage_html(View(state=state, nonce="n", judged=3, total=3, reviewer="Ana" if state == "done" else ""))

    assert "Which answer is better?" in page("welcome")
    assert "You judged 3 pairs, Ana." in page("done")
    assert "make eval" in page("none")
    assert "verdicts.csv:3: mend" in stage_html(
        View(state="broken", nonce="n", notice=Notice("broken", "verdicts.csv:3: mend"))
    )


@pytest.mark.parametrize(
    ("practices", "english", "chinese"),
    [
        (0, "", ""),
        (1, "First comes one pair for practice, which is not recorded.", "开始时有一道练习题，不计入结果。"),
        (3, "First come 3 pairs for practice, which are not recorded.", "开始时有 3 道练习题，不计入结果。"),
    ],
)
def test_the_first_card_says_how_many_pairs_are_for_practice(practices: int, english: str, chinese: str) -> None:
    view = View(state="welcome", nonce="n", practices=practices)
    for said, show in ((english, Show(language="en")), (chinese, Show(language="zh"))):
        page = stage_html(view, show)
        assert said in page
        assert ("for practice" in page or "练习" in page) == bool(practices)


def test_undo_is_offered_when_there_is_something_to_undo() -> None:
    done = View(state="done", nonce="n")
    assert "Undo the last one" in stage_html(replace(done, can_undo=True))
    assert "Undo the last one" not in stage_html(done)


def test_the_frame_offers_four_verdicts_and_a_heading() -> None:
    assert [word for word in ("left", "tie", "both_bad", "right") if f'data-vote="{word}"' in bar_html(Study())] == [
        "left",
        "tie",
        "both_bad",
        "right",
    ]
    assert "<h1>" in top_html(Study())
    assert 'aria-live="polite"' in top_html(Study())


@pytest.mark.parametrize(
    ("reason", "refused", "said"),
    [
        ("content_filter", False, "a content filter ended it"),
        ("SAFETY", False, "a content filter ended it"),
        ("tool_calls", False, "ends in a call of a tool"),
        ("error", False, "the server broke it off"),
        ("max_tokens", False, "it reached the token limit"),
        ("stop", True, "marked this as a refusal"),
        ("stop", False, ""),
    ],
)
def test_how_an_answer_ended_is_said_under_it(reason: str, refused: bool, said: str) -> None:
    asked = prompt(1)
    changed = {"finish_reason": reason, "refused": refused}
    shown = pair("It is", "Blue.", asked=asked)
    page = stage_html(ask(shown.model_copy(update={"base": shown.base.model_copy(update=changed)})))
    assert page.count('class="bs-note bs-cut"') == bool(said)
    assert said in page
