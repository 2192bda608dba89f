"""What is not released: each refusal is one sentence, and leaves the Hub as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import close_session

from eval.errors import BlindsideError, InputError, ReleaseError, StaleInputs
from eval.release.gate.decision import decision_path, write_decision
from eval.release.hub.release import Released, release
from eval.run import Run
from tests.release.hub_state import WRITER, Blob, Hub
from tests.release.judged import Project, decision, make_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "home")


def quiet(line: str) -> None:
    """Says nothing."""


def run_release(project: Project) -> Released:
    return release(project.run, "our/tuned", say=quiet)


@pytest.mark.parametrize("outcome", ["hold", "insufficient"])
def test_only_a_decision_to_release_releases(project: Project, hub: Hub, outcome: str) -> None:
    write_decision(project.run.folder, decision(project.run).model_copy(update={"decision": outcome}))
    with pytest.raises(ReleaseError, match=f"run trial is decided {outcome}, not release"):
        run_release(project)
    assert hub.asked == []


def test_without_a_decision_the_gate_is_named(project: Project, hub: Hub) -> None:
    decision_path(project.run.folder).unlink()
    with pytest.raises(InputError, match="run `blindside gate` first"):
        run_release(project)
    assert hub.asked == []


@pytest.mark.parametrize(
    "name",
    [
        "models/tuned/model-00001-of-00002.safetensors",
        "models/tuned/chat_template.jinja",
        "models/tuned/tokenizer.json",
        "models/base/model.safetensors",
        "reports/trial/responses.jsonl",
        "reports/trial/verdicts.csv",
        "reports/trial/prompts.jsonl",
        "reports/trial/gate.yml",
    ],
)
def test_a_byte_changed_since_the_decision_stops_the_release(project: Project, hub: Hub, name: str) -> None:
    path = project.home / name
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(StaleInputs, match="nothing was uploaded") as told:
        run_release(project)
    assert "\n" not in str(told.value)
    assert hub.asked == []


def test_a_missing_weights_folder_is_one_sentence(project: Project, hub: Hub) -> None:
    project.tuned.rename(project.home / "elsewhere")
    with pytest.raises(ReleaseError, match="is in no folder of this machine: only a judged model folder") as told:
        run_release(project)
    assert "\n" not in str(told.value)


def test_a_token_in_a_file_stops_the_release(project: Project, hub: Hub) -> None:
    (project.tuned / "tokenizer_config.json").write_text('{"token": "hf_' + "x" * 34 + '"}')
    with pytest.raises(ReleaseError, match=r"tokenizer_config\.json holds a token of the Hub"):
        run_release(project)
    assert hub.asked == []


def test_no_token(project: Project, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ReleaseError, match="no token for the Hub: log in with `hf auth login`, or set HF_TOKEN"):
        run_release(project)


def test_a_token_that_is_none(project: Project, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_unknownUNKNOWNunknownUNKNOWNunknown")
    with pytest.raises(ReleaseError, match=r"the Hub does not accept the token \(401\)") as told:
        run_release(project)
    assert "hf_unknown" not in str(told.value)


def test_without_leave_to_go_online(project: Project, offline: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", WRITER)
    with pytest.raises(ReleaseError, match="HF_HUB_OFFLINE is set: unset it"):
        run_release(project)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "odd://ann:secret@127.0.0.1:9", "http://[::1"])
def test_a_proxy_that_cannot_be_used(project: Project, hub: Hub, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    close_session()
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ReleaseError, match=r"the proxy can't be used \(.*\): correct ALL_PROXY") as told:
        run_release(project)
    assert "secret" not in str(told.value)
    assert hub.asked == []


def test_another_owner(project: Project, hub: Hub) -> None:
    with pytest.raises(ReleaseError, match=r"the token is not allowed to write to their/tuned \(403\)"):
        release(project.run, "their/tuned", say=quiet)


def test_a_name_that_is_none(project: Project, hub: Hub) -> None:
    with pytest.raises(ReleaseError, match="'a/b/c' can't name a repository: use owner/name"):
        release(project.run, "a/b/c", say=quiet)


def test_words_of_the_hub_with_a_token_in_them_are_told_without_it(project: Project, hub: Hub) -> None:
    hub.refused["/commit/"] = (400, f"bad: {WRITER} https://x.example/y?signature=SECRET")
    with pytest.raises(ReleaseError, match="the Hub refused the release") as told:
        run_release(project)
    assert WRITER not in str(told.value)
    assert "SECRET" not in str(told.value)


def test_a_token_of_any_form_is_not_told(project: Project, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "plain-secret")
    hub.refused["/api/repos/create"] = (400, "no: plain-secret")
    with pytest.raises(ReleaseError, match=r"the Hub refused the release \(400, no: \(token\)"):
        run_release(project)


@pytest.mark.parametrize(
    ("status", "said"), [(412, "changed at the same time"), (429, "asks to wait"), (500, "is in trouble")]
)
def test_what_the_hub_refuses_is_one_sentence(project: Project, hub: Hub, status: int, said: str) -> None:
    hub.refused["/commit/"] = (status, "no")
    with pytest.raises(BlindsideError, match=said) as told:
        run_release(project)
    assert "\n" not in str(told.value)


def test_a_commit_by_somebody_else_in_between_is_not_overwritten(project: Project, hub: Hub) -> None:
    def meanwhile(line: str) -> None:
        if line.startswith("3 of"):
            hub.repos["our/tuned"].commit("main", {"theirs.txt": Blob(b"theirs")})

    with pytest.raises(ReleaseError, match=r"our/tuned was changed at the same time \(412\)"):
        release(project.run, "our/tuned", say=meanwhile)
    assert hub.files("our/tuned") == {"theirs.txt": b"theirs"}


def test_a_file_changed_during_the_upload_is_not_released(project: Project, hub: Hub) -> None:
    def meanwhile(line: str) -> None:
        if line.startswith("3 of"):
            (project.tuned / "tokenizer_config.json").write_text("{}")

    with pytest.raises(ReleaseError, match=r"tokenizer_config\.json changed while it was being released"):
        release(project.run, "our/tuned", say=meanwhile)
    assert set(hub.files("our/tuned")) == {".gitattributes"}


def test_a_model_of_the_hub_is_there_already(project: Project, hub: Hub) -> None:
    models = dict(project.run.info.models)
    models["tuned"] = models["tuned"].model_copy(update={"source": "owner/x", "revision": "a" * 40})
    run = Run(project.run.folder, project.run.info.model_copy(update={"models": models}))
    with pytest.raises(ReleaseError, match="the tuned model of run trial is owner/x of the Hub"):
        release(run, "our/tuned", say=quiet)


def test_a_folder_without_weights_is_one_sentence(project: Project, hub: Hub) -> None:
    for path in project.tuned.glob("*.safetensors"):
        path.unlink()
    with pytest.raises(ReleaseError, match="has no safetensors: restore the folder that was judged"):
        run_release(project)
