"""What is published of a run says how its sides came about, is made by its plan, and has nothing of its key."""

from __future__ import annotations

from pathlib import Path

from eval.judge.setup.keyfile import KEY_FILE
from eval.judge.setup.plan import plan_path
from eval.release.gate.gate import decide
from eval.release.hub.evidence_bundle import write_evidence
from eval.report.write_report import write_report
from tests.release.studies import judge, study


def test_published_evidence_has_the_plans_figures_and_not_the_key(tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.9)
    write_report(run)
    decision = decide(run)
    assert plan_path(run).name in decision.bound
    write_evidence(run, decision, None, tmp_path / "out", comments=False)
    key = bytes.fromhex((run.folder / KEY_FILE).read_text())
    files = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert [path for path, data in files.items() if key in data or key.hex().encode() in data] == []
    assert KEY_FILE not in {path.name for path in files}
    report = (tmp_path / "out" / "report" / "report.md").read_text()
    assert "Sides: computed with a secret key of the run" in report
    assert "Can we stop" in report
    assert [line for line in report.splitlines() if "at any" in line] == [
        line for line in (run.report_folder / "report.md").read_text().splitlines() if "at any" in line
    ]
