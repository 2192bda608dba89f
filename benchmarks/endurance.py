"""Verdicts under attack: two judging servers, killed at any moment, while a spreadsheet and a sync tool save over them.

    .venv/bin/python -m benchmarks.endurance [--rounds 20] [--kills 50] [--saves 15] [--replaced 5]

Each round has a run of its own. Two servers (the whole of judging but the web page) are killed with SIGKILL and started
again; LibreOffice's own output, in three quotings, of an early state of verdicts.csv is saved over it, in place and by
renaming; older copies are put back, and the file is removed and emptied. At the end everything that a reviewer was told
is saved must be in the file, once. The whole takes some minutes and ends by itself.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from eval.errors import BlindsideError
from eval.judge.csv_codec import PLAIN
from eval.judge.page.judging_state import JudgingState
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.judge.study.study import Overlap, Study
from eval.run import Run
from tests.evidence.office import QUOTINGS, saved_again
from tests.judge.person import Person
from tests.judge.runs import make_run
from tests.judge.verdicts import first_broken

#: Pairs of a run, and verdicts in it before the attack.
PAIRS, EARLY = 1000, 20
#: How long a server may take to its first verdict before it is killed anyway, in seconds.
PATIENCE = 5.0
STUDY = Study(practice=0, overlap=Overlap(reviewers=1000))
CHOICES = ("left", "right", "tie", "both_bad")


@dataclass
class Server:
    """A judging server in a process of its own: `said` is where it tells what it has acknowledged."""

    pid: int
    said: int

    @classmethod
    def start(cls, run: Run, reviewer: str) -> Server:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            os._exit(_judge(run, reviewer, write))
        os.close(write)
        return cls(pid, read)

    def kill(self) -> list[str]:
        """End it in the middle of whatever it does; the verdict_ids that it has acknowledged."""
        os.kill(self.pid, signal.SIGKILL)
        with os.fdopen(self.said, "rb") as file:
            lines = file.read().split(b"\n")[:-1]
        os.waitpid(self.pid, 0)
        return [line.decode() for line in lines]


def _judge(run: Run, reviewer: str, said: int) -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    chance = random.Random(os.getpid())
    while True:
        try:
            judging = JudgingState(run, STUDY)
            person = Person(judging, reviewer)
            while person.view.state == "ask":
                view = person.act("vote", chance.choice(CHOICES), comment='two\nlines, one of them "quoted"')
                if view.saved:
                    own = [row for row in judging.ledger.rows if row.reviewer == reviewer]
                    os.write(said, own[-1].verdict_id.encode() + b"\n")
                time.sleep(0.004)
            return 0
        except BlindsideError:
            # A file that is just being saved; the organiser would start the page again.
            time.sleep(0.1)


@dataclass
class Round:
    """One run under attack."""

    run: Run
    early: bytes
    saved: dict[str, bytes]
    chance: random.Random
    acknowledged: list[str] = field(default_factory=list)
    older: list[bytes] = field(default_factory=list)

    def go(self, kills: int, saves: int, replaced: int) -> None:
        events: list[Callable[[], None]] = [self.kill] * kills + [self.put_back] * replaced
        events += [lambda name=name: self.save(name) for name in list(QUOTINGS) * (saves // len(QUOTINGS))]  # type: ignore[misc]
        self.chance.shuffle(events)
        self.servers = [Server.start(self.run, name) for name in ("ann", "bob")]
        for event in events:
            event()
            time.sleep(self.chance.uniform(0.0, 0.05))
        for server in self.servers:
            self.acknowledged += server.kill()

    def kill(self) -> None:
        at = self.chance.randrange(2)
        # A server that is still starting has nothing to lose.
        select.select([self.servers[at].said], [], [], PATIENCE)
        time.sleep(self.chance.uniform(0.0, 0.08))
        self.acknowledged += self.servers[at].kill()
        self.servers[at] = Server.start(self.run, ("ann", "bob")[at])

    def save(self, quoting: str) -> None:
        self._put(self.saved[quoting])

    def put_back(self) -> None:
        """An older copy, or none, in the place of the file."""
        path = self.run.verdicts_path
        self.older.append(path.read_bytes() if path.exists() else b"")
        act = self.chance.choice(("older", "removed", "emptied"))
        if act == "removed":
            path.unlink(missing_ok=True)
        else:
            self._put(self.chance.choice([self.early, *self.older]) if act == "older" else b"")

    def _put(self, data: bytes) -> None:
        if self.chance.random() < 0.5:
            self.run.verdicts_path.write_bytes(data)
        else:
            other = self.run.folder / ".~saved"
            other.write_bytes(data)
            other.replace(self.run.verdicts_path)

    def check(self) -> tuple[int, int, int]:
        """(acknowledged, lost, twice), after a last server has started and ended."""
        JudgingState(self.run, STUDY)
        rows = read_verdicts(self.run.verdicts_path)
        ids = [row.verdict_id for row in rows]
        standing = in_force(rows)
        twice = len(ids) - len(set(ids)) + len(standing) - len({row.slot for row in standing})
        if first_broken(rows, PLAIN) is not None:
            print(f"{self.run.verdicts_path}: a seal is broken")
        told = set(self.acknowledged)
        return len(told), len(told - set(ids)), twice


def prepare(folder: Path, rounds: int) -> list[Round]:
    """Runs with some verdicts, and what LibreOffice makes of them: one call for each quoting."""
    made = []
    for number in range(rounds):
        run = make_run(folder / str(number), n=PAIRS)
        person = Person(JudgingState(run, STUDY), "early")
        for _ in range(EARLY):
            person.act("vote", "left")
        made.append(Round(run, run.verdicts_path.read_bytes(), {}, random.Random(number)))
        made[-1].acknowledged += [row.verdict_id for row in read_verdicts(run.verdicts_path)]
    files = {str(number): one.run.verdicts_path for number, one in enumerate(made)}
    for name, quoting in QUOTINGS.items():
        saved = saved_again(files, folder / "office" / name.replace(",", ""), quoting=quoting)
        for number, one in enumerate(made):
            one.saved[name] = saved[str(number)].read_bytes()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in (("rounds", 20), ("kills", 50), ("saves", 15), ("replaced", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    rounds, sums = prepare(folder, options.rounds), [0, 0, 0]
    for number, one in enumerate(rounds, start=1):
        one.go(options.kills, options.saves, options.replaced)
        sums = [total + n for total, n in zip(sums, one.check(), strict=True)]
        print(
            f"round {number}: kills {number * options.kills}, spreadsheet saves {number * options.saves}, "
            f"replaced {number * options.replaced}: acknowledged {sums[0]}, lost {sums[1]}, twice {sums[2]}",
            flush=True,
        )
    if sums[1] or sums[2]:
        sys.exit(f"lost or doubled: see {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
