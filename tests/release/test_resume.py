"""Releases that break off and continue, and what a process prints of its token."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub.constants
import pytest

from eval.errors import ReleaseError
from eval.release.hub.release import release
from tests.release.hub_server import listening
from tests.release.hub_state import READER, WRITER, Hub
from tests.release.judged import Project, make_project
from tests.support import ROOT, free_port

CODE = """
import sys, traceback
from pathlib import Path
from eval.errors import BlindsideError
from eval.release.hub.release import release
from eval.run import open_run
run = open_run(Path(sys.argv[1]), "trial")
try:
    release(run, sys.argv[2], create_pr="--create-pr" in sys.argv, dry_run="--dry-run" in sys.argv)
except BlindsideError as error:
    traceback.print_exc()
    sys.exit(f"blindside: {error}")
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "home")


def start(project: Project, hub: Hub, *arguments: str, token: str = WRITER) -> subprocess.Popen[str]:
    """The command as a process that finds Hub and token by the usual variables, and logs all it can."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": token,
        "HF_HOME": str(project.home / "hf"),
        "HF_HUB_VERBOSITY": "debug",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "ignore", "-c", CODE, str(project.run.folder.parent), *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_network_is_lost_half_way_and_the_same_command_goes_on(
    project: Project, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The Hub's client tries five times and waits for half a minute in all.
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hub.lost_after = 1
    with pytest.raises(ReleaseError, match=r"the network to http://127.* was lost .*: the same command continues"):
        release(project.run, "our/tuned", say=lambda line: None)
    assert len(hub.storage) == 1
    assert set(hub.files("our/tuned")) == {".gitattributes"}
    hub.lost_after = None
    release(project.run, "our/tuned", say=lambda line: None)
    assert len(hub.puts()) == len(set(hub.puts())) == 2
    assert len(hub.files("our/tuned")) > 15


def test_a_process_killed_half_way_is_taken_up_by_the_next_and_no_token_is_printed(project: Project) -> None:
    with listening(Hub()) as hub:
        first = start(project, hub, "our/tuned")
        while not hub.storage:
            assert first.poll() is None
            time.sleep(0.01)
        hub.gate.clear()
        while len(hub.puts()) < 2:
            assert first.poll() is None
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
        printed, _ = first.communicate()
        hub.gate.set()
        assert set(hub.files("our/tuned")) == {".gitattributes"}
        second = start(project, hub, "our/tuned")
        told, _ = second.communicate()
    assert second.returncode == 0, told
    assert told.rstrip().endswith("files on the Hub are what was sent (28 of them downloaded again)")
    assert hub.puts().count(hub.puts()[0]) == 1
    assert WRITER not in printed + told
    assert hub.leaked == []


@pytest.mark.parametrize(
    ("arguments", "token", "said"),
    [
        (("their/tuned",), WRITER, "the token is not allowed to write to their/tuned (403)"),
        (("our/tuned",), "hf_" + "wrong" * 7, "the Hub does not accept the token (401)"),
        (("their/tuned", "--create-pr"), READER, "the token is not allowed to write to their/tuned (403)"),
    ],
)
def test_a_refusal_prints_no_token_even_with_its_traceback(
    project: Project, arguments: tuple[str, ...], token: str, said: str
) -> None:
    with listening(Hub()) as hub:
        process = start(project, hub, *arguments, token=token)
        told, _ = process.communicate()
    assert process.returncode == 1
    assert said in told.splitlines()[-1]
    assert "Traceback" in told
    assert token not in told


def test_a_dry_run_in_a_process_asks_nobody(project: Project) -> None:
    with listening(Hub()) as hub:
        process = start(project, hub, "our/tuned", "--dry-run")
        told, _ = process.communicate()
    assert process.returncode == 0, told
    assert hub.asked == []
    assert WRITER not in told


def test_a_password_in_the_hubs_address_is_in_no_sentence(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"http://somebody:secret-word@127.0.0.1:{free_port()}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    with pytest.raises(ReleaseError) as caught:
        release(project.run, "our/model", say=lambda line: None)
    assert "was lost" in str(caught.value)
    assert "secret-word" not in str(caught.value)
    assert "somebody" not in str(caught.value)
