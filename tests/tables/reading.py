"""Rows of a file, and the questions in them, as prompts and pairs read them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from eval.collect.prompts.prompt_set import LoadedPrompts


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def table(path: Path, header: list[str], *rows: list[Any]) -> Path:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *rows])
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    return path


def asked(loaded: LoadedPrompts) -> list[list[tuple[str, str]]]:
    return [[(message.role, message.content) for message in prompt.messages] for prompt in loaded.prompts]
