"""How long the results pages take on 20,000 prompts x 5 verdicts: still, and right after a new verdict.

    .venv/bin/python -m benchmarks.results_pages [--prompts 20000] [--reviewers 5]

Seconds as a browser waits, on a machine that does nothing else. Asked for: each page under 1 s.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from benchmarks.report_cost import made
from eval.answers import read_answers
from eval.judge.store.ledger import Ledger
from eval.judge.study.study import read_frozen
from eval.records import Verdict
from eval.run import Run
from tests.evidence.results_server import results_of
from tests.support import judged

PAGES = {
    "results": "",
    "browse": "?view=browse",
    "browse, sorted": "?view=browse&sort=base",
    "browse, filtered and sorted": "?view=browse&verdict=base&length=longer&agreement=disagreement&sort=slow",
    "browse, searched": "?view=browse&q=rivers+bridges",
    "one prompt": "?view=browse&item=p77&sort=tuned",
    "what if": "?without=reviewer+3",
    "compare": "?view=compare",
    "stamp": "stamp",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--prompts", type=int, default=20_000)
    parser.add_argument("--reviewers", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = made(Path(folder) / "run", options.prompts, options.reviewers)
        beside(run, "another")
        measure(run)


def beside(run: Run, name: str) -> None:
    """The same run once more under another name, for the compare page."""
    copy = run.folder.parent / name
    shutil.copytree(run.folder, copy)
    for path in (copy / "run.json", copy / "verdicts.csv"):
        text = path.read_text()
        path.write_text(text.replace(f'"run": "{run.name}"', f'"run": "{name}"').replace(f",{run.name},", f",{name},"))


def measure(run: Run) -> None:
    """Print seconds per page: the first time, again, right after a verdict, and until that verdict is shown."""
    begun = time.monotonic()
    with results_of(run) as served:
        print(f"{'command until its address':45}{time.monotonic() - begun:6.2f} s", flush=True)
        while "computing" in page(served.url, "")[1]:
            time.sleep(0.1)
        print(f"{'until the first figures':45}{time.monotonic() - begun:6.2f} s", flush=True)
        for name, address in PAGES.items():
            first, waited = page(served.url, address)[0], time.monotonic()
            while "are being computed" in page(served.url, address)[1]:
                time.sleep(0.1)
            waited = time.monotonic() - waited
            again = page(served.url, address)[0]
            print(f"{name:45}{first:6.2f} s, again {again:.2f} s, complete after {first + waited:.1f} s", flush=True)
        for name, address in PAGES.items():
            again_judged(run)
            print(f"{name + ', right after a verdict':45}{page(served.url, address)[0]:6.2f} s", flush=True)
        begun, before = time.monotonic(), page(served.url, "stamp")[1].split()[0]
        while page(served.url, "stamp")[1] in (before, f"{before} behind"):
            time.sleep(0.1)
        print(f"{'until newer figures are shown':45}{time.monotonic() - begun:6.2f} s", flush=True)


def page(url: str, address: str) -> tuple[float, str]:
    """Seconds, and the text."""
    begun = time.monotonic()
    with urlopen(f"{url.rstrip('/')}/{address}") as answer:
        text = answer.read().decode()
    return time.monotonic() - begun, text


def again_judged(run: Run) -> None:
    """One more verdict, by somebody new, on the first pair."""
    pair = read_answers(run.responses_path).pairs(run.prompts())[0]
    verdict = judged(run, pair).model_copy(update={"reviewer": f"late {time.monotonic_ns()}"})
    Ledger(run.verdicts_path, Verdict, run.name, read_frozen(run.folder).columns).append(verdict)


if __name__ == "__main__":
    main()
