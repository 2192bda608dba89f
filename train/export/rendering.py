"""The child that renders templates like transformers: `python -P -m train.export.rendering` (blindside.bounded)."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import Template, TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from blindside.bounded import serve
from train.export.plain import plain

#: Stands for the day's date in any form, so that renderings of two days are the same.
DATE = "26 Jul 2026"


def render(job: dict[str, Any]) -> str:
    """`source` with the variables in `values`; without those, `source` in the form that TGI renders alike."""
    if job["values"] is None:
        return plain(job["source"])
    return _compiled(job["source"]).render(job["values"])


@lru_cache(1)
def _compiled(source: str) -> Template:
    world = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    world.globals["raise_exception"] = _refuse
    world.globals["strftime_now"] = lambda _format: DATE
    world.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    return world.from_string(source)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


if __name__ == "__main__":
    serve(render)
