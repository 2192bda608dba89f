"""A real Label Studio on loopback, with SQLite in a folder of its own, and its API as a client speaks it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from tests.support import ROOT, free_port

USER, PASSWORD = "ann@example.com", "not-a-secret-1"
#: The first start makes the database, which takes most of a minute of an idle core.
PATIENCE = 900.0


def command() -> Path:
    """Label Studio where it is installed: BLINDSIDE_LABEL_STUDIO names its environment, or .venv-labelstudio is it."""
    folder = Path(os.environ.get("BLINDSIDE_LABEL_STUDIO") or ROOT / ".venv-labelstudio")
    path = folder / "bin" / "label-studio"
    if not path.is_file():
        import pytest

        pytest.skip("needs label-studio 1.23 in .venv-labelstudio (uv pip install label-studio==1.23.0)")
    return path


@contextmanager
def label_studio(folder: Path) -> Iterator[LabelStudio]:
    """A server with one user, who is logged in by a personal access token."""
    path, port = command(), free_port()
    folder.mkdir(parents=True)
    quiet = {"COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": ""}
    environment = {**os.environ, **quiet, "LABEL_STUDIO_BASE_DATA_DIR": str(folder), "DJANGO_DB": "sqlite"}
    environment.pop("PYTHONPATH", None)
    where = ("--internal-host", "127.0.0.1", "--port", str(port), "--username", USER, "--password", PASSWORD)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([path, "start", "--no-browser", *where], env=environment, stdout=log, stderr=log)
        try:
            yield LabelStudio(f"http://127.0.0.1:{port}", server, folder / "log")
        finally:
            server.terminate()
            server.wait(60)


class LabelStudio:
    """The API. Every call raises where the server refuses it."""

    def __init__(self, address: str, server: subprocess.Popen[bytes], log: Path) -> None:
        self.address = address
        self._jar = CookieJar()
        self._open = build_opener(HTTPCookieProcessor(self._jar)).open
        self._headers: dict[str, str] = {"Content-Type": "application/json", "Referer": address}
        page = self._started(server, log)
        self._login(page)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with self._open(Request(self.address + path, data, self._headers, method=method)) as answer:
            return json.loads(answer.read() or b"null")

    def _started(self, server: subprocess.Popen[bytes], log: Path) -> str:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self._open(f"{self.address}/user/login/") as answer:
                    return str(answer.read().decode())
            except (URLError, ConnectionError):
                assert server.poll() is None, log.read_text()[-2000:]
                assert time.monotonic() < until, log.read_text()[-2000:]
                time.sleep(1)

    def _login(self, page: str) -> None:
        """By password once, then by a personal access token: the older kind of token is off by default."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        form = urlencode({"csrfmiddlewaretoken": token[1], "email": USER, "password": PASSWORD}).encode()
        with self._open(Request(f"{self.address}/user/login/", form, {"Referer": self.address})):
            self._headers["X-CSRFToken"] = next(c.value or "" for c in self._jar if c.name == "csrftoken")
        refresh = self.call("POST", "/api/token/", {})["token"]
        access = self.call("POST", "/api/token/refresh/", {"refresh": refresh})["access"]
        self._jar.clear()
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {access}"}
