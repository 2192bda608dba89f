"""A model from the Hub: its token comes as a file that neither `docker inspect` nor the log shows."""

from __future__ import annotations

import json
from pathlib import Path

import docker
import pytest

from compose.stack import Model
from tests.compose.servers import MODEL
from tests.docker.stand_in import container, stack

TOKEN = "hf_not-a-real-token"


def _file(client: docker.DockerClient, project: str, side: str) -> tuple[int, str]:
    code, output = container(client, project, side).exec_run(["/usr/bin/cat", "/run/hf/token"])
    return code, output.decode()


def test_the_token_is_a_file_in_the_container_that_needs_it(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    models = [Model("base", "owner/name", "abc123"), Model("tuned", str(MODEL))]
    with stack(tmp_path, models=models) as served:
        assert _file(engine, served.project, "base") == (0, TOKEN)
        assert _file(engine, served.project, "tuned")[0] != 0
        for side in ("base", "tuned"):
            one = container(engine, served.project, side)
            assert TOKEN not in json.dumps(one.attrs)
            assert TOKEN not in (tmp_path / f"logs/{side}.log").read_text()
        assert TOKEN not in json.dumps(served.compose.config())
        variables = dict(one.split("=", 1) for one in container(engine, served.project, "base").attrs["Config"]["Env"])
        assert (variables["MODEL_ID"], variables["REVISION"], variables["HF_HUB_OFFLINE"]) == (
            "owner/name",
            "abc123",
            "0",
        )
        assert served.served == {"base": "owner/name", "tuned": "/models/tuned"}


def test_a_public_model_needs_no_token(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    with stack(tmp_path, models=[Model("base", "owner/name")]) as served:
        code, text = _file(engine, served.project, "base")
        assert code != 0 or text == ""
