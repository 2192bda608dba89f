"""Tokens to text and back, with TGI's rules for text that comes token by token."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from compose.embedded.protocol import dumps

SHORT = 10_000  # characters that are tokenized in place; longer texts go to a thread
_PIECE = 2048  # tokens that are written at once


class Codec:
    """The tokenizer of the served model. Safe to use from several threads: nothing of it is changed."""

    def __init__(self, tokenizer: Any, eos_ids: frozenset[int], special: frozenset[int]) -> None:
        self.tokenizer = tokenizer
        self.fast = getattr(tokenizer, "backend_tokenizer", None)
        self.special = special
        self.eos_ids = eos_ids

    def ids(self, text: str, *, special: bool) -> list[int]:
        if self.fast is None:
            return list(self.tokenizer.encode(text, add_special_tokens=special))
        return list(self._encoding(text, special=special).ids)

    def spans_json(self, text: str, *, special: bool) -> bytes:
        """The tokens of `text` with their spans in bytes of UTF-8, as /tokenize gives them.

        Written a piece at a time: of a body of two megabytes a million objects would be made at once, under Python's
        lock, and every other request would wait for them.
        """
        if self.fast is None:
            ids = self.ids(text, special=special)
            return dumps([{"id": token, "text": "", "start": 0, "stop": 0} for token in ids]).encode()
        encoding = self._encoding(text, special=special)
        ids, byte_at = encoding.ids, _byte_offsets(text)
        pieces = []
        for first in range(0, len(ids), _PIECE):
            spans = []
            for index in range(first, min(first + _PIECE, len(ids))):
                start, stop = encoding.token_to_chars(index) or (0, 0)
                spans.append(
                    {"id": ids[index], "text": text[start:stop], "start": byte_at(start), "stop": byte_at(stop)}
                )
            pieces.append(dumps(spans).encode()[1:-1])
        return b"[" + b",".join(pieces) + b"]"

    def _encoding(self, text: str, *, special: bool) -> Any:
        assert self.fast is not None
        # `encode` keeps Python's lock until it is done; for a list of one, the lock is given back meanwhile.
        if len(text) <= SHORT:
            return self.fast.encode(text, add_special_tokens=special)
        return self.fast.encode_batch([text], add_special_tokens=special)[0]

    def decode(self, ids: Sequence[int], *, skip_special: bool = False) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=skip_special))

    def each(self, ids: Sequence[int]) -> list[str]:
        """The text of every token by itself."""
        return [self.decode([token]) for token in ids]


def _byte_offsets(text: str) -> Callable[[int], int]:
    """From a place in characters to the place in bytes of UTF-8."""
    if text.isascii():
        return lambda place: place
    points = np.frombuffer(text.encode("utf-32-le"), "<u4")
    widths = 1 + (points > 0x7F).astype("u1") + (points > 0x7FF) + (points > 0xFFFF)
    ends = np.concatenate(([0], np.cumsum(widths, dtype="u4")))
    return lambda place: int(ends[place])


class StreamedText:
    """The text of one answer as it grows: each token's own share, and the whole at the end.

    A share is held back while it ends in the middle of a character. The tokens before are decoded along, for
    tokenizers that write a space according to what stands in front.
    """

    def __init__(self, codec: Codec, prompt: Sequence[int]) -> None:
        self.codec = codec
        self.ids = list(prompt)
        self.prompt_length = len(prompt)
        self.prefix = len(prompt) - 5  # may be negative for a short prompt, as TGI has it
        self.read = len(prompt)

    def add(self, token: int) -> str:
        """The text that `token` adds; empty while a character is incomplete."""
        self.ids.append(token)
        text = self._new(self.prefix, self.read, skip_special=False)
        if text is None:
            return ""
        self.prefix, self.read = self.read, len(self.ids)
        return text

    def whole(self) -> str:
        """The answer without special tokens."""
        return self._new(self.prompt_length - 1, self.prompt_length, skip_special=True) or ""

    def _new(self, prefix: int, read: int, *, skip_special: bool) -> str | None:
        before = self.codec.decode(self.ids[prefix:read], skip_special=skip_special)
        text = self.codec.decode(self.ids[prefix:], skip_special=skip_special)
        if len(text) > len(before) and not text.endswith("\ufffd"):
            return text[len(before) :]
        return None


class StopRule:
    """When an answer ends: the limit comes first, then an end-of-text token, then a stop string."""

    def __init__(self, limit: int, stops: Sequence[str], eos_ids: frozenset[int]) -> None:
        self.limit = limit
        self.eos_ids = eos_ids
        self.patterns = [re.compile(re.escape(stop) + "$") for stop in stops]
        self.count = 0
        self.tail = ""

    def after(self, token: int, text: str) -> str | None:
        """The reason to end after this token, or None."""
        self.count += 1
        if self.count >= self.limit:
            return "length"
        if token in self.eos_ids:
            return "eos_token"
        if self.patterns:
            self.tail = (self.tail + text)[-300:]
            if any(pattern.search(self.tail) for pattern in self.patterns):
                return "stop_sequence"
        return None
