"""How the time to show one answer grows with its length, on texts made to take long: a growth of 4 is linear.

    python -m benchmarks.rendering [SIZE]

Prints CPU milliseconds at SIZE / 4 and at SIZE characters (default: the longest that is formatted), the worst first.
"""

from __future__ import annotations

import sys
import time

from eval.judge.rendering.differences import differences
from eval.judge.rendering.render import LONGEST, _made
from tests.judge.attacks import attacks


def _milliseconds(text: str) -> float:
    began = time.thread_time()
    _made(text)
    differences(text, text[1:] + "x")
    return 1000 * (time.thread_time() - began)


def main(size: int) -> None:
    small, large = ([(name, _milliseconds(text)) for name, text in attacks(n)] for n in (size // 4, size))
    rows = [(after, before, name) for (name, before), (_, after) in zip(small, large, strict=True)]
    print(f"{'text':40} {size // 4:>10,} {size:>10,}  growth")
    for after, before, name in sorted(rows, reverse=True):
        print(f"{name:40} {before:7.1f} ms {after:7.1f} ms  {after / before:6.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LONGEST)
