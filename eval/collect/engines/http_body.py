"""Reads and decompresses the body of an HTTP answer piece by piece, up to a limit.

What unpacks by itself, as aiohttp can, unpacks first and can be asked for the size afterwards.
"""

from __future__ import annotations

import zlib

import aiohttp

from eval.errors import EngineError, EngineRejected

MEGABYTE = 2**20
#: The header's names, and zlib's number for each: gzip's header, or zlib's.
_PACKED = {"gzip": 31, "x-gzip": 31, "deflate": 15}


async def read_bounded(response: aiohttp.ClientResponse, largest: int, url: str) -> bytes:
    """The whole body. Raises EngineRejected above `largest` bytes, packed or not, EngineError for a broken packing."""
    if (response.content_length or 0) > largest:
        raise _too_large(response, largest, url)
    unpack = _unpacker(response, url)
    body, packed = bytearray(), 0
    async for piece in response.content.iter_any():
        packed += len(piece)
        body += unpack.feed(piece, largest + 1 - len(body)) if unpack else piece
        if max(packed, len(body)) > largest:
            raise _too_large(response, largest, url)
    if unpack and packed and not unpack.ended:
        raise _broken(url, "it ends too early")
    return bytes(body)


class _Unpacker:
    """One stream of zlib's; what follows its end is refused."""

    def __init__(self, window: int, url: str) -> None:
        self._stream = zlib.decompressobj(window)
        self._url = url

    @property
    def ended(self) -> bool:
        return self._stream.eof

    def feed(self, piece: bytes, room: int) -> bytes:
        """What `piece` unpacks to, up to `room` bytes, which is above 0."""
        try:
            found = self._stream.decompress(piece, room)
        except zlib.error as error:
            raise _broken(self._url, str(error)) from None
        if self._stream.unused_data:
            raise _broken(self._url, "something follows its end")
        return found


def _unpacker(response: aiohttp.ClientResponse, url: str) -> _Unpacker | None:
    name = response.headers.get("Content-Encoding", "identity").strip().lower()
    if name in ("identity", ""):
        return None
    if name not in _PACKED:
        raise EngineError(
            f"{url} packs its answers as {name[:40]!r}, which was not requested: turn compression off there",
            status=response.status,
        )
    return _Unpacker(_PACKED[name], url)


def _too_large(response: aiohttp.ClientResponse, largest: int, url: str) -> EngineRejected:
    # The rest is not waited for: the connection is of no more use.
    response.close()
    return EngineRejected(
        f"{url} answered more than {largest / MEGABYTE:g} MB, so it was not read to its end: "
        "allow more with --max-answer-mb if this is intended",
    )


def _broken(url: str, problem: str) -> EngineError:
    return EngineError(f"{url} answered a compressed body that can't be unpacked ({problem[:80]})")
