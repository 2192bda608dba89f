"""The real application in a process of its own, and a browser's tab without the browser."""

from __future__ import annotations

import html
import http.client
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.judge.study.study import Overlap, Study
from eval.run import Run
from tests.support import ROOT, free_port
from tests.warm.warm import page_python

_SERVE = """
import json, os, sys
from pathlib import Path
print(os.getpid(), flush=True)
from eval.judge.access.accounts import Accounts
from eval.judge.access.public_address import PublicAddress
from eval.judge.page.app import serve
from eval.judge.study.study import Study
from eval.run import open_run
folder, name, port, reviewer, study, accounts, host, allowed, path = sys.argv[1:10]
serve(
    open_run(Path(folder), name), port=int(port), open_browser=False, say=lambda line: print(line, flush=True),
    study=Study.model_validate_json(study), reviewer=reviewer, accounts=Accounts(Path(accounts)) if accounts else None,
    share="--share" in sys.argv, host=host, front=PublicAddress.of(host, json.loads(allowed), path),
)
print("ended", flush=True)
"""
START_SECONDS = 60
#: Real pairs at once, and all of them for everybody.
EVERY_PAIR = Study(practice=0, overlap=Overlap(reviewers=1000))


@dataclass
class Served:
    """A judging server; `said` is what it has printed up to its address.

    `process` stands for it to signals and ends with it; its own number is `pid`.
    """

    process: subprocess.Popen[str]
    pid: int
    url: str
    said: list[str]

    def end(self) -> tuple[int, str]:
        """SIGTERM; (exit status, what it printed since)."""
        self.process.terminate()
        rest, _ = self.process.communicate(timeout=START_SECONDS)
        return self.process.returncode, rest


@contextmanager
def served(
    run: Run,
    *,
    port: int | None = None,
    reviewer: str = "",
    prelude: str = "",
    study: Study = EVERY_PAIR,
    accounts: Path | None = None,
    share: bool = False,
    host: str = "127.0.0.1",
    allow_host: Sequence[str] = (),
    root_path: str = "",
    env: dict[str, str] | None = None,
) -> Iterator[Served]:
    """Serve the run in a process; `prelude` is Python to run there first. The process is gone afterwards."""
    arguments = [str(run.folder.parent), run.name, str(port or free_port()), reviewer, study.model_dump_json()]
    arguments += [str(accounts or ""), host, json.dumps(allow_host), root_path, *(["--share"] if share else [])]
    # What is set or replaced first must be so before Gradio is imported.
    python = sys.executable if env or prelude else page_python()
    process = subprocess.Popen(
        [python, "-c", prelude + _SERVE, *arguments],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        pid, *said = _until_address(process)
        yield Served(process, int(pid), said[-1].removeprefix("Judge at "), said)
    finally:
        process.kill()
        process.communicate()


def _until_address(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line.strip())
        if line.startswith("Judge at "):
            return said
    raise AssertionError(f"the server ended without an address: {said}")


@dataclass
class Shown:
    """A showing, read from the page's HTML."""

    page: str
    data: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        opening = self.page.split(">", 1)[0]
        self.data = {name: html.unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', opening)}

    @property
    def answers(self) -> list[str]:
        """A and B as the raw view has them."""
        found = re.findall(r'<div class="bs-source"><div[^>]*>(.*?)</div></div>', self.page, re.DOTALL)
        return [html.unescape(text) for text in found]


class Tab:
    """One session at the server, which posts what the page's script posts."""

    def __init__(self, url: str, reviewer: str) -> None:
        self.address = url.removeprefix("http://")
        self.session = secrets.token_hex(6)
        self.reviewer = reviewer
        self.shown = self.act("hello")

    def act(self, act: str, **fields: object) -> Shown:
        action = {"act": act, "reviewer": self.reviewer, **fields}
        return self.post(json.dumps(action))

    def vote(self, choice: str, comment: str = "", *, nonce: str | None = None) -> Shown:
        return self.act("vote", choice=choice, comment=comment, nonce=nonce or self.shown.data["turn"])

    def post(self, payload: str) -> Shown:
        body: dict[str, Any] = {"data": [payload, None], "fn_index": 0, "session_hash": self.session}
        with closing(http.client.HTTPConnection(self.address, timeout=30)) as connection:
            connection.request(
                "POST", "/gradio_api/run/predict", json.dumps(body), {"content-type": "application/json"}
            )
            answer = connection.getresponse()
            data = answer.read()
        assert answer.status == 200, data
        self.shown = Shown(json.loads(data)["data"][0])
        return self.shown
