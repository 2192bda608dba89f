"""Transformers 5 reads what was exported, and what it makes of the Hub's configs is no difference to the base."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT
from tests.train.models import hf5_folder, load
from tests.warm.warm import train_python
from train.export.checks import check_config
from train.export.export import export
from train.export.servable import servable_config
from train.launch import environment

LLAMA3 = {
    "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip
#: config.json in the form that transformers 4 wrote, after the published models; not fetched from the Hub.
HUB: dict[str, dict[str, Any]] = {
    "qwen2.5-3b": {
        "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645,
        "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 11008,
        "max_position_embeddings": 32768, "max_window_layers": 70, "model_type": "qwen2", "num_attention_heads": 16,
        "num_hidden_layers": 36, "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
        "sliding_window": 32768, "tie_word_embeddings": True, "torch_dtype": "bfloat16",
        "transformers_version": "4.43.1", "use_cache": True, "use_sliding_window": False, "vocab_size": 151936,
    },
    "smollm2": {
        "architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 1,
        "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 576, "initializer_range": 0.041666666666666664,
        "intermediate_size": 1536, "is_llama_config": True, "max_position_embeddings": 8192, "mlp_bias": False,
        "model_type": "llama", "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3,
        "pad_token_id": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": False, "rope_scaling": None,
        "rope_theta": 100000, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "use_cache": True,
        "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}}, "vocab_size": 49152,
    },
    "llama-3.2-1b": {
        "architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009], "head_dim": 64, "hidden_act": "silu",
        "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 8192, "max_position_embeddings": 131072,
        "mlp_bias": False, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 16,
        "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": LLAMA3,
        "rope_theta": 500000.0, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "use_cache": True,
        "vocab_size": 128256,
    },
}  # fmt: skip

#: For each folder: load its config, save it again beside it, and tell what was understood.
READ = """
import json, sys
from pathlib import Path
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

found = {}
for name in sys.argv[1:]:
    folder = Path(name)
    config = AutoConfig.from_pretrained(folder)
    config.save_pretrained(folder / "saved")
    found[name] = {"rope": config.rope_parameters, "dtype": str(config.dtype)}
    if (folder / "tokenizer.json").exists():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        chat = [{"role": "user", "content": "What is 3 plus 4?"}]
        found[name] |= {
            "class": type(tokenizer).__name__,
            "prompt": tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True),
            "ids": tokenizer("<|im_start|>user\\nHi there<|im_end|>")["input_ids"],
            "eos": GenerationConfig.from_pretrained(folder).eos_token_id,
            "special": tokenizer.all_special_tokens,
        }
print(json.dumps(found))
"""


def read_with_transformers(*folders: Path) -> dict[str, Any]:
    done = subprocess.run(
        [str(train_python()), "-c", READ, *map(str, folders)], capture_output=True, text=True, cwd=ROOT,
        env=environment(train_python().parents[1], offline=True),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.train
def test_transformers_5_reads_the_export_as_it_read_the_output(tmp_path: Path) -> None:
    output, target = hf5_folder(tmp_path / "output"), tmp_path / "exported"
    export(output, hf5_folder(tmp_path / "base"), target)
    hub = []
    for name, config in HUB.items():
        for kind, value in (("base", config), ("export", servable_config(config, None))):
            folder = tmp_path / f"{name}-{kind}"
            folder.mkdir()
            (folder / "config.json").write_text(json.dumps(value), encoding="utf-8")
            hub.append(folder)
    found = read_with_transformers(output, target, *hub)

    before, after = found[str(output)], found[str(target)]
    assert after == before
    assert after["eos"] == [1023, 1021]
    assert after["rope"] == {"rope_theta": 1_000_000.0, "rope_type": "default"}
    for name, config in HUB.items():
        base, exported = (found[str(tmp_path / f"{name}-{kind}")] for kind in ("base", "export"))
        assert exported == base
        assert exported["rope"]["rope_theta"] == config["rope_theta"]
        saved = load(tmp_path / f"{name}-base" / "saved" / "config.json")
        check_config(config, {**saved, "use_cache": False})
        assert "rope_parameters" in saved
    assert found[str(tmp_path / "llama-3.2-1b-export")]["rope"] == {**LLAMA3, "rope_theta": 500000.0}
