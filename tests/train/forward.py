"""Run in either environment, by `python forward.py JSON`: what its transformers makes of model folders.

JSON is `{"folders": {name: path}, "out": folder}`. The logits of each go to OUT/<name>.npy, float32 of shape
[sequences, tokens, vocabulary]; what the tokenizer and the configurations say is printed as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

CHATS = [
    [{"role": "user", "content": "What is the capital of Croatia?"}],
    [
        {"role": "user", "content": "What is 3 plus 45678?  Ünïcode, it's\n\ttabbed."},
        {"role": "assistant", "content": "It is 45681."},
        {"role": "user", "content": " And the opposite of hot?"},
    ],
]
TEXTS = ["The quick brown fox", " spaced  twice ", "digits 1234567", "lists:\n\n1. one", "naïve “quotes” 日本"]


def _logits(folder: str) -> Any:
    """Eager attention: it is the one that both versions run with Gemma 2's soft cap."""
    model, loading = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    assert not loading["missing_keys"], loading
    assert not loading["unexpected_keys"], loading
    assert model.dtype == torch.float32
    ids = torch.randint(0, model.config.vocab_size, (2, 64), generator=torch.Generator().manual_seed(11))
    with torch.inference_mode():
        return model.eval()(ids).logits.numpy(), model.generation_config.eos_token_id


def _tokenizer(folder: str) -> dict[str, Any]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = [tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in CHATS]
    encoded = [tokenizer(text)["input_ids"] for text in TEXTS]
    return {
        "prompts": prompts,
        "ids": [tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in prompts],
        "texts": encoded,
        "decoded": [tokenizer.decode(ids, skip_special_tokens=True) for ids in encoded],
        "template": tokenizer.chat_template,
        "special": [tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id],
        "all special": sorted(tokenizer.all_special_tokens),
    }


def main(asked: dict[str, Any]) -> None:
    found = {}
    for name, folder in asked["folders"].items():
        try:
            logits, eos = _logits(folder)
            found[name] = {"eos": eos, "tokenizer": _tokenizer(folder)}
        except Exception as error:
            raise RuntimeError(f"transformers {transformers.__version__} on {name}") from error
        np.save(Path(asked["out"]) / f"{name}.npy", logits)
    print(json.dumps({"version": transformers.__version__, "found": found}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
