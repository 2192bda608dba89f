"""From tokens to text and back, with TGI's rules for text that comes token by token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


class Codec:
    """The tokenizer of the served model. Safe to use from several threads: nothing of it is changed."""

    def __init__(self, tokenizer: Any, eos_ids: frozenset[int]) -> None:
        self.tokenizer = tokenizer
        self.fast = getattr(tokenizer, "backend_tokenizer", None)
        self.special = frozenset(tokenizer.all_special_ids)
        self.eos_ids = eos_ids

    def encode(self, text: str, *, special: bool) -> tuple[list[int], list[tuple[int, int]] | None]:
        """Token ids, and where the tokenizer can tell it, the span of each in characters."""
        if self.fast is None:
            return list(self.tokenizer.encode(text, add_special_tokens=special)), None
        encoding = self.fast.encode(text, add_special_tokens=special)
        return list(encoding.ids), list(encoding.offsets)

    def spans(self, text: str, *, special: bool) -> list[dict[str, Any]]:
        """The tokens of `text` with their spans in bytes of UTF-8, as /tokenize gives them."""
        ids, offsets = self.encode(text, special=special)
        if offsets is None:
            return [{"id": token, "text": "", "start": 0, "stop": 0} for token in ids]
        byte_at = [0]
        for character in text:
            byte_at.append(byte_at[-1] + len(character.encode()))
        return [
            {"id": token, "text": text[start:stop], "start": byte_at[start], "stop": byte_at[stop]}
            for token, (start, stop) in zip(ids, offsets, strict=True)
        ]

    def decode(self, ids: Sequence[int], *, skip_special: bool = False) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=skip_special))

    def each(self, ids: Sequence[int]) -> list[str]:
        """The text of every token by itself."""
        return [self.decode([token]) for token in ids]


class Unrolled:
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


class Stopping:
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
