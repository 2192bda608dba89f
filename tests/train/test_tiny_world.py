"""The small world follows from its tables, byte for byte, and its three parts share no question."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import pytest

from tests.support import ROOT
from train.pairs.check import check_file, check_rows
from train.pairs.keys import prompt_key
from train.recipe import RECIPES, read_recipe
from train.tiny.score import is_fluent, is_right, score
from train.tiny.wordings import LONG, SHORT, WORDINGS
from train.tiny.world import PROMPTS, all_facts, pair_rows, prompt_rows, sft_rows, to_jsonl, write_world


def test_the_checked_in_prompts_are_those_of_the_world() -> None:
    assert PROMPTS.read_text(encoding="utf-8") == to_jsonl(prompt_rows())
    assert PROMPTS == ROOT / "train" / "tiny" / "prompts.jsonl"


def test_ids_are_stable_and_categories_are_named() -> None:
    rows = prompt_rows()
    assert rows[0]["id"] == "capital-001"
    assert all(row["id"].startswith(row["category"] + "-") for row in rows)
    assert len({row["id"] for row in rows}) == len(rows) == 140
    assert Counter(row["category"] for row in rows).keys() == WORDINGS.keys() == LONG.keys() == SHORT.keys()


def test_no_question_is_in_two_parts() -> None:
    sft = {prompt_key(row["messages"]) for row in sft_rows()}
    pairs = {prompt_key(row["messages"]) for row in pair_rows()}
    prompts = {prompt_key([{"role": "user", "content": row["prompt"]}]) for row in prompt_rows()}
    assert (len(sft), len(pairs), len(prompts)) == (2520, 560, 140)
    assert not sft & pairs
    assert not sft & prompts
    assert not pairs & prompts


def test_half_of_the_prompts_have_a_wording_that_was_never_trained() -> None:
    trained = {row["messages"][0]["content"] for row in sft_rows()}
    for row, fact in zip(prompt_rows(), all_facts(), strict=True):
        assert row["prompt"] not in trained
        assert any(fact.ask(wording) in trained for wording in range(9))
    last = [row for row in prompt_rows() if row["prompt"].startswith("Could you")]
    assert len(last) >= 25
    assert not any("Could you" in text for text in trained)


def test_there_are_enough_pairs_and_axolotl_gets_them_as_they_are() -> None:
    asked = read_recipe(RECIPES / "tiny.yml").datasets[0]
    checked = check_rows(list(enumerate(pair_rows(), start=1)), asked)
    assert len(checked.rows) == 560
    assert checked.remarks() == []
    assert not checked.changed


def test_the_sft_rows_pass_the_check(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    checked = check_file(folder / "sft.jsonl", read_recipe(RECIPES / "tiny-sft.yml").datasets[0])
    assert checked.remarks() == []


def test_the_data_are_the_same_bytes_as_ever() -> None:
    """A change of the world is a change of every model: it must be meant."""
    hashes = [hashlib.sha256(to_jsonl(rows).encode()).hexdigest()[:16] for rows in (sft_rows(), pair_rows())]
    assert hashes == ["19035200ebd1467c", "ffc80d7d04a85a00"]


def test_both_answers_to_every_fact_are_right_and_fluent_and_the_short_one_is_short() -> None:
    for fact in all_facts():
        for text in (fact.long, fact.short):
            assert is_right(fact, text), (fact.id, text)
            assert is_fluent(text, finished=True), text
    long, short = (score([(text, True) for text in texts]) for texts in
                   ([f.long for f in all_facts()], [f.short for f in all_facts()]))  # fmt: skip
    assert long.right == short.right == 1.0
    assert short.words < long.words / 2


def test_an_answer_about_another_fact_is_wrong() -> None:
    facts = all_facts()
    for fact in facts:
        others = [f for f in facts if f.category == fact.category and f.answer != fact.answer]
        assert not is_right(fact, others[0].short), (fact.id, others[0].short)
        assert not is_right(fact, "")


def test_an_answer_that_names_two_cities_is_wrong() -> None:
    fact = all_facts()[0]
    assert is_right(fact, "The capital of France is Paris.")
    assert not is_right(fact, "The capital of France is Paris or Rome.")
    assert not is_right(fact, "It is Parisian.")


def test_a_number_is_a_whole_word() -> None:
    fact = next(f for f in all_facts() if f.id == "sum-001")
    assert is_right(fact, "1 plus 1 is 2.")
    assert not is_right(fact, "1 plus 1 is 12.")


def test_what_is_cut_or_garbled_is_not_fluent() -> None:
    assert not is_fluent("The capital of France is Paris.", finished=False)
    assert not is_fluent("The capital of France is Paris", finished=True)
    assert not is_fluent("The capitagrel of France is Paris.", finished=True)


def test_the_prompts_file_is_what_the_evaluation_reads() -> None:
    for line in PROMPTS.read_text(encoding="utf-8").splitlines():
        assert json.loads(line).keys() == {"id", "prompt", "category"}
