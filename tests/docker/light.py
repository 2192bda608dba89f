"""A server that answers /health alone: for tests of what happens around a server. SIGUSR1 makes it unhealthy."""

from __future__ import annotations

import http.server
import os
import signal
import sys

STATUS = [200]


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(STATUS[0])
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test looks at the log."""


def main() -> None:
    signal.signal(signal.SIGUSR1, lambda *_: STATUS.__setitem__(0, 503))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"serving {os.environ['MODEL_ID']}", flush=True)
    http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Health).serve_forever()


if __name__ == "__main__":
    main()
