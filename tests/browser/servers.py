"""Several runs served by one process: Gradio takes seconds to import."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from eval.judge.study.study import Study
from eval.run import Run
from tests.judge.server import EVERY_PAIR
from tests.support import ROOT
from tests.warm.warm import page_python

_SERVE = """
import os, sys, threading
import uvicorn
from eval.judge.access.accounts import Accounts
from eval.judge.page.app import application
from eval.judge.access.server import listen, url
from eval.run import open_run
from tests.browser.servers import Job
print(os.getpid(), flush=True)
for job in map(Job.model_validate_json, sys.argv[1:]):
    accounts = Accounts(job.accounts) if job.accounts else None
    app = application(open_run(job.folder, job.run), study=job.study, accounts=accounts)
    sock = listen("127.0.0.1", 0, print)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    print(url(sock), flush=True)
thread.join()
"""


class Job(BaseModel):
    """One run to serve."""

    folder: Path
    run: str
    study: Study
    accounts: Path | None = None


@dataclass(frozen=True)
class Page:
    """A run that is served."""

    run: Run
    url: str
    pid: int


def job(run: Run, study: Study = EVERY_PAIR, accounts: Path | None = None) -> tuple[Run, Job]:
    return run, Job(folder=run.folder.parent, run=run.name, study=study, accounts=accounts)


@contextmanager
def served_together(jobs: Sequence[tuple[Run, Job]]) -> Iterator[list[Page]]:
    """Serve each job's run; the process is gone afterwards."""
    process = subprocess.Popen(
        [page_python(), "-c", _SERVE, *(one.model_dump_json() for _, one in jobs)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        yield [Page(run, process.stdout.readline().strip(), pid) for run, _ in jobs]
    finally:
        process.kill()
        process.communicate()
