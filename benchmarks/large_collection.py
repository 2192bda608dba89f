"""100,000 prompts on four replicas a side: the rate as a share of the ideal, memory, a kill in the middle, and what
judging, results, report and gate take of such a run.

    nice .venv/bin/python -m benchmarks.large_collection [--prompts 100000] [--concurrency 64] [--written]

Eight servers of this machine, in two processes, answer each request after DELAY seconds. With so many requests in
flight a side, `2 × concurrency / delay` requests a second are ideal. `blindside collect` is killed (SIGKILL) when it
has two fifths of the answers, and the same command goes on. Its memory is read from the kernel each second. With
`--written` nothing is collected, and answers are written by chance.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from string import ascii_lowercase

from benchmarks import waiting_server
from benchmarks.report_cost import cost, where
from benchmarks.results_pages import PAGES, page
from eval.answers import encode, read_answers
from eval.judge.store.ledger import Ledger
from eval.judge.study.study import read_frozen
from eval.records import SIDES, Message, Prompt, Side, Verdict
from eval.run import Run, open_run, start_run
from eval.run_info import Decoding, ModelInfo, PromptSet, RunInfo
from tests.judge.runs import response
from tests.judge.server import Tab
from tests.support import free_port, judged

REPLICAS, RUN = 4, "large"
#: So that the two sides do not answer the same.
RIVERS = {"base": "Tagus", "tuned": "Douro"}
COMMAND = [sys.executable, "-m", "eval.cli.main"]
LOOK = """
import sys
from pathlib import Path
from eval.cli.collecting.prove_and_collect import print_answer_notes
from eval.run import open_run
print_answer_notes(open_run(Path(sys.argv[1]), sys.argv[2]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--delay", type=float, default=0.25)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--verdicts", type=int, default=20_000)
    parser.add_argument("--written", action="store_true", help="collect nothing: write answers by chance")
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        waiting_server.DELAY = asked.delay
        waiting_server.COMPLETION = waiting_server.COMPLETION.replace(b"Tagus", asked.serve.encode())
        asyncio.run(serve())
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if asked.written:
            run = written(Path(folder), asked.prompts)
        else:
            urls = {side: stack.enter_context(served(RIVERS[side], asked.delay)) for side in SIDES}
            run = collected(Path(folder), urls, asked.prompts, asked.concurrency, 2 * asked.concurrency / asked.delay)
        judge(run)
        give(run, asked.verdicts)
        measure(run)
        pages(run)


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


def written(folder: Path, count: int) -> Run:
    """A run as a collection leaves it, its answers of 20 to 120 words by chance: none is asked for."""
    chance = random.Random(1)
    words = ["".join(chance.choices(ascii_lowercase, k=chance.randint(3, 9))) for _ in range(5000)]

    def said(least: int, most: int) -> str:
        return " ".join(chance.choices(words, k=chance.randint(least, most)))

    prompts = [
        Prompt(
            id=f"p{n}",
            messages=(Message(role="user", content=f"Question {n}: {said(8, 24)}?"),),
            category="abcd"[n % 4],
        )
        for n in range(count)
    ]
    models = {side: ModelInfo(name=f"{side}-7b", source=f"acme/{side}-7b") for side in SIDES}
    prompt_set = PromptSet(source="prompts.jsonl", sha256="d" * 64, asked=count)
    info = RunInfo(run=RUN, models=models, engine="tgi", decoding=Decoding(), prompt_set=prompt_set)
    run = start_run(folder, info, prompts)
    with run.responses_path.open("wb") as file:
        file.writelines(encode([response(prompt, side, said(20, 120))]) for prompt in prompts for side in SIDES)
    return run


def judge(run: Run) -> None:
    """Open the judging page, and judge a little on it."""
    with serving("judge", run) as (process, url, until):
        print(f"judging: address after {until:.1f} s, {used(process.pid)}", flush=True)
        began = time.perf_counter()
        tab = Tab(url, "ann")
        print(f"  first pair {time.perf_counter() - began:.2f} s later; {tab.shown.data['state']}")
        waits = []
        for _ in range(100):
            began = time.perf_counter()
            tab.vote("left")
            waits.append(1000 * (time.perf_counter() - began))
        print(
            f"  verdict to next pair: median {median(waits):.0f} ms, at most {max(waits):.0f} ms; {used(process.pid)}"
        )


def give(run: Run, count: int) -> None:
    """So many verdicts, one each on pairs by chance, sealed as the page seals them."""
    wanted, chance = read_frozen(run.folder), random.Random(1)
    pairs = read_answers(run.responses_path).pairs(run.prompts())
    verdicts = [
        judged(run, pair, outcome=chance.choice(["tuned", "base", "tie"])) for pair in chance.sample(pairs, count)
    ]
    Ledger(run.verdicts_path, Verdict, run.name, wanted.columns).append(*verdicts)


def measure(run: Run) -> None:
    sizes = {path.name: path.stat().st_size / 1e6 for path in (run.folder / "run.json", run.responses_path)}
    print(", ".join(f"{name} {megabytes:.1f} MB" for name, megabytes in sizes.items()), flush=True)
    looks = [sys.executable, "-c", LOOK, str(run.folder.parent), run.name]
    commands = {name: [*COMMAND, name, run.name, *where(run)] for name in ("report", "gate")}
    for name, command in {"look at the answers": looks, **commands}.items():
        seconds, megabytes, status = cost(command)
        print(f"{name}: {seconds:.1f} s CPU, {megabytes:.0f} MB at most; exit status {status}", flush=True)


def pages(run: Run) -> None:
    with serving("results", run) as (process, url, until):
        print(f"results: address after {until:.1f} s", flush=True)
        began, waits = time.perf_counter() - until, list[float]()
        while True:
            seconds, text = page(url, "")
            waits.append(seconds)
            if "computing" not in text:
                break
            time.sleep(0.5)
        print(f"  a page meanwhile at most {max(waits):.2f} s; first figures after {time.perf_counter() - began:.1f} s")
        for name, address in PAGES.items():
            print(f"  {name}: {page(url, address)[0]:.2f} s, again {page(url, address)[0]:.2f} s")
        print(f"  {used(process.pid)}")


@contextlib.contextmanager
def serving(command: str, run: Run) -> Iterator[tuple[subprocess.Popen[str], str, float]]:
    """A command that serves pages: its process, its address, and how long that took."""
    words = [command, run.name, *where(run), "--port", str(free_port()), "--no-browser"]
    began = time.perf_counter()
    with subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith(("Judge at ", "Results at ")))
        yield process, line.split()[-1], time.perf_counter() - began
        process.terminate()


def used(pid: int) -> str:
    """A process's processor seconds and memory."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return f"{seconds:.1f} s CPU, {resident(pid):.0f} MB"


if __name__ == "__main__":
    main()
