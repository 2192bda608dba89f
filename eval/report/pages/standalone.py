"""A picture as an SVG file for model cards: its own colours, title and legend, no links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from markupsafe import Markup

from eval.judge.page import views as judging
from eval.judge.study.study import Language
from eval.report.pages.drawing import WIDE, Picture
from eval.report.pages.figures import findings
from eval.report.pages.snapshot import Snapshot
from eval.report.pages.views import ASSETS
from eval.report.pages.words import words

#: Keys of the pictures that name no reviewer.
OPEN = ("time", "prompts", "categories", "length", "traits")
_HEIGHT = re.compile(r'viewBox="0 0 \d+ (\d+)"')
_AROUND = re.compile(r"\A<svg[^>]*>|</svg>\Z|<a\b[^>]*>|</a>")
#: What no XML file may hold.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOP, _ROW, _EDGE = 42, 18, 12


def picture_files(snapshot: Snapshot, language: Language = "en") -> dict[str, str]:
    """The pictures of a run in which nobody is named, by the names of their files."""
    found = findings(snapshot, words(language))
    drawn = (picture for section in found.sections for picture in section.pictures)
    return {f"picture-{one.key}.svg": standalone(one) for one in drawn if one.key in OPEN}


def standalone(picture: Picture) -> str:
    """The file's text; the same picture gives the same bytes."""
    shown = _HEIGHT.search(picture.svg)
    high = int(shown[1]) if shown else WIDE
    wide, total = WIDE + 2 * _EDGE, _TOP + high + 12 + _ROW * len(picture.legend) + _EDGE
    parts = (
        Markup('<svg xmlns="http://www.w3.org/2000/svg" class="rs-svg" role="img" '),
        Markup('viewBox="-{} 0 {} {}" width="{}" height="{}">').format(_EDGE, wide, total, wide, total),
        Markup("<title>{}</title><style>{}</style>").format(picture.spoken, _paper()),
        Markup('<rect x="-{}" width="{}" height="{}" fill="#fff"/>').format(_EDGE, wide, total),
        Markup('<text y="26" font-weight="650" font-size="15">{}</text>').format(picture.title),
        Markup('<g transform="translate(0 {})">{}</g>').format(_TOP, Markup(_AROUND.sub("", picture.svg))),
        *_legend(picture, _TOP + high + 24),
        Markup("</svg>\n"),
    )
    return _NO_XML.sub("", Markup("").join(parts))


def _legend(picture: Picture, top: int) -> Iterator[Markup]:
    for row, (kind, said) in enumerate(picture.legend):
        mark = Markup('<rect y="-9" width="18" height="11" class="{}"/>').format(kind)
        if "line" in kind:
            mark = Markup('<line y1="-4" x2="18" y2="-4" class="{}"/>').format(kind)
        yield Markup('<g transform="translate(0 {})">{}<text x="26">{}</text></g>').format(top + _ROW * row, mark, said)


@lru_cache(maxsize=1)
def _paper() -> Markup:
    """The colours of paper, and the classes of pictures."""
    tokens, results = (path.read_text("utf-8") for path in (judging.ASSETS / "tokens.css", ASSETS / "results.css"))
    roots = "".join(sheet[: sheet.index("}") + 1] for sheet in (tokens, results))
    return Markup(roots + (ASSETS / "pictures.css").read_text("utf-8"))
