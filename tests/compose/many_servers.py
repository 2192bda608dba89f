"""Several embedded servers in one process, for tests that need many: the imports are paid for once.

Reads one line of JSON, a list of command lines; writes one line of JSON, their ports; serves until its input ends.
"""

from __future__ import annotations

import json
import sys
import threading

from compose.embedded.__main__ import build, parse
from compose.embedded.preflight import bind, listen
from compose.embedded.routes import application, serve


def start(arguments: list[str]) -> int:
    """Serve by this command line in a thread; the port."""
    args = parse(arguments)
    service, _ = build(args)
    bound = bind(args.hostname, 0)
    listen(bound, args.hostname)
    app = application(service)
    threading.Thread(target=serve, args=(app, bound), daemon=True).start()
    return int(bound.getsockname()[1])


def main() -> None:
    ports = [start(arguments) for arguments in json.loads(sys.stdin.readline())]
    print(json.dumps(ports), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
