"""JSON Schema: the part that answers are checked by. A keyword that is not known here is refused, never passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from eval.expect.patterns import Pattern

#: Keywords that say something about a schema and nothing about a value.
_NOTES = {"$schema", "$id", "$comment", "title", "description", "default", "examples", "format", "deprecated"}
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: _is_number(value),
    "integer": lambda value: _is_number(value) and value == int(value),
}

Schema = Mapping[str, Any] | bool
_Rule = Callable[[Any, Any, Mapping[str, Any]], bool]


def check(schema: Any) -> None:
    """Raises ValueError, naming the keyword, for a schema that values cannot be held against."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        raise ValueError("must be an object, or true or false")
    for keyword, asked in schema.items():
        if keyword not in _RULES and keyword not in _NOTES:
            raise ValueError(f"{keyword!r} is not known here (there are {', '.join(sorted(_RULES))})")
        _check_keyword(keyword, asked)


def valid(value: Any, schema: Schema) -> bool:
    """Whether a JSON value is as the schema asks; the schema has passed `check`."""
    if isinstance(schema, bool):
        return schema
    return all(_RULES[keyword](value, asked, schema) for keyword, asked in schema.items() if keyword in _RULES)


def _check_keyword(keyword: str, asked: Any) -> None:
    if keyword in ("properties", "patternProperties"):
        for name, inner in _of(keyword, asked, "an object").items():
            if keyword == "patternProperties":
                Pattern(name)
            check(inner)
    elif keyword in ("allOf", "anyOf", "oneOf"):
        for inner in _of(keyword, asked, "a list"):
            check(inner)
    elif keyword in ("items", "additionalProperties", "not", "contains"):
        check(asked)
    elif keyword == "pattern":
        Pattern(_of(keyword, asked, "a text"))
    elif keyword == "type":
        unknown = [name for name in _listed(asked) if name not in _TYPES]
        if unknown:
            raise ValueError(f"type {unknown[0]!r} is none of {', '.join(_TYPES)}")
    elif keyword in ("enum", "required"):
        _of(keyword, asked, "a list")
    elif keyword in _NUMBERS and not _is_number(asked):
        raise ValueError(f"{keyword}: must be a number")


def _of(keyword: str, asked: Any, kind: Literal["an object", "a list", "a text"]) -> Any:
    types = {"an object": dict, "a list": list, "a text": str}
    if not isinstance(asked, types[kind]):
        raise ValueError(f"{keyword}: must be {kind}")
    return asked


def _listed(asked: Any) -> list[Any]:
    return asked if isinstance(asked, list) else [asked]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON: 1 is 1.0 and not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def _only(kind: type, test: Callable[[Any, Any], bool]) -> _Rule:
    """A rule on values of one kind; values of others pass, as the standard has it."""
    return lambda value, asked, schema: not isinstance(value, kind) or test(value, asked)


def _number(test: Callable[[Any, Any], bool]) -> _Rule:
    return lambda value, asked, schema: not _is_number(value) or test(value, asked)


def _properties(value: Any, asked: Any, schema: Mapping[str, Any]) -> bool:
    return not isinstance(value, dict) or all(valid(value[name], asked[name]) for name in asked.keys() & value.keys())


def _by_pattern(value: Any, asked: Any, schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    patterns = [(Pattern(source), inner) for source, inner in asked.items()]
    return all(valid(value[name], inner) for name in value for one, inner in patterns if one.found_in(name))


def _additional(value: Any, asked: Any, schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    patterns = [Pattern(source) for source in schema.get("patternProperties", {})]
    more = [name for name in value if name not in schema.get("properties", {})]
    return all(valid(value[name], asked) for name in more if not any(one.found_in(name) for one in patterns))


def _different(value: list[Any], asked: Any) -> bool:
    return not asked or not any(_same(one, other) for at, one in enumerate(value) for other in value[:at])


_NUMBERS: dict[str, _Rule] = {
    "minimum": _number(lambda value, asked: value >= asked),
    "maximum": _number(lambda value, asked: value <= asked),
    "exclusiveMinimum": _number(lambda value, asked: value > asked),
    "exclusiveMaximum": _number(lambda value, asked: value < asked),
    "minLength": _only(str, lambda value, asked: len(value) >= asked),
    "maxLength": _only(str, lambda value, asked: len(value) <= asked),
    "minItems": _only(list, lambda value, asked: len(value) >= asked),
    "maxItems": _only(list, lambda value, asked: len(value) <= asked),
    "minProperties": _only(dict, lambda value, asked: len(value) >= asked),
    "maxProperties": _only(dict, lambda value, asked: len(value) <= asked),
}
_RULES: dict[str, _Rule] = {
    **_NUMBERS,
    "type": lambda value, asked, schema: any(_TYPES[name](value) for name in _listed(asked)),
    "enum": lambda value, asked, schema: any(_same(value, one) for one in asked),
    "const": lambda value, asked, schema: _same(value, asked),
    "properties": _properties,
    "patternProperties": _by_pattern,
    "additionalProperties": _additional,
    "required": _only(dict, lambda value, asked: set(asked) <= value.keys()),
    "items": _only(list, lambda value, asked: all(valid(one, asked) for one in value)),
    "contains": _only(list, lambda value, asked: any(valid(one, asked) for one in value)),
    "uniqueItems": _only(list, _different),
    "pattern": _only(str, lambda value, asked: Pattern(asked).found_in(value)),
    "allOf": lambda value, asked, schema: all(valid(value, one) for one in asked),
    "anyOf": lambda value, asked, schema: any(valid(value, one) for one in asked),
    "oneOf": lambda value, asked, schema: sum(valid(value, one) for one in asked) == 1,
    "not": lambda value, asked, schema: not valid(value, asked),
}
