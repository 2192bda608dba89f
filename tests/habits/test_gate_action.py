"""The reusable action's own script, run as a step of a workflow runs it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from eval.release.gate.decision import EXIT, read_decision
from eval.report.write_report import write_report
from tests.release.judged import Project, make_project
from tests.support import ROOT
from tests.warm.warm import page_python

ACTION = ROOT / ".github" / "actions" / "gate"


@dataclass(frozen=True)
class Step:
    status: int
    output: dict[str, str]
    summary: str


def gate(reports: Path, name: str, out: Path) -> Step:
    output, summary = out / "output", out / "summary"
    told = {
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
        "BLINDSIDE": str(page_python().with_name("blindside")),
    }
    env = os.environ | told | {"RUN": name, "REPORTS": str(reports)}
    done = subprocess.run([ACTION / "gate"], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    pairs = [line.partition("=") for line in output.read_text().splitlines()]
    return Step(done.returncode, {key: value for key, _, value in pairs}, summary.read_text())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("action"))
    write_report(made.run)
    return made


def test_a_decision_is_the_steps_status_output_and_summary(project: Project, tmp_path: Path) -> None:
    (project.run.folder / "decision.json").unlink()
    step = gate(project.run.folder.parent, project.run.name, tmp_path)
    decision = read_decision(project.run.folder)
    assert step.status == EXIT[decision.decision]
    assert step.output["decision"] == decision.decision
    assert step.output["status"] == str(step.status)
    assert Path(step.output["junit"]).is_file()
    assert step.summary == (project.run.report_folder / "gate.md").read_text()


NAMES = ("nobody", "--help", "$(touch pwned)", "`touch pwned`", "../x", "a\nstatus=0", "; exit 0")


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_not_there_decides_nothing_and_is_no_command(name: str, project: Project, tmp_path: Path) -> None:
    step = gate(project.run.folder.parent, name, tmp_path)
    assert step.status == 3
    assert step.output == {"status": "3"}
    assert "nothing was decided" in step.summary
    assert "Traceback" not in step.summary
    assert not list(ROOT.glob("pwned"))


def test_the_action_says_what_its_script_gives() -> None:
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    assert action["runs"]["using"] == "composite"
    assert set(action["outputs"]) == {"decision", "status", "junit"}
    for step in action["runs"]["steps"]:
        # An input in a script would be read as a part of it: inputs go by the environment.
        assert "inputs." not in step.get("run", "")
        assert step.get("shell") == ("bash" if "run" in step else None)
