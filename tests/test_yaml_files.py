"""YAML that people hand in: what is too large, too deep or stands for too much is one sentence, and costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blindside.yaml_files import DEEPEST, LARGEST, BadYaml, parse_yaml, read_yaml
from eval.errors import InputError
from eval.judge.study.study import read_study
from eval.policy import read_policy
from tests.cli.command import blindside
from tests.peak import measured
from tests.release.studies import judge, study
from train.errors import RecipeError
from train.recipe import read_recipe

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 12))
#: Each with what is said of it.
ATTACKS: dict[str, tuple[str, str]] = {
    "brackets": ("a: " + "[" * 100_000, f"nests lists or mappings more than {DEEPEST} deep: flatten it"),
    "closed brackets": ("a: " + "[" * 100_000 + "]" * 100_000, "nests lists or mappings more than"),
    "braces": ("a: " + "{a: " * 50_000, "nests lists or mappings more than"),
    "dashes": ("- " * 100_000 + "x", "nests lists or mappings more than"),
    "laughs": (LAUGHS, "stands for more than 50,000 values (aliases count each time): write fewer"),
    "merges": (MERGES, "stands for more than 50,000 values"),
    "itself": ("a: &a [1, *a]", "contains itself through the alias *a: write it out"),
    "itself in itself": ("a: &a {b: [{c: *a}]}", "contains itself through the alias *a"),
    "many": ("[" + "1," * 60_000 + "1]", "stands for more than 50,000 values"),
    "large": ("a: " + "x" * LARGEST, "is larger than 256 kB, too large for settings"),
    "digits": ("a: " + "9" * 5_000, "has a number of 5000 digits: write a smaller one"),
    "sixties": ("a: 1" + ":01" * 5_000, "has a number of 15001 digits"),
    "date": ("a: 2026-99-99", "is not YAML (a value does not fit its kind: month must be in 1..12)"),
    "bool": ("a: !!bool x", "is not YAML (a value does not fit its kind"),
    "integer": ("a: !!int x", "is not YAML (a value does not fit its kind"),
    "stamp": ("a: !!timestamp x", "is not YAML (a value does not fit its kind"),
    "object": ("a: !!python/object/apply:os.getpid []", "is not YAML (could not determine a constructor"),
    "two": ("a: 1\n---\nb: 2", "is not YAML (but found another document)"),
    "unknown alias": ("a: *b", "is not YAML (found undefined alias"),
    "not text": ("a: \x00", "is not YAML (control characters are not allowed)"),
}
READERS: dict[str, tuple[Callable[[Path], Any], type[Exception]]] = {
    "study": (read_study, InputError),
    "policy": (read_policy, InputError),
    "recipe": (read_recipe, RecipeError),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_each_is_one_sentence_of_each_reader(attack: str, reader: str, tmp_path: Path) -> None:
    text, said = ATTACKS[attack]
    path = tmp_path / "given.yml"
    path.write_text(text, encoding="utf-8")
    read, kind = READERS[reader]
    with pytest.raises(kind) as caught:
        read(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 300 + len(str(path))


@pytest.mark.parametrize("read", [read for read, _ in READERS.values()], ids=READERS)
def test_a_value_of_any_size_is_told_in_a_sentence(read: Callable[[Path], Any], tmp_path: Path) -> None:
    """A list of thousands where a word belongs is not printed whole."""
    path = tmp_path / "given.yml"
    path.write_text("overlap: [" + "x, " * 20_000 + "x]\ndatasets: [" + "x, " * 20_000 + "x]", encoding="utf-8")
    with pytest.raises((InputError, RecipeError)) as caught:
        read(path)
    assert len(str(caught.value)) < 400 + len(str(path))


def test_what_people_write_is_read() -> None:
    text = "a: &a {b: 1}\nc: {<<: *a, d: [1, 2.5, yes, 2026-01-01]}\ne: *a\nf: |\n  " + "9" * 5_000 + "\n"
    read = parse_yaml(text.encode())
    assert read["c"]["b"] == 1
    assert read["e"] == {"b": 1}
    assert len(read["f"]) == 5_001
    assert parse_yaml(("[" * DEEPEST + "]" * DEEPEST).encode()) is not None
    with pytest.raises(BadYaml):
        parse_yaml(("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)).encode())


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yml"
    with path.open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(BadYaml, match="is larger than 256 kB"):
        read_yaml(path)
    code = "import sys, pathlib; from eval.policy import read_policy; read_policy(pathlib.Path(sys.argv[1]))"
    ran = measured([sys.executable, "-c", code, path])
    assert "is larger than 256 kB" in ran.err
    assert ran.megabytes < 300


@pytest.mark.parametrize("attack", ["brackets", "laughs", "date"])
def test_a_broken_policy_ends_the_gate_with_3(attack: str, tmp_path: Path) -> None:
    run = judge(study(tmp_path, n=4), 0.9)
    (tmp_path / "mine.yml").write_text(ATTACKS[attack][0], encoding="utf-8")
    args = ("gate", run.name, "--reports", str(run.folder.parent), "--policy", "mine.yml")
    done = blindside(*args, cwd=tmp_path)
    assert done.returncode == 3
    assert ATTACKS[attack][1] in done.stderr
    assert "Nothing was decided" in done.stderr
    assert "Traceback" not in done.stderr
