"""The engine and the stand-in image, once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from tests.docker.stand_in import IMAGE, build, need_docker


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/docker/" in item.path.as_posix():
            item.add_marker(pytest.mark.docker)


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    made = need_docker()
    yield made
    made.close()


@pytest.fixture(scope="session")
def engine(client: docker.DockerClient) -> Iterator[docker.DockerClient]:
    """The engine with the stand-in image in it."""
    build(client)
    yield client
    client.images.remove(IMAGE, force=True)
