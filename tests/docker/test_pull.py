"""A pull by the real engine from a registry on loopback: how much is here, how much is left, and what is refused."""

from __future__ import annotations

import re

import docker
import pytest

from compose import pull
from compose.errors import ImageMissing
from compose.pull import ensure_image
from tests.docker.registry import registry
from tests.support import free_port


def test_a_pull_says_how_much_is_left(client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "SAY_EVERY", 0.3)
    said: list[str] = []
    with registry(size=6_000_000, seconds=3) as (where, content):
        image = f"{where}/image:1.0"
        try:
            assert ensure_image(client, image, said.append) == content.digest
            assert said[0] == f"pulling {image}"
            assert re.fullmatch(rf"pulled {image} in \d+ s", said[-1])
            lines = [re.fullmatch(rf"pulling {image}: (\d) MB of 6 MB, (\d) MB left.*", line) for line in said[1:-1]]
            left = [int(found.group(2)) for found in lines if found]
            assert left == sorted(left, reverse=True)
            assert any(0 < one < 6 for one in left), said
            del said[:]
            assert ensure_image(client, image, said.append) == content.digest
            assert said == []  # it is here
        finally:
            client.images.remove(image, force=True)


def test_what_cannot_be_pulled(client: docker.DockerClient) -> None:
    with registry(size=1000, seconds=0) as (where, _):
        with pytest.raises(ImageMissing, match=r"image:2\.0 does not exist; check TGI_IMAGE"):
            ensure_image(client, f"{where}/image:2.0", lambda line: None)
        with pytest.raises(ImageMissing, match=r"refuses .*private:1\.0; run `docker login` first"):
            ensure_image(client, f"{where}/private:1.0", lambda line: None)
    with pytest.raises(ImageMissing, match="check the network, or name a mirror"):
        ensure_image(client, f"127.0.0.1:{free_port()}/image:1.0", lambda line: None)
