"""The likely language of a text, by its script: for fonts and line breaks."""

from __future__ import annotations

import re

from markupsafe import Markup

_LETTERS = re.compile(r"[^\W\d_]")
_KANA = re.compile(r"[\u3040-\u30ff\uff66-\uff9f]")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_ARABIC = re.compile(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]")
_PERSIAN = re.compile(r"[\u067e\u0686\u0698\u06af\u06cc\u06a9]")
_HEBREW = re.compile(r"[\u0590-\u05ff\ufb1d-\ufb4f]")
#: A word of Latin letters is as long as one or two of Chinese.
_DENSE = 3
#: Japanese without kana is rare; Chinese with a few of them quotes Japanese.
_JAPANESE = 0.1
#: Japanese text of so many letters has kana.
_SHORT = 12
#: Characters of a text that are looked at.
_ENOUGH = 20_000


def language_of(text: str, *, within: str = "") -> str:
    """ "zh", "ja", "ko", "ar", "fa" or "he", where most letters are of that script, or else "".

    A few letters without kana within a Japanese text are Japanese.
    """
    text = text[:_ENOUGH]
    kana, han, hangul, arabic, hebrew = (len(s.findall(text)) for s in (_KANA, _HAN, _HANGUL, _ARABIC, _HEBREW))
    cjk = kana + han
    japanese = kana > cjk * _JAPANESE or (within == "ja" and cjk < _SHORT)
    persian = len(_PERSIAN.findall(text)) > arabic / 50
    weights = {
        "ja" if japanese else "zh": cjk * _DENSE,
        "ko": hangul * _DENSE,
        "fa" if persian else "ar": arabic,
        "he": hebrew,
    }
    latin = len(_LETTERS.findall(text)) - cjk - hangul - arabic - hebrew
    language, weight = max(weights.items(), key=lambda one: one[1])
    return language if weight and weight >= latin else ""


def has_no_spaces(character: str) -> bool:
    """Whether words in this character's script stand side by side without a space."""
    return any(script.match(character) for script in (_KANA, _HAN, _HANGUL))


def language_attribute(text: str) -> Markup:
    """` lang="…"`, or nothing where the text's letters do not tell."""
    language = language_of(text)
    return Markup(f' lang="{language}"' if language else "")
