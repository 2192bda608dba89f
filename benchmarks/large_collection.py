"""100,000 prompts on four replicas a side: the rate as a share of the ideal, memory, a kill in the middle, and what
results, report and gate take of such a run.

    nice .venv/bin/python -m benchmarks.large_collection [--prompts 100000] [--delay 0.25] [--concurrency 64]

Eight servers of this machine, in two processes, answer each request after DELAY seconds. With so many requests in
flight a side, `2 × concurrency / delay` requests a second are ideal. `blindside collect` is killed (SIGKILL) when it
has two fifths of the answers, and the same command goes on. Its memory is read from the kernel each second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import waiting_server
from eval.answers import read_answers
from eval.judge.setup.begin import begin_judging
from eval.judge.store.ledger import Ledger
from eval.judge.study.study import Overlap, Study
from eval.policy import freeze_policy
from eval.records import SIDES, Side, Verdict
from eval.run import Run, open_run
from tests.support import free_port, judged

REPLICAS, RUN = 4, "large"
#: So that the two sides do not answer the same.
RIVERS = {"base": "Tagus", "tuned": "Douro"}
COMMAND = [sys.executable, "-m", "eval.cli.main"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--delay", type=float, default=0.25)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--verdicts", type=int, default=20_000)
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        waiting_server.DELAY = asked.delay
        waiting_server.COMPLETION = waiting_server.COMPLETION.replace(b"Tagus", asked.serve.encode())
        asyncio.run(serve())
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        urls = {side: stack.enter_context(served(RIVERS[side], asked.delay)) for side in SIDES}
        run = collected(Path(folder), urls, asked.prompts, asked.concurrency, 2 * asked.concurrency / asked.delay)
        judge(run, asked.verdicts)
        measure(run)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(waiting_server.Server, "127.0.0.1", 0, backlog=1024) for _ in range(REPLICAS)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.to_thread(sys.stdin.read)


@contextlib.contextmanager
def served(word: str, delay: float) -> Iterator[list[str]]:
    """The addresses of REPLICAS servers, whose answers have `word` in them, in a process that ends with us."""
    command = [sys.executable, "-m", "benchmarks.large_collection", "--serve", word, "--delay", str(delay)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield [f"http://127.0.0.1:{int(port)}" for port in process.stdout.readline().split()]
        assert process.stdin is not None
        process.stdin.close()


def collected(folder: Path, urls: Mapping[Side, list[str]], count: int, concurrency: int, ideal: float) -> Run:
    prompts = folder / "prompts.jsonl"
    with prompts.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"prompt": text}) + "\n" for text in waiting_server.texts_of(count))
    command = [*COMMAND, "collect", "--prompts", str(prompts), "--run", RUN, "--reports", str(folder)]
    command += ["--concurrency", str(concurrency)]
    command += [word for side in SIDES for url in urls[side] for word in (f"--{side}-url", url)]
    answers, log = folder / RUN / "responses.jsonl", folder / "log"
    first = watch(command, log, answers, until=2 * count * 2 // 5)
    kept = lines(answers)
    second = watch(command, log, answers, until=None)
    print(log.read_text(encoding="utf-8").splitlines()[-1])
    for name, (rate, memory) in {"until the kill": first, "gone on with": second}.items():
        grown = ", ".join(f"{megabytes:.0f}" for megabytes in memory)
        print(f"{name}: {rate:.0f} answers/s, {rate / ideal:.0%} of the ideal {ideal:.0f}; memory by tenths {grown} MB")
    run = open_run(folder, RUN)
    missing = sum(1 for _ in read_answers(answers).missing(run.prompts()))
    print(f"{kept:,} answers were on disk at the kill; {lines(answers):,} rows now, {missing} missing", flush=True)
    return run


def watch(command: list[str], log: Path, answers: Path, until: int | None) -> tuple[float, list[float]]:
    """Run it, to its end or until so many rows are there; answers a second, and ten figures of its memory in MB."""
    with log.open("ab") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        before = lines(answers)
        seen: list[tuple[float, int, float]] = []
        while process.poll() is None:
            time.sleep(1)
            seen.append((time.monotonic(), lines(answers), resident(process.pid)))
            if until is not None and seen[-1][1] >= until:
                process.send_signal(signal.SIGKILL)
        assert process.returncode == (0 if until is None else -signal.SIGKILL), log.read_text()[-500:]
    busy = [one for one in seen if one[1] > before]
    rate = (busy[-1][1] - busy[0][1]) / (busy[-1][0] - busy[0][0])
    memory = [megabytes for _, _, megabytes in busy if megabytes]
    return rate, memory[:: max(1, len(memory) // 10)]


_counted: dict[Path, tuple[int, int]] = {}


def lines(path: Path) -> int:
    """Rows of a growing file, read on from where it was read to."""
    at, count = _counted.get(path, (0, 0))
    if path.exists():
        with path.open("rb") as file:
            file.seek(at)
            while piece := file.read(1 << 20):
                at, count = at + len(piece), count + piece.count(b"\n")
    _counted[path] = (at, count)
    return count


def resident(pid: int) -> float:
    with contextlib.suppress(OSError, StopIteration):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
    return 0.0


def judge(run: Run, count: int) -> None:
    began = time.perf_counter()
    wanted, chance = Study(overlap=Overlap(reviewers=1)), random.Random(1)
    run = freeze_policy(run)
    begin_judging(run, wanted)
    run = open_run(run.folder.parent, run.name)
    pairs = read_answers(run.responses_path).pairs(run.prompts())
    print(f"judging begins on {len(pairs):,} pairs: {time.perf_counter() - began:.1f} s", flush=True)
    verdicts = [judged(run, pair, outcome=chance.choice(["tuned", "base", "tie"])) for pair in pairs[:count]]
    Ledger(run.verdicts_path, Verdict, run.name, wanted.columns).append(*verdicts)


def measure(run: Run) -> None:
    sizes = {path.name: path.stat().st_size / 1e6 for path in (run.folder / "run.json", run.responses_path)}
    print(", ".join(f"{name} {megabytes:.1f} MB" for name, megabytes in sizes.items()))
    reports = ["--reports", str(run.folder.parent)]
    for name in ("report", "gate"):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([*COMMAND, name, run.name, *reports], capture_output=True, text=True, check=False)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
        wall = time.perf_counter() - began
        cost = f"{seconds:.1f} s CPU, {wall:.1f} s; {used.ru_maxrss / 1024:.0f} MB at most"
        print(f"{name}: exit status {done.returncode}, {cost}; {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    pages(run, reports)


def pages(run: Run, reports: list[str]) -> None:
    port = free_port()
    command = [*COMMAND, "results", run.name, *reports, "--port", str(port), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        began = time.perf_counter()
        while not fetched(f"http://127.0.0.1:{port}/"):
            assert process.poll() is None
            time.sleep(0.2)
        print(f"results: first page after {time.perf_counter() - began:.1f} s")
        for path in ("/", "/?view=browse", "/?view=browse&page=500", "/?view=browse&q=%22Question+999%22"):
            began = time.perf_counter()
            size = fetched(f"http://127.0.0.1:{port}{path}")
            print(f"  {path}: {time.perf_counter() - began:.2f} s, {size / 1000:.0f} kB")
        process.terminate()


def fetched(url: str) -> int:
    """Bytes of a page; 0 where nobody answers yet."""
    with contextlib.suppress(OSError):
        return len(urllib.request.urlopen(url, timeout=120).read())
    return 0


if __name__ == "__main__":
    main()
