"""kill -9 in the middle of a burst: every row that was acknowledged is there."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from eval.judge.store.verdict_files import in_force, read_verdicts
from tests.judge.runs import make_run
from tests.judge.server import Served, Tab, served
from tests.support import ROOT

_BURST = """
import sys
from pathlib import Path
from tests.judge.verdicts import verdict_store
from eval.run import open_run
from tests.judge.verdicts import verdict
store = verdict_store(open_run(Path(sys.argv[1]), "trial"))
for i in range(100_000):
    store.append(verdict(i, comment="two\\nlines"))
    print(i, flush=True)
"""


def test_every_acknowledged_append_survives_the_process(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", _BURST, str(run.folder.parent)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(300)]
    process.kill()
    acknowledged += [int(line) for line in process.stdout.read().splitlines()]
    process.wait()
    process.stdout.close()
    kept = {row.verdict_id for row in read_verdicts(run.verdicts_path)}
    assert kept >= {f"v{i}" for i in acknowledged}
    assert len(kept) <= len(acknowledged) + 1


def judge_until_it_dies(server: Served, reviewer: str, acknowledged: dict[str, int]) -> None:
    """Vote as fast as the server answers; after each answer note how many verdicts it says are saved."""
    try:
        tab = Tab(server.url, reviewer)
        while tab.shown.data["state"] == "ask":
            shown = tab.vote("left", f"{reviewer} was here")
            assert shown.data["saved"] == "yes"
            acknowledged[reviewer] = int(shown.data["judged"])
    except (OSError, http.client.HTTPException):
        pass


def test_every_acknowledged_verdict_survives_the_app(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=3_000)
    names = [f"reviewer {i}" for i in range(4)]
    acknowledged: dict[str, int] = dict.fromkeys(names, 0)
    with served(run) as server:
        threads = [threading.Thread(target=judge_until_it_dies, args=(server, name, acknowledged)) for name in names]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while sum(acknowledged.values()) < 200 and time.monotonic() < deadline:
            time.sleep(0.01)
        server.process.kill()
        for thread in threads:
            thread.join()
    assert sum(acknowledged.values()) >= 200
    rows = read_verdicts(run.verdicts_path)
    kept = {name: sum(row.reviewer == name for row in rows) for name in names}
    assert in_force(rows) == rows
    for name in names:
        assert acknowledged[name] <= kept[name] <= acknowledged[name] + 1
    with served(run) as again:
        tabs = {name: Tab(again.url, name) for name in names}
        assert {name: int(tab.shown.data["judged"]) for name, tab in tabs.items()} == kept
        judged = {(row.reviewer, row.item) for row in rows}
        tabs[names[0]].vote("tie")
    (new,) = read_verdicts(run.verdicts_path)[len(rows) :]
    assert (new.reviewer, new.item) not in judged
    assert re.fullmatch(r"hidden-item-\d{4}", new.item)
