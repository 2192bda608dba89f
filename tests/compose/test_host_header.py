"""The embedded engine runs on a Starlette (0.52) that takes part of a URL's path from Host: its key guard does not."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.compose.servers import folder_as_recorded, need_train, serve

pytestmark = pytest.mark.train

HOSTS = ("x", "x/health?", "x/info?a=", "x/health#", "x/docs/../", "@x/health?", "x:80/health?", "", "x\\health?")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need_train()
    folder = tmp_path_factory.mktemp("engine")
    folder_as_recorded("tiny", folder)
    with serve(["--model-id", "tiny", "--api-key", "sesame"], cwd=folder) as [url]:
        yield url


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/generate", "/v1/chat/completions", "/"])
def test_no_host_header_opens_a_guarded_route(guarded: str, host: str, path: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(guarded).netloc, timeout=30)
    connection.putrequest("POST", path, skip_host=True)
    connection.putheader("Host", host)
    connection.putheader("Content-Length", "2")
    connection.endheaders(b"{}")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 401
