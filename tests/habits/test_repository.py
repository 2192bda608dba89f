"""The files that a repository is used by: workflows, forms, hooks, versions."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_version_is_the_same_everywhere_and_has_its_changes() -> None:
    versions = re.findall(
        r"^## (\d+\.\d+\.\d+) \((unreleased|\d{4}-\d\d-\d\d)\)$", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    assert versions
    assert versions[0][0] == PROJECT["version"]
    assert all(date != "unreleased" for _, date in versions[1:])
    assert read(ROOT / "CITATION.cff")["version"] == PROJECT["version"]
    assert read(ROOT / "CITATION.cff")["license"] == PROJECT["license"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_what_a_person_can_run(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] > 0
        for step in job["steps"]:
            for target in re.findall(r"\bmake ([\w-]+)", step.get("run", "")):
                assert re.search(rf"^{target}:", MAKEFILE, re.M), target
            for script in re.findall(r"(?:^|\s)(\.ci/\S+|bin/\S+)", step.get("run", "")):
                assert (ROOT / script).is_file()


def test_the_fast_tests_run_on_every_python_that_is_supported() -> None:
    (ci,) = (read(path) for path in WORKFLOWS if path.name == "ci.yml")
    pythons = ci["jobs"]["fast"]["strategy"]["matrix"]["python"]
    assert f">={pythons[0]}" == PROJECT["requires-python"]
    assert pythons == [f"3.{minor}" for minor in range(int(pythons[0][2:]), int(pythons[-1][2:]) + 1)]
    assert len(pythons) >= 3


def test_the_hooks_are_make_lint() -> None:
    hooks = [hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    run = [hook["entry"].split()[0].rpartition("/")[2] for hook in hooks]
    lint = re.search(r"^lint:.*?\n((?:\t.*\n)+)", MAKEFILE, re.M)
    assert lint is not None
    assert sorted(run) == sorted(re.findall(r"\$\(APP\)/bin/(\w+)", lint.group(1)))


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda path: path.name
)
def test_an_issue_form_is_one(path: Path) -> None:
    form = read(path)
    assert {"name", "description", "body"} <= set(form)
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(part["type"] in {"textarea", "input", "checkboxes", "dropdown", "markdown"} for part in form["body"])
    assert all(part["attributes"]["label"] for part in form["body"])


def test_the_devcontainer_makes_the_environment() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    target = container["postCreateCommand"].removeprefix("make ")
    assert re.search(rf"^{target}:", MAKEFILE, re.M)
