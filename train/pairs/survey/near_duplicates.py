"""Near duplicates: MinHash over three-word shingles in the data, exact overlap with a few prompts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash  # type: ignore[import-untyped]

from blindside.tables.rows import Message
from train.pairs.keys import normalise_prompt, prompt_key

#: Jaccard similarity from which on two texts count as nearly the same.
ALIKE = 0.8
#: Sixteen bands of four: two texts of similarity 0.8 share a band in 99.98% of cases, of 0.3 in 12%.
_HASHES, _BANDS = 64, 16
_CHUNK = 4096
#: Scripts that put no space between words are taken letter by letter.
_WORD = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+")
_ASCII_WORD = re.compile(r"\w+", re.ASCII)


def shingles(text: str) -> set[str]:
    """Three words in a row, lower case; the whole text where it has fewer."""
    words = (_ASCII_WORD if text.isascii() else _WORD).findall(text.lower())
    if len(words) < 3:
        return {" ".join(words)} if words else set()
    return set(map(" ".join, zip(words, words[1:], words[2:], strict=False)))


class NearDuplicates:
    """Signatures of many texts, 256 bytes each, and which of them are nearly the same."""

    def __init__(self) -> None:
        self._chunks: list[NDArray[np.uint32]] = []
        self._labels: list[NDArray[np.int64]] = []
        self._filled = _CHUNK

    def add(self, label: int, of: Iterable[str]) -> None:
        """One text's shingles, under a number to call it by."""
        if self._filled == _CHUNK:
            self._chunks.append(np.empty((_CHUNK, _HASHES), np.uint32))
            self._labels.append(np.empty(_CHUNK, np.int64))
            self._filled = 0
        hashed = RMinHash(_HASHES, 1)
        hashed.update(list(of))
        self._chunks[-1][self._filled] = hashed.digest()
        self._labels[-1][self._filled] = label
        self._filled += 1

    def pairs(self) -> list[tuple[int, int]]:
        """(a text, an earlier one that is nearly the same), each later text once, by its number."""
        if not self._chunks:
            return []
        signatures = np.concatenate([*self._chunks[:-1], self._chunks[-1][: self._filled]])
        labels = np.concatenate([*self._labels[:-1], self._labels[-1][: self._filled]])
        earlier = np.arange(len(labels))
        width = _HASHES // _BANDS
        for band in range(_BANDS):
            _join(signatures, np.ascontiguousarray(signatures[:, band * width : (band + 1) * width]), earlier)
        later = np.nonzero(earlier != np.arange(len(labels)))[0]
        return [(int(labels[i]), int(labels[earlier[i]])) for i in later]


def _join(signatures: NDArray[np.uint32], band: NDArray[np.uint32], earlier: NDArray[np.int64]) -> None:
    """Note for each row the first row that shares its band, where the whole signatures agree enough."""
    keys = band.view(np.dtype((np.void, band.dtype.itemsize * band.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    candidates = np.nonzero(first[inverse] != np.arange(len(keys)))[0]
    for start in range(0, len(candidates), _CHUNK):
        rows = candidates[start : start + _CHUNK]
        others = first[inverse[rows]]
        alike = (signatures[rows] == signatures[others]).mean(axis=1) >= ALIKE
        np.minimum.at(earlier, rows[alike], others[alike])


class Overlap:
    """The prompts of an evaluation, and which of them a training prompt is, or nearly is."""

    def __init__(self, prompts: Iterable[Sequence[Message]]) -> None:
        self._keys: set[str] = set()
        self._sizes: list[int] = []
        self._where: dict[str, list[int]] = defaultdict(list)
        for messages in prompts:
            self._keys.add(prompt_key(messages))
            found = shingles(question_of(messages))
            for shingle in found:
                self._where[shingle].append(len(self._sizes))
            self._sizes.append(len(found))

    def __len__(self) -> int:
        return len(self._sizes)

    def exact(self, messages: Sequence[Message]) -> bool:
        return bool(self._keys) and prompt_key(messages) in self._keys

    def near(self, found: set[str]) -> bool:
        """Whether these shingles of a question are nearly those of an evaluation prompt's."""
        shared: Counter[int] = Counter()
        for shingle in found & self._where.keys():
            shared.update(self._where[shingle])
        return any(n >= ALIKE * (len(found) + self._sizes[i] - n) for i, n in shared.items())


def question_of(messages: Sequence[Message]) -> str:
    """What the user says in a conversation, normalised."""
    return normalise_prompt("\n".join(m["content"] for m in messages if m["role"] == "user"))
