"""Our part of JSON Schema against the reference implementation."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from eval.expect import schema

VALUES: list[Any] = [
    *(None, True, False, 0, 1, 1.0, 1.5, -3, "", "a", "abc", "中文", [], [1], [1, 1.0], [1, True], [[]], ["a", 2]),
    *({}, {"a": 1}, {"a": "x"}, {"a": 1, "b": 2}, {"b": None}, {"a": {"b": []}}, {"x-1": 1}, {"x-1": "s", "a": 1}),
]
SCHEMAS: list[Any] = [
    *(True, False, {}, {"title": "a note", "format": "date"}),
    *({"type": name} for name in ("object", "array", "string", "boolean", "null", "number", "integer")),
    *({"type": ["string", "null"]}, {"enum": [1, "a", None, [1]]}, {"const": 1}, {"const": True}, {"const": {"a": 1}}),
    *({"minimum": 1}, {"maximum": 1}, {"exclusiveMinimum": 1}, {"exclusiveMaximum": 1}),
    *({"minLength": 1}, {"maxLength": 2}, {"pattern": "^a"}, {"minItems": 1}, {"maxItems": 1}, {"uniqueItems": True}),
    *({"minProperties": 1}, {"maxProperties": 1}, {"required": ["a"]}, {"items": {"type": "integer"}}),
    *({"contains": {"const": 1}}, {"properties": {"a": {"type": "integer"}}}, {"additionalProperties": False}),
    {"properties": {"a": {}}, "additionalProperties": False},
    {"properties": {"a": {}}, "patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False},
    {"additionalProperties": {"type": "integer"}},
    {"anyOf": [{"type": "string"}, {"minimum": 1}]},
    {"allOf": [{"type": "array"}, {"minItems": 2}]},
    {"oneOf": [{"type": "number"}, {"const": 1}]},
    {"not": {"type": "object"}},
    {"properties": {"a": {"properties": {"b": {"maxItems": 0}}, "required": ["b"], "type": "object"}}},
]


@pytest.mark.parametrize("asked", SCHEMAS, ids=str)
def test_the_same_as_the_reference_implementation(asked: Any) -> None:
    schema.check(asked)
    reference = jsonschema.Draft202012Validator(asked)
    ours = [schema.valid(value, asked) for value in VALUES]
    assert ours == [reference.is_valid(value) for value in VALUES]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"$ref": "#/x"}, r"\$ref"),
        ({"properties": {"a": {"if": {}}}}, "if"),
        ({"type": "float"}, "float"),
        ({"minimum": "1"}, "number"),
        ({"required": "a"}, "a list"),
        ({"properties": []}, "an object"),
        ({"pattern": r"(a)\1"}, "back-reference"),
        ({"anyOf": [{"const": 1}, 7]}, "must be an object"),
        ([], "must be an object"),
    ],
)
def test_what_is_not_known_is_refused_by_name(asked: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        schema.check(asked)
