"""What a real TGI 3.3.7 could not serve as what it is: exported for other engines, told, and planned for."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindside.gpus import Gpu
from blindside.tgi import not_for_tgi
from compose.errors import ComposeError
from compose.machine import Machine
from compose.plan import choose_plan
from compose.stack import Model
from tests.support import TRAIN_PYTHON, require
from tests.train.families import CLOSE, FAMILIES, farthest, recorded_prompts, scores
from tests.train.models import edit, load
from tests.warm.warm import train_python
from train.doctor.doctor import Machine as Seen
from train.doctor.doctor import examine
from train.export.export import export
from train.recipe import Recipe, read_recipe

TRAITS = {
    "traits/phi3-partial": "partial_rotary_factor is 0.5, and TGI silently rotates whole heads",
    "traits/llama3-head": "head_dim is 32, not hidden_size / heads = 16, and the server ends at start",
}
NONE = Seen()
GPUS = Machine(
    engine="27.0", compose="2.30.0", gpu_runtime=True, gpus=(Gpu(0, "NVIDIA H100", 81_920 << 20, 81_000 << 20),)
)


def recipe_for(base: Path, folder: Path) -> Recipe:
    path = folder / "mine.yml"
    text = (Path(__file__).parents[2] / "train" / "recipes" / "smollm2-135m-dpo.yml").read_text(encoding="utf-8")
    lines = [f"base_model: {base}" if line.startswith("base_model:") else line for line in text.splitlines()]
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_recipe(path)


@pytest.mark.parametrize("trait", TRAITS)
def test_it_is_told_before_training_at_export_and_in_the_plan(trait: str, tmp_path: Path) -> None:
    saved, target = FAMILIES / trait / "hf5", tmp_path / "x"
    (told,) = export(saved, saved, target)
    assert told.startswith("Not for TGI 3.3: ")
    assert TRAITS[trait] in told
    assert "vLLM" in told
    found = examine(recipe_for(saved, tmp_path), models=tmp_path, machine=NONE, variables={})
    assert [(one.level, one.found) for one in found if one.name == "serving"] == [
        ("warn", not_for_tgi(load(saved / "config.json")))
    ]
    models = (Model("base", str(target)), Model("tuned", str(target)))
    plan = choose_plan(models=models, machine=GPUS)
    assert (plan.kind, plan.server) == ("docker", "vllm")
    assert TRAITS[trait] in plan.lines()[0]
    with_cpu = choose_plan("docker", models=models, machine=Machine(engine="27.0"))
    assert (with_cpu.server, with_cpu.files[-1].name) == ("vllm", "docker-compose.vllm-cpu.yml")
    with pytest.raises(ComposeError, match=r"Not for TGI 3\.3.*SERVER=vllm, ENGINE=vllm or ENGINE=embedded"):
        choose_plan("docker", models=models, server="tgi", machine=GPUS)


@pytest.mark.parametrize("family", ["gemma3", "gemma2", "phi3", "qwen3", "olmo2"])
def test_what_tgi_reads_right_is_not_told_of(family: str, tmp_path: Path) -> None:
    saved = FAMILIES / family / "hf5"
    assert export(saved, saved, tmp_path / "x") == []
    models = (Model("base", str(tmp_path / "x")), Model("tuned", str(tmp_path / "x")))
    assert choose_plan(models=models, machine=GPUS).server == "tgi"


@pytest.mark.train
def test_the_real_tgi_rotated_whole_heads(tmp_path: Path) -> None:
    """The reason: its numbers are those of transformers with a factor of 1, and far from the model's own."""
    require(TRAIN_PYTHON.exists(), "`make env-train` builds it")
    texts, said = map(list, zip(*recorded_prompts("traits/phi3-partial", "exported"), strict=True))
    saved = FAMILIES / "traits/phi3-partial" / "hf5"
    export(saved, saved, tmp_path / "x")
    assert farthest(scores(train_python(), tmp_path / "x", texts), said) > 1
    rope = load(saved / "config.json")["rope_parameters"]
    edit(tmp_path / "x" / "config.json", rope_parameters={**rope, "partial_rotary_factor": 1.0},
         partial_rotary_factor=1.0)  # fmt: skip
    assert farthest(scores(train_python(), tmp_path / "x", texts), said) <= CLOSE
