"""Each trap between Axolotl's output and TGI 3.3, on the recorded model's own files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.train.models import SHAPES, edit, hf5_folder, load, write_weights
from train.errors import ExportError
from train.export.export import export


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return hf5_folder(tmp_path / "base")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """What Axolotl leaves: other weights, and the keys that it changes."""
    folder = hf5_folder(tmp_path / "output", fill=1)
    edit(folder / "config.json", use_cache=False)
    edit(folder / "generation_config.json", do_sample=True)
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tuned"


def test_rope_and_dtype_in_both_forms(output: Path, base: Path, target: Path) -> None:
    export(output, base, target)
    config = load(target / "config.json")
    assert config["rope_theta"] == 1_000_000.0
    assert config["rope_scaling"] is None
    assert config["rope_parameters"] == {"rope_theta": 1_000_000.0, "rope_type": "default"}
    assert config["dtype"] == config["torch_dtype"] == "float32"


def test_llama3_rope_scaling_is_kept(output: Path, base: Path, target: Path) -> None:
    scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    scaling["original_max_position_embeddings"] = 256
    edit(base / "config.json", rope_parameters=None, rope_theta=5e5, rope_scaling=scaling)
    edit(output / "config.json", rope_parameters={**scaling, "rope_theta": 5e5})
    export(output, base, target)
    config = load(target / "config.json")
    assert config["rope_scaling"] == scaling
    assert config["rope_theta"] == 5e5
    assert config["rope_parameters"] == {**scaling, "rope_theta": 5e5}


def test_dtype_is_that_of_the_weights(output: Path, base: Path, target: Path) -> None:
    write_weights(output / "model.safetensors", SHAPES, dtype="BF16")
    export(output, base, target)
    assert load(target / "config.json")["torch_dtype"] == "bfloat16"


def test_the_cache_is_on(output: Path, base: Path, target: Path) -> None:
    export(output, base, target)
    assert load(target / "config.json")["use_cache"] is True


def test_special_tokens_as_transformers_4_reads_them(output: Path, base: Path, target: Path) -> None:
    export(output, base, target)
    config = load(target / "tokenizer_config.json")
    assert config["additional_special_tokens"] == ["<|im_start|>", "<|im_end|>"]
    assert not {"extra_special_tokens", "backend", "is_local", "local_files_only"} & config.keys()


@pytest.mark.parametrize("written", ["TokenizersBackend", "PythonBackend", None])
def test_a_tokenizer_class_that_transformers_4_lacks(
    written: str | None, output: Path, base: Path, target: Path
) -> None:
    edit(base / "tokenizer_config.json", tokenizer_class=written)
    export(output, base, target)
    assert load(target / "tokenizer_config.json")["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_the_bases_tokenizer_class_is_kept(output: Path, base: Path, target: Path) -> None:
    edit(output / "tokenizer_config.json", tokenizer_class="TokenizersBackend")
    export(output, base, target)
    assert load(target / "tokenizer_config.json")["tokenizer_class"] == "Qwen2Tokenizer"


def test_the_template_is_in_both_places(output: Path, base: Path, target: Path) -> None:
    export(output, base, target)
    apart = (target / "chat_template.jinja").read_text(encoding="utf-8")
    assert apart == load(target / "tokenizer_config.json")["chat_template"]
    assert apart == (base / "chat_template.jinja").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("generation", "config", "wanted"),
    [
        (1021, 1023, [1021, 1023]),
        (None, 1023, [1023]),
        ([1023, 1021], 1023, [1023, 1021]),
        # Neither names the end of a turn: the template does.
        (1021, 1021, [1021, 1023]),
    ],
)
def test_eos_is_complete_and_a_list(
    generation: int | list[int] | None, config: int, wanted: list[int], output: Path, base: Path, target: Path
) -> None:
    for folder in (base, output):
        edit(folder / "generation_config.json", eos_token_id=generation)
        edit(folder / "config.json", eos_token_id=config)
    edit(base / "tokenizer_config.json", eos_token="<|endoftext|>" if wanted[0] == 1021 else "<|im_end|>")
    edit(output / "tokenizer_config.json", eos_token="<|endoftext|>" if wanted[0] == 1021 else "<|im_end|>")
    export(output, base, target)
    assert load(target / "generation_config.json")["eos_token_id"] == wanted


def test_sampling_is_not_switched_on_for_a_base_that_does_not_sample(output: Path, base: Path, target: Path) -> None:
    edit(base / "generation_config.json", do_sample=False)
    export(output, base, target)
    assert not {"do_sample", "temperature", "top_p", "top_k"} & load(target / "generation_config.json").keys()


def test_a_base_that_samples_keeps_its_settings(output: Path, base: Path, target: Path) -> None:
    export(output, base, target)
    assert load(target / "generation_config.json")["temperature"] == 0.7


def test_every_file_can_be_read_by_all(output: Path, base: Path, target: Path) -> None:
    export(output, base, target)
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o644}
    assert target.stat().st_mode & 0o777 == 0o755


def test_weights_are_copied_and_nothing_else_comes_along(output: Path, base: Path, target: Path) -> None:
    (output / "training_args.bin").write_bytes(b"pickle")
    (output / "debug.log").write_text("x", encoding="utf-8")
    export(output, base, target)
    assert (target / "model.safetensors").read_bytes() == (output / "model.safetensors").read_bytes()
    assert (target / "model.safetensors").stat().st_ino != (output / "model.safetensors").stat().st_ino
    assert sorted(path.name for path in target.iterdir()) == [
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_linked_weights_take_no_room_and_stay_in_the_output(output: Path, base: Path, target: Path) -> None:
    export(output, base, target, link=True)
    assert (target / "model.safetensors").stat().st_ino == (output / "model.safetensors").stat().st_ino


def test_shards_come_with_their_index(output: Path, base: Path, target: Path) -> None:
    for folder in (base, output):
        (folder / "model.safetensors").unlink()
        for number, name in enumerate(SHAPES, start=1):
            write_weights(folder / f"model-0000{number}-of-00002.safetensors", {name: SHAPES[name]})
        (folder / "model.safetensors.index.json").write_text("{}", encoding="utf-8")
    export(output, base, target)
    assert len(list(target.glob("model-*.safetensors"))) == 2
    assert (target / "model.safetensors.index.json").exists()


def test_an_older_export_is_replaced_whole(output: Path, base: Path, target: Path) -> None:
    target.mkdir(parents=True)
    (target / "blindside.json").write_text("{}", encoding="utf-8")
    (target / "stale.safetensors").write_bytes(b"")
    export(output, base, target)
    assert not (target / "blindside.json").exists()
    assert not (target / "stale.safetensors").exists()
    assert [path.name for path in target.parent.iterdir()] == ["tuned"]


def _json(name: str, **changes: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / name, **changes)


def _tokenizer(change: Callable[[dict[str, object]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        value = load(folder / "tokenizer.json")
        change(value)
        (folder / "tokenizer.json").write_text(json.dumps(value), encoding="utf-8")

    return apply


def _swap_merges(tokenizer: dict[str, object]) -> None:
    model = tokenizer["model"]
    assert isinstance(model, dict)
    model["merges"][0], model["merges"][1] = model["merges"][1], model["merges"][0]


def _grow_vocabulary(tokenizer: dict[str, object]) -> None:
    model = tokenizer["model"]
    assert isinstance(model, dict)
    model["vocab"]["new"] = 2000


def _other_split(tokenizer: dict[str, object]) -> None:
    tokenizer["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}


def _other_template(folder: Path) -> None:
    path = folder / "chat_template.jinja"
    path.write_text(path.read_text(encoding="utf-8").replace("'\\n'", "' '"), encoding="utf-8")


DIFFERENCES: list[tuple[str, Callable[[Path], None], str, str]] = [
    ("architectures", _json("config.json", architectures=["LlamaForCausalLM"]), "LlamaForCausalLM", "Qwen2For"),
    ("vocab_size", _json("config.json", vocab_size=1000), "1000", "1024"),
    ("hidden_act", _json("config.json", hidden_act="gelu"), "gelu", "silu"),
    ("max_position_embeddings", _json("config.json", max_position_embeddings=2048), "2048", "1024"),
    ("tie_word_embeddings", _json("config.json", tie_word_embeddings=False), "False", "True"),
    ("rope_theta", _json("config.json", rope_parameters={"rope_theta": 10000.0}), "10000.0", "1000000.0"),
    ("quantization_config", _json("config.json", quantization_config={"bits": 4}), "bits", "None"),
    ("eos_token", _json("tokenizer_config.json", eos_token="<|endoftext|>"), "<|endoftext|>", "<|im_end|>"),
    ("pad_token", _json("tokenizer_config.json", pad_token="<|im_end|>"), "<|im_end|>", "<|endoftext|>"),
    ("tokenizer merges", _tokenizer(_swap_merges), "", ""),
    ("tokenizer vocab (size)", _tokenizer(_grow_vocabulary), "1022", "1021"),
    ("tokenizer added_tokens", _tokenizer(lambda t: t.update(added_tokens=[])), "0", "3"),
    ("tokenizer normalizer", _tokenizer(lambda t: t.update(normalizer=None)), "None", "NFC"),
    ("tokenizer pre_tokenizer", _tokenizer(_other_split), "ByteLevel", "Split"),
    ("chat_template (a conversation as rendered)", _other_template, "", ""),
]


@pytest.mark.parametrize(("field", "spoil", "mine", "theirs"), DIFFERENCES, ids=[d[0] for d in DIFFERENCES])
def test_what_must_not_differ_is_refused_with_both_values(
    field: str,
    spoil: Callable[[Path], None],
    mine: str,
    theirs: str,
    output: Path,
    base: Path,
    target: Path,
) -> None:
    spoil(output)
    with pytest.raises(ExportError) as caught:
        export(output, base, target)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field} is ")
    assert mine in str(caught.value)
    assert theirs in str(caught.value)
    assert not target.exists()
    assert not target.parent.exists() or not list(target.parent.iterdir())


def test_a_tensor_of_another_shape_is_refused(output: Path, base: Path, target: Path) -> None:
    write_weights(output / "model.safetensors", {**SHAPES, "model.norm.weight": [96]})
    with pytest.raises(ExportError, match=r"shape of model\.norm\.weight is \(96,\).* and \(192,\) in its base"):
        export(output, base, target)


def test_a_missing_tensor_is_refused_but_for_a_tied_head(output: Path, base: Path, target: Path) -> None:
    write_weights(base / "model.safetensors", {**SHAPES, "lm_head.weight": [1024, 192]})
    export(output, base, target)
    write_weights(base / "model.safetensors", {**SHAPES, "model.layers.0.weight": [2]})
    with pytest.raises(ExportError, match=r"tensor model\.layers\.0\.weight is 'missing' in the trained"):
        export(output, base, target)


def test_an_embedding_smaller_than_the_vocabulary_is_refused(output: Path, base: Path, target: Path) -> None:
    write_weights(output / "model.safetensors", {**SHAPES, "model.embed_tokens.weight": [1000, 192]})
    with pytest.raises(ExportError, match=r"rows of the embedding.* is 1000"):
        export(output, base, target)


def test_weights_cut_short_are_refused(output: Path, base: Path, target: Path) -> None:
    path = output / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ExportError, match="it is incomplete"):
        export(output, base, target)


def test_a_pickle_is_refused(output: Path, base: Path, target: Path) -> None:
    (output / "model.safetensors").rename(output / "pytorch_model.bin")
    with pytest.raises(ExportError, match="is a pickle"):
        export(output, base, target)


def test_an_adapter_is_refused(output: Path, base: Path, target: Path) -> None:
    (output / "model.safetensors").unlink()
    (output / "adapter_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ExportError, match="merge it first"):
        export(output, base, target)


def test_two_templates_that_differ_are_refused(output: Path, base: Path, target: Path) -> None:
    edit(output / "tokenizer_config.json", chat_template="{{ messages }}")
    with pytest.raises(ExportError, match="two chat templates that differ"):
        export(output, base, target)


def test_one_rope_per_kind_of_layer_is_told_and_kept(output: Path, base: Path, target: Path) -> None:
    rope = {"full_attention": {"rope_theta": 1e6}, "sliding_attention": {"rope_theta": 1e4}}
    for folder in (base, output):
        edit(folder / "config.json", rope_parameters=rope)
    (told,) = export(output, base, target)
    assert told.startswith("Not for TGI 3.3: it has one rope per kind of layer")
    written = load(target / "config.json")
    assert written["rope_parameters"]["sliding_attention"] == {"rope_type": "default", "rope_theta": 1e4}
    assert "rope_theta" not in written


def test_what_transformers_5_says_otherwise_is_no_difference(output: Path, base: Path, target: Path) -> None:
    """The older form of a base from the Hub against what transformers 5 makes of it."""
    older = {"rope_theta": 1_000_000.0, "torch_dtype": "bfloat16", "sliding_window": 32768}
    edit(base / "config.json", rope_parameters=None, dtype=None, layer_types=None, **older)
    edit(output / "config.json", bos_token_id=..., pad_token_id=1021)
    tokenizer = load(base / "tokenizer.json")
    tokenizer["model"]["merges"] = [" ".join(merge) for merge in tokenizer["model"]["merges"]]
    tokenizer["pre_tokenizer"]["pretokenizers"][1]["trim_offsets"] = False
    (base / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    edit(output / "tokenizer_config.json", unk_token="<|endoftext|>")
    export(output, base, target)
    assert load(target / "config.json")["sliding_window"] == 32768
    assert (target / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()
    assert "unk_token" not in load(target / "tokenizer_config.json")


def test_a_base_without_weights_at_hand_is_enough(output: Path, base: Path, target: Path) -> None:
    (base / "model.safetensors").unlink()
    export(output, base, target)
    assert (target / "model.safetensors").exists()


def test_a_folder_that_is_no_model_is_one_sentence(output: Path, base: Path, target: Path) -> None:
    shutil.copy(output / "config.json", output / "broken.json")
    (output / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ExportError, match=r"config\.json is not JSON"):
        export(output, base, target)
    (output / "config.json").unlink()
    with pytest.raises(ExportError, match=r"has no config\.json"):
        export(output, base, target)
