"""Which pairs are held out of a training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.train.models import recipe
from train.data import prepare
from train.held_out import choose_held_out, held_out_note, held_out_wanted, split_held_out
from train.pairs.read import Row
from train.recipe import read_recipe


def rows(count: int, each: int = 1) -> list[Row]:
    """So many pairs, `each` of them on one prompt."""
    return [
        Row(n, ({"role": "user", "content": f"What is {n // each}?"},), f"It is {n}.", "No idea.", {})
        for n in range(count)
    ]


@pytest.mark.parametrize(("pairs", "held"), [(199, 0), (200, 20), (560, 28), (1000, 50), (4000, 200), (90_000, 200)])
def test_five_percent_are_held_out_between_20_and_200(pairs: int, held: int, tmp_path: Path) -> None:
    assert held_out_wanted(read_recipe(recipe(tmp_path, tmp_path)), pairs) == held


@pytest.mark.parametrize("own", [{"val_set_size": 0}, {"val_set_size": 0.1}, {"test_datasets": [{"path": "x.jsonl"}]}])
def test_what_the_recipe_says_goes_before(own: dict[str, object], tmp_path: Path) -> None:
    asked = read_recipe(recipe(tmp_path, tmp_path, **own))
    assert held_out_wanted(asked, 1000) == 0
    assert held_out_note(asked, 1000, 0) == ("no pair is held out" if own == {"val_set_size": 0} else
                                    "pairs are held out as the recipe says")  # fmt: skip


def test_a_prompts_pairs_stay_together_whatever_the_order() -> None:
    data = rows(600, each=4)
    held = choose_held_out(data, 30)
    trained, apart = split_held_out(data, held)
    assert (len(trained), len(apart)) == (572, 28)
    assert not {str(row.messages) for row in trained} & {str(row.messages) for row in apart}
    assert choose_held_out(reversed(data), 30) == held


def test_where_a_few_prompts_have_all_pairs_none_is_held_out(tmp_path: Path) -> None:
    assert choose_held_out(rows(600, each=200), 30) == set()
    assert held_out_note(read_recipe(recipe(tmp_path, tmp_path)), 600, 0) == "no pair is held out"


def test_that_few_pairs_are_all_trained_on_is_told(tmp_path: Path) -> None:
    assert held_out_note(read_recipe(recipe(tmp_path, tmp_path)), 80, 0) == "no pair is held out: fewer than 200 pairs"


def test_held_out_pairs_lie_under_the_names_that_axolotl_reads_for_evaluation(tmp_path: Path) -> None:
    """Of such a data set it passes over field_chosen and field_rejected."""
    data = "".join(
        json.dumps(
            {"talk": [{"role": "user", "content": f"What is {n}?"}], "good": {"role": "assistant", "content": f"{n}."},
             "bad": {"role": "assistant", "content": "No idea."}}
        ) + "\n"
        for n in range(200)
    )  # fmt: skip
    (tmp_path / "pairs.jsonl").write_text(data)
    path = recipe(tmp_path, tmp_path)
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["datasets"][0] |= {"field_messages": "talk", "field_chosen": "good", "field_rejected": "bad"}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    said: list[str] = []
    done = prepare(read_recipe(path), tmp_path / "work", tmp_path, said.append)
    assert "  note: 20 of 200 pairs are held out and scored before and after (val_set_size overrides that)" in said
    [trained], [held] = done.datasets, done.held_out
    assert (trained["field_chosen"], held["field_chosen"], held["field_messages"]) == ("good", "chosen", "messages")
    lines = [Path(entry["path"]).read_text(encoding="utf-8").splitlines() for entry in (trained, held)]
    assert [len(many) for many in lines] == [180, 20]
    assert json.loads(lines[1][0]).keys() == {"messages", "chosen", "rejected", "blindside_pair"}
