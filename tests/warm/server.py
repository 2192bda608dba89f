"""An interpreter that has imported what costs most of a start-up, and forks a child for each command line it is sent.

`server.py SOCKET MODULES…` in the environment whose Python it stands for; it says "warm" on standard output, and ends
with its standard input. What a child runs is what that Python would run, in a process of its own.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

#: Above every number that a client's files have.
_HIGH = 500
#: What libraries read once, when they are imported.
_READ_ONCE = ("HF_", "TRANSFORMERS_", "AXOLOTL_", "CUDA_")


def serve(address: str, modules: list[str]) -> list[str]:
    """Only children return: the command line that they are to run."""
    for name in modules:
        importlib.import_module(name)
    gc.freeze()  # what is there is not looked through again by every child
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("warm", flush=True)
    while True:
        if 0 in select.select([0, listener.fileno()], [], [])[0]:
            os._exit(0)
        line, _ = listener.accept()
        while _reaped():
            pass
        if os.fork() == 0:
            listener.close()
            return _attend(line)
        line.close()


def _reaped() -> bool:
    with suppress(ChildProcessError):
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    return False


def _attend(line: socket.socket) -> list[str]:
    """Fork once more, tell the client of the child's number and end, and kill the child where the client has gone."""
    asked, files = _hear(line)
    child = os.fork()
    if child == 0:
        line.close()
        return _become(asked, files)
    for number in files:
        os.close(number)
    line.sendall(f"{child}\n".encode())
    threading.Thread(target=_watch, args=(line, child), daemon=True).start()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(OSError):
        line.sendall(f"{status}\n".encode())
    os._exit(0)


def _watch(line: socket.socket, child: int) -> None:
    line.recv(1)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def _hear(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What is asked, and the client's files under numbers that are in nobody's way."""
    size, passed, _, _ = socket.recv_fds(line, 4, 250)
    wanted, body = int.from_bytes(size, "big"), b""
    while len(body) < wanted:
        body += line.recv(wanted - len(body))
    moved = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _HIGH) for number in passed]
    for number in passed:
        os.close(number)
    return json.loads(body), moved


def _become(asked: dict[str, Any], files: list[int]) -> list[str]:
    """The client, as far as what runs here can tell."""
    os.setsid()
    for number, wanted in zip(files, asked["files"], strict=True):
        os.dup2(number, wanted, inheritable=True)
        os.close(number)
    known = {name: value for name, value in os.environ.items() if name.startswith(_READ_ONCE)}
    for name, value in asked["environ"].items():
        if name.startswith(_READ_ONCE) and known.get(name) != value:
            sys.exit(f"{name} is {value!r} here, and was {known.get(name)!r} when the warm interpreter started")
    began = _paths(os.environ)
    os.environ.clear()
    os.environ.update(asked["environ"])
    os.chdir(asked["cwd"])
    parent = int(asked["parent"])
    os.getppid = lambda: parent
    sys.executable = asked["executable"]
    sys.path[:] = [*_paths(asked["environ"]), *(path for path in sys.path if path not in began)]
    return list(asked["arguments"])


def _paths(environ: Mapping[str, str]) -> list[str]:
    return [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def run(arguments: list[str]) -> None:
    """As `python ARGUMENTS` would."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    safe = False
    while arguments[0] in ("-P", "-I", "-u"):
        safe |= arguments[0] != "-u"
        arguments = arguments[1:]
    if not safe:
        sys.path.insert(0, os.getcwd() if arguments[0] in ("-c", "-m") else str(Path(arguments[0]).resolve().parent))  # noqa: PTH109
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(sys.argv[0], run_name="__main__")


def end(status: int) -> NoReturn:
    """All that an interpreter does at its end but taking itself apart, which takes seconds with so many modules."""
    threading._shutdown()  # type: ignore[attr-defined]  # what an interpreter itself calls
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main(address: str, modules: list[str]) -> NoReturn:
    arguments = serve(address, modules)
    try:
        run(arguments)
    except SystemExit as asked:
        if asked.code is not None and not isinstance(asked.code, int):
            print(asked.code, file=sys.stderr)
        end(asked.code if isinstance(asked.code, int) else asked.code is not None)
    except BaseException:  # noqa: BLE001  (an interpreter shows whatever ends it)
        traceback.print_exc()
        end(1)
    end(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
