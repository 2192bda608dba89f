"""The tiny recipe's initial model: Qwen2's architecture, random weights, its own tokenizer.

Runs in .venv-train: `python -m train.tiny.blank FOLDER` writes sft.jsonl, pairs.jsonl and blank/ into FOLDER. The same
seed gives the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from train.tiny.world import SEED, sft_rows, write_world

VOCABULARY = 1024
CONTEXT = 1024
END_OF_TEXT, TURN, END_OF_TURN = SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
#: ChatML, as Qwen's without its default system message.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}\n"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' -}}\n"
    "{%- endfor -%}\n"
    "{%- if add_generation_prompt -%}\n"
    "{{- '<|im_start|>assistant\\n' -}}\n"
    "{%- endif -%}"
)
#: Qwen2's pre-tokenizer: words with their space, single digits, punctuation.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def make_tokenizer() -> Tokenizer:
    """A byte-level BPE tokenizer of 1,024 tokens, trained on the SFT rows; the specials come last."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = [message["content"] for row in sft_rows() for message in row["messages"]]
    tokenizer.train_from_iterator([*texts, "system\nuser\nassistant\n"], trainer)
    tokenizer.add_special_tokens(list(SPECIALS))
    return tokenizer


def _config(tokenizer: Tokenizer) -> Qwen2Config:
    return Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.token_to_id(END_OF_TURN),
        pad_token_id=tokenizer.token_to_id(END_OF_TEXT),
        dtype="float32",
    )


def make_blank(folder: Path) -> None:
    """Save the random model and its tokenizer to `folder`, in the form that transformers 5 writes."""
    tokenizer = make_tokenizer()
    torch.manual_seed(SEED)
    model = Qwen2ForCausalLM(_config(tokenizer))
    ids = [tokenizer.token_to_id(t) for t in (END_OF_TURN, END_OF_TEXT)]
    model.generation_config.update(eos_token_id=ids, pad_token_id=ids[1], do_sample=False)
    model.save_pretrained(folder)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END_OF_TURN,
        pad_token=END_OF_TEXT,
        additional_special_tokens=[TURN, END_OF_TURN],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=CONTEXT,
    )
    fast.save_pretrained(folder)


def main(folder: Path) -> None:
    write_world(folder)
    make_blank(folder / "blank")
    weights = sum(p.numel() for p in Qwen2ForCausalLM.from_pretrained(folder / "blank").parameters())
    print(json.dumps({"parameters": weights}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
