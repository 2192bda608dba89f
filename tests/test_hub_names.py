"""What follows hub: is the name of a data set, never a path: one sentence, by each command that takes one."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindside.hub.names import read_source
from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import InputError
from tests.cli.command import blindside
from train.errors import RecipeError
from train.pairs.source import local_file

NONE = [
    "hub:",
    "hub:..",
    "hub:../..",
    "hub:a/..",
    "hub:a/b/c",
    "hub:a/b/../c",
    "hub:/etc",
    "hub:~/x",
    "hub:./x",
    "hub: a/b",
    "hub:a/b ",
    "hub:a /b",
    "hub:a/b:",
    "hub:a/b:../x",
    "hub:a/b:train/../x",
    "hub:a--b/c",
    "hub:a..b/c",
    "hub:-a/b",
    "hub:a/b.git",
    "hub:a\\b",
    "hub:ä/b",
    "hub:a/b\n",
    "hub:" + "x" * 97,
    "hub:hub:a/b",
    "hub:https://h/a",
]


@pytest.mark.parametrize("source", NONE)
def test_what_is_no_name_is_one_sentence(source: str) -> None:
    said = "names no data set of the Hub: write hub:owner/name or hub:owner/name:split, or give the path of a file"
    with pytest.raises(InputError, match=said):
        load_prompts(source)
    with pytest.raises(RecipeError, match=said), local_file(source):
        pass


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("hub:owner/name", ("owner/name", "")),
        ("hub:name", ("name", "")),
        ("hub:o-w.n_er/na.me-1:test", ("o-w.n_er/na.me-1", "test")),
        ("hub:owner/name:train[:100]", ("owner/name", "train[:100]")),
    ],
)
def test_names_with_and_without_a_split(source: str, read: tuple[str, str]) -> None:
    assert read_source(source) == read


@pytest.mark.parametrize("source", ["hub:../..", "hub:"])
def test_the_commands_say_it_without_a_traceback(source: str, tmp_path: Path) -> None:
    urls = ("--base-url", "http://127.0.0.1:9", "--tuned-url", "http://127.0.0.1:9")
    for args in (("collect", *urls, "--prompts", source, "--run", "r"), ("pairs", "check", source)):
        done = blindside(*args, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith(f"blindside: {source!r} names no data set of the Hub")
        assert len(done.stderr.splitlines()) == 1
