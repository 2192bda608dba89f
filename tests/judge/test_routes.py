"""What may be asked for: the few routes that the pages use, of all that the installed Gradio serves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.judge.access.gatekeeper import NOT_SERVED
from eval.judge.access.routes import PAGE, open_route
from eval.run import Run
from tests.judge.asking import ask
from tests.judge.runs import make_run
from tests.judge.server import Served, served
from tests.support import ROOT


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(make_run(tmp_path_factory.mktemp("routes"))) as server:
        yield server


#: Prints (method, path) of everything that a page in Gradio would serve, without a gatekeeper before it.
_ROUTES = """
import json, sys
from pathlib import Path
from eval.judge.page.judging_state import JudgingState
from eval.judge.page.app import build
from eval.judge.access.server import bare_app, mount_page
from eval.run import open_run

def routes(app, under=""):
    for route in app.routes:
        inner = getattr(route, "app", None) or getattr(route, "original_router", None)
        path = under + getattr(route, "path", "")
        if hasattr(inner, "routes"):
            yield from routes(inner, path.rstrip("/"))
        else:
            yield from ((method, path) for method in route.methods)

folder, name = sys.argv[1:]
print(json.dumps(sorted(set(routes(mount_page(bare_app(), build(JudgingState(open_run(Path(folder), name))), ""))))))
"""


def gradio_routes(run: Run) -> set[tuple[str, str]]:
    arguments = [sys.executable, "-c", _ROUTES, str(run.folder.parent), run.name]
    found = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)
    return {(method, path) for method, path in json.loads(found.stdout.splitlines()[-1])}


#: All that Gradio has and a page of ours needs. Whoever adds to `PAGE` says so here.
NEEDED = {
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/assets/{path:path}"),
    ("GET", "/static/{path:path}"),
    ("GET", "/theme.css"),
    ("GET", "/favicon.ico"),
    ("GET", "/gradio_api/heartbeat/{session_hash}"),
    ("GET", "/gradio_api/app_id"),
    ("POST", "/gradio_api/run/{api_name}"),
}
#: What stands for a variable part: something plausible, and what a page really asks for.
FILLINGS = ("x", "predict", "index.js", "js/iframeResizer.contentWindow.min.js", "../secret", "a/b", "")


def fillings(path: str) -> set[str]:
    return {re.sub(r"\{[^}]*\}", filling, path) for filling in FILLINGS}


def test_every_route_of_gradio_is_closed_but_those_that_the_page_needs(tmp_path: Path, server: Served) -> None:
    routes = gradio_routes(make_run(tmp_path))
    assert len(routes) > 60, "Gradio's routes were not found"
    opened = {route for route in routes if any(open_route(PAGE, route[0], path) for path in fillings(route[1]))}
    assert opened == NEEDED
    closed = {(method, path) for method, pattern in routes - NEEDED for path in fillings(pattern)}
    answers = {asked: ask(server.url, *asked) for asked in sorted(closed)}
    assert {asked: answer.status for asked, answer in answers.items() if answer.status != 404} == {}
    assert [asked for asked, answer in answers.items() if asked[0] != "HEAD" and NOT_SERVED not in answer.body] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("GET", f"/gradio_api/{name}")
            for name in ("info", "token", "token/", "user", "login_check", "startup-events")
        ),
        *(("GET", f"/gradio_api/{name}") for name in ("file=/etc/passwd", "file/x", "proxy=http://127.0.0.1", "runs")),
        *(
            ("GET", path)
            for path in ("/file=/etc/passwd", "/gradio_api/deep_link?session_hash=abc", "/config", "/config/")
        ),
        *(("GET", path) for path in ("/docs", "/redoc", "/openapi.json", "/gradio_api/openapi.json", "/monitoring")),
        *(("GET", path) for path in ("/manifest.json", "/robots.txt", "/pwa_icon", "/svelte/x", "/login", "/logout")),
        *(
            ("GET", path)
            for path in ("//evil.test", "/assets/../x", "/assets/%2e%2e/x", "/static/x", "/assets/", "/x/")
        ),
        *(("POST", f"/gradio_api/{name}") for name in ("upload", "component_server", "queue/join", "call/predict")),
        *(("POST", f"/gradio_api/{name}") for name in ("api/predict", "stream/x", "cancel", "reset", "run/other")),
        *(("POST", path) for path in ("/", "/login", "/logout", "/login/", "/gradio_api/run/predict/")),
        *((method, "/gradio_api/run/predict") for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")),
    ],
)
def test_what_no_page_needs_is_not_found(server: Served, method: str, path: str) -> None:
    answer = ask(server.url, method, path)
    assert (answer.status, answer.body.strip()) == (404, NOT_SERVED)
