"""Run in the train environment: small tokenizers with the parts and the files that published families have."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

DATA = Path(__file__).resolve().parents[1] / "data" / "tgi"
TEXT = [
    "The quick brown fox jumps over the lazy dog, and then it sleeps for 12 hours.",
    "What is the capital of Croatia? The capital of Croatia is Zagreb.",
    "What is 3 plus 4? It is 7. What is the opposite of hot? Cold.",
    "Please write a short answer to the question that the user asks of the assistant.",
    "A list:\n\n1. one\n\n2. two\n\n3. three\n\n4. four\n\nand so on.",
]
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
HEADERS = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' "
    "+ m['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
)
INST = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'] + eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported') }}{% endif %}{% endfor %}"
)
TURNS = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('No system role') }}"
    "{% endif %}{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\\n' + m['content'] "
    "| trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)


def _trained(tokenizer: Tokenizer, special: list[str], alphabet: list[str]) -> Tokenizer:
    trainer = trainers.BpeTrainer(
        vocab_size=len(special) + len(alphabet) + 250,
        special_tokens=special,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def _bytes(special: list[str], split: Any) -> Tokenizer:
    """BPE over bytes, as Llama 3 and SmolLM have it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    return _trained(tokenizer, special, pre_tokenizers.ByteLevel.alphabet())


def _pieces(special: list[str], fuse: bool = True) -> Tokenizer:
    """BPE over characters with bytes for those that are unknown, as SentencePiece models become."""
    first = [AddedToken(token, special=True, normalized=False) for token in special]
    fallback = [f"<0x{number:02X}>" for number in range(256)]
    plain = Tokenizer(models.BPE(unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    _trained(plain, [*special, *fallback], [])
    learned = json.loads(plain.to_str())["model"]
    merges = [tuple(merge) for merge in learned["merges"]]
    made = Tokenizer(models.BPE(learned["vocab"], merges, unk_token="<unk>", fuse_unk=fuse, byte_fallback=True))
    made.add_special_tokens(first)
    return made


def _write(folder: Path, tokenizer: Tokenizer, template: str, **config: Any) -> None:
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {"clean_up_tokenization_spaces": False, "model_max_length": 512, **config, "chat_template": template}
    (folder / "tokenizer_config.json").write_text(json.dumps(said), encoding="utf-8")


def _begin(tokenizer: Tokenizer, bos: str) -> None:
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos} $B:1", special_tokens=[(bos, tokenizer.token_to_id(bos))]
    )


def qwen2(folder: Path) -> None:
    shutil.copytree(DATA / "model", folder, ignore=lambda _path, names: {
        name for name in names if not name.startswith(("tokenizer", "chat_template"))
    })  # fmt: skip


def llama3(folder: Path) -> None:
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    split = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT), "isolated"), level])
    tokenizer = _bytes(special, split)
    _begin(tokenizer, special[0])
    names = {"bos_token": special[0], "eos_token": "<|eot_id|>"}
    _write(folder, tokenizer, HEADERS, **names, tokenizer_class="PreTrainedTokenizerFast")


def smollm2(folder: Path) -> None:
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer = _bytes(special, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level]))
    names = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>"}
    extra = {"additional_special_tokens": special[1:], "pad_token": "<|im_end|>", "add_prefix_space": False}
    _write(folder, tokenizer, CHATML, **names, **extra, tokenizer_class="GPT2Tokenizer")


def llama2(folder: Path, **more: Any) -> None:
    tokenizer = _pieces(["<unk>", "<s>", "</s>"])
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    _finish_pieces(folder, tokenizer, **{"legacy": False, **more})


def mistral(folder: Path) -> None:
    tokenizer = _pieces(["<unk>", "<s>", "</s>"])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    _finish_pieces(folder, tokenizer, legacy=False, add_prefix_space=True)


def _finish_pieces(folder: Path, tokenizer: Tokenizer, **more: Any) -> None:
    spaced = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(spaced)
    _begin(tokenizer, "<s>")
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True}
    _write(folder, tokenizer, INST, **names, **more, add_eos_token=False, tokenizer_class="LlamaTokenizer")


def gemma2(folder: Path) -> None:
    tokenizer = _pieces(["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"])
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    _begin(tokenizer, "<bos>")
    names = {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>"}
    extra = {"add_bos_token": True, "add_eos_token": False, "spaces_between_special_tokens": False}
    special = {"additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"]}
    _write(folder, tokenizer, TURNS, **names, **extra, **special, tokenizer_class="GemmaTokenizer")


TOKENIZERS: dict[str, Callable[[Path], None]] = {
    made.__name__: made for made in (qwen2, llama3, smollm2, llama2, mistral, gemma2)
}
