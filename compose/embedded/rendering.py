"""The child process that renders chat templates as TGI does: `python -P -m compose.embedded.rendering`.

A template may be anybody's, and may hold an endless loop; here it takes no more than its time and memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from blindside.sandbox import serve


def render(job: dict[str, Any]) -> str:
    """`source` with the variables in `values`; without those it is compiled only."""
    template = _compiled(job["source"])
    return "" if job["values"] is None else template.render(**job["values"])


@lru_cache(1)
def _compiled(source: str) -> Template:
    # The marks for training masks mean nothing when answering.
    adapted = source.replace("{% generation %}", "").replace("{% endgeneration %}", "")
    return _environment().from_string(adapted)


def _environment() -> ImmutableSandboxedEnvironment:
    # TGI's template engine prints none, true and false in lower case, and trims no blocks.
    plain: Callable[[Any], Any] = lambda v: str(v).lower() if v is None or isinstance(v, bool) else v  # noqa: E731
    environment = ImmutableSandboxedEnvironment(finalize=plain, extensions=["jinja2.ext.loopcontrols"])
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    return environment


def _raise(problem: str) -> None:
    raise TemplateError(f"syntax error: {problem} (in <string>)")


if __name__ == "__main__":
    serve(render)
