"""Codes of choices, thumbs, ranks and scores: never inverted, decided by the whole file, refused where that is open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blindside.tables.codes import read_option
from blindside.tables.rows import Excluded
from tests.train.pair_formats import assistant, user
from train.errors import PairsError
from train.pairs.choices import from_choices
from train.pairs.convert import Tally
from train.pairs.feedback import from_feedback
from train.pairs.pair import Pair
from train.pairs.source import read_pairs

NAN = float("nan")


def log(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows_of(codes: list[Any], column: str = "preference", **names: str) -> list[dict[str, Any]]:
    a, b = names.get("a", "a"), names.get("b", "b")
    return [{"prompt": f"Name {n}.", a: f"first {n}", b: f"second {n}", column: code} for n, code in enumerate(codes)]


def chosen(folder: Path, rows: list[dict[str, Any]], **options: Any) -> tuple[list[str], Tally, list[str]]:
    """Of each pair "first" or "second", whichever was chosen; what was counted; what was said."""
    said: list[str] = []
    tally = from_choices(log(folder, rows), folder / "out.jsonl", say=said.append, **options)
    pairs = [row for row in read_pairs(folder / "out.jsonl") if isinstance(row, Pair)]
    assert all({pair.chosen.split()[0], pair.rejected.split()[0]} == {"first", "second"} for pair in pairs)
    assert tally.read == len(rows) == tally.written + tally.excluded.total()
    return [pair.chosen.split()[0] for pair in pairs], tally, said


F, S = "first", "second"
#: The codes of a file, which answers they choose, and what is left out.
CHOICES: list[tuple[list[Any], list[str], dict[str, int]]] = [
    (["a", "b", "A", " B "], [F, S, F, S], {}),
    (["left", "right", "tie"], [F, S], {"tie": 1}),
    (["model_a", "model_b", "tie (bothbad)"], [F, S], {"both bad": 1}),
    ([1, 2], [F, S], {}),
    (["1", "2"], [F, S], {}),
    ([1.0, 2.0, NAN], [F, S], {"no choice": 1}),
    ([2, "tie"], [S], {"tie": 1}),
    ([0, 1, 0], [F, S, F], {}),
    ([0.0, 1.0, None], [F, S], {"no choice": 1}),
    ([-1, 0, 1], [F, S], {"tie": 1}),
    ([-3, 2, 0], [F, S], {"tie": 1}),
    ([1, 2, 3, 4, 5], [F, F, S, S], {"tie": 1}),
    ([1, 7, 4], [F, S], {"tie": 1}),
    ([1.0, 1.5, 2.0, 1.02], [F, S, F], {"tie": 1}),
    (["[[A]]", "[[B]]", "[[C]]"], [F, S], {"tie": 1}),
    (["a", "", "none", None, NAN], [F], {"no choice": 4}),
    (["a", "green"], [F], {"malformed": 1}),
]


@pytest.mark.parametrize(("codes", "expected", "left_out"), CHOICES, ids=[str(codes) for codes, _, _ in CHOICES])
def test_the_values_of_a_file_tell_what_its_codes_mean(
    codes: list[Any], expected: list[str], left_out: dict[str, int], tmp_path: Path
) -> None:
    found, tally, said = chosen(tmp_path, rows_of(codes))
    assert found == expected
    assert dict(tally.excluded) == left_out
    assert said[0].startswith("`preference` is read as: ")


@pytest.mark.parametrize(
    "codes",
    [[0, 0], [1, 1], [1, 2, 3], [0, 1, 2], [1, 2, 3, 4], [0, 5], [1, 10], [True, False], [0.2, 0.9], [1, 6], [2],
     [4, 5]],
    ids=str,
)  # fmt: skip
def test_codes_that_may_mean_several_things_are_refused_and_the_option_says_it(
    codes: list[Any], tmp_path: Path
) -> None:
    with pytest.raises(PairsError, match=r'is ambiguous .*: give the meaning with --choices "0=a,1=b"'):
        chosen(tmp_path, rows_of(codes))
    assert not (tmp_path / "out.jsonl").exists()
    keys = [str(code).lower() for code in codes]
    meaning = read_option(f"{keys[0]}=b,{keys[-1]}={'b' if keys[0] == keys[-1] else 'a'}", ("a", "b"))
    found, _, _ = chosen(tmp_path, rows_of(codes), choices=meaning)
    assert found[0] == S


@pytest.mark.parametrize(
    ("first", "second", "column", "codes", "expected"),
    [
        ("response_0", "response_1", "better_response_id", [0, 1], [F, S]),
        ("response_0", "response_1", "better_response_id", [1, 1], [S, S]),
        ("response_1", "response_2", "label", [1, 1], [F, F]),
        ("output_1", "output_2", "preference", [1, 2], [F, S]),
        ("response_a", "response_b", "label", [0, 1], [F, S]),
    ],
)
def test_where_the_answers_are_numbered_so_are_the_choices(
    first: str, second: str, column: str, codes: list[int], expected: list[str], tmp_path: Path
) -> None:
    assert chosen(tmp_path, rows_of(codes, column, a=first, b=second))[0] == expected


@pytest.mark.parametrize(("first", "codes"), [("response_1", [0, 1]), ("response_0", [1, 2])])
def test_codes_that_count_otherwise_than_the_answers_are_refused(first: str, codes: list[int], tmp_path: Path) -> None:
    second = f"response_{int(first[-1]) + 1}"
    with pytest.raises(PairsError, match="is ambiguous"):
        chosen(tmp_path, rows_of(codes, "label", a=first, b=second))


def arena(n: int, winner: Any, **more: Any) -> dict[str, Any]:
    row = {"question_id": f"q{n}", "model_a": "one", "model_b": "two", "winner": winner, "turn": 1, **more}
    for side, text in (("a", "first"), ("b", "second")):
        row[f"conversation_{side}"] = [user(f"Name {n}."), assistant(f"{text} {n}")]
    return row


ARENA = ["model_a", "model_b", "tie", "tie (bothbad)"]


@pytest.mark.parametrize("more", [{}, {"tstamp": 1700000000.0}])
def test_votes_of_an_arena_with_both_conversations(more: dict[str, Any], tmp_path: Path) -> None:
    found, tally, said = chosen(tmp_path, [arena(n, winner, **more) for n, winner in enumerate(ARENA)])
    assert found == [F, S]
    assert dict(tally.excluded) == {"tie": 1, "both bad": 1}
    assert "`winner` is read as: model_a = a (1), model_b = b (1), tie = tie (1), tie (bothbad) = both bad (1)" in said


def test_a_winner_may_be_named_as_its_row_names_the_models(tmp_path: Path) -> None:
    rows = [arena(0, "one"), arena(1, "two"), arena(2, "one") | {"model_a": "two", "model_b": "one"}]
    assert chosen(tmp_path, rows)[0] == [F, S, S]


def test_votes_of_an_arena_with_a_column_for_each_winner(tmp_path: Path) -> None:
    hot = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0), (1, 1, 0)]
    names = ("winner_model_a", "winner_model_b", "winner_tie")
    texts = {"prompt": '["Name it."]', "response_a": '["first one"]', "response_b": "['second one']"}
    rows = [{"id": n, **texts, **dict(zip(names, marks, strict=True))} for n, marks in enumerate(hot)]
    found, tally, _ = chosen(tmp_path, rows)
    assert found == [F, S]
    assert dict(tally.excluded) == {"tie": 1, "no choice": 1, "malformed": 1}
    (pair, _) = read_pairs(tmp_path / "out.jsonl")
    assert isinstance(pair, Pair)
    assert (pair.messages, pair.chosen) == ((user("Name it."),), "first one")


def test_votes_after_several_turns_need_the_same_turns_before(tmp_path: Path) -> None:
    same: dict[str, Any] = {
        "prompt": ["Hi", "Why?"],
        "response_a": ["Hello.", "first"],
        "response_b": ["Hello.", "second"],
    }
    rows = [same | {"winner": "model_b"}, same | {"response_b": ["Hey.", "second"], "winner": "model_b"}]
    found, tally, _ = chosen(tmp_path, rows)
    assert found == [S]
    assert dict(tally.excluded) == {"conflicting prefixes": 1}


def test_a_row_without_the_column_of_choices_made_none(tmp_path: Path) -> None:
    rows = [*rows_of([None, "a"], "choice"), *rows_of(["a"], "better")]
    found, tally, _ = chosen(tmp_path, rows)
    assert found == [F]
    assert dict(tally.excluded) == {"no choice": 2}


def test_a_file_without_a_column_of_choices_is_refused_with_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(
        PairsError, match=r"has no column of choices .*--field chosen=COLUMN; its columns are: prompt, a"
    ):
        chosen(tmp_path, rows_of(["a"], "verdict"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(codes=st.lists(st.sampled_from(["a", "b", "tie", None, "", "c", "bothbad", True, [], {"a": 1}]), max_size=8))
def test_every_row_of_choices_is_a_pair_or_counted(codes: list[Any], tmp_path: Path) -> None:
    chosen(tmp_path, [*rows_of(["a", *codes]), {"other": 1}])


def thumbs(folder: Path, codes: list[Any], **options: Any) -> tuple[list[tuple[str, str]], Tally]:
    """One answer for each code to the same prompt."""
    rows = [{"prompt": "Why?", "answer": f"{n}", "rating": code, "user": f"u{n}"} for n, code in enumerate(codes)]
    tally = from_feedback(log(folder, rows), folder / "out.jsonl", say=lambda line: None, **options)
    pairs = [row for row in read_pairs(folder / "out.jsonl") if isinstance(row, Pair)]
    return [(pair.chosen, pair.rejected) for pair in pairs], tally


@pytest.mark.parametrize(
    ("codes", "pairs"),
    [
        (["up", "down"], [("0", "1")]),
        ([True, False], [("0", "1")]),
        ([0, 1], [("1", "0")]),
        (["👎", "👍"], [("1", "0")]),
        ([-1, 1, 0], [("1", "0")]),
        ([1, 5, 3], [("1", "0")]),
        ([1.0, 4.0, NAN], [("1", "0")]),
        ([0, 5], [("1", "0")]),
        ([2, 4, 1], [("1", "0")]),
    ],
    ids=str,
)
def test_thumbs_and_stars_by_the_values_of_the_file(codes: list[Any], pairs: list[Any], tmp_path: Path) -> None:
    assert thumbs(tmp_path, codes)[0] == pairs


@pytest.mark.parametrize("codes", [[1, 2], [1, 2, 3], [1, 10], [0, 0], [1, 1], [0, 1, 2]], ids=str)
def test_thumbs_that_may_mean_several_things_are_refused(codes: list[Any], tmp_path: Path) -> None:
    with pytest.raises(PairsError, match=r'is ambiguous .*: give the meaning with --choices "1=down,5=up"'):
        thumbs(tmp_path, codes)


def test_thumbs_by_the_option(tmp_path: Path) -> None:
    assert thumbs(tmp_path, [1, 2], choices=read_option("1=up,2=down", ("up", "down")))[0] == [("0", "1")]


def test_a_log_without_thumbs_is_refused_with_what_it_has(tmp_path: Path) -> None:
    path = log(tmp_path, [{"prompt": "Why?", "answer": "So.", "stars_of_it": 5}])
    with pytest.raises(
        PairsError, match=r"has no column of thumbs or edits .*its columns are: prompt, answer, stars_of_it"
    ):
        from_feedback(path, tmp_path / "out.jsonl")


GOOD_BAD = [("GOOD", 9.0), ("BAD", 2.0)]


@pytest.mark.parametrize("unrated", [NAN, None, True, "n/a"], ids=str)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_not_rated_or_ranked_never_wins_nor_loses(unrated: Any, place: int, tmp_path: Path) -> None:
    scored: list[tuple[str, Any]] = [*GOOD_BAD]
    scored.insert(place, ("NOT RATED", unrated))
    texts, scores = [text for text, _ in scored], [score for _, score in scored]
    completions = [{"response": text, "overall_score": score} for text, score in scored]
    ranks = [{"answer": text, "rank": {9.0: 1.0, 2.0: 7.0}.get(score, score)} for text, score in scored]
    order = [{"value": f"response-{n}", "rank": one["rank"]} for n, one in enumerate(ranks)]
    answers = {f"response-{n}": text for n, text in enumerate(texts)}
    for row in (
        {"instruction": "Why?", "completions": completions},
        {"prompt": "Why?", "answers": ranks},
        {"instruction": "Why?", "generations": texts, "ratings": scores},
        {"prompt": "Why?", **answers, "order.responses": [order]},
    ):
        (pair,) = read_pairs(log(tmp_path, [row]))
        assert isinstance(pair, Pair), pair
        assert (pair.chosen, pair.rejected) == ("GOOD", "BAD")


@pytest.mark.parametrize("label", ["0", "1", "2", 1])
def test_a_bare_number_names_no_field_of_argilla(label: Any, tmp_path: Path) -> None:
    row = {"prompt": "Why?", "response-x": "a", "response-y": "b", "x.responses": [label]}
    (left_out,) = read_pairs(log(tmp_path, [row]))
    assert isinstance(left_out, Excluded)


def test_rows_without_two_ratings_are_counted(tmp_path: Path) -> None:
    none = [{"response": "a", "overall_score": NAN}, {"response": "b", "overall_score": NAN}]
    same = [{"response": "a", "overall_score": 3}, {"response": "b", "overall_score": "3,0"}]
    rows = list(read_pairs(log(tmp_path, [{"instruction": "Why?", "completions": one} for one in (none, same)])))
    assert [row.reason for row in rows if isinstance(row, Excluded)] == ["malformed", "tied"]
