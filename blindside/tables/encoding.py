"""Text files of any encoding as UTF-8: UTF-16 with and without a mark, Windows-1252, old Mac line ends."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable
from typing import IO, Any

from blindside.reading import BadFile

Note = Callable[[str], None]
_CHUNK = 2**16
_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
#: How UTF-8 writes most accents and quotation marks: beside bytes that are no UTF-8, the file is mixed.
_UTF8 = re.compile(rb"\xc3[\x80-\xbf]|\xe2\x80[\x80-\xbf]")


def as_utf8(file: IO[bytes], note: Note, *, spreadsheet: bool) -> IO[bytes]:
    """The same text as UTF-8 without a byte order mark, read as it comes. Raises BadFile for what is no text.

    Of a `spreadsheet`'s file, bytes that are no UTF-8 are Windows-1252, which is noted; elsewhere they stay.
    """
    head = file.read(_CHUNK)
    if head.startswith(b"PK\x03\x04"):
        raise BadFile("is an Excel workbook or another ZIP file: save it as CSV (UTF-8)")
    encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "") or _unmarked(head)
    returns = spreadsheet and b"\n" not in head and b"\r" in head.rstrip(b"\r") and not encoding
    raw = _Recoded(file, head.removeprefix(codecs.BOM_UTF8), encoding, note, western=spreadsheet, returns=returns)
    return io.BufferedReader(raw, _CHUNK)


def _unmarked(head: bytes) -> str:
    """UTF-16 without a mark: nearly every second byte of European text is 0."""
    odd, even, half = head[1::2].count(0), head[::2].count(0), len(head) // 2
    if half and odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if half and even > 0.6 * half and odd < 0.1 * half else ""


class _Recoded(io.RawIOBase):
    """Bytes of `first` and `file` as UTF-8."""

    def __init__(
        self, file: IO[bytes], first: bytes, encoding: str, note: Note, *, western: bool, returns: bool
    ) -> None:
        self._file = file
        self._next: bytes | None = first
        self._decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
        self._note = note
        self._western = western
        self._returns = returns
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._foreign = self._accents = False
        self._line = 1
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._file.read(_CHUNK) if self._next is None else self._next
            self._next = None
            self._ready = self._as_utf8(data)
            if not data and not self._ready:
                return 0
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _as_utf8(self, data: bytes) -> bytes:
        if self._decoder is not None:
            try:
                return self._decoder.decode(data, final=not data).encode(errors="replace")
            except UnicodeDecodeError:
                raise BadFile("is not complete UTF-16: save it as UTF-8") from None
        recoded = self._from_windows(data) if self._western else data
        self._line += recoded.count(b"\n")
        return recoded.replace(b"\r", b"\n") if self._returns else recoded

    def _from_windows(self, data: bytes) -> bytes:
        if self._foreign:
            return self._windows(data)
        before = self._utf8.getstate()[0]
        try:
            text = self._utf8.decode(data, final=not data)
        except UnicodeDecodeError as error:
            if self._accents or not (before + data)[: error.start].isascii():
                line = self._line + data.count(b"\n", 0, error.start)
                raise BadFile("is not UTF-8: save it as UTF-8", line) from None
            self._foreign = True
            return self._windows(before + data)
        self._accents = self._accents or not text.isascii()
        return text.encode()

    def _windows(self, data: bytes) -> bytes:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            text = ""
        if data and (not text or _UTF8.search(data)):
            raise BadFile("is neither UTF-8 nor Windows-1252: save it as UTF-8", self._line)
        if data:
            word = next(iter(re.findall(r"\S*[^\x00-\x7f]\S*", text)), "")
            self._note(
                f"is not UTF-8 and is read as Windows-1252, as in {word[:40]!r}: save it as UTF-8 if that is wrong"
            )
            self._note = lambda _: None
        return text.encode()
