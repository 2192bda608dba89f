"""The gate by subprocess: each of its four ends, and that a byte changed after judging is no decision."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from xml.etree import ElementTree

import pytest

from eval.judge.store.acknowledged import acknowledged_path
from eval.policy import frozen_policy_path
from eval.release.gate.decision import read_decision
from eval.run import Run, open_run
from tests.cli.command import blindside
from tests.judge.verdicts import verdict_store
from tests.release.studies import judge, study
from tests.train.models import edit


def gate(run: Run, *options: str) -> CompletedProcess[str]:
    reports = run.folder.parent
    return blindside("gate", run.name, "--reports", str(reports), *options, cwd=reports.parent)


def test_release(tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.9)
    done = gate(run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Release." in done.stdout
    decision = read_decision(run.folder)
    assert (decision.decision, decision.reasons) == ("release", ())
    assert {rule.status for rule in decision.rules} == {"pass"}
    assert decision.headline.win_rate is not None
    assert decision.headline.win_rate > 0.8
    assert (decision.headline.prompts, decision.headline.judgements, decision.headline.reviewers) == (60, 72, 2)
    assert set(decision.bound) == {
        *("prompts.jsonl", "responses.jsonl", "verdicts.csv", "study.json", "plan.json", "gate.yml"),
        *("base weights", "base template", "base config", "base generation config"),
        *("tuned weights", "tuned template", "tuned config", "tuned generation config"),
    }
    suite = ElementTree.parse(run.report_folder / "gate-junit.xml").getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert "## Release: `study`" in (run.report_folder / "gate.md").read_text()


def test_what_was_decided_can_be_released_until_something_changes(tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.9)
    assert gate(run).returncode == 0
    options = ("release", run.name, "--repo", "me/tiny", "--dry-run", "--reports", str(run.folder.parent))
    done = blindside(*options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "dry run: nothing was uploaded" in done.stdout
    assert "model.safetensors" in done.stdout
    judge_again(run)
    late = blindside(*options, cwd=tmp_path)
    assert (late.returncode, "verdicts.csv is not the same as at the decision" in late.stderr) == (3, True)


def test_a_dry_run_of_a_run_that_is_held_shows_files_and_card_below_the_refusal(tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.2)
    assert gate(run).returncode == 1
    done = blindside("release", run.name, "--repo", "me/tiny", "--dry-run", "--reports", "reports", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"NOT TO BE RELEASED: run {run.name} is decided hold, not release")
    assert any(line.endswith(" model.safetensors") for line in lines)
    assert lines.index("---") < lines.index("library_name: transformers")
    assert lines[-1] == "dry run: nothing was uploaded"
    assert done.stderr.startswith(f"blindside: run {run.name} is decided hold, not release")


@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
def test_a_served_file_edited_after_the_decision_is_not_released(name: str, tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.9)
    assert gate(run).returncode == 0
    edit(Path(run.info.models["tuned"].source) / name, rope_scaling=...)
    late = blindside("release", run.name, "--repo", "me/tiny", "--dry-run", "--reports", "reports", cwd=tmp_path)
    assert late.returncode == 3, late.stderr
    assert f"tuned {name} is not the same as at the decision" in late.stderr


def test_a_run_of_an_earlier_version_has_no_such_hashes_and_is_decided_as_before(tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.9)
    path = run.folder / "run.json"
    written = json.loads(path.read_text())
    for model in written["models"].values():
        del model["config_sha256"], model["generation_config_sha256"]
    path.write_text(json.dumps(written))
    _config(run)
    done = gate(open_run(run.folder.parent, run.name))
    assert done.returncode == 0, done.stderr
    assert "tuned generation config" not in read_decision(run.folder).bound


def judge_again(run: Run) -> None:
    """One verdict more: a decision holds for what it was made of."""
    store = verdict_store(run)
    store.append(store.rows[0].model_copy(update={"verdict_id": "late", "reviewer": "zoe", "seal": ""}))


def test_hold(tmp_path: Path) -> None:
    done = gate(judge(study(tmp_path), 0.5))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Hold: do not release." in done.stdout
    assert "every planned judgement is given, and it is not shown" in " ".join(done.stdout.split())


def test_insufficient(tmp_path: Path) -> None:
    run = study(tmp_path, n=200)
    part = judge(study(tmp_path / "part", n=40), 0.8)
    done = gate(run)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Insufficient evidence" in done.stdout
    assert gate(part).returncode in (0, 1)


def test_an_open_check_is_no_pass(tmp_path: Path) -> None:
    done = gate(judge(study(tmp_path, checks={}), 0.9))
    assert done.returncode == 2
    root = ElementTree.parse(tmp_path / "reports" / "study" / "report" / "gate-junit.xml").getroot()
    assert root.get("errors") == "2"


def _weights(run: Run) -> None:
    path = Path(run.info.models["tuned"].source) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def _verdict(run: Run) -> None:
    text = run.verdicts_path.read_text()
    run.verdicts_path.write_text(text.replace(",4.0,", ",5.0,", 1))


def _last_row(run: Run) -> None:
    lines = run.verdicts_path.read_bytes().splitlines(keepends=True)
    run.verdicts_path.write_bytes(b"".join(lines[:10] + lines[11:]))


def _policy(run: Run) -> None:
    frozen_policy_path(run).write_text(frozen_policy_path(run).read_text().replace("prompts: 30", "prompts: 31"))


def _template(run: Run) -> None:
    (Path(run.info.models["base"].source) / "chat_template.jinja").write_text("{{ message }}")


def _config(run: Run) -> None:
    edit(Path(run.info.models["tuned"].source) / "config.json", rope_scaling=...)


def _generation_config(run: Run) -> None:
    (Path(run.info.models["base"].source) / "generation_config.json").unlink()


def _unknown(run: Run) -> None:
    run.verdicts_path.write_text(run.verdicts_path.read_text().replace(",judgement,tuned,", ",judgement,better,", 1))


def _nan(run: Run) -> None:
    run.verdicts_path.write_text(run.verdicts_path.read_text().replace(",4.0,", ",nan,", 1))


def _twice(run: Run) -> None:
    with run.verdicts_path.open("a") as file:
        file.write(run.verdicts_path.read_text().splitlines()[1] + "\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_weights, "tuned: the weights of"),
        (_template, "base: the template of"),
        (_config, "models/tuned/config.json is not the one that answered: restore it"),
        (_generation_config, "models/base/generation_config.json is not the one that answered: restore it"),
        (_verdict, "seconds is 5.0 and was saved as 4.0"),
        (_last_row, "which had been saved"),
        (_policy, "is not the policy that was fixed before judging"),
        (_unknown, "verdicts.csv:"),
        (_nan, "seconds: "),
        (_twice, "verdict_id: "),
    ],
)
def test_what_was_changed_after_judging_is_no_decision(
    change: Callable[[Run], None], said: str, tmp_path: Path
) -> None:
    run = judge(study(tmp_path), 0.9)
    change(run)
    done = gate(run)
    assert done.returncode == 3, done.stdout + done.stderr
    assert said in done.stderr
    assert "Nothing was decided" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (run.folder / "decision.json").exists()


def test_rows_taken_out_are_missed_at_once(tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.9)
    lines = run.verdicts_path.read_bytes().splitlines(keepends=True)
    run.verdicts_path.write_bytes(b"".join(lines[:-3]))
    done = gate(run)
    assert (done.returncode, "and 2 more, which had been saved" in done.stderr) == (3, True), done.stderr


def test_rows_taken_out_at_the_end_show_at_the_next_decision(tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.9)
    assert gate(run).returncode == 0
    lines = run.verdicts_path.read_bytes().splitlines(keepends=True)
    run.verdicts_path.write_bytes(b"".join(lines[:-3]))
    # A copy that came without the second file, from git or an artifact.
    acknowledged_path(run.verdicts_path).unlink()
    done = gate(run)
    assert (done.returncode, "lacks rows that it had at the decision of" in done.stderr) == (3, True)
    assert read_decision(run.folder).decision == "release"


def test_a_decision_grows_with_verdicts(tmp_path: Path) -> None:
    run = study(tmp_path)
    assert gate(run).returncode == 2
    judge(run, 0.9)
    assert gate(run).returncode == 0


def test_usage_and_missing_things_are_no_decision(tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.9)
    assert gate(run, "--no-such-option").returncode == 3
    assert gate(run, "--policy", "none.yml").returncode == 3
    reports = str(run.folder.parent)
    assert blindside("gate", "none", "--reports", reports, cwd=tmp_path).returncode == 3
    other = tmp_path / "other.yml"
    other.write_text("prompts: 2\n")
    assert "differs from the policy" in gate(run, "--policy", str(other)).stderr


def test_a_policy_that_came_after_the_verdicts_holds_the_release_back(tmp_path: Path) -> None:
    run = judge(study(tmp_path), 0.9)
    bare = run.info.model_copy(update={"policy_sha256": "", "policy_fixed_at": ""})
    (run.folder / "run.json").write_text(bare.model_dump_json())
    assert "has no policy" in gate(run).stderr
    given = tmp_path / "late.yml"
    given.write_text("prompts: 30\noverlap: null\n")
    done = gate(open_run(run.folder.parent, run.name), "--policy", str(given))
    assert done.returncode == 1
    rules = json.loads((run.folder / "decision.json").read_text())["rules"]
    assert [rule["name"] for rule in rules if rule["status"] == "fail"] == ["policy"]
