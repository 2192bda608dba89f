"""A Hub on loopback for every test that asks for one; the real client is pointed at it as HF_ENDPOINT would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from huggingface_hub import close_session

from tests.release.hub_server import listening
from tests.release.hub_state import WRITER, Hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """Logged in as `our`."""
    with listening(Hub()) as running:
        point_at(running, monkeypatch, tmp_path)
        yield running
    close_session()


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """HF_HUB_OFFLINE=1, as a process would have it that was started so."""
    close_session()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    yield
    close_session()


def point_at(hub: Hub, monkeypatch: pytest.MonkeyPatch, home: Path, token: str = WRITER) -> None:
    """What HF_ENDPOINT, HF_TOKEN and HF_HOME do where they are set before the client is imported."""
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(home / "no-token-file"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(home / "hub-cache"))
    # The server speaks Git LFS; the client would upload by Xet wherever hf_xet is installed.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", token)
