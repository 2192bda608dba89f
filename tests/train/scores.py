"""Run in either environment, JSON in: log-probabilities of texts' tokens by its transformers, eager and float32."""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM


def main(asked: dict[str, Any]) -> None:
    config = AutoConfig.from_pretrained(asked["folder"])
    if asked["window"] is not None:
        config.sliding_window = asked["window"]
    network = AutoModelForCausalLM.from_pretrained(
        asked["folder"], config=config, torch_dtype=torch.float32, attn_implementation="eager"
    )
    found = []
    with torch.inference_mode():
        for ids in asked["texts"]:
            logs = network.eval()(torch.tensor([ids]), use_cache=False).logits[0, :-1].log_softmax(-1)
            found.append(logs.gather(1, torch.tensor(ids[1:])[:, None]).flatten().tolist())
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.load(sys.stdin))
