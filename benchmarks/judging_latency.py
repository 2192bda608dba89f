"""How long a reviewer waits: key to next pair painted in Chromium, and verdicts a second at the server.

    .venv/bin/python -m benchmarks.judging_latency [--pairs 2000] [--votes 200] [--users 20] [--seconds 10]

Every verdict counted was on disk (fdatasync) before its answer came. It needs Chromium for the first figure.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.run import Run
from tests.browser.chromium import launched
from tests.browser.screen import screen
from tests.judge.runs import make_run
from tests.judge.server import Served, Tab, served

VOTE = """async (votes) => {
  const pair = () => Array.from(document.querySelectorAll(".bs-source"), (el) => el.textContent).join();
  const open = () => document.querySelector('[data-vote="left"]').getAttribute("aria-disabled") === "false";
  const frame = () => new Promise(requestAnimationFrame);
  const waits = [];
  for (let i = 0; i < votes; i++) {
    while (!open()) await frame();
    await new Promise((done) => setTimeout(done, 300)); // the next pair is made ready meanwhile
    const [before, start] = [pair(), performance.now()];
    document.dispatchEvent(new KeyboardEvent("keydown", { code: "Digit1", bubbles: true }));
    while (pair() === before) await frame();
    await frame();
    await frame();
    waits.push(performance.now() - start);
  }
  return waits;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in (("pairs", 2000), ("votes", 200), ("users", 20), ("seconds", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        words = "It depends on the light and on who looks at it. " * 12
        answers = [(f"Thing {i}. {words}\n\n- one\n- two", f"Thing {i} is blue.") for i in range(options.pairs)]
        run = make_run(Path(folder), answers=answers)
        with served(run) as server:
            tell("key to next pair painted", in_browser(server, options.votes))
            measure_server(run, server, options.users, options.seconds)


def in_browser(server: Served, votes: int) -> list[float]:
    """Milliseconds of each verdict; the first ones warm everything up and do not count."""
    with TemporaryDirectory() as profile, launched(Path(profile)) as browser, screen(browser, server.url) as page:
        page.open("browser")
        waits: list[float] = page.page.evaluate(VOTE, votes + 5)
    return waits[5:]


def measure_server(run: Run, server: Served, users: int, seconds: int) -> None:
    """All users vote as fast as they are answered; each post is a connection of its own."""
    before, until = len(read_verdicts(run.verdicts_path)), time.monotonic() + seconds
    waits: list[float] = []

    def judge(user: int) -> None:
        tab = Tab(server.url, f"user {user}")
        while time.monotonic() < until and tab.shown.data["state"] == "ask":
            start = time.perf_counter()
            tab.vote("tie")
            waits.append(1000 * (time.perf_counter() - start))

    threads = [threading.Thread(target=judge, args=(user,)) for user in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = read_verdicts(run.verdicts_path)
    tell(f"{users} users at once, verdict to answer", waits)
    print(f"{len(waits) / seconds:.0f} verdicts/s; answered {len(waits)}, in the file {len(rows) - before}", end="; ")
    print(f"in force {len(in_force(rows)) - before}")


def tell(what: str, waits: list[float]) -> None:
    p95 = statistics.quantiles(waits, n=20)[-1]
    print(f"{what}: median {statistics.median(waits):.0f} ms, p95 {p95:.0f} ms, n={len(waits)}")


if __name__ == "__main__":
    main()
