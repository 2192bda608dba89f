"""What a training is reckoned to need, held against sizes that are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from train.recipe import Recipe, find_recipe, read_recipe
from train.resources.memory import GIB, SLACK, Estimate, estimate, wants_gpu
from train.resources.shapes import KNOWN, Shape, find_shape, guess_shape, read_shape

#: From the models' cards: what Qwen and Hugging Face say they have.
PUBLISHED = {"Qwen/Qwen2.5-3B-Instruct": 3.09e9, "HuggingFaceTB/SmolLM2-135M-Instruct": 134_515_008}


def weigh(name: str, **changes: Any) -> Estimate:
    recipe = read_recipe(find_recipe(name))
    changed = Recipe(recipe.name, recipe.path, {**recipe.config, **changes}, recipe.datasets)
    return estimate(changed, KNOWN[recipe.base_model], gpu=wants_gpu(changed.config))


def size(found: Estimate, name: str) -> float:
    return next(part.size for part in found.parts if part.name == name)


@pytest.mark.parametrize("model", sorted(PUBLISHED))
def test_a_known_base_has_the_parameters_of_its_card(model: str) -> None:
    assert KNOWN[model].parameters == pytest.approx(PUBLISHED[model], rel=0.002)


def test_the_full_3b_run_wants_80_gb() -> None:
    need = weigh("qwen2.5-3b-dpo").total
    assert 48 * GIB < 60e9 < need < 80e9


def test_the_3b_qlora_run_fits_a_small_gpu() -> None:
    assert 10 * GIB < weigh("qwen2.5-3b-qlora-dpo").total < 16 * GIB


def test_the_135m_run_fits_a_laptop_with_8_gb() -> None:
    assert weigh("smollm2-135m-dpo").total < 8.5 * GIB
    assert not wants_gpu(read_recipe(find_recipe("smollm2-135m-dpo")).config)


def test_half_precision_adamw_and_a_reference_take_ten_bytes_a_parameter() -> None:
    found, count = weigh("qwen2.5-3b-dpo"), KNOWN["Qwen/Qwen2.5-3B-Instruct"].parameters
    assert found.fixed - SLACK == 10 * count
    assert size(found, "reference") == 2 * count
    assert weigh("qwen2.5-3b-dpo", rl=None).fixed - SLACK == 8 * count
    assert weigh("qwen2.5-3b-dpo", rl="orpo").fixed - SLACK == 8 * count
    assert weigh("qwen2.5-3b-dpo", optimizer="adamw_bnb_8bit").fixed - SLACK == 8 * count


def test_an_adapter_has_no_second_copy_and_few_trained_parameters() -> None:
    found = weigh("qwen2.5-3b-qlora-dpo")
    assert "reference" not in {part.name for part in found.parts}
    # rank 32 on all seven projections of 36 layers: 32 × (sum of both widths), 16 bytes each
    widths = 2 * (2048 + 2048) + 2 * (2048 + 256) + 3 * (2048 + 11008)
    assert size(found, "adapter") == 16 * 36 * 32 * widths
    less = weigh("qwen2.5-3b-qlora-dpo", lora_target_modules=["q_proj", "model.layers.0.self_attn.v_proj"])
    assert size(less, "adapter") == 16 * 36 * 32 * (2 * 2048 + 2048 + 256)
    eight, whole = (weigh("qwen2.5-3b-qlora-dpo", adapter="lora", load_in_4bit=False, load_in_8bit=on) for on in (1, 0))
    assert size(found, "weights") < size(eight, "weights") < size(whole, "weights")


def test_texts_weigh_by_length_batch_and_checkpointing() -> None:
    usual = weigh("qwen2.5-3b-dpo")
    for changes in ({"sequence_len": 16384}, {"micro_batch_size": 2}):
        assert size(weigh("qwen2.5-3b-dpo", **changes), "logits") == 2 * size(usual, "logits")
    assert size(weigh("qwen2.5-3b-dpo", gradient_checkpointing=False), "activations") > 9 * size(usual, "activations")
    assert size(weigh("qwen2.5-3b-dpo", attn_implementation="eager"), "activations") > 2 * size(usual, "activations")
    assert size(weigh("qwen2.5-3b-dpo", dpo_use_liger_kernel=True), "logits") == 0
    assert weigh("qwen2.5-3b-dpo", sequence_len=128).fixed == usual.fixed


def test_sharding_spreads_what_is_fixed() -> None:
    recipe, shape = read_recipe(find_recipe("qwen2.5-3b-dpo")), KNOWN["Qwen/Qwen2.5-3B-Instruct"]
    sharded = Recipe(recipe.name, recipe.path, {**recipe.config, "fsdp_config": {"version": 2}}, recipe.datasets)
    one, four = (estimate(sharded, shape, gpu=True, shards=count) for count in (1, 4))
    assert four.fixed - SLACK == (one.fixed - SLACK) / 4
    assert estimate(recipe, shape, gpu=True, shards=4).total == one.total


def test_the_table_adds_up() -> None:
    lines = weigh("qwen2.5-3b-dpo").table()
    numbers = [float(line.split(" GiB")[0].split()[-1]) for line in lines]
    assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=0.05)
    assert lines[0].endswith("3.09 billion parameters, 2 bytes per parameter")


CONFIG = {
    "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 3, "intermediate_size": 16, "vocab_size": 100,
    "num_key_value_heads": 1, "tie_word_embeddings": True,
}  # fmt: skip


def test_sizes_come_from_the_folder_the_cache_or_the_hub(tmp_path: Path) -> None:
    offered: dict[str, object] = {"someone/Listed-7B": CONFIG, "someone/Other-7B-Chat": "not found"}

    def find(model: str) -> str | None:
        found = find_shape(model, tmp_path / model, None, tmp_path / "hub", lambda: offered.get(model))
        return None if found is None else found.source

    assert find("Qwen/Qwen2.5-3B-Instruct") == "as published"
    assert find("someone/Other-7B-Chat") == "guessed from its name"
    assert find("someone/Listed-7B") == "from the Hub"
    assert find("someone/other") is None
    folder = tmp_path / "hub" / "models--someone--other"
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc" / "config.json").write_text(json.dumps(CONFIG))
    assert find("someone/other") == "from the Hub's cache"
    (tmp_path / "someone" / "other").mkdir(parents=True)
    (tmp_path / "someone" / "other" / "config.json").write_text(json.dumps(CONFIG))
    assert find("someone/other") == "from its config.json"


def test_a_config_is_read_as_transformers_writes_it() -> None:
    assert read_shape(CONFIG) == Shape(8, 3, 16, 100, 2, 8, 4, tied=True)
    assert read_shape({"text_config": CONFIG, "vision_config": {}}) == read_shape(CONFIG)
    assert read_shape({**CONFIG, "head_dim": 6}) == Shape(8, 3, 16, 100, 2, 12, 6, tied=True)
    mixed = read_shape({**CONFIG, "num_local_experts": 4})
    dense = read_shape(CONFIG)
    assert mixed is not None
    assert dense is not None
    assert mixed.linear - dense.linear == 3 * 3 * 3 * 8 * 16
    assert read_shape({"n_embd": 8}) is None


@pytest.mark.parametrize(("name", "count"), [("Foo-500M", 5e8), ("Foo-7B", 7e9), ("Foo-70B", 7e10)])
def test_a_guess_is_of_the_size_that_the_name_says(name: str, count: float) -> None:
    shape = guess_shape(f"x/{name}")
    assert shape is not None
    assert shape.parameters == pytest.approx(count, rel=0.4)
