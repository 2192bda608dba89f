"""`pairs check`: each thing that spoils a training is found, named by line, and gone after `--fix`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.compose.servers import MODEL
from tests.support import TRAIN_PYTHON, require
from tests.train.pair_formats import assistant, user
from train.errors import PairsError
from train.pairs.convert import convert
from train.pairs.pair import Pair
from train.pairs.source import read_pairs
from train.pairs.survey.counting import TokenCounter
from train.pairs.survey.language import language_of, same_language
from train.pairs.survey.near_duplicates import NearDuplicates, Overlap, shingles
from train.pairs.survey.protocol import EXACT
from train.pairs.survey.run import Survey, check_pairs
from train.pairs.survey.secrets import kinds_in
from train.recipe import find_recipe, read_recipe
from train.resources.findings import Finding

_SOME = "river stone lamp garden winter harbour piano ladder copper window meadow thunder basket candle forest"
WORDS = _SOME.split()


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A pair that nothing is wrong with, unlike every other number's."""
    a, b, c = (WORDS[number // step % len(WORDS)] for step in (1, 15, 225))
    good = f"The {a} stands by the {b} since the {c} came, number {number} of all."
    bad = f"Nobody knows of any {c}, {b} or {a} numbered {number}; ask again."
    if number % 2:
        good, bad = bad, good
    pair = {
        "messages": [user(f"Where is {a} {b} {c} {number}?")],
        "chosen": assistant(good),
        "rejected": assistant(bad),
    }
    return pair | changes


def file_of(folder: Path, *rows: Any, count: int = 30) -> Path:
    """`count` good rows, and behind them the others."""
    path = folder / "pairs.jsonl"
    lines = [
        one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in (*map(row, range(count)), *rows)
    ]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def look(path: Path, **how: Any) -> tuple[Survey, list[str]]:
    said: list[str] = []
    return check_pairs(path, say=said.append, **how), said


def named(survey: Survey, name: str) -> Finding:
    return next(one for one in survey.findings if one.name == name)


def test_good_pairs_pass_with_a_note_that_they_are_few(tmp_path: Path) -> None:
    survey, said = look(file_of(tmp_path))
    assert survey.ok
    assert [one.name for one in survey.findings if one.level != "ok"] == ["rows"]
    assert named(survey, "rows").found == "30 rows, 30 usable pairs"
    assert "500 to 1,000 are the least" in named(survey, "rows").remedy
    assert named(survey, "languages").found == "English 100%"
    assert any(line.startswith("warn rows") for line in said)


SECRET = "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH"
SPOILED: list[tuple[Any, str]] = [
    ("{not json", "not a JSON object"),
    (row(90, chosen="x", rejected=None), "malformed"),
    (row(90, chosen=[user("another"), assistant("x")]), "conflicting prefixes"),
    (row(90, chosen=assistant(" \n\t")), "empty text"),
    (row(90, messages=[user("")]), "empty text"),
    (row(90, chosen=assistant("Yes."), rejected=assistant(" Yes.")), "chosen is rejected"),
    (row(90, chosen=assistant("assistant")), "text that Axolotl finds elsewhere"),
    (row(90, rejected=assistant("User")), "text that Axolotl finds elsewhere"),
    (row(90, rejected=assistant("a")), "text that Axolotl finds elsewhere"),
    (row(90, messages=[user("Hello"), assistant("Hi")]), "turns out of order"),
    (row(90, messages=[user("Hello"), user("Hi")]), "turns out of order"),
    (row(90, chosen=assistant("\nIt is here since long ago.")), "white space at the ends of a text"),
    (row(90, chosen=assistant("It is here since long ago. ")), "white space at the ends of a text"),
    (row(90, messages=[user(" Where is it now? ")]), "white space at the ends of a text"),
    (row(90, chosen=assistant(f"Use {SECRET} for it.")), "Hugging Face token"),
    (row(3, chosen=row(3)["rejected"], rejected=row(3)["chosen"]), "contradicts another pair"),
]


@pytest.mark.parametrize(("spoiled", "name"), SPOILED, ids=[f"{n} {name}" for n, (_, name) in enumerate(SPOILED)])
def test_what_spoils_a_training_is_found_by_its_line_and_gone_after_fix(
    spoiled: Any, name: str, tmp_path: Path
) -> None:
    path = file_of(tmp_path, spoiled)
    survey, said = look(path, fix=tmp_path / "clean.jsonl")
    assert not survey.ok
    finding = named(survey, name)
    assert (finding.level, finding.found) == ("fail", "1 row (line 31)")
    assert finding.remedy
    assert SECRET not in "\n".join(said)
    fixed = survey.fixed
    assert fixed is not None
    assert fixed.read == 31 == fixed.written + fixed.left_out.total()
    again, _ = look(tmp_path / "clean.jsonl")
    assert again.ok
    if name.startswith("white space"):
        assert (fixed.stripped, fixed.written) == (1, 31)
    else:
        assert fixed.left_out.total() == (2 if name.startswith("contradicts") else 1)


def test_pairs_that_say_the_same_are_told_and_the_first_stays(tmp_path: Path) -> None:
    close = row(5, rejected=assistant(row(5)["rejected"]["content"] + " Please."))
    close["messages"] = [user(row(5)["messages"][0]["content"])]
    path = file_of(tmp_path, row(2), row(2), close)
    survey, _ = look(path, fix=tmp_path / "clean.jsonl", drop_near=True)
    assert survey.ok
    assert named(survey, "duplicate").found == "2 rows (line 31, 32)"
    assert named(survey, "near-duplicate").found == "1 row (line 33)"
    assert named(survey, "near-duplicate").detail == ("line 33 is nearly line 6",)
    assert survey.fixed is not None
    assert dict(survey.fixed.left_out) == {"duplicate": 2, "near-duplicate": 1}
    kept = [pair for pair in read_pairs(tmp_path / "clean.jsonl") if isinstance(pair, Pair)]
    assert [pair.chosen for pair in kept] == [row(n)["chosen"]["content"] for n in range(30)]


def test_questions_of_the_evaluation_are_found_exactly_and_nearly(tmp_path: Path) -> None:
    asked = "What is the name of the longest river in the north of the country?"
    exact = row(90, messages=[{"role": "system", "content": "Be brief."}, user(asked.upper())])
    near = row(91, messages=[user(asked.replace("?", " now?"))])
    other = row(92, messages=[user("What is the name of the oldest bridge?")])
    path = file_of(tmp_path, exact, near, other)
    survey, _ = look(path, evaluation=[[user(asked)]], fix=tmp_path / "clean.jsonl")
    assert named(survey, "asked in the evaluation").found == "1 row (line 31)"
    assert named(survey, "nearly asked in the evaluation").found == "1 row (line 32)"
    assert not survey.ok
    again, _ = look(tmp_path / "clean.jsonl", evaluation=[[user(asked)]])
    assert again.ok
    assert named(again, "evaluation").found == "none of its 1 prompts is in it, exactly or nearly"


@pytest.mark.parametrize(("longer", "way"), [("chosen", "longer"), ("rejected", "shorter")])
def test_a_set_that_teaches_length_is_told(longer: str, way: str, tmp_path: Path) -> None:
    rows = [
        row(n, **{longer: assistant(f"{row(n)['chosen']['content']} And this continues and on {n}.")})
        for n in range(40)
    ]
    survey, _ = look(file_of(tmp_path, *rows, count=0))
    assert named(survey, "lengths").level == "warn"
    assert f"it will teach {way} answers" in named(survey, "lengths").remedy


def test_nothing_usable_is_a_failure_and_an_unreadable_file_an_error(tmp_path: Path) -> None:
    survey, _ = look(file_of(tmp_path, row(1, chosen=assistant("")), count=0))
    assert (survey.ok, named(survey, "rows").level) == (False, "fail")
    with pytest.raises(PairsError, match="there is no such file"):
        look(tmp_path / "none.jsonl")


@pytest.mark.train
def test_tokens_are_the_recipes_own_and_answers_that_axolotl_would_not_find_are_named(tmp_path: Path) -> None:
    """Qwen's template writes a system message of its own: "You" and "Cloud" stand before every answer."""
    require(TRAIN_PYTHON.exists(), "no .venv-train")
    recipe = read_recipe(find_recipe("tiny")).replaced(base_model=str(MODEL))
    recipe = recipe.derive(tmp_path / "own.yml", chat_template="qwen_25", sequence_len=120)
    long = row(91, chosen=assistant(" ".join(WORDS * 20)))
    path = file_of(tmp_path, row(90, chosen=assistant("You")), long)
    survey, _ = look(path, recipe=recipe, fix=tmp_path / "clean.jsonl")
    assert named(survey, "answer that Axolotl does not find").found == "1 row (line 31)"
    assert named(survey, "longer than sequence_len").found.endswith("(line 32)")
    assert survey.look.tokens is not None
    assert survey.look.tokens.pairs == 31
    assert survey.look.tokens.quantiles[2] > 120
    again, _ = look(tmp_path / "clean.jsonl", recipe=recipe)
    assert again.ok


@pytest.mark.train
def test_the_sums_of_a_large_file_are_estimated_and_what_is_too_long_is_not(warm: Path) -> None:
    recipe = read_recipe(find_recipe("tiny")).replaced(base_model=str(MODEL))
    with TokenCounter(recipe, warm.parents[1]) as counter:
        for line in range(1, EXACT + 501):
            counter.add(line, [user("Who is it?")], "It is he.", "It is she, I think.")
        counter.add(EXACT + 501, [user("Who is it?")], "It is he. " * 200, "No.")
        counted = counter.result()
    with TokenCounter(recipe, warm.parents[1]) as counter:
        counter.add(1, [user("Who is it?")], "It is he.", "It is she, I think.")
        one = counter.result()
    assert (counted.pairs, counted.estimated, one.estimated) == (EXACT + 501, True, False)
    sums = (counted.prompt, counted.chosen, counted.rejected)
    assert sums == tuple((EXACT + 500) * n for n in (one.prompt, one.chosen, one.rejected))
    assert (counted.too_long, counted.first_too_long) == (1, [EXACT + 501])
    assert counted.quantiles[2] > recipe.config["sequence_len"]


def test_a_tokenizer_that_is_not_there_is_told_and_the_rest_is_checked(tmp_path: Path) -> None:
    recipe = read_recipe(find_recipe("tiny"))
    survey, _ = look(file_of(tmp_path), recipe=recipe, env=tmp_path / "no-env")
    assert survey.ok
    assert "no-env/bin/python is missing" in named(survey, "tokens").found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    texts=st.lists(
        st.tuples(*[st.sampled_from(["", " a", "b", "user", "It is so.", "It is not so. "])] * 3), min_size=1
    )
)
def test_whatever_is_in_a_file_fix_loses_nothing_uncounted(texts: list[tuple[str, str, str]], tmp_path: Path) -> None:
    rows = [{"messages": [user(q)], "chosen": assistant(a), "rejected": assistant(b)} for q, a, b in texts]
    path = file_of(tmp_path, *rows, count=1)
    survey, _ = look(path, fix=tmp_path / "clean.jsonl")
    assert survey.fixed is not None
    assert survey.fixed.read == len(rows) + 1 == survey.fixed.written + survey.fixed.left_out.total()
    again, _ = look(tmp_path / "clean.jsonl", fix=tmp_path / "again.jsonl")
    assert again.ok
    assert again.fixed is not None
    assert (again.fixed.stripped, again.fixed.left_out.total()) == (0, 0)
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "clean.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("key AKIA" + "ABCDEFGHIJKLMNOP", {"AWS access key"}),
        ("ghp_" + "a1" * 18, {"GitHub token"}),
        ("xoxb-" + "1234567890-abc", {"Slack token"}),
        ("-----BEGIN RSA PRIVATE KEY-----", {"private key"}),
        ("postgres://bob:" + "hunter22@db:5432/x", {"password in an address"}),
        ("api_key = 'Zx81" + "kQ93mmLp02aa'", {"password or key that is assigned"}),
        ("write to jo.doe@mail.example-shop.de", {"e-mail address"}),
        ("write to you@example.com", set()),
        ("the token: a unit of text; password=secret; sk-ateboard", set()),
    ],
)
def test_secrets_are_known_by_kind(text: str, kinds: set[str]) -> None:
    assert kinds_in(text) == kinds


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the capital of the country?", "English"), ("Wie heißt die Hauptstadt und wo ist sie?", "German"),
        ("Quelle est la capitale du pays et où est-elle ?", "French"),
        ("¿Cuál es la capital del país y dónde está?", "Spanish"), ("Какая столица?", "Cyrillic"),
        ("首都はどこですか", "Japanese"), ("首都是哪里", "Chinese"), ("수도는 어디인가요", "Korean"),
        ("1 + 1 = 2", "unknown"), ("", "unknown"),
    ],
)  # fmt: skip
def test_languages_are_told_apart(text: str, language: str) -> None:
    assert language_of(text) == language


def test_only_two_known_languages_differ() -> None:
    assert not same_language("What is the name of it?", "Wie ist der Name von dem?")
    assert same_language("What is the name of it?", "Zagreb")


def test_near_is_measured_by_shared_words_also_without_spaces() -> None:
    near = NearDuplicates()
    texts = ["one two three four five six seven eight nine ten eleven", "twelve other words stand here alone"]
    for number, text in enumerate([*texts, texts[0] + " twelve"]):
        near.add(number, shingles(text))
    assert near.pairs() == [(2, 0)]
    asked = "克罗地亚的首都是哪一座城市呢请告诉我"
    overlap = Overlap([[user(asked)]])
    assert overlap.near(shingles(asked + "吧"))
    assert not overlap.near(shingles("法国的首都在哪里"))
    assert NearDuplicates().pairs() == []


@pytest.mark.parametrize("thought", ["<think>Hm.</think>\n\n", "[THINK]Hm.[/THINK]", "Hm.\n</think>\n"])
def test_thinking_before_an_answer_is_told_and_kept(thought: str, tmp_path: Path) -> None:
    better = row(30)["chosen"]["content"]
    path = file_of(tmp_path, row(30, chosen=assistant(thought + better)))
    survey, said = look(path)
    found = named(survey, "thinking before an answer")
    assert (survey.ok, found.level, found.found) == (True, "warn", "1 row (line 31)")
    assert "it is trained on as part of the answer" in found.remedy
    tally = convert(path, tmp_path / "out.jsonl", say=said.append)
    assert (tally.written, tally.thinking) == (31, 1)
    assert "1 pair has thinking before an answer, which is trained on as part of it" in said
