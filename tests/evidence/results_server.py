"""The results pages in a process of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from eval.run import Run
from tests.support import ROOT, free_port
from tests.warm.warm import page_python

_SERVE = """
import json, sys
from pathlib import Path
from eval.report.pages.page import serve
from eval.judge.access.public_address import PublicAddress
from eval.run import open_run
folder, name, port, allowed, path = sys.argv[1:6]
front = PublicAddress.of(allow_host=json.loads(allowed), root_path=path)
run = open_run(Path(folder), name)
serve(run, port=int(port), open_browser=False, say=lambda line: print(line, flush=True), front=front)
print("ended", flush=True)
"""
_SAID = "Results at "


@dataclass
class Results:
    """A server of the results pages."""

    process: subprocess.Popen[str]
    url: str

    def end(self) -> tuple[int, str]:
        """SIGTERM; (exit status, what it printed since)."""
        self.process.terminate()
        rest, _ = self.process.communicate(timeout=60)
        return self.process.returncode, rest


@contextmanager
def results_of(run: Run, *, allow_host: Sequence[str] = (), root_path: str = "", port: int = 0) -> Iterator[Results]:
    """Serve the run's results; the process is gone afterwards."""
    front = [json.dumps(allow_host), root_path]
    process = subprocess.Popen(
        [page_python(), "-c", _SERVE, str(run.folder.parent), run.name, str(port or free_port()), *front],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Results(process, _address(process))
    finally:
        process.kill()
        process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(_SAID):
            return line.removeprefix(_SAID).strip()
    raise AssertionError(f"the server ended without an address: {said}")
