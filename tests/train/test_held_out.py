"""Which pairs are held out of a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.models import recipe
from train.held_out import choose, note, split, wanted
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
    assert wanted(read_recipe(recipe(tmp_path, tmp_path)), pairs) == held


@pytest.mark.parametrize("own", [{"val_set_size": 0}, {"val_set_size": 0.1}, {"test_datasets": [{"path": "x.jsonl"}]}])
def test_what_the_recipe_says_goes_before(own: dict[str, object], tmp_path: Path) -> None:
    asked = read_recipe(recipe(tmp_path, tmp_path, **own))
    assert wanted(asked, 1000) == 0
    assert note(asked, 1000, 0) == ("no pair is held out" if own == {"val_set_size": 0} else
                                    "pairs are held out as the recipe says")  # fmt: skip


def test_a_prompts_pairs_stay_together_whatever_the_order() -> None:
    data = rows(600, each=4)
    held = choose(data, 30)
    trained, apart = split(data, held)
    assert (len(trained), len(apart)) == (572, 28)
    assert not {str(row.messages) for row in trained} & {str(row.messages) for row in apart}
    assert choose(reversed(data), 30) == held


def test_where_a_few_prompts_have_all_pairs_none_is_held_out(tmp_path: Path) -> None:
    assert choose(rows(600, each=200), 30) == set()
    assert note(read_recipe(recipe(tmp_path, tmp_path)), 600, 0) == "no pair is held out"


def test_that_few_pairs_are_all_trained_on_is_told(tmp_path: Path) -> None:
    assert note(read_recipe(recipe(tmp_path, tmp_path)), 80, 0) == "no pair is held out: fewer than 200 pairs"
