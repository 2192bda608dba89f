"""gate.yml: read strictly, frozen before judging, and held against changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.errors import InputError
from eval.policy import DEFAULT, find_policy, freeze_policy, frozen_policy_path, policy_sha256, read_policy
from eval.release.gate.stale import changed_since_asked, hash_inputs
from eval.run import Run, open_run
from tests.judge.runs import make_run


def policy_file(folder: Path, text: str) -> Path:
    path = folder / "gate.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_policy_asks_for_what_it_says() -> None:
    policy = read_policy(DEFAULT)
    assert (policy.preference.rule, policy.preference.method) == ("superiority", "sequential")
    assert (policy.prompts, policy.reviewers, policy.parity, policy.must_pass_broken) == (100, 2, True, 0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("preference: {rule: better}", r"gate\.yml: preference\.rule: .*'better': fix it"),
        ("prompts: many", r"gate\.yml: prompts: "),
        ("prompts: .nan", r"gate\.yml: prompts: "),
        ("promts: 10", r"gate\.yml: promts: "),
        ("preference: {margin: 0.6}", r"gate\.yml: preference\.margin: "),
        ("signals: {length_ratio: [2, 1]}", r"gate\.yml: signals: "),
        ("a: [", r"gate\.yml:2: is not YAML"),
        ("", r"holds no rules"),
        ("- 1", r"holds no rules"),
    ],
)
def test_what_is_no_policy_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=problem):
        read_policy(policy_file(tmp_path, text))


def test_the_projects_own_policy_comes_before_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_policy(None) == DEFAULT
    policy_file(tmp_path, "prompts: 20")
    assert read_policy(find_policy(None)).prompts == 20


def test_a_policy_is_frozen_once_somebody_judges(tmp_path: Path) -> None:
    run = freeze_policy(make_run(tmp_path), policy_file(tmp_path, "prompts: 20"))
    assert run.info.policy_sha256 == policy_sha256(frozen_policy_path(run))
    assert run.info.policy_fixed_at == "before judging"
    again = freeze_policy(_reopened(run))
    assert again.info.policy_sha256 == run.info.policy_sha256
    freeze_policy(_reopened(run), policy_file(tmp_path, "prompts: 30"))
    assert _reopened(run).info.policy_sha256 == policy_sha256(frozen_policy_path(run))
    run.verdicts_path.write_text("verdict_id\n")
    with pytest.raises(InputError, match="differs from the policy that run trial was judged under"):
        freeze_policy(_reopened(run), policy_file(tmp_path, "prompts: 2"))
    assert read_policy(frozen_policy_path(run)).prompts == 30


def test_a_policy_that_came_late_is_known_as_such(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.verdicts_path.write_text("verdict_id\n")
    assert freeze_policy(run).info.policy_fixed_at == "after judging began"


def test_a_byte_changed_in_the_frozen_policy_is_seen(tmp_path: Path) -> None:
    run = freeze_policy(make_run(tmp_path))
    assert [line for line in changed_since_asked(run, hash_inputs(run)) if "policy" in line] == []
    frozen_policy_path(run).write_bytes(frozen_policy_path(run).read_bytes() + b"\n")
    assert [
        line
        for line in changed_since_asked(run, hash_inputs(run))
        if "is not the policy that was fixed before judging" in line
    ]


def _reopened(run: Run) -> Run:
    return open_run(run.folder.parent, run.name)
