"""The language model: reads prompts, and takes one step of generation.

Rows that are generated together share one cache, padded on the left. A row that joins is padded to the others'
length, a row that leaves is cut out, and padding that no row needs any more is trimmed, so rows of different
lengths and ages run in one batch without waiting for each other.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import pad

from compose.errors import ModelUnreadable

# What a network raises that keeps its state in another way than the one it is asked to.
_UNLIKE = (RuntimeError, ValueError, TypeError, AttributeError, IndexError, KeyError)

# Prompts whose log-probabilities are asked for are read in pieces: the logits of a whole long prompt would not fit.
PIECE = 256


class CachedSequences:
    """Sequences that are generated together: their common cache, and which of its places are real."""

    def __init__(self, cache: Any, mask: torch.Tensor) -> None:
        self.cache = cache  # keys and values per layer: (rows, heads, places, width)
        self.mask = mask  # (rows, places): 1 where a token is, 0 for padding on the left

    def __len__(self) -> int:
        return int(self.mask.shape[0])

    @property
    def places(self) -> int:
        return int(self.mask.shape[1])

    def join(self, other: CachedSequences) -> None:
        """Take the rows of `other` in, behind our own."""
        length = max(self.places, other.places)
        self._widen(length)
        other._widen(length)
        self.mask = torch.cat([self.mask, other.mask])
        for mine, theirs in zip(self.cache.layers, other.cache.layers, strict=True):
            mine.keys = torch.cat([mine.keys, theirs.keys])
            mine.values = torch.cat([mine.values, theirs.values])

    def keep(self, indices: Sequence[int]) -> None:
        """Keep only these rows, and no padding that all of them have."""
        chosen = torch.tensor(indices)
        self.mask = self.mask[chosen]
        start = int(self.mask.argmax(dim=1).min())
        self.mask = self.mask[:, start:]
        for layer in self.cache.layers:
            layer.keys = layer.keys[chosen, :, start:]
            layer.values = layer.values[chosen, :, start:]

    def _widen(self, length: int) -> None:
        missing = length - self.places
        if missing:
            self.mask = pad(self.mask, (missing, 0))
            for layer in self.cache.layers:
                layer.keys = pad(layer.keys, (0, 0, missing, 0))
                layer.values = pad(layer.values, (0, 0, missing, 0))


class LanguageModel:
    """A causal language model of transformers, ready to read and to continue."""

    def __init__(self, network: Any) -> None:
        self.network = network.eval()
        known = inspect.signature(network.forward).parameters
        self._takes_positions = "position_ids" in known
        self._takes_keep = "logits_to_keep" in known
        self.batchable = self._try_cache()

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def read(self, prompts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, CachedSequences]:
        """The logits after each prompt, (rows, vocabulary) in float32, and the rows to continue from."""
        length = max(len(prompt) for prompt in prompts)
        ids = torch.tensor([[0] * (length - len(prompt)) + list(prompt) for prompt in prompts])
        mask = torch.tensor([[0] * (length - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        rows = CachedSequences(self._new_cache(), mask)
        return self._forward(ids, rows)[:, -1], rows

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def read_scored(self, prompt: Sequence[int]) -> tuple[torch.Tensor, CachedSequences, list[float]]:
        """As `read` for one prompt, with the log-probability of every token but the first given those before."""
        rows = CachedSequences(self._new_cache(), torch.ones((1, 0), dtype=torch.long))
        scored: list[float] = []
        logits = torch.empty(0)
        for start in range(0, len(prompt), PIECE):
            piece = torch.tensor([list(prompt[start : start + PIECE])])
            rows.mask = pad(rows.mask, (0, piece.shape[1]), value=1)
            logits = self._forward(piece, rows, keep=0)[0]
            nexts = torch.tensor(prompt[start + 1 : start + 1 + len(logits)])
            logs = logits[: len(nexts)].log_softmax(-1)
            scored += logs.gather(1, nexts[:, None]).flatten().tolist()
        return logits[-1:], rows, scored

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def step(self, rows: CachedSequences, tokens: Sequence[int]) -> torch.Tensor:
        """Add one token to each row; the logits after it, (rows, vocabulary) in float32."""
        rows.mask = pad(rows.mask, (0, 1), value=1)
        return self._forward(torch.tensor(tokens)[:, None], rows)[:, -1]

    def _forward(self, ids: torch.Tensor, rows: CachedSequences, keep: int = 1) -> torch.Tensor:
        extra: dict[str, Any] = {}
        if self._takes_positions:
            positions = (rows.mask.cumsum(-1) - 1).clamp(min=0)
            extra["position_ids"] = positions[:, -ids.shape[1] :]
        if self._takes_keep:
            extra["logits_to_keep"] = keep
        out = self.network(input_ids=ids, attention_mask=rows.mask, past_key_values=rows.cache, use_cache=True, **extra)
        rows.cache = out.past_key_values
        logits: torch.Tensor = out.logits.float()
        return logits

    def _new_cache(self) -> Any:
        from transformers import DynamicCache

        return DynamicCache() if self.batchable else None

    def _try_cache(self) -> bool:
        """Whether rows of this architecture can be joined: its cache is keys and values, and nothing else.

        Others are served one request at a time. Raises ModelUnreadable where not even that is possible.
        """
        from transformers.cache_utils import DynamicLayer

        self.batchable = True
        try:
            _, rows = self.read([[0, 0], [0]])
            self.step(rows, [0, 0])
            layers = getattr(rows.cache, "layers", [])
            if layers and all(type(layer) is DynamicLayer and layer.keys is not None for layer in layers):
                return True
        except _UNLIKE:
            pass
        self.batchable = False
        try:
            _, rows = self.read([[0, 0]])
            self.step(rows, [0])
        except _UNLIKE as error:
            kind = self.network.config.model_type
            raise ModelUnreadable(f"models of the kind {kind} cannot be continued token by token here") from error
        return False
