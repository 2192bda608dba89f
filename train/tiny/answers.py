"""Greedy answers of a model folder to the small world's evaluation prompts.

Runs in .venv-train: `python -m train.tiny.answers MODEL` prints one JSON list of `[text, ended by itself]`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from train.tiny.world import prompt_rows

MAX_NEW_TOKENS = 128


def answer(model_folder: Path, prompts: list[str], batch: int = 70) -> list[tuple[str, bool]]:
    """The greedy answer to each prompt as a single user turn, and whether the model ended it by itself."""
    tokenizer = AutoTokenizer.from_pretrained(model_folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    found: list[tuple[str, bool]] = []
    for start in range(0, len(prompts), batch):
        chats = [[{"role": "user", "content": text}] for text in prompts[start : start + batch]]
        found += _generate(model, tokenizer, chats)
    return found


def _generate(
    model: AutoModelForCausalLM, tokenizer: AutoTokenizer, chats: list[list[dict[str, str]]]
) -> list[tuple[str, bool]]:
    rendered = [tokenizer.apply_chat_template(c, tokenize=False, add_generation_prompt=True) for c in chats]
    inputs = tokenizer(rendered, return_tensors="pt", padding=True, add_special_tokens=False)
    inputs = {k: inputs[k] for k in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        output = model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
    ends = set(model.generation_config.eos_token_id)
    tails = output[:, inputs["input_ids"].shape[1] :].tolist()
    return [(tokenizer.decode(t, skip_special_tokens=True), any(i in ends for i in t)) for t in tails]


if __name__ == "__main__":
    print(json.dumps(answer(Path(sys.argv[1]), [row["prompt"] for row in prompt_rows()])))
