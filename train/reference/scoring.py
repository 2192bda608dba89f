"""transformers' forward pass over token ids. Needs torch, so only train.reference.reference imports it, and late."""

from __future__ import annotations

import copy
import gc
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from train.reference.protocol import Job, Scores

#: What an engine takes that finds no rope base in config.json.
USUAL_BASE = 10000.0
_PIECE = 128  # rows of logits that are made into log-probabilities at once


#: Told of texts scored, texts in all, and the share of the work that is done, in [0, 1].
Told = Callable[[int, int, float], None]


def score_all(folder: Path, job: Job, tell: Told) -> tuple[list[Scores], dict[str, list[list[float]]]]:
    """The sequences' scores, and the suspects' log-probabilities with rope misread, by what was misread."""
    network = _load(folder, job)
    readings = list(misreadings(network.config)) if job.suspects else []
    work = _Work(network, [*job.sequences, *job.suspects * len(readings)], tell)
    scores = [work.score(ids) for ids in job.sequences]
    misread = {
        name: [work.score(ids).logprobs for ids in job.suspects]
        for name, rope in readings
        if _replace_rope(network, rope)
    }
    del network, work
    gc.collect()
    return scores, misread


class _Work:
    """Texts to score, and how many of them are: a long one takes longer, so the share counts tokens."""

    def __init__(self, network: Any, texts: list[list[int]], tell: Told) -> None:
        self.network, self.tell = network, tell
        self.total, self.tokens = len(texts), max(1, sum(map(len, texts)))
        self.done = self.read = 0
        tell(0, self.total, 0.0)

    def score(self, ids: list[int]) -> Scores:
        found: Scores = score(self.network, ids)
        self.done, self.read = self.done + 1, self.read + len(ids)
        self.tell(self.done, self.total, self.read / self.tokens)
        return found


def _load(folder: Path, job: Job) -> Any:
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    text = config.get_text_config()
    if job.tgi and sliding_window(text) is not None:
        # TGI lets a token see `sliding_window` earlier ones beside itself, and reads Phi 3 without a window.
        text.sliding_window = None if text.model_type == "phi3" else text.sliding_window + 1
    given: dict[str, Any] = {"dtype": getattr(torch, job.dtype), "local_files_only": True, "config": config}
    if getattr(text, "attn_logit_softcapping", None) is not None:
        given["attn_implementation"] = "eager"  # sdpa leaves the soft-capping out without a word
    return AutoModelForCausalLM.from_pretrained(folder, **given).eval()


def sliding_window(config: Any) -> int | None:
    """Tokens that a layer's window reaches over, the token itself among them; None where none has a window."""
    kinds = getattr(config, "layer_types", None)
    window = getattr(config, "sliding_window", None)
    return window if window and (kinds is None or "sliding_attention" in kinds) else None


@torch.inference_mode()  # type: ignore[untyped-decorator]
def score(network: Any, ids: list[int]) -> Scores:
    """Scores of every token but the first, given those before it; empty where the model lacks a token."""
    if len(ids) < 2 or max(ids) >= network.get_input_embeddings().num_embeddings:
        return Scores(logprobs=[], top=[], top_logprobs=[])
    logits = network(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    nexts = torch.tensor(ids[1:])
    own: list[float] = []
    best: list[float] = []
    top: list[int] = []
    for start in range(0, len(nexts), _PIECE):
        part = nexts[start : start + _PIECE]
        logs = logits[start : start + len(part)].float().log_softmax(-1)
        own += logs.gather(1, part[:, None]).flatten().tolist()
        likeliest = logs.max(-1)
        best += likeliest.values.tolist()
        top += likeliest.indices.tolist()
    return Scores(logprobs=own, top=top, top_logprobs=best)


def misreadings(config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an engine makes of this rope that knows only older keys of config.json; nothing where it can't go wrong."""
    rope = getattr(config.get_text_config(), "rope_parameters", None)
    if not isinstance(rope, dict) or "rope_theta" not in rope:
        return
    base, scaled = rope["rope_theta"], rope.get("rope_type", "default") != "default"
    partial = {key: value for key, value in rope.items() if key == "partial_rotary_factor"}
    plain = {"rope_type": "default", **partial}
    if scaled:
        yield "without its rope scaling", {**plain, "rope_theta": base}
    if base != USUAL_BASE:
        yield f"with rope base {USUAL_BASE:.0f} instead of {base:.0f}", {**rope, "rope_theta": USUAL_BASE}
    if scaled and base != USUAL_BASE:
        name = f"with rope base {USUAL_BASE:.0f} instead of {base:.0f} and without its rope scaling"
        yield name, {**plain, "rope_theta": USUAL_BASE}


def _replace_rope(network: Any, rope: dict[str, Any]) -> bool:
    """Give the network another rope in place; False where it has none that we know how to make."""
    config = copy.deepcopy(network.config.get_text_config())
    config.rope_parameters = rope
    places = [
        (name, type(module))
        for name, module in network.named_modules()
        if hasattr(module, "inv_freq") and "config" in inspect.signature(type(module)).parameters
    ]
    for name, kind in places:
        network.set_submodule(name, kind(config=config))
    return bool(places)
