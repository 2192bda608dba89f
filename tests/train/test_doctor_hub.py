"""The doctor asks a real server that answers like the Hub: gated models, terms, names that are not there, no answer."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.train.doctored import CONFIG, SMALL, ask, machine, recipe
from tests.train.models import HF5
from train.doctor.doctor import examine
from train.recipe import Recipe
from train.resources.findings import Finding


class Hub(BaseHTTPRequestHandler):
    """Answers as the Hub does; `Bearer right` may read what is gated."""

    def do_GET(self) -> None:
        right = self.headers.get("Authorization") == "Bearer right"
        table: dict[str, tuple[int, Any]] = {
            "/api/models?limit=1": (200, []),
            "/open/model/resolve/main/config.json": (307, "/cached/config.json"),
            "/cached/config.json": (200, CONFIG),
            "/gated/model/resolve/main/config.json": (200 if right else 401, {}),
            "/api/datasets/open/pairs": (200, {"gated": False}),
            "/api/datasets/gated/pairs": (200, {"gated": "auto"}),
        }
        status, body = table.get(self.path, (404, ""))
        if self.path.startswith("/saved/") and (HF5 / self.path.rpartition("/")[2]).exists():
            status, body = 200, json.loads((HF5 / self.path.rpartition("/")[2]).read_text(encoding="utf-8"))
            body |= {"vocab_size": None} if self.path == "/saved/broken/resolve/main/config.json" else {}
        self.send_response(status)
        if status == 307:
            self.send_header("Location", body)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HUB_OFFLINE": ""}
        server.shutdown()
        thread.join()


def of_the_hub(model: str, data: str) -> Recipe:
    found = recipe(SMALL, base_model=model)
    return dataclasses.replace(found, datasets=(dataclasses.replace(found.datasets[0], path=data),))


def test_a_hub_that_gives_all_is_ok(hub: dict[str, str], tmp_path: Path) -> None:
    found = ask(of_the_hub("open/model", "open/pairs"), machine(), tmp_path, variables={**hub, "HF_TOKEN": "right"})
    assert "(sizes from the Hub)" in found["memory"].found
    assert found["Hub"].found == f"{hub['HF_ENDPOINT']} answers"
    assert "token" not in found


def test_the_export_is_tried_on_a_base_that_is_still_on_the_hub(hub: dict[str, str], tmp_path: Path) -> None:
    found = ask(of_the_hub("saved/model", "open/pairs"), machine(), tmp_path, variables=hub)
    assert found["export"].level == "ok"
    found = ask(of_the_hub("saved/broken", "open/pairs"), machine(), tmp_path, variables=hub)
    assert (found["export"].level, "vocab_size" in found["export"].found) == ("fail", True)
    assert "export" not in ask(of_the_hub("open/model", "open/pairs"), machine(), tmp_path, variables=hub)


@pytest.mark.parametrize(
    ("model", "data", "what"),
    [("gated/model", "open/pairs", "gated/model"), ("open/model", "gated/pairs", "datasets/gated/pairs")],
)
def test_gated_things_need_a_token(hub: dict[str, str], model: str, data: str, what: str, tmp_path: Path) -> None:
    asked = of_the_hub(model, data)
    found = ask(asked, machine(), tmp_path, variables=hub)["token"]
    assert found.level == "fail"
    assert found.remedy.endswith(f"set HF_TOKEN to a token that may read it at {hub['HF_ENDPOINT']}/{what}")
    assert "token" not in ask(asked, machine(), tmp_path, variables={**hub, "HF_TOKEN": "right"})
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text("right\n")
    assert "token" not in ask(asked, machine(), tmp_path, variables=hub)


def test_terms_that_the_token_has_not_accepted_are_told(hub: dict[str, str], tmp_path: Path) -> None:
    asked, told = of_the_hub("gated/model", "open/pairs"), {**hub, "HF_TOKEN": "wrong"}
    found = ask(asked, machine(), tmp_path, variables=told)["token"]
    assert found.remedy == f"accept its terms at {hub['HF_ENDPOINT']}/gated/model"


def test_a_name_that_the_hub_has_not_is_told(hub: dict[str, str], tmp_path: Path) -> None:
    found = examine(
        of_the_hub("no/model", "open/pairs"), machine=machine(), models=tmp_path,
        variables={**hub, "HF_HOME": str(tmp_path)}, workspace=tmp_path / "none",
    )  # fmt: skip
    assert Finding("Hub", "fail", "the Hub has no no/model", "check the name in the recipe") in found


def test_a_hub_that_does_not_answer_is_told_unless_all_is_here(tmp_path: Path) -> None:
    asked, told = of_the_hub("open/model", "open/pairs"), {"HF_ENDPOINT": "http://127.0.0.1:1", "HF_HUB_OFFLINE": ""}
    found = ask(asked, machine(), tmp_path, variables=told)["Hub"]
    assert (found.level, found.found) == (
        "fail",
        "http://127.0.0.1:1 does not answer; not here: open/model, open/pairs",
    )
    for name in ("models--open--model", "datasets--open--pairs"):
        folder = tmp_path / "hf" / "hub" / name / "snapshots" / "abc"
        folder.mkdir(parents=True)
        (folder / "file").write_text("")
    assert ask(asked, machine(), tmp_path, variables=told)["Hub"].level == "warn"
