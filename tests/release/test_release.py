"""Releases to a Hub on loopback: the real client, real sockets, real storage."""

from __future__ import annotations

import csv
import hashlib
import html
import json
import re
from io import StringIO
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from eval.errors import ReleaseError
from eval.judge.store.verdict_files import columns_in, read_verdicts
from eval.release.gate.decision import write_decision
from eval.release.hub.release import Released, release
from tests.judge.verdicts import first_broken
from tests.release.hub_state import READER, Hub, git_hash
from tests.release.judged import REVIEWERS, SECRET_COMMENT, Project, decision, make_project

MODEL = {
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
}
EVIDENCE = {
    "LICENSE",
    "README.md",
    "eval/SHA256SUMS",
    "eval/decision.json",
    "eval/gate.yml",
    "eval/recipe.yml",
    "eval/report/by_category.csv",
    "eval/report/by_reviewer.csv",
    "eval/report/disagreements.csv",
    *(f"eval/report/picture-{key}.svg" for key in ("categories", "length", "prompts", "time")),
    "eval/report/report.html",
    "eval/report/report.md",
    "eval/report/report.zh.html",
    "eval/report/summary.csv",
    "eval/run.json",
    "eval/training.json",
    "eval/verdicts.csv",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "home-of-ann")


def quiet(line: str) -> None:
    """Says nothing."""


def run_release(project: Project, **options: bool) -> Released:
    return release(project.run, "our/tuned", say=quiet, **options)


def test_a_release_holds_the_model_and_its_evidence_and_nothing_else(project: Project, hub: Hub) -> None:
    done = run_release(project)
    there = hub.files("our/tuned")
    assert set(there) == MODEL | EVIDENCE | {".gitattributes"}
    for name in MODEL:
        assert there[name] == (project.tuned / name).read_bytes()
    assert (done.checked, done.downloaded) == (len(MODEL | EVIDENCE), len(MODEL | EVIDENCE))
    assert done.url == f"{hub.url}/our/tuned"
    assert not hub.repos["our/tuned"].private
    assert len(hub.repos["our/tuned"].heads) == 1
    assert hub.leaked == []


def test_the_sums_fit_every_other_file(project: Project, hub: Hub) -> None:
    run_release(project)
    there = hub.files("our/tuned")
    lines = there["eval/SHA256SUMS"].decode().splitlines()
    sums = {name: found for found, _, name in (line.partition("  ") for line in lines)}
    assert set(sums) == MODEL | EVIDENCE - {"eval/SHA256SUMS"}
    assert all(hashlib.sha256(there[name]).hexdigest() == found for name, found in sums.items())


def test_nothing_that_goes_out_names_a_reviewer_a_folder_or_a_host(project: Project, hub: Hub) -> None:
    run_release(project)
    everything = b"\n".join(data for name, data in hub.files("our/tuned").items() if not name.endswith(".safetensors"))
    for reviewer in ("Ann", "bob", "Zoë", "cmd|x", SECRET_COMMENT):
        assert reviewer.encode() not in everything
    assert str(project.home).encode() not in everything
    assert b"home-of-ann" not in everything
    assert b"10.1.2.3" not in everything
    assert b"stays at home" not in everything


def test_verdicts_keep_every_cell_but_names_and_comments(project: Project, hub: Hub) -> None:
    run_release(project)
    before = list(csv.DictReader(StringIO(project.run.verdicts_path.read_text(encoding="utf-8"), newline="")))
    after = list(csv.DictReader(StringIO(hub.files("our/tuned")["eval/verdicts.csv"].decode(), newline="")))
    assert len(before) == len(after) == 32
    names = {row["reviewer"]: told["reviewer"] for row, told in zip(before, after, strict=True)}
    assert len(set(names.values())) == len(REVIEWERS)
    for row, told in zip(before, after, strict=True):
        assert told == {**row, "reviewer": names[row["reviewer"]], "comment": "", "seal": told["seal"]}
        assert told["seal"] != row["seal"]


def test_published_seals_and_hashes_tell_no_name(project: Project, hub: Hub, tmp_path: Path) -> None:
    run_release(project)
    there = hub.files("our/tuned")
    out = tmp_path / "verdicts.csv"
    out.write_bytes(there["eval/verdicts.csv"])
    assert first_broken(read_verdicts(out), columns_in(out)) is None
    everything = b"".join(there.values())
    assert hashlib.sha256(project.run.verdicts_path.read_bytes()).hexdigest()[:12].encode() not in everything
    assert not any(row.seal.encode() in everything for row in read_verdicts(project.run.verdicts_path))


def test_the_report_goes_out_anew_under_pseudonyms(project: Project, hub: Hub) -> None:
    run_release(project)
    page = hub.files("our/tuned")["eval/report/report.html"].decode()
    told = html.unescape(page)
    assert not [name for name in (*REVIEWERS, SECRET_COMMENT) if name in told]
    assert len(set(re.findall(r"reviewer-[0-9a-f]{10}", told))) == len(REVIEWERS)
    assert "is not as it was written" not in told
    assert "Win rate of the tuned model" in told
    assert 'class="rs-pane' not in page
    assert "![Win rate as verdicts came in, with its confidence sequence](eval/report/picture-time.svg)" in (
        hub.files("our/tuned")["README.md"].decode()
    )
    own = html.unescape((project.run.report_folder / "report.html").read_text(encoding="utf-8"))
    assert all(name in own for name in (*REVIEWERS, SECRET_COMMENT))


def test_comments_go_out_when_asked_for(project: Project, hub: Hub) -> None:
    done = run_release(project, comments=True)
    assert SECRET_COMMENT.encode() in hub.files("our/tuned")["eval/verdicts.csv"]
    assert "with their comments" in done.card


def test_pseudonyms_are_the_same_at_the_next_release(project: Project, hub: Hub) -> None:
    run_release(project)
    first = hub.files("our/tuned")["eval/verdicts.csv"]
    release(project.run, "our/other", say=quiet)
    assert hub.files("our/other")["eval/verdicts.csv"] == first
    assert (project.run.folder / ".pseudonyms.key").stat().st_mode & 0o077 == 0


def test_the_same_command_again_changes_nothing(project: Project, hub: Hub) -> None:
    first = run_release(project)
    puts = len(hub.puts())
    again = run_release(project)
    assert again.commit == first.commit
    assert len(hub.puts()) == puts


def test_a_private_release(project: Project, hub: Hub) -> None:
    run_release(project, private=True)
    assert hub.repos["our/tuned"].private


def test_a_public_repository_does_not_become_private(project: Project, hub: Hub) -> None:
    run_release(project)
    with pytest.raises(ReleaseError, match="our/tuned exists and is public"):
        run_release(project, private=True)


def test_parts_of_large_files_are_put_together(project: Project, hub: Hub) -> None:
    hub.part_size = 70_000
    run_release(project)
    assert sum(path.endswith("/5") for path in hub.puts()) == 2
    assert (
        hub.files("our/tuned")["model-00001-of-00002.safetensors"]
        == (project.tuned / "model-00001-of-00002.safetensors").read_bytes()
    )


def test_other_weights_are_not_overwritten(project: Project, hub: Hub, tmp_path: Path) -> None:
    run_release(project)
    other = make_project(tmp_path / "second", shards=1)
    before = hub.files("our/tuned")
    with pytest.raises(ReleaseError, match=r"our/tuned holds other weights \(model-00001.*--create-pr"):
        release(other.run, "our/tuned", say=quiet)
    assert hub.files("our/tuned") == before


def test_a_pull_request_takes_the_old_weights_away(project: Project, hub: Hub, tmp_path: Path) -> None:
    run_release(project)
    before = hub.files("our/tuned")
    other = make_project(tmp_path / "second", shards=1)
    done = release(other.run, "our/tuned", create_pr=True, say=quiet)
    assert done.pull_request == f"{hub.url}/our/tuned/discussions/1"
    assert hub.files("our/tuned") == before
    proposed = hub.files("our/tuned", "refs/pr/1")
    assert [name for name in proposed if "safetensors" in name] == ["model.safetensors"]


def test_whoever_may_not_write_can_propose(project: Project, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    run_release(project)
    (project.tuned / "tokenizer_config.json").write_text('{"of": "another config"}')
    monkeypatch.setenv("HF_TOKEN", READER)
    with pytest.raises(ReleaseError, match=r"the token is not allowed to write to our/tuned \(403\).*--create-pr"):
        run_release(project)
    done = run_release(project, create_pr=True)
    assert done.pull_request is not None
    assert b"another config" in hub.files("our/tuned", "refs/pr/1")["tokenizer_config.json"]


@pytest.mark.parametrize("name", ["model-00002-of-00002.safetensors", "config.json", "eval/verdicts.csv", "README.md"])
def test_a_byte_changed_by_the_hub_is_found(project: Project, hub: Hub, name: str) -> None:
    hub.corrupted = {name}
    with pytest.raises(ReleaseError, match=f"our/tuned does not hold what was sent: .*{re.escape(name)}"):
        run_release(project)


def test_a_file_that_the_hub_ignores_is_found(project: Project, hub: Hub) -> None:
    hub.ignored = {"tokenizer.json"}
    with pytest.raises(ReleaseError, match=r"tokenizer\.json is missing"):
        run_release(project)


def test_what_lay_there_before_is_told(project: Project, hub: Hub) -> None:
    run_release(project)
    (project.tuned / "generation_config.json").unlink()
    write_decision(project.run.folder, decision(project.run))  # on the folder as it is now
    lines: list[str] = []
    release(project.run, "our/tuned", say=lines.append)
    assert "our/tuned also holds what is not of this release: generation_config.json" in lines


def test_a_dry_run_uploads_nothing_and_tells_all(project: Project, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    lines: list[str] = []
    done = release(project.run, "our/tuned", dry_run=True, say=lines.append)
    assert hub.asked == []
    assert {file.path for file in done.files} == MODEL | EVIDENCE
    told = "\n".join(lines)
    for file in done.files:
        assert file.path in told
    assert "300.0 kB  model-00001-of-00002.safetensors" in told
    assert done.card.rstrip() in told
    assert "checkpoint-10, debug.log, events.out.tfevents.1, optimizer.pt, training_args.bin" in told
    assert lines[-1] == "dry run: nothing was uploaded"


def test_the_card_on_the_hub_is_read_by_the_hubs_own_class(project: Project, hub: Hub) -> None:
    run_release(project)
    card = ModelCard.load("our/tuned")
    results = {result.metric_type: result.metric_value for result in card.data.eval_results or []}
    assert results == {
        "human_win_rate": 0.625, "human_win_rate_low": 0.5432, "human_win_rate_high": 0.7, "judged_prompts": 8,
        "judgements": 32, "reviewers": 4, "krippendorff_alpha": 0.31, "both_bad": 0.0,
    }  # fmt: skip
    assert card.data.license == "apache-2.0"
    assert card.data.datasets == ["owner/pairs"]
    assert card.data.tags == ["blindside", "human-evaluation", "dpo"]


def test_git_hashes_are_gits(tmp_path: Path) -> None:
    """The Hub's list names regular files by git's own hash: that of an empty file is known to everybody."""
    from eval.release.hub.verify_upload import git_hash as ours

    empty = tmp_path / "empty"
    empty.touch()
    assert ours(empty) == git_hash(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def test_provenance_is_still_a_run(project: Project, hub: Hub) -> None:
    run_release(project)
    info = json.loads(hub.files("our/tuned")["eval/run.json"])
    assert info["models"]["tuned"]["source"] == "tuned"
    assert info["models"]["tuned"]["weights_sha256"] == project.run.info.models["tuned"].weights_sha256
    assert info["models"]["tuned"]["url"] is None
    assert info["models"]["tuned"]["served"] == {"version": "0.1.0"}
    assert info["engine"] == "embedded 0.1.0 at (address) from engine"
    assert info["prompt_set"]["source"] == "asked.jsonl"
