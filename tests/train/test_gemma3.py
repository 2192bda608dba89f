"""Gemma 3's two ropes, and a linear scaling, as a real TGI 3.3.7 reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindside.tgi import not_for_tgi, window_pattern
from tests.train.families import (
    CLOSE,
    FAMILIES,
    farthest,
    recorded_config,
    recorded_prompts,
    scores,
)
from tests.train.models import edit, load
from tests.warm.warm import old_python, train_python
from train.errors import ExportError
from train.export.export import export
from train.export.ropes import both_forms, rope_parameters

LINEAR = "traits/gemma3-linear"


def exported(family: str, target: Path) -> Path:
    export(FAMILIES / family / "hf5", FAMILIES / family / "hf5", target)
    return target


@pytest.mark.parametrize("family", ["gemma3", LINEAR])
def test_config_says_what_the_real_tgi_read_right(family: str, tmp_path: Path) -> None:
    """But for the window: 15 makes TGI equal transformers with 16, and transformers then reads the folder wrong."""
    written = load(exported(family, tmp_path / "x") / "config.json")
    assert {**written, "sliding_window": 15} == {"rope_scaling": None, **recorded_config(family)}
    assert written["sliding_window"] == 16


@pytest.mark.train
@pytest.mark.parametrize("family", ["gemma3", LINEAR])
def test_both_versions_of_transformers_give_the_real_tgis_numbers(family: str, tmp_path: Path) -> None:
    variant = {"gemma3": "right", LINEAR: "trick"}[family]
    texts, wanted = map(list, zip(*recorded_prompts(family, variant), strict=True))
    assert max(map(len, texts)) > 100
    folder = exported(family, tmp_path / "x")
    assert farthest(scores(train_python(), folder, texts), wanted) <= CLOSE
    # The older one knows no other scaling of the full layers' rope than the keys say: it reads what TGI reads.
    assert farthest(scores(old_python(), folder, texts), wanted) <= CLOSE


@pytest.mark.train
def test_with_both_forms_the_real_tgi_sees_one_token_more(tmp_path: Path) -> None:
    texts, wanted = map(list, zip(*recorded_prompts("gemma3", "both"), strict=True))
    folder = exported("gemma3", tmp_path / "x")
    assert farthest(scores(train_python(), folder, texts, window=17), wanted) <= CLOSE
    assert farthest(scores(train_python(), folder, texts), wanted) > 1


def test_a_base_in_the_older_form_is_the_same_model(tmp_path: Path) -> None:
    base, output = tmp_path / "base", FAMILIES / LINEAR / "hf5"
    exported(LINEAR, base)
    edit(base / "config.json", rope_parameters=None, layer_types=None)
    export(output, base, tmp_path / "x")
    written = load(tmp_path / "x" / "config.json")
    assert written["rope_parameters"] == load(output / "config.json")["rope_parameters"]
    assert written["sliding_window_pattern"] == 3


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("sliding_attention: rope_theta", {"rope_local_base_freq": 300.0}),
        ("full_attention: factor", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}}),
        ("sliding_window_pattern", {"sliding_window_pattern": 6}),
    ],
)
def test_another_rope_than_the_bases_is_refused(field: str, change: dict[str, object], tmp_path: Path) -> None:
    base = exported(LINEAR, tmp_path / "base")
    edit(base / "config.json", rope_parameters=None, layer_types=None, **change)
    with pytest.raises(ExportError) as caught:
        export(FAMILIES / LINEAR / "hf5", base, tmp_path / "x")
    assert caught.value.field == field


def test_layers_without_a_rhythm_are_not_for_tgi() -> None:
    kinds = ["full_attention", "sliding_attention", "full_attention"]
    assert window_pattern({"layer_types": kinds}) is None
    config = {**load(FAMILIES / "gemma3" / "hf5" / "config.json"), "layer_types": kinds}
    assert "one rope per kind of layer" in not_for_tgi(config)
    assert set(both_forms(config)) == {"rope_parameters"}
    assert window_pattern({"layer_types": ["sliding_attention"] * 2}) == 3
    assert window_pattern({"layer_types": ["full_attention"] * 2}) == 1


def test_a_linear_scaling_in_llama3s_words_is_still_linear() -> None:
    trick = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    older = {"rope_theta": 1e4, "rope_scaling": {**trick, "original_max_position_embeddings": 1}}
    assert rope_parameters(older) == {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4}
    real = {"rope_theta": 1e4, "rope_scaling": {**trick, "original_max_position_embeddings": 8192}}
    assert rope_parameters(real) == {**real["rope_scaling"], "rope_theta": 1e4}  # type: ignore[dict-item]
