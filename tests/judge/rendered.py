"""An answer as the page shows it."""

from __future__ import annotations

from markupsafe import Markup

from eval.judge.rendering.render import formatted


def answer_html(text: str) -> Markup:
    return formatted(text).html
