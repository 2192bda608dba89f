"""Many reviewers at once, and a server killed in the middle: how long each waits, and whether a verdict is lost.

    .venv/bin/python -m benchmarks.judging_load [--reviewers 50] [--pairs 10000] [--pause 2] [--seconds 60]

Every reviewer reads for about `--pause` seconds, votes, and waits for the next pair. Half-way the server is killed
with SIGKILL and started again on the same port. Everything that a reviewer was told is saved must be in the file once.
"""

from __future__ import annotations

import argparse
import http.client
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.run import Run
from tests.judge.runs import make_run
from tests.judge.server import Tab, served
from tests.support import free_port


@dataclass
class Load:
    """What all reviewers together saw: waits in milliseconds, and how many verdicts were told to be saved."""

    url: str
    pause: float
    until: float
    waits: list[float] = field(default_factory=list)
    saved: Counter[str] = field(default_factory=Counter)
    breaks: int = 0
    #: From the kill until the successor answered, in seconds of the monotonic clock; its waits do not count.
    down: tuple[float, float] = (float("inf"), float("inf"))

    def judge(self, name: str) -> None:
        """One reviewer's session, which continues when the server is back."""
        chance = random.Random(name)
        tab: Tab | None = None
        while time.monotonic() < self.until:
            try:
                tab = tab or Tab(self.url, name)
                time.sleep(self.pause * chance.uniform(0.5, 1.5))
                began, start = time.monotonic(), time.perf_counter()
                shown = tab.vote(chance.choice(("left", "right", "tie", "both_bad")))
            except (OSError, http.client.HTTPException):
                self.breaks += 1
                tab = None
                time.sleep(0.2)
                continue
            if not (began <= self.down[1] and time.monotonic() >= self.down[0]):
                self.waits.append(1000 * (time.perf_counter() - start))
            self.saved[name] += bool(shown.data["saved"])

    def start(self, reviewers: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=self.judge, args=(f"reviewer {i}",)) for i in range(reviewers)]
        for thread in threads:
            thread.start()
        return threads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in (("reviewers", 50), ("pairs", 10_000), ("pause", 2), ("seconds", 60)):
        parser.add_argument(f"--{name}", type=float if name == "pause" else int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        words = "It depends on the light and on who looks at it. " * 12
        run = make_run(Path(folder), answers=[(f"Thing {i}. {words}", f"Thing {i}.") for i in range(options.pairs)])
        load = attack(run, options.reviewers, options.pause, options.seconds)
        tell(run, load, options.seconds)


def attack(run: Run, reviewers: int, pause: float, seconds: int) -> Load:
    """Half of the time with one server, which is then killed, and the other half with its successor."""
    port = free_port()
    with served(run, port=port) as first:
        load = Load(first.url, pause, time.monotonic() + seconds)
        threads = load.start(reviewers)
        time.sleep(seconds / 2)
        print(f"memory of the server: {memory(first.process.pid):.0f} MB; killed now", flush=True)
        load.down = (time.monotonic(), float("inf"))
        first.process.kill()
    with served(run, port=port) as second:
        load.down = (load.down[0], time.monotonic())
        for thread in threads:
            thread.join()
        print(f"memory of its successor: {memory(second.process.pid):.0f} MB", flush=True)
    return load


def memory(pid: int) -> float:
    """Resident memory of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmRSS"))


def tell(run: Run, load: Load, seconds: int) -> None:
    p95 = statistics.quantiles(load.waits, n=20)[-1]
    print(f"verdict to next pair: p50 {statistics.median(load.waits):.0f} ms, p95 {p95:.0f} ms, n={len(load.waits)}")
    rows = read_verdicts(run.verdicts_path)
    standing = Counter(row.reviewer for row in in_force(rows))
    lost = sum((load.saved - standing).values())
    unseen = sum((standing - load.saved).values())
    twice = len(rows) - len({(row.item, row.reviewer, row.kind) for row in rows})
    print(f"{len(rows) / seconds:.1f} verdicts/s; connections broken by the kill: {load.breaks}")
    print(f"told to be saved: {sum(load.saved.values())}, in the file {len(rows)}: lost {lost}, twice {twice}")
    print(f"on disk though the answer did not arrive (killed in between): {unseen}")


if __name__ == "__main__":
    main()
