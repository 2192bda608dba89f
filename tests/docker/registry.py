"""A registry of one image on loopback, slow enough that a pull can be watched.

The engine trusts 127.0.0.0/8 without TLS.
"""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TYPES = {
    "manifest": "application/vnd.docker.distribution.manifest.v2+json",
    "config": "application/vnd.docker.container.image.v1+json",
    "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
PIECE = 64 * 1024


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _layer(size: int) -> tuple[bytes, str]:
    """A layer with one file of random bytes: the compressed tar, and the digest of what it unpacks to."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("weights")
        entry.size = size
        tar.addfile(entry, io.BytesIO(os.urandom(size)))
    return gzip.compress(packed.getvalue(), 1), _digest(packed.getvalue())


class Registry:
    """What is served: blobs by digest, and the manifest that names them."""

    def __init__(self, size: int, seconds: float) -> None:
        layer, diff = _layer(size)
        config = json.dumps(
            {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff]}}
        ).encode()
        self.blobs = {_digest(layer): layer, _digest(config): config}
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": TYPES["manifest"],
                "config": {"mediaType": TYPES["config"], "size": len(config), "digest": _digest(config)},
                "layers": [{"mediaType": TYPES["layer"], "size": len(layer), "digest": _digest(layer)}],
            }
        ).encode()
        self.digest = _digest(self.manifest)
        self.pause = seconds * PIECE / len(layer)

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, type and body for a path of the registry's protocol."""
        kind, _, name = path.rpartition("/")
        if path == "/v2/":
            return 200, "application/json", b"{}"
        if kind.endswith("/private/manifests"):
            return 401, "application/json", b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
        if kind.endswith("/image/manifests") and name in ("1.0", self.digest):
            return 200, TYPES["manifest"], self.manifest
        if kind.endswith("/blobs") and name in self.blobs:
            return 200, "application/octet-stream", self.blobs[name]
        return 404, "application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'


@contextmanager
def registry(*, size: int, seconds: float) -> Iterator[tuple[str, Registry]]:
    """Where it listens (host:port), and what it has: an image "image:1.0" of `size` bytes, sent in about `seconds`."""
    content = Registry(size, seconds)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = content.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            if "/manifests/" in self.path and status == 200:
                self.send_header("Docker-Content-Digest", content.digest)
            self.end_headers()
            if self.command == "HEAD":
                return
            for start in range(0, len(body), PIECE):
                self.wfile.write(body[start : start + PIECE])
                time.sleep(content.pause if len(body) > PIECE else 0)

        do_HEAD = do_GET  # noqa: N815 (the name is http.server's)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", content
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
