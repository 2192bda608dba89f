"""`expect` comes with a prompt from every format, and changes nothing where there is none."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from eval.collect.prompts.prompt_set import load_prompts, prompts_sha256
from eval.errors import InputError
from eval.expect.expect import Expect
from eval.records import Message, Prompt
from tests.collect.test_prompts import write

CAPITAL: dict[str, Any] = {"id": "a", "prompt": "Capital of France?", "expect": {"contains": ["Paris"], "regex": "^P"}}
PLAIN = Prompt(id="p", messages=(Message(role="user", content="?"),))


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
def test_from_every_format_that_has_objects(tmp_path: Path, suffix: str) -> None:
    rows = [
        CAPITAL,
        {"id": "b", "prompt": "And of Spain?", "expect": {"equals": "Madrid"}},
        {"id": "c", "prompt": "Why?"},
    ]
    prompts = load_prompts(write(tmp_path / f"p{suffix}", rows)).prompts
    assert [prompt.expect for prompt in prompts] == [
        Expect(contains=("Paris",), regex="^P"),
        Expect(equals="Madrid"),
        None,
    ]
    assert [Prompt.model_validate_json(prompt.model_dump_json()) for prompt in prompts] == prompts


def test_from_csv_as_json(tmp_path: Path) -> None:
    rows = [{"id": "a", "prompt": "1+1?", "expect": '{"contains": "2"}'}, {"id": "b", "prompt": "Why?", "expect": ""}]
    prompts = load_prompts(write(tmp_path / "p.csv", rows)).prompts
    assert [prompt.expect for prompt in prompts] == [Expect(contains=("2",)), None]


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ({"regex": "("}, r"p\.jsonl:2: expect\.regex: is not a regular expression"),
        ({"contians": "a"}, r"p\.jsonl:2: expect\.contians: Extra inputs"),
        ({}, r"p\.jsonl:2: expect: give one of contains, regex, equals, json_schema"),
        ({"json_schema": {"type": "real"}}, r"p\.jsonl:2: expect\.json_schema.*'real'"),
        ("Paris", r"p\.jsonl:2: expect: must be an object"),
        (7, r"p\.jsonl:2: expect: "),
    ],
)
def test_what_cannot_be_checked_is_told_with_file_and_line(tmp_path: Path, expect: Any, told: str) -> None:
    path = write(tmp_path / "p.jsonl", [{"prompt": "first"}, {"prompt": "second", "expect": expect}])
    with pytest.raises(InputError, match=told):
        load_prompts(path)


def test_prompts_without_it_are_written_and_hashed_as_ever() -> None:
    line = '{"id":"p","messages":[{"role":"user","content":"?"}],"category":""}'
    assert PLAIN.model_dump_json() == line
    assert prompts_sha256([PLAIN]) == hashlib.sha256(line.encode() + b"\n").hexdigest()
    assert "expect" not in PLAIN.model_dump()


def test_another_expectation_is_another_prompt_set() -> None:
    asked = [PLAIN.model_copy(update={"expect": Expect(contains=(text,))}) for text in ("a", "b")]
    assert len({prompts_sha256([prompt]) for prompt in [PLAIN, *asked]}) == 3
