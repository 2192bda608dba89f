"""Provenance for others' eyes, and where a model comes from."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from eval.release.hub.lineage import Origin, find_licence, is_hub_id, origin
from eval.release.hub.redact import last_part, published_decision, published_run, scrub, scrub_text
from tests.release.judged import Project, decision, make_project
from train.artifact import read_artifact


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at http://10.0.0.1:8080/x?key=1 now", "at (address) now"),
        ("s3://bucket/ann/pairs", "(address)"),
        ("127.0.0.1:8080 and [::1]:80 and localhost:3000", "(address) and (address) and (address)"),
        ("in /Users/ann/models/tiny/ and /srv/x.json", "in tiny and x.json"),
        (r"in C:\Users\ann\x.bin and \\server\share\y", "in x.bin and y"),
        ("~/models/tiny", "tiny"),
        ("win 3/5, and/or 99% of 1/2", "win 3/5, and/or 99% of 1/2"),
        ("owner/name at 4.51.3", "owner/name at 4.51.3"),
        ("transformers 5.16.1, torch 2.13.0+cpu", "transformers 5.16.1, torch 2.13.0+cpu"),
        ("hub:owner/name@0123456789ab:train", "hub:owner/name@0123456789ab:train"),
    ],
)
def test_texts_lose_addresses_and_folders(text: str, told: str) -> None:
    assert scrub_text(text) == told


def test_this_machine_is_not_named() -> None:
    host = socket.gethostname()
    assert host not in scrub_text(f"ran on {host}, in {Path.home()}/a b/c and {Path.cwd()}/models")


def test_keys_are_texts_too() -> None:
    assert scrub({"/Users/ann/x.jsonl": [1, None, True, "http://h/"]}) == {"x.jsonl": [1, None, True, "(address)"]}


@pytest.mark.parametrize(
    ("path", "name"), [("/a/b", "b"), ("a/b/", "b"), (r"C:\a\b", "b"), ("b", "b"), ("/", "(folder)"), ("", "(folder)")]
)
def test_last_parts(path: str, name: str) -> None:
    assert last_part(path) == name


def test_hub_models_and_data_sets_keep_their_names(tmp_path: Path) -> None:
    info = make_project(tmp_path / "home").run.info
    hub = info.models["base"].model_copy(update={"source": "owner/base", "name": "owner/base", "revision": "a" * 40})
    prompts = info.prompt_set.model_copy(update={"source": "hub:owner/prompts@0123456789ab"})
    told = published_run(info.model_copy(update={"models": {**info.models, "base": hub}, "prompt_set": prompts}))
    assert (told.models["base"].source, told.models["base"].name) == ("owner/base", "owner/base")
    assert told.prompt_set.source == "hub:owner/prompts@0123456789ab"
    assert told.versions == info.versions


def test_names_in_a_decision_become_pseudonyms_and_figures_stay(tmp_path: Path) -> None:
    given = decision(make_project(tmp_path / "home").run)
    names = {"Ann Lee": "reviewer-1", "bob": "reviewer-2", "8": "reviewer-3"}
    told = published_decision(given, names, {"verdicts.csv": "keyed"})
    assert told.rules[0].found == "8, without reviewer-1 8"
    assert told.extra == {"without": {"reviewer-2": 0.61}}
    assert (told.decision, told.headline) == (given.decision, given.headline)
    assert told.bound == {**given.bound, "verdicts.csv": "keyed"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "home")


def test_bases_are_followed_back_to_the_hub(project: Project) -> None:
    """base was itself trained here, from a model of the Hub: the card must name that one, and both data sets."""
    tuned = read_artifact(project.tuned)
    base = project.home / "models" / "base"
    earlier = tuned.model_copy(
        update={
            "base": tuned.base.model_copy(update={"source": "owner/big", "revision": "c" * 40, "weights_sha256": None}),
            "data_sha256": {"owner/sft-data": "hub:main"},
        }
    )
    (base / "blindside.json").write_text(earlier.model_dump_json())
    found = origin(project.run, tuned)
    assert (found.hub, found.revision) == ("owner/big", "c" * 40)
    assert found.datasets == ("owner/pairs", "owner/sft-data")


def test_a_base_that_is_its_own_base_ends(project: Project) -> None:
    base = project.home / "models" / "base"
    (base / "blindside.json").write_text(read_artifact(project.tuned).model_dump_json())
    assert origin(project.run, read_artifact(project.tuned)).hub is None


def test_without_a_record_the_judged_base_is_the_base(project: Project) -> None:
    (project.tuned / "blindside.json").unlink()
    found = origin(project.run, None)
    assert (found.hub, found.folder) == (None, project.home / "models" / "base")


@pytest.mark.parametrize(
    ("files", "identifier", "name"),
    [
        ({"LICENSE": "MIT License\n\nCopyright"}, "mit", ""),
        ({"LICENSE": "Our own terms"}, "other", "see-license-file"),
        ({"README.md": "---\nlicense: gemma\n---\n# x"}, "gemma", ""),
        ({"README.md": "---\nlicense: other\nlicense_name: Our Terms, 2\n---\n"}, "other", "Our-Terms-2"),
        ({"README.md": "---\nlicense: made-up\n---\n"}, "other", "not-stated"),
        ({"README.md": "---\n[\n---\n", "LICENSE": "Apache License, Version 2.0"}, "apache-2.0", ""),
        ({}, "other", "not-stated"),
    ],
)
def test_licences(tmp_path: Path, files: dict[str, str], identifier: str, name: str) -> None:
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    found = find_licence(Origin(None, None, tmp_path, ()))
    assert (found.identifier, found.name) == (identifier, name)
    assert [path.name for path in found.files] == [path for path in files if path == "LICENSE"]


def test_hub_ids() -> None:
    assert is_hub_id("owner/name")
    assert not is_hub_id("models/tiny/x")
    assert not is_hub_id("/owner/name")


def test_study_files_lose_their_folders_too(project: Project, tmp_path: Path) -> None:
    """The gold file's path is in study.json."""
    told = json.loads(json.dumps(scrub({"gold": {"file": str(tmp_path / "gold.jsonl"), "rate": 0.1}})))
    assert told == {"gold": {"file": "gold.jsonl", "rate": 0.1}}
