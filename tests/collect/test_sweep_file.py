"""sweep.yml: Axolotl's own format, what a sweep has in common, and what is fixed when."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from blindside.errors import BlindsideError
from eval.collect.sweep_file import begin_sweep, candidates, check_definition, read_definition
from eval.sweep import Sweep
from tests.support import ROOT, TRAIN_PYTHON, require
from train.sweep.grid import combinations, named

GRID = {
    "learning_rate": [1e-4, 3e-4],
    "rl_beta": [0.1, 0.3],
    "_": [{"adapter": "lora", "lora_r": 8}, {"num_epochs": 2}],
}


def sweep(**fields: Any) -> Sweep:
    return begin_sweep("rates", check_definition({"recipe": "tiny", **fields}), None, judged=False)


def test_a_grid_is_what_axolotl_makes_of_it() -> None:
    """Held against Axolotl's own code, which shuffles; here they come in the order of the file."""
    found = next(TRAIN_PYTHON.parents[1].glob("lib/python3*/site-packages/axolotl/cli/utils/sweeps.py"), None)
    require(found is not None, "no .venv-train")
    assert found is not None
    spec = importlib.util.spec_from_file_location("axolotl_sweeps", found)
    assert spec is not None
    assert spec.loader is not None
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    expected = theirs.generate_sweep_configs({}, GRID)
    ours = combinations(GRID)
    assert len(ours) == len(expected) == 8
    assert all(one in ours for one in expected)
    assert ours[0] == {"learning_rate": 1e-4, "rl_beta": 0.1, "adapter": "lora", "lora_r": 8}


def test_candidates_are_named_by_what_they_change() -> None:
    names = list(named(combinations({"learning_rate": [1e-4], "dpo_loss_type": [["sigmoid", "sft"], "ipo"]})))
    assert names == ["learning_rate-0.0001_dpo_loss_type-sigmoid-sft", "learning_rate-0.0001_dpo_loss_type-ipo"]
    long = named([{f"key_number_{n}": n for n in range(9)}])
    assert [len(name) for name in long] == [67]


def test_axolotls_own_file_is_read_with_a_recipe_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "rates.yml"
    path.write_text("learning_rate: [0.1, 0.01]\n_:\n  - {load_in_8bit: true, adapter: lora}\n")
    found = read_definition(path, "tiny")
    assert found.recipe == "tiny"
    assert [one.changes for one in candidates("rates", found)] == [
        {"learning_rate": 0.1, "load_in_8bit": True, "adapter": "lora"},
        {"learning_rate": 0.01, "load_in_8bit": True, "adapter": "lora"},
    ]
    with pytest.raises(BlindsideError, match="recipe: give the recipe that grid or changes change"):
        read_definition(path)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"grid": {"learning_rate": 1e-4}}, "`learning_rate` has no list of values"),
        ({"grid": {"_": [1, 2]}}, "`_` is a list of mappings"),
        (
            {"changes": {"a": {"base_model": "other"}, "b": {"seed": 1}}},
            "`base_model`, and a sweep has one base",
        ),
        ({"changes": {"a": {"output_dir": "x"}, "b": {"seed": 1}}}, "changes `output_dir`"),
        ({"changes": {"a": {}, "b": {"seed": 1}}}, "candidate a changes nothing"),
        ({"grid": {"seed": [1]}}, "two candidates or more"),
        ({"changes": {"a/b": {"seed": 1}, "b": {"seed": 2}}}, "'rates-a/b' can't name"),
        ({"models": ["one", "models/one"]}, "two candidates are called one"),
        ({"tuned_url": {"a": "http://x", "b": "http://y"}}, "tuned_url needs base_url and prompts"),
        ({"screen": [{"signal": "vibes"}]}, "screen.0.signal"),
        ({"nonsense": 1, "grid": {"seed": [1, 2]}}, "nonsense"),
    ],
)
def test_what_no_sweep_can_be_is_one_sentence(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BlindsideError, match=said.replace("[", r"\[")):
        sweep(**fields)


def test_a_longer_file_adds_candidates_until_somebody_judged() -> None:
    first = sweep(grid={"seed": [1, 2]})
    longer = check_definition({"recipe": "tiny", "grid": {"seed": [1, 2, 3]}})
    assert [one.name for one in begin_sweep("rates", longer, first, judged=False).candidates][2:] == ["rates-seed-3"]
    with pytest.raises(BlindsideError, match="is being judged, and its candidates are fixed: rates-seed-3 belongs in"):
        begin_sweep("rates", longer, first, judged=True)
    shorter = check_definition({"recipe": "tiny", "grid": {"seed": [2, 4]}})
    assert len(begin_sweep("rates", shorter, first, judged=False).candidates) == 3, "none is dropped in silence"


def test_rules_are_fixed_before_the_first_training() -> None:
    first = sweep(grid={"seed": [1, 2]}, screen=[{"signal": "held_out_accuracy", "at_least": 0.5}])
    other = check_definition(
        {"recipe": "tiny", "grid": {"seed": [1, 2]}, "screen": [{"signal": "held_out_accuracy", "keep": 1}]}
    )
    with pytest.raises(BlindsideError, match="screen and race of sweep rates are fixed since"):
        begin_sweep("rates", other, first, judged=False)


def test_a_name_stays_with_its_changes() -> None:
    first = sweep(changes={"a": {"seed": 1}, "b": {"seed": 2}})
    changed = check_definition({"recipe": "tiny", "changes": {"a": {"seed": 9}, "b": {"seed": 2}}})
    with pytest.raises(
        BlindsideError, match="candidate rates-a of sweep rates was defined differently: give it a new name"
    ):
        begin_sweep("rates", changed, first, judged=False)


def test_the_file_of_the_documentation_is_a_sweep() -> None:
    page = (ROOT / "docs" / "sweep.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert found is not None
    definition = check_definition(yaml.safe_load(found[1]))
    assert [one.name for one in candidates("rates", definition)] == [
        "rates-learning_rate-5e-07_dpo_loss_type-sigmoid_rl_beta-0.1",
        "rates-learning_rate-5e-07_dpo_loss_type-ipo_rl_beta-0.3",
        "rates-learning_rate-2e-06_dpo_loss_type-sigmoid_rl_beta-0.1",
        "rates-learning_rate-2e-06_dpo_loss_type-ipo_rl_beta-0.3",
        "rates-half-data",
        "last-month",
    ]


def test_a_name_leaves_room_for_that_of_its_run() -> None:
    grid = check_definition({"recipe": "tiny", "grid": {"a_long_key_of_axolotls": [1, 2]}})
    with pytest.raises(BlindsideError, match="has more than 91 characters: give the sweep a shorter --name"):
        candidates("s" * 70, grid)
