"""JSON Schema as `jsonschema` has it, except for patterns, references to elsewhere and what it would pass over."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from eval.expect import schema

DRAFT = "https://json-schema.org/draft/2020-12/schema"
HANGS = "^(a|a)*$"
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
    {"if": {"type": "object"}, "then": {"required": ["a"]}, "else": {"type": "string"}},
    {"prefixItems": [{"const": 1}], "items": False},
    {"propertyNames": {"pattern": "^x-"}, "dependentRequired": {"b": ["a"]}},
    {"anyOf": [{"type": "integer"}, {"items": {"$ref": "#"}, "type": "array"}]},
    {"$schema": DRAFT, "$defs": {"x": {"$anchor": "x", "type": "string"}}, "properties": {"a": {"$ref": "#x"}}},
    {"definitions": {"x": {"type": "string"}}, "additionalProperties": {"$ref": "#/definitions/x"}},
    {"properties": {"unevaluatedProperties": {}, "a": {"const": 1}}, "default": {"unknown": 1}},
]


@pytest.mark.parametrize("asked", SCHEMAS, ids=str)
def test_the_same_as_the_reference_implementation(asked: Any) -> None:
    schema.check(asked)
    reference = jsonschema.Draft202012Validator(asked)
    ours = [schema.valid(value, asked) for value in VALUES]
    assert ours == [reference.is_valid(value) for value in VALUES]


@pytest.mark.parametrize(
    ("asked", "value", "is_valid"),
    [
        ({"pattern": HANGS}, "a" * 5000 + "!", False),
        ({"propertyNames": {"pattern": HANGS}}, {"a" * 5000 + "!": 1}, False),
        ({"patternProperties": {HANGS: False}}, {"a" * 5000 + "!": 1}, True),
        ({"patternProperties": {HANGS: {}}, "additionalProperties": False}, {"a" * 5000 + "!": 1}, False),
        ({"$schema": DRAFT, "pattern": HANGS}, "a" * 5000 + "!", False),
        ({"$schema": DRAFT, "items": {"$ref": "#"}, "pattern": HANGS}, ["a" * 5000 + "!"], False),
    ],
    ids=str,
)
def test_no_answer_hangs_a_pattern(asked: Any, value: Any, is_valid: bool) -> None:
    """By Python's `re`, which `jsonschema` uses, none of these would end."""
    schema.check(asked)
    assert schema.valid(value, asked) is is_valid


@pytest.mark.parametrize("value", ["2026-01-31", "no date"])
def test_a_format_is_a_note(value: str) -> None:
    assert schema.valid(value, {"format": "date"})


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"$ref": "#/x"}, r"^\$ref: '#/x' is not in this schema"),
        ({"$ref": "#/minimum/x", "minimum": 1}, r"^\$ref: '#/minimum/x' is not"),
        ({"$ref": "#/$comment/x", "$comment": "x"}, r"^\$ref: '#/\$comment/x' is not"),
        ({"$ref": "#/minimum", "minimum": 1}, "^1 is not of type"),
        ({"items": {"$dynamicRef": "#x"}}, r"^\$dynamicRef: '#x' is not"),
        ({"items": {"$ref": "https://example.org/x.json"}}, "nothing is fetched"),
        ({"items": {"$ref": DRAFT}}, "nothing is fetched"),
        ({"$ref": "#"}, "refers to itself"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, r"^\$schema: .*draft-07.* only .*2020-12"),
        ({"items": {"$schema": DRAFT}}, r"^\$schema: "),
        ({"unevaluatedProperties": False}, "^unevaluatedProperties: "),
        ({"properties": {"a": {"requried": ["b"]}}}, "^requried: is not a keyword"),
        ({"definitions": {"x": {"typ": 1}}, "$ref": "#/definitions/x"}, "^typ: is not a keyword"),
        ({"properties": {"a": {"type": "float"}}}, r"^properties\.a\.type: 'float' is not one of"),
        ({"minimum": "1"}, "^minimum: '1' is not of type 'number'"),
        ({"required": "a"}, "^required: 'a' is not of type 'array'"),
        ({"properties": []}, r"^properties: \[\] is not of type 'object'"),
        ({"pattern": r"(a)\1"}, "^pattern: .*back-references"),
        ({"patternProperties": {"(?=a)": True}}, "^patternProperties: .*look-around"),
        ({"anyOf": [{"const": 1}, 7]}, r"^anyOf\.1: 7 is not of type"),
        ([], "is not of type 'object'"),
    ],
)
def test_what_cannot_be_checked_is_refused_by_name(asked: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        schema.check(asked)


@pytest.mark.parametrize(
    "value",
    [
        *([1, 1.0], [1, True], [0, False], [1.5, 1.5], ["1", 1], [None, None], [None, False], [], [1e308, 1e308]),
        *(
            [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}],
            [{"a": 1}, {"a": True}],
            [[1, [2]], [1, [2.0]]],
            [[1], [[1]]],
            [{}, []],
        ),
    ],
    ids=str,
)
def test_items_are_the_same_where_the_reference_implementation_says_so(value: Any) -> None:
    asked = {"uniqueItems": True}
    assert schema.valid(value, asked) is jsonschema.Draft202012Validator(asked).is_valid(value)


def test_many_objects_are_not_each_held_against_each() -> None:
    """Two by two these are eighteen hundred million comparisons."""
    value = [{"a": number} for number in range(60_000)]
    assert schema.valid(value, {"uniqueItems": True})
    assert not schema.valid([*value, {"a": 0}], {"uniqueItems": True})
