"""docs/notebook.md, cell by cell, on a judged run."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import blindside
from tests.release.judged import make_project
from tests.support import ROOT

PAGE = (ROOT / "docs" / "notebook.md").read_text(encoding="utf-8")
CELLS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does; the value of its last expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


def test_every_cell_runs_and_shows_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_project(tmp_path).run
    (made.folder / "decision.json").unlink()
    made.folder.rename(made.folder.with_name("first"))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    shown = [cell(source, names) for source in CELLS]
    assert len(shown) > 10
    assert all(value is not None for value in shown)
    assert shown[0].folder.name == "first"
    assert isinstance(names["rate"], blindside.Estimate)
    assert names["rate"].value == pytest.approx(names["summary"].loc["win_rate", "value"])
    assert isinstance(names["judgements"], pd.DataFrame)
    assert names["decision"].decision in names["decision"]._repr_html_()
    assert (tmp_path / "reports" / "first" / "report" / "summary.csv").is_file()
    assert (tmp_path / "reports" / "first" / "decision.json").is_file()


def test_the_page_names_every_public_name() -> None:
    assert [name for name in blindside.__all__ if f"`{name}" not in PAGE] == []
