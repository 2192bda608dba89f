"""No answer keeps the reviewers waiting: work is bounded for texts that are made to take long."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from markupsafe import Markup

from eval.judge.page.views import Show, stage_html
from eval.judge.rendering import tex
from eval.judge.rendering.colours import LONGEST_CODE, Colours
from eval.judge.rendering.differences import MOST_STEPS, Search, TooLong, differences
from eval.judge.rendering.render import LONGEST, Formatted, Kept, formatted, plain_html
from tests.judge.attacks import attacks
from tests.judge.rendered import answer_html
from tests.judge.test_views import ask, pair
from tests.support import ROOT

#: The slowest takes a tenth of it, or less; quadratic ones took two to twenty times as much.
SECONDS = 10


@pytest.mark.slow
def test_no_attack_takes_long_and_none_ends_the_page() -> None:
    """At the longest text that is formatted at all, each in a process that may use so much of the CPU and no more."""
    command = [sys.executable, "-m", "tests.judge.each_rendered", str(LONGEST - 10), str(SECONDS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("text", [text for _, text in attacks(400)], ids=[name for name, _ in attacks(400)])
def test_every_word_of_an_attack_is_shown(text: str) -> None:
    shown = answer_html(text)
    assert all(word in shown or word.strip("_") in shown for word in set(text.split()) if word.isalnum())


def test_an_opener_of_tex_finds_its_closer_without_reading_on_to_the_end() -> None:
    before = tex._places.cache_info().misses
    answer_html("\\(" * 20_000)
    assert tex._places.cache_info().misses - before == 1


@pytest.mark.parametrize(
    "text", ["word " * (LONGEST // 5) + "!", "|a" * 300 + "|\n" + "|-" * 300 + "|\n" + "|b\n" * 300, "a\n\n" * 10_000]
)
def test_too_much_is_shown_as_plain_text_and_says_so_in_both_languages(text: str) -> None:
    assert formatted(text) == Formatted(plain_html(text.strip()), reduced=True)
    english, chinese = (stage_html(ask(pair(text, "Blue.")), Show(language=one)) for one in ("en", "zh"))
    assert english.count("Shown as plain text") == 1
    assert chinese.count("以纯文本显示") == 1
    assert english.count('<p class="bs-note">') == 1


def test_an_ordinary_long_answer_is_formatted_and_says_nothing() -> None:
    page = stage_html(ask(pair("**word** " * 4_000, "Blue.")))
    assert "<strong>word</strong>" in page
    assert "plain text" not in page


def test_an_exception_in_formatting_shows_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real one: so deep in the stack that the parser has no room left, though the page has."""
    # Logging goes as deep as the parser does.
    monkeypatch.setattr(logging.getLogger("eval.judge.rendering.render"), "disabled", True)

    def deep(levels: int, text: str) -> Formatted:
        return deep(levels - 1, text) if levels else formatted(text)

    plain = 0
    for levels in range(sys.getrecursionlimit()):
        text = f"**{levels}**"
        try:
            plain += deep(levels, text) == Formatted(plain_html(text), reduced=True)
        except RecursionError:
            break
    assert plain


def test_what_was_formatted_is_kept_and_what_was_not_shown_for_longest_goes() -> None:
    assert formatted("**kept**") is formatted("**kept**")
    kept, made = Kept(most=250), Formatted(Markup("x" * 100))
    for text in ("one", "two"):
        kept.put(text, made)
    assert kept.get("one") is made
    kept.put("three", made)
    assert [text for text in ("one", "two", "three") if kept.get(text)] == ["one", "three"]


def test_code_that_takes_a_lexer_long_goes_without_colours() -> None:
    assert "hl-" in Colours().of("int x = 1;\n" * 1_000, "c")
    for slow in ("\n" * 5_000, "(" * 5_000, "x = 1\n" * LONGEST_CODE):
        assert Colours().of(slow, "make") == ""
    assert Colours(patience=0).of("int x = 1;", "c") == ""


REPEATED = [("".join(chr(0x4E00 + (number * step) % 110) for number in range(10_000))) for step in (1, 7)]
SWAPPED = [("".join(chr(0x4E00 + (number ^ one)) for number in range(10_000))) for one in (0, 1)]


@pytest.mark.parametrize(("left", "right"), [REPEATED, SWAPPED], ids=["repeated", "swapped"])
def test_texts_that_take_long_to_compare_are_given_up_after_so_many_steps(left: str, right: str) -> None:
    search = Search(left, right)
    with pytest.raises(TooLong):
        search.ratio()
    assert search.steps < 2 * MOST_STEPS
    assert differences(left, right) is None


def test_two_versions_of_a_long_text_are_compared() -> None:
    words = [f"word{number % 1_500}" for number in range(2_000)]
    other = ["another" if number % 9 == 0 else word for number, word in enumerate(words)]
    search = Search(words, other)
    assert search.ratio() > 0.8
    assert search.steps < MOST_STEPS / 2
    assert differences(" ".join(words), " ".join(other)) is not None
