"""How a run begins: what the servers say is compared, and what a person is warned of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eval.collect import provenance
from eval.collect.imports.imports import import_table
from eval.collect.new_run import start_collected_run
from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import EngineUnreachable, RunError
from eval.records import Side
from eval.run_info import Decoding, ModelInfo
from tests.collect.runs import gather, new_run, prompt_file, urls_of
from tests.collect.servers import Tgi, tgi
from tests.support import ROOT, free_port

MODELS: dict[Side, ModelInfo] = {
    "base": ModelInfo(name="old", source="models/old", weights_sha256="a" * 64),
    "tuned": ModelInfo(name="new", source="models/new", weights_sha256="b" * 64),
}


def test_models_that_are_known_are_not_asked_for(tmp_path: Path) -> None:
    loaded = load_prompts(str(prompt_file(tmp_path, 2)))
    run = start_collected_run(
        tmp_path, "first", loaded=loaded, decoding=Decoding(max_tokens=9), models=MODELS, engine="embedded 1"
    )
    assert (run.info.models, run.info.engine, run.decoding.max_tokens) == (MODELS, "embedded 1", 9)
    assert run.info.prompt_set == loaded.prompt_set


def test_where_known_models_were_served_is_added_when_they_answer(tmp_path: Path) -> None:
    loaded = load_prompts(str(prompt_file(tmp_path, 2)))
    run = start_collected_run(tmp_path, "first", loaded=loaded, decoding=Decoding(), models=MODELS, engine="e")
    with tgi(Tgi("models/old")) as base, tgi(Tgi("models/new")) as tuned:
        gather(run, urls_of(base, tuned))
    again = start_collected_run(tmp_path, "first", loaded=loaded, decoding=Decoding(), models=MODELS, engine="e")
    assert again.info.models["base"].weights_sha256 == "a" * 64
    assert again.info.models["base"].url == base.url
    assert again.info.models["base"].served["model_id"] == "models/old"


def test_another_model_behind_the_address_is_refused(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        new_run(tmp_path, urls_of(base, tuned))
        with pytest.raises(RunError, match=r"run first compares something else \(other models\)"):
            new_run(tmp_path, urls_of(tuned, base))
        tuned.info = {"model_sha": "another"}
        with pytest.raises(RunError, match=r"run first compares something else \(other models\)"):
            new_run(tmp_path, urls_of(base, tuned))


def test_the_same_models_elsewhere_go_on(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned))
        gather(run, urls_of(base, tuned))
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        summary, _ = gather(new_run(tmp_path, urls_of(base, tuned)), urls_of(base, tuned))
    assert (summary.asked, summary.already) == (0, 6)


def test_nobody_there_leaves_no_run(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(EngineUnreachable, match="cannot connect to"):
        new_run(tmp_path, {"base": url, "tuned": url})
    assert not (tmp_path / "reports").exists()


def test_a_person_is_warned_of_what_makes_a_comparison_doubtful(tmp_path: Path) -> None:
    anonymous = {"model_sha": None}
    with tgi(Tgi("m", info=anonymous)) as base, tgi(Tgi("m", info=anonymous | {"version": "2.0.1"})) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=1)
        _, said = gather(run, urls_of(base, tuned))
    assert run.info.engine == "base: text-generation-inference 3.3.6-dev0; tuned: text-generation-inference 2.0.1"
    assert said[:4] == [
        "the sides run different software (text-generation-inference 3.3.6-dev0; text-generation-inference 2.0.1): "
        "compare like with like",
        "both servers say that they serve m: is one address wrong?",
        "base: m has no revision and no weights hash: it can't be proved later which model answered",
        "tuned: m has no revision and no weights hash: it can't be proved later which model answered",
    ]


def test_other_software_than_before_is_told(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=2)
        gather(run, urls_of(base, tuned))
        lines = run.responses_path.read_bytes().splitlines(keepends=True)
        run.responses_path.write_bytes(b"".join(lines[:2]))
        tuned.info = {"version": "3.4.0"}
        _, said = gather(new_run(tmp_path, urls_of(base, tuned), count=2), urls_of(base, tuned))
    assert "tuned: earlier answers of this run came from other software (3.3.6-dev0)" in said


def test_code_is_the_commit_and_whether_files_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.invalid"]
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.code() == {"commit": None, "dirty": None}
    subprocess.run([*git, "init", "-q"], check=True)
    assert provenance.code()["commit"] is None
    (tmp_path / "file").write_text("1")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert provenance.code() == {"commit": commit, "dirty": False}
    (tmp_path / "file").write_text("2")
    assert provenance.code() == {"commit": commit, "dirty": True}


def test_without_git_nothing_fails() -> None:
    code = "from eval.collect.provenance import code; print(code())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "{'commit': None, 'dirty': None}\n"


def test_nothing_is_collected_into_an_imported_run(tmp_path: Path) -> None:
    table = tmp_path / "answers.csv"
    table.write_text("prompt,base,tuned\nWhat is 1?,one,two\n")
    run = import_table(tmp_path, "first", table)
    assert run.info.decoding is None
    with pytest.raises(RunError, match="run first holds imported answers: collect into a run of another name"):
        _ = run.decoding
