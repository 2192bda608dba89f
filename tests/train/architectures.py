"""Run in the train environment: tiny models of five families with random weights, saved by transformers 5.

`python -m tests.train.architectures FOLDER` writes FOLDER/<family>; every tokenizer goes the way that a published one
goes, from the files as the Hub has them through `from_pretrained` and `save_pretrained`. <family>.asis
has the model again, with the tokenizer that `tokenizer_type: PreTrainedTokenizerFast` in a recipe reads.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast
from transformers import Gemma2Config as Gemma2
from transformers import LlamaConfig as Llama
from transformers import MistralConfig as Mistral
from transformers import Qwen2Config as Qwen2

from tests.train.hub_tokenizers import TOKENIZERS

ROWS = 1024
#: Weights large enough that attention attends: with the usual 0.02 rope would hardly move a logit.
SIZES: dict[str, Any] = {
    "vocab_size": ROWS, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "initializer_range": 0.15, "dtype": "float32",
}  # fmt: skip
#: As Llama 3 has it, for a model whose first context was 16 tokens long: 64 tokens reach every branch of it.
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}  # fmt: skip


def _rope(theta: float) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": theta}


#: Family to its configuration; window 16 is shorter than the sequences that are compared.
CONFIGS: dict[str, Any] = {
    "qwen2": Qwen2(**SIZES, tie_word_embeddings=True, rope_parameters=_rope(1e6)),
    "llama3": Llama(**SIZES, tie_word_embeddings=True, rope_parameters=LLAMA3),
    "llama2": Llama(**SIZES | {"num_key_value_heads": 4}, tie_word_embeddings=False, rope_parameters=_rope(1e4)),
    "smollm2": Llama(**SIZES, tie_word_embeddings=True, rope_parameters=_rope(1e5)),
    "mistral": Mistral(**SIZES, head_dim=24, sliding_window=16, rope_parameters=_rope(1e6)),
    "gemma2": Gemma2(
        **SIZES, head_dim=24, sliding_window=16, query_pre_attn_scalar=20, attn_logit_softcapping=4.0,
        final_logit_softcapping=8.0, hidden_activation="gelu_pytorch_tanh", rope_parameters=_rope(1e4),
    ),
}  # fmt: skip


def make(family: str, folder: Path) -> None:
    """FOLDER/<family>, and the tokenizer's files as they were before in FOLDER/<family>.hub."""
    hub, saved = folder / f"{family}.hub", folder / family
    TOKENIZERS[family](hub)
    config = CONFIGS[family]
    (hub / "config.json").write_text(json.dumps({"model_type": config.model_type}), encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(hub)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    for name, value in (ends | {"pad_token_id": tokenizer.pad_token_id}).items():
        setattr(config, name, value)
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config)
    for name, weight in model.named_parameters():
        if "norm" in name or name.endswith("bias"):  # ones and zeros, which would hide what is done to them
            torch.nn.init.normal_(weight, mean=0.5, std=0.2)
    model.generation_config = GenerationConfig(**ends)
    model.save_pretrained(saved)
    tokenizer.save_pretrained(saved)
    as_it_is = folder / f"{family}.asis"
    model.save_pretrained(as_it_is)
    PreTrainedTokenizerFast.from_pretrained(hub).save_pretrained(as_it_is)


if __name__ == "__main__":
    for chosen in CONFIGS:
        make(chosen, Path(sys.argv[1]))
    print(json.dumps(list(CONFIGS)))
