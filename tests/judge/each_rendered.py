"""Run by test_render_time: renders each attack of `n` characters in a process of its own that may use `seconds` of CPU.

Prints the names of those that took longer.
"""

from __future__ import annotations

import os
import resource
import sys
from functools import partial

from eval.evidence.signals.degeneration import is_empty, repeating
from eval.judge.rendering.render import formatted, plain_html
from eval.judge.rendering.scripts import language_of
from eval.judge.setup.giveaways import Finder
from tests.judge.attacks import attacks


def main(n: int, seconds: int) -> None:
    formatted("**warm** up")
    finder = partial(Finder().find, messages=[])

    def loops(text: str) -> list[bool]:
        return repeating([text])

    for name, text in attacks(n):
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            for look in (formatted, plain_html, language_of, is_empty, loops, finder):
                look(text)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            print(name)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
