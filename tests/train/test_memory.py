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
PUBLISHED = {
    "Qwen/Qwen2.5-3B-Instruct": 3.09e9, "Qwen/Qwen2.5-7B-Instruct": 7.61e9, "Qwen/Qwen2.5-14B-Instruct": 14.7e9,
    "Qwen/Qwen2.5-32B-Instruct": 32.5e9, "HuggingFaceTB/SmolLM2-135M-Instruct": 134_515_008,
}  # fmt: skip


def weigh(name: str, **changes: Any) -> Estimate:
    recipe = read_recipe(find_recipe(name))
    changed = Recipe(recipe.name, recipe.path, {**recipe.config, **changes}, recipe.datasets)
    return estimate(changed, KNOWN[recipe.base_model], gpu=wants_gpu(changed.config))


def size(found: Estimate, name: str) -> float:
    return next(part.size for part in found.parts if part.name == name)


@pytest.mark.parametrize("model", sorted(PUBLISHED))
def test_a_known_base_has_the_parameters_of_its_card(model: str) -> None:
    assert KNOWN[model].parameters == pytest.approx(PUBLISHED[model], rel=0.01)


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


def test_fsdp_divides_what_is_held_and_keeps_a_step_whole() -> None:
    """By hand: 7.62 billion parameters in 2 bytes, AdamW's in 4, over 8 GPUs; two layers and the embeddings whole."""
    recipe, shape = read_recipe(find_recipe("qwen2.5-7b-dpo-fsdp2")), KNOWN["Qwen/Qwen2.5-7B-Instruct"]
    found = estimate(recipe, shape, gpu=True, gpus=8)
    assert (
        size(found, "weights") == size(found, "gradients") == size(found, "optimizer") / 2 == 2 * shape.parameters / 8
    )
    assert size(found, "gathered") == 2 * (2 * shape.linear / 28 + 2 * 152064 * 3584)
    assert "reference" not in {part.name for part in found.parts}
    assert [estimate(recipe, shape, gpu=True, gpus=count).total < 80 * GIB for count in (1, 2, 4, 8)] == [0, 1, 1, 1]


def test_deepspeeds_stages_divide_as_the_paper_counts(tmp_path: Path) -> None:
    """ZeRO: 2 + 2 bytes, and 12 for the optimizer; stage 2 divides gradients and optimizer, stage 3 the weights too."""
    recipe, shape = read_recipe(find_recipe("qwen2.5-14b-dpo-zero3")), KNOWN["Qwen/Qwen2.5-14B-Instruct"]
    for stage, weights in ((3, 4), (2, 1)):
        given = {"zero_optimization": {"stage": stage}}
        found = estimate(recipe.replaced(deepspeed=given), shape, gpu=True, gpus=4)
        assert size(found, "weights") == 2 * shape.parameters / weights
        assert (size(found, "gradients"), size(found, "optimizer")) == (shape.parameters / 2, 3 * shape.parameters)
    file = tmp_path / "mine.json"
    file.write_text('{"zero_optimization": {"stage": 3, "offload_optimizer": {"device": "cpu"}}}', encoding="utf-8")
    assert size(estimate(recipe.replaced(deepspeed=str(file)), shape, gpu=True, gpus=4), "optimizer") == 0
    assert estimate(recipe, shape, gpu=True, gpus=8).total < 60 * GIB


def test_a_recipe_that_spreads_nothing_needs_the_same_on_every_gpu() -> None:
    recipe, shape = read_recipe(find_recipe("qwen2.5-3b-dpo")), KNOWN["Qwen/Qwen2.5-3B-Instruct"]
    assert estimate(recipe, shape, gpu=True, gpus=4) == estimate(recipe, shape, gpu=True)
    split = estimate(recipe.replaced(context_parallel_size=4), shape, gpu=True, gpus=4)
    assert size(split, "logits") == size(estimate(recipe, shape, gpu=True), "logits") / 4
    tensors = estimate(recipe.replaced(tensor_parallel_size=4), shape, gpu=True, gpus=4)
    assert size(tensors, "weights") == pytest.approx(2 * (shape.linear / 4 + shape.parameters - shape.linear))


def test_a_reference_that_is_computed_beforehand_takes_no_room() -> None:
    assert weigh("qwen2.5-3b-dpo").total - weigh(
        "qwen2.5-3b-dpo", precompute_ref_log_probs=True
    ).total == pytest.approx(2 * KNOWN["Qwen/Qwen2.5-3B-Instruct"].parameters)


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
