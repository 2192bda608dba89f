"""Run in the train environment: tiny models of the families that no recorded folder has.

Weights as transformers 5 saves them, the tokenizer's files as the Hub has them.
`python -m tests.train.more_families FOLDER` writes FOLDER/<family> for each of FAMILIES.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, pre_tokenizers
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedTokenizerFast
from transformers import GraniteConfig as Granite
from transformers import LlamaConfig as Llama
from transformers import MistralConfig as Mistral

from tests.train.architectures import SIZES
from tests.train.hub_tokenizers import SPLIT, _begin, _bytes, _write, mistral, smollm2

#: Mistral's since Nemo: bytes, control tokens without blanks, the system's text before the last question.
CONTROL = (
    "{%- if messages[0]['role'] == 'system' %}{%- set rules = messages[0]['content'] + '\\n\\n' %}"
    "{%- set turns = messages[1:] %}{%- else %}{%- set rules = '' %}{%- set turns = messages %}{%- endif %}"
    "{{- bos_token }}{%- for m in turns %}{%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{- raise_exception('After the optional system message, user and assistant take turns') }}{%- endif %}"
    "{%- if m['role'] == 'user' %}{{- '[INST]' + (rules if loop.last else '') + m['content'] + '[/INST]' }}"
    "{%- else %}{{- m['content'] + eos_token }}{%- endif %}{%- endfor %}"
)
#: Granite's: a system turn of its own, and the day's date in it, where the conversation has none.
ROLES = (
    "{%- if messages[0]['role'] == 'system' %}{%- set rules = messages[0]['content'] %}{%- set turns = messages[1:] %}"
    "{%- else %}{%- set rules = 'Knowledge ends in April.\\nToday is ' + strftime_now('%B %d, %Y') + '.' %}"
    "{%- set turns = messages %}{%- endif %}"
    "{{- '<|start_of_role|>system<|end_of_role|>' + rules + '<|end_of_text|>\\n' }}{%- for m in turns %}"
    "{{- '<|start_of_role|>' + m['role'] + '<|end_of_role|>' + m['content'] + '<|end_of_text|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_of_role|>assistant<|end_of_role|>' }}{%- endif %}"
)


def mistral_control(folder: Path) -> None:
    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "<pad>"]
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = _bytes(special, pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT), "isolated"), level]))
    _begin(tokenizer, "<s>")
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    _write(folder, tokenizer, CONTROL, **names, add_bos_token=True, tokenizer_class="LlamaTokenizerFast")


def granite(folder: Path) -> None:
    special = ["<|end_of_text|>", "<fim_prefix>", "<|start_of_role|>", "<|end_of_role|>", "<|tool_call|>"]
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer = _bytes(special, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level]))
    names = dict.fromkeys(("bos_token", "eos_token", "unk_token", "pad_token"), special[0])
    _write(folder, tokenizer, ROLES, **names, add_bos_token=False, tokenizer_class="GPT2Tokenizer")


def _rope(theta: float) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": theta}


#: Name to tokenizer and configuration.
FAMILIES: dict[str, tuple[Callable[[Path], None], Any]] = {
    "mistral": (mistral, Mistral(**SIZES, sliding_window=16, rope_parameters=_rope(1e6))),
    "mistral-control": (
        mistral_control, Mistral(**SIZES, head_dim=24, sliding_window=None, rope_parameters=_rope(1e8)),
    ),
    "smollm2-hub": (smollm2, Llama(**SIZES, rope_parameters=_rope(1e5), tie_word_embeddings=True)),
    "granite": (
        granite,
        Granite(
            **SIZES, embedding_multiplier=6.0, attention_multiplier=0.2, residual_multiplier=0.4, logits_scaling=2.0,
            rope_parameters=_rope(5e6), tie_word_embeddings=True,
        ),
    ),
}  # fmt: skip


def make(family: str, folder: Path) -> None:
    tokenizer_of, config = FAMILIES[family]
    tokenizer_of(folder / family)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / family)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    for name, value in ends.items():
        setattr(config, name, value)
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config)
    model.generation_config = GenerationConfig(**ends)
    model.save_pretrained(folder / family)


if __name__ == "__main__":
    for chosen in FAMILIES:
        make(chosen, Path(sys.argv[1]))
