"""What an answer must be like, by each of the four conditions."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from eval.expect.expect import Expect

CITY = {"type": "object", "properties": {"city": {"const": "Paris"}}, "required": ["city"]}


@pytest.mark.parametrize(
    ("expect", "met", "not_met"),
    [
        ({"contains": "Paris"}, ["It is Paris."], ["paris", ""]),
        ({"contains": ["42", "metres"]}, ["42 metres"], ["42", "metres"]),
        ({"contains": "你好"}, ["说：你好！"], ["您好"]),
        ({"regex": r"\b42\b"}, ["it is 42."], ["142"]),
        ({"equals": "yes"}, ["yes", " yes\n"], ["yes.", "Yes"]),
        ({"equals": ""}, ["", "  \n"], ["."]),
        (
            {"json_schema": CITY},
            ['{"city": "Paris"}', ' {"city":"Paris","n":1}\n', '```json\n{"city": "Paris"}\n```'],
            ['{"city": "Rome"}', "Paris", 'Sure: {"city": "Paris"}', "", "[" * 100_000, '{"city": NaN}'],
        ),
        ({"json_schema": True}, ["1", "null"], ["NaN", "one"]),
        ({"json_schema": {"multipleOf": 0.5}}, ["1.5"], ["1.2", "1e999"]),
        ({"contains": "a", "regex": "b"}, ["ab"], ["a", "b"]),
    ],
)
def test_every_condition_that_is_given_must_hold(expect: dict[str, Any], met: list[str], not_met: list[str]) -> None:
    made = Expect.model_validate(expect)
    assert [made.met_by(answer) for answer in met] == [True] * len(met)
    assert [made.met_by(answer) for answer in not_met] == [False] * len(not_met)
    assert Expect.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        ({}, "give one of"),
        ({"contains": []}, "give one of"),
        ({"contains": ["a", ""]}, "empty text"),
        ({"regex": "("}, "not a regular expression"),
        ({"regex": "a" * 1001}, "at most 1000"),
        ({"json_schema": {"$ref": "https://example.org/city.json"}}, "nothing is fetched"),
        ({"matches": "a"}, "Extra inputs"),
    ],
)
def test_what_cannot_be_checked_is_refused(expect: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Expect.model_validate(expect)
