"""A Space as it runs: its repository's files in a folder, `python app.py`, and the environment that a Space has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.judge.asking import ask
from tests.judge.test_logins import Browser
from tests.release.hub_spaces import CLIENT, SECRET
from tests.release.hub_state import Hub
from tests.support import free_port

SPACE = "our/judging"
START_SECONDS = 90


@dataclass
class Running:
    """A Space that runs; `log` is what it prints."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(60)

    def page(self) -> str:
        return ask(self.url, "GET", "/").body

    def until(self, shown: str) -> None:
        """Wait until its page holds these words."""
        end = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if shown in self.page():
                    return
            except OSError:
                pass
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)

    def copied(self, browser: Browser) -> dict[str, Any]:
        """What the header says."""
        answer = ask(self.url, "GET", "/copied", headers={"cookie": browser.cookie})
        assert answer.status == 200, answer
        said: dict[str, Any] = json.loads(answer.body)
        return said


def unpacked(hub: Hub, folder: Path) -> Path:
    """The Space's repository, checked out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in hub.files(SPACE).items():
        (folder / name).write_bytes(data)
    return folder


@contextmanager
def running(
    hub: Hub,
    folder: Path,
    disk: Path,
    *,
    python: str = sys.executable,
    volume: Path | None = None,
    host: str = "our-judging.hf.space",
    port: int = 0,
    more: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """The Space of `folder`, whose own disk is `disk`. It is gone afterwards."""
    disk.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment = {
        **kept,
        "HOME": str(disk),
        "TMPDIR": str(disk),
        "SYSTEM": "spaces",
        "SPACE_ID": SPACE,
        "SPACE_HOST": host,
        "SPACE_AUTHOR_NAME": "our",
        "SPACE_REPO_NAME": "judging",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        "OAUTH_CLIENT_ID": CLIENT,
        "OAUTH_CLIENT_SECRET": SECRET,
        "OAUTH_SCOPES": "openid profile",
        "OPENID_PROVIDER_URL": hub.url,
        "HF_ENDPOINT": hub.url,
        "BLINDSIDE_VOLUME": str(volume or disk / "no-volume"),
        **hub.spaces[SPACE]["secrets"],
        **(more or {}),
    }
    log = disk / f"log-{port}-{time.monotonic_ns()}"
    with log.open("wb") as out:
        process = subprocess.Popen([python, "app.py"], cwd=folder, env=environment, stdout=out, stderr=out)
    try:
        yield Running(process, f"http://127.0.0.1:{port}", log)
    finally:
        process.kill()
        process.wait(30)
