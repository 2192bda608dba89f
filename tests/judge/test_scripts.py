"""Which language a text is in, by its letters."""

from __future__ import annotations

import pytest

from eval.judge.rendering.scripts import language_attribute, language_of
from tests.judge.rendered import answer_html


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", ""),
        ("Rome is 2.8 million people, 罗马.", ""),
        ("罗马是意大利的首都。", "zh"),
        ("使用 Python 的 asyncio 库可以写异步代码。", "zh"),
        ("ローマはイタリアの首都です。", "ja"),
        ("東京", "zh"),
        ("로마는 이탈리아의 수도이다.", "ko"),
        ("روما هي عاصمة إيطاليا.", "ar"),
        ("رم پایتخت ایتالیا است و چگونه می‌گویند.", "fa"),
        ("רומא היא בירת איטליה.", "he"),
        ("Москва 12 👍 \0", ""),
    ],
)
def test_most_letters_tell(text: str, language: str) -> None:
    assert language_of(text) == language
    assert language_attribute(text) == (f' lang="{language}"' if language else "")


def test_a_few_letters_within_japanese_are_japanese() -> None:
    assert language_of("東京都", within="ja") == "ja"
    assert language_of("罗马是意大利的首都，人口约两百八十万。", within="ja") == "zh"


def test_a_block_says_its_language_where_the_whole_is_in_another() -> None:
    assert '<p dir="auto" lang="ar">روما</p>' in answer_html("Rome, as it is called.\n\nروما")
    assert "lang" not in answer_html("罗马是首都。\n\n人口很多。")
