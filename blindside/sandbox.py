"""Runs untrusted code, such as a chat template, in a process with limited time and memory.

An endless loop could be interrupted from within; `9**9**9` and `'a' * 10**9` are one step of the interpreter, which
nothing interrupts but the kernel. So a child does the work under the kernel's limits, and is started again after it
was ended.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

SECONDS = 2  # of the processor's time, for one call
MEGABYTES = 512  # of memory, beside what the process has already
ANSWER = 64 * 2**20  # bytes of an answer


class LimitExceeded(Exception):
    """The work took too much, and was ended; the text says what of, and follows a noun."""


_TIME = f"takes more than {SECONDS} s: look for an endless loop in it"
_MEMORY = f"takes more than {MEGABYTES} MB: look for what it repeats"


class WorkFailed(Exception):
    """The work itself raised an error; this is its text."""


class Worker:
    """A child that does one call after the other: `python -P -m module`, whose main is `serve`. Safe for threads."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, job: Any) -> Any:
        """What the child makes of `job`, both JSON. Raises LimitExceeded, or WorkFailed with its error."""
        with self._turn:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(job).encode() + b"\n")
                process.stdin.flush()
            answer = process.stdout.readline()
            if not answer.endswith(b"\n"):
                self._end()
        return _read(answer, process.returncode)

    def close(self) -> None:
        with self._turn:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            root = str(Path(__file__).resolve().parents[1])
            path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": path},
            )
        return self._process

    def _end(self) -> None:
        """A child ends by itself when its input is closed, unless it is at work."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                assert pipe is not None
                pipe.close()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve(handle: Callable[[Any], Any]) -> None:
    """The child's main: answers each line of standard input by `handle`, under the limits, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which closes the input
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what libraries print is no answer
        limit_memory()
        for line in sys.stdin.buffer:
            limit_time()
            out.write(_answer(handle, line) + b"\n")
            out.flush()


def forked(call: Callable[[], Any]) -> Any:
    """What `call` returns, which is JSON, done by a copy of this process under the limits. For programs of one thread.

    Raises LimitExceeded, and WorkFailed for an error that `call` raised.
    """
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        _child(call, write)
    os.close(write)
    with os.fdopen(read, "rb") as answers:
        answer = answers.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return _read(answer, code)


def _child(call: Callable[[], object], write: int) -> NoReturn:
    """Ends the process at once: what the program would do at its end is its parent's business."""
    try:
        limit_memory()
        limit_time()
        with os.fdopen(write, "wb") as out:
            out.write(_answer(lambda _: call(), b"null") + b"\n")
    except BaseException:  # noqa: BLE001
        os._exit(1)
    os._exit(0)


def _read(answer: bytes, code: int | None) -> Any:
    """The value in a child's answer. Raises LimitExceeded where it has none, or says so, and WorkFailed."""
    if not answer.endswith(b"\n"):
        raise LimitExceeded(_TIME if code == -signal.SIGXCPU else _MEMORY)
    reply = json.loads(answer)
    if "over" in reply:
        raise LimitExceeded(reply["over"])
    if "error" in reply:
        raise WorkFailed(reply["error"])
    return reply["is"]


def _answer(handle: Callable[[Any], Any], line: bytes) -> bytes:
    try:
        reply = json.dumps({"is": handle(json.loads(line))}).encode()
        return reply if len(reply) <= ANSWER else json.dumps({"over": _MEMORY}).encode()
    except MemoryError:
        return json.dumps({"over": _MEMORY}).encode()
    except Exception as error:  # noqa: BLE001 - whatever it raised is the answer
        return json.dumps({"error": str(error)}).encode()


def limit_time(seconds: int = SECONDS) -> None:
    """So much more of the processor's time for this process; then the kernel ends it (SIGXCPU)."""
    _limit(resource.RLIMIT_CPU, math.ceil(time.process_time()) + seconds)


def limit_memory(megabytes: int = MEGABYTES) -> None:
    """So much more address space than there is now, where the system tells that."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        _limit(resource.RLIMIT_AS, int(statm.read_text().split()[0]) * resource.getpagesize() + megabytes * 2**20)


def _limit(what: int, value: int) -> None:
    most = resource.getrlimit(what)[1]
    resource.setrlimit(what, (value if most == resource.RLIM_INFINITY else min(value, most), most))
