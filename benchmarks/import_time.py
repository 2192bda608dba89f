"""What `import blindside` costs beside `python -c pass`: prints milliseconds of the processor's time.

    .venv/bin/python -m benchmarks.import_time [--rounds 20]

Alternates the two, takes medians, and prints the difference. Below 50 ms is what the public face promises.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys


def spent(code: str) -> float:
    """Milliseconds of user and system time of one interpreter that runs `code`."""
    process = subprocess.Popen([sys.executable, "-c", code])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return 1000 * (usage.ru_utime + usage.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {"pass": [], "import blindside": [], "import blindside; blindside.win_rate": []}
    for _ in range(rounds):
        for code, found in times.items():
            found.append(spent(code))
    nothing = statistics.median(times["pass"])
    for code, found in times.items():
        median = statistics.median(found)
        print(f"python -c {code!r:40} {median:7.1f} ms   {median - nothing:+7.1f} ms")


if __name__ == "__main__":
    main()
