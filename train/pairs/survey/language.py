"""The language of a text, well enough to notice a mix: by script, and by common words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

UNKNOWN = "unknown"
_LOOKED_AT = 400
_COMMON = {
    "English": "the and of to is in that it for you with are this be as have not was on what how which from or an",
    "German": "der die und das ist nicht ein eine zu den mit von sich auf für im auch es sie ich wie dem wird sind",
    "French": "le la les et des est une un pour dans que qui pas sur avec vous du ce il au sont plus comme nous",
    "Spanish": "el los las y es en que una por con para del se como más pero su al lo son este está muy qué",
    "Portuguese": "o os as e é em que uma por com para do da não se como mais mas ao são você na no um seu",
    "Italian": "il gli e è di che una per con non del della si come più ma al sono questo nel anche lo un dei",
    "Dutch": "de het een en is van niet dat op te met voor zijn er aan ook als maar om je ik naar wordt bij",
    "Polish": "i w nie na się z do jest to że o jak ale po co tak za od czy dla przez są tym jego",
    "Turkish": "ve bir bu da de için ile çok ne gibi daha olarak var ama o değil en olan her kadar",
    "Swedish": "och att det en som är på för med av den inte till ett om har jag var kan så vi från",
}
_LANGUAGES: dict[str, tuple[str, ...]] = {}
for _name, _words in _COMMON.items():
    for _word in _words.split():
        _LANGUAGES[_word] = (*_LANGUAGES.get(_word, ()), _name)
_SCRIPTS = {"CJK": "Chinese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean"}
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """A language's name for Latin script and CJK, else the script's ("Cyrillic", "Arabic"…); UNKNOWN without a hint."""
    text = text[:_LOOKED_AT]
    script = "LATIN" if text.isascii() else _script_of(text)
    if script != "LATIN":
        return _SCRIPTS.get(script, script.capitalize()) if script else UNKNOWN
    votes: Counter[str] = Counter()
    for word in _WORD.findall(text.lower()):
        for name in _LANGUAGES.get(word, ()):
            votes[name] += 1
    first = votes.most_common(2)
    if not first or (len(first) > 1 and first[0][1] == first[1][1]):
        return UNKNOWN
    return first[0][0]


def same_language(one: str, other: str) -> bool:
    """False only where both languages are known and differ."""
    a, b = language_of(one), language_of(other)
    return a == b or UNKNOWN in (a, b)


def _script_of(text: str) -> str:
    """The script of most letters; a text with kana is Japanese however many Chinese characters it has."""
    scripts = Counter(_script(letter) for letter in text if letter.isalpha())
    if not scripts:
        return ""
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0.1 * scripts.total():
        return "HIRAGANA"
    return scripts.most_common(1)[0][0]


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0].removesuffix("-UNIFIED")
