"""What `blindside report` costs: CPU seconds and peak memory, on a small run and on 20,000 prompts x 5 verdicts.

    .venv/bin/python -m benchmarks.report_cost [--prompts 20000] [--reviewers 5]

CPU seconds are those of the whole command, start-up and imports included, user and system. Asked for: at most 1.5 s on
the small run; at most 8 s and 400 MB on the large one.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from eval.answers import encode, read_answers
from eval.judge.setup.begin import begin_judging
from eval.judge.store.ledger import Ledger
from eval.judge.study.study import Overlap, Study
from eval.records import SIDES, Verdict
from eval.run import Run, open_run
from tests.judge.runs import response
from tests.release.studies import study
from tests.support import judged

TEXT = "a model that answers in whole sentences writes about rivers and bridges and says why each of them matters"
WORDS = TEXT.split()
#: A small process starts the report: a child's peak memory begins with that of the process that it was forked from.
MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, status)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--prompts", type=int, default=20_000)
    parser.add_argument("--reviewers", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for prompts, reviewers in ((60, 2), (options.prompts, options.reviewers)):
            run = made(Path(folder) / str(prompts), prompts, reviewers)
            seconds, megabytes, _ = cost([sys.executable, "-m", "eval.cli.main", "report", run.name, *where(run)])
            print(f"{prompts:,} prompts x {reviewers} verdicts: {seconds:.1f} s CPU, {megabytes:.0f} MB", flush=True)


def made(folder: Path, prompts: int, reviewers: int) -> Run:
    """A run in which every pair is judged by so many people, the rows sealed as the judging page seals them."""
    folder.mkdir()
    run, chance = study(folder, n=prompts), random.Random(1)
    rows = [
        response(prompt, side, " ".join(chance.choices(WORDS, k=chance.randint(20, 120))))
        for prompt in run.prompts()
        for side in SIDES
    ]
    run.responses_path.write_bytes(encode(rows))
    wanted = Study(overlap=Overlap(reviewers=reviewers))
    begin_judging(run, wanted)
    run = open_run(run.folder.parent, run.name)
    pairs = read_answers(run.responses_path).pairs(run.prompts())
    chance.shuffle(pairs)
    outcomes = chance.choices(["tuned", "base", "tie", "both_bad"], [10, 8, 2, 1], k=prompts * reviewers)
    verdicts = [
        judged(run, pair, outcome=outcomes[n * reviewers + k]).model_copy(  # type: ignore[arg-type]
            update={"reviewer": f"reviewer {(n + k) % 9}", "left": chance.choice(SIDES), "seconds": 4.25 + k}
        )
        for n, pair in enumerate(pairs)
        for k in range(reviewers)
    ]
    Ledger(run.verdicts_path, Verdict, run.name, wanted.columns).append(*verdicts)
    return run


def cost(command: Sequence[str]) -> tuple[float, float, int]:
    """CPU seconds and peak megabytes of a command in a process of its own, and its exit status."""
    done = subprocess.run([sys.executable, "-c", MEASURE, *command], capture_output=True, text=True, check=True)
    seconds, megabytes, status = done.stdout.split()
    return float(seconds), float(megabytes), int(status)


def where(run: Run) -> list[str]:
    return ["--reports", str(run.folder.parent)]


if __name__ == "__main__":
    main()
