"""A row made by hand, with a seal that fits it, brings no formula into the report's copy."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from eval.report.write_report import write_report
from tests.evidence.judged import make_judged

FORMULAS = ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "＝1", "＋1", "－1", "＠1", "\t=1")


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_fitting_seal_makes_no_formula_safe(tmp_path: Path, formula: str) -> None:
    run = make_judged(tmp_path, pairs=3, reviewers=("ann",))
    header, *lines = run.verdicts_path.read_text("utf-8").splitlines(keepends=True)
    names = header.rstrip("\n").split(",")
    cells = lines[0].rstrip("\n").split(",")
    cells[names.index("comment")] = formula
    unsealed = ",".join(cells[:-1]) + ","
    seal = "s" + hashlib.sha256(b"\n" + f"{unsealed}\n".encode()).hexdigest()[:20]
    run.verdicts_path.write_text(header + unsealed + seal + "\n" + "".join(lines[1:]), "utf-8")
    write_report(run)
    copied = (run.report_folder / "verdicts.csv").read_text("utf-8")
    assert f",{formula}" not in copied
    assert f",'{formula}" in copied or f",\"'{formula}" in copied
