"""What the page of a pair file shows: each pair whole and escaped, the filters, and how long answers are."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pytest

from eval.report.pairs.page import SHOW, PairQuery, parse_pair_query, show_pair
from eval.report.pairs.pair_file import CLASSES, FILTERS, PairFile, read_pair_file
from tests.judge.test_render import HOSTILE, Audit
from train.errors import PairsError


def row(question: str, chosen: str, rejected: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}], "chosen": chosen, "rejected": rejected, **more}


def shelf(folder: Path, *rows: Any) -> PairFile:
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return read_pair_file(path)


def test_every_filter_finds_what_it_says(tmp_path: Path) -> None:
    turns = [
        {"role": r, "content": c}
        for r, c in (("system", "Be brief."), ("user", "a"), ("assistant", "b"), ("user", "c"))
    ]
    several = {"messages": turns, "chosen": "yes it is", "rejected": "no"}
    held = shelf(
        tmp_path, row("One?", "short", "much longer"), several, row("Three?", " padded", "x" * 7),
        row("Four?", "", "so"), {"a": 1},
    )  # fmt: skip
    assert {name: held.find(name, "") for name in FILTERS} == {
        "All pairs": [0, 1, 2, 3], "Chosen is longer": [1], "Rejected is longer": [0, 3], "Several turns": [1],
        "With a system message": [1], "Not fit for training": [2, 3],
    }  # fmt: skip
    assert held.find("All pairs", "BRIEF yes") == [1]
    assert held.find("no such filter", "three?") == [2]
    assert [excluded.line for excluded in held.left_out] == [5]


def test_steps_stay_within_what_was_found(tmp_path: Path) -> None:
    held = shelf(tmp_path, *(row(f"Question {n}?", f"good {n}", f"bad {n}") for n in range(3)))
    assert "Question 1?" in show_pair(held, "?number=2")
    for number in ("99", "3"):
        page = show_pair(held, f"?number={number}")
        assert "Pair 3 of 3" in page
        assert 'rel="next"' not in page
    for number in ("0", "-1", "x", "²", ""):
        assert "Pair 1 of 3" in show_pair(held, f"?number={number}")
    assert "Pair 1 of 1" in show_pair(held, "?q=question+2&number=99")
    assert "No pair of this file is left" in show_pair(held, "?q=nowhere&number=2")
    assert "第 2 对，共 3 对" in show_pair(held, "?number=2", "zh")


def test_an_address_says_all_and_is_read_back() -> None:
    query = PairQuery(which="Chosen is longer", q="a & b 算术", show="raw", number=7)
    assert parse_pair_query(query.href()) == query
    assert parse_pair_query("?which=drop&show=script&" + "&".join(f"x{n}=1" for n in range(1000))) == PairQuery()


@pytest.mark.parametrize("show", [show for show, _ in SHOW])
def test_hostile_text_is_shown_and_not_run(show: str, tmp_path: Path) -> None:
    hostile = "\n\n".join(HOSTILE.values())
    held = shelf(tmp_path, row(hostile, hostile, hostile + " more", id=hostile, source={hostile: hostile}))
    shown = show_pair(held, f"?show={show}")
    assert shown.count("<script") == 1
    assert "<img" not in shown
    assert not [name for name, _ in Audit(shown).attributes if name.startswith("on")]


def test_differences_are_marked_and_lengths_counted(tmp_path: Path) -> None:
    held = shelf(tmp_path, row("Capital?", "The capital is Zagreb.", "The capital is Split."), row("x", "a" * 60, "b"))
    pair = show_pair(held, "?show=differences")
    assert "<mark>Zagreb</mark>" in pair
    assert "<mark>Split</mark>" in pair
    assert "too little in common" in show_pair(held, "?show=differences&number=2")
    assert held.lengths([0, 1])[:3] == [("≤ 20", 0, 1), ("≤ 50", 1, 1), ("≤ 100", 1, 0)]
    assert len(held.lengths([])) == len(CLASSES) + 1
    assert "Chosen is the longer one in 2 of 2." in html.unescape(pair)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PairsError, match="there is no such file"):
        read_pair_file(tmp_path / "none.jsonl")
