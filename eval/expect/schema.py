"""JSON Schema, Draft 2020-12, by `jsonschema`: nothing is fetched, and patterns are RE2's, so no answer can hang it.

What would be passed over is refused instead: unknown keywords, `$schema` of other drafts, references to elsewhere.
`format` is a note only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from eval.expect.patterns import Pattern

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from referencing._core import Resolver

Schema = Mapping[str, Any] | bool

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_VOCABULARIES = ("core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation", "content")
#: `jsonschema` would search by Python's `re` for the names that this one leaves over.
_REFUSED = {"unevaluatedProperties", "$vocabulary"}
_REFERENCES = ("$ref", "$dynamicRef")


def check(schema: Any) -> None:
    """Raises ValueError, naming the field and the reason, for a schema that values cannot be held against."""
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    try:
        _check_form(schema)
        if isinstance(schema, Mapping) and schema.get("$schema", _DRAFT).rstrip("#") != _DRAFT:
            raise ValueError(f"$schema: {schema['$schema']!r} is not read here, only {_DRAFT}")
        asked = _undeclared(schema)
        root = DRAFT202012.create_resource(asked)
        _check_keywords(asked, Registry[Any]().resolver_with_root(root), set())
        _validator(schema).is_valid(None)
    except RecursionError:
        raise ValueError("is nested too deep, or refers to itself without end") from None


def valid(value: Any, schema: Schema) -> bool:
    """Whether a JSON value is as the schema asks; the schema has passed `check`."""
    return bool(_validator(schema).is_valid(value))


def _undeclared(schema: Schema) -> Schema:
    """Without `$schema`, at which `jsonschema` would go back to its own class and to Python's `re`."""
    return schema if isinstance(schema, bool) else {key: asked for key, asked in schema.items() if key != "$schema"}


def _check_form(schema: Any) -> None:
    """Against the draft's own schema; patterns are what it calls the format regex."""
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import best_match

    formats = FormatChecker(formats=())
    formats.checks("regex", raises=ValueError)(lambda source: not isinstance(source, str) or bool(Pattern(source)))
    form = Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=formats)
    wrong = best_match(form.iter_errors(schema))
    if wrong is not None:
        field = "".join(f"{part}: " for part in [".".join(map(str, wrong.absolute_path))] if part)
        raise ValueError(f"{field}{wrong.cause or [*(wrong.context or ()), wrong][0].message}")


def _check_keywords(schema: Any, resolver: Resolver[Any], seen: set[int]) -> None:
    """Every keyword is known, here, below and wherever references lead, and they lead nowhere outside."""
    from referencing.jsonschema import DRAFT202012

    if isinstance(schema, bool) or id(schema) in seen:
        return
    seen.add(id(schema))
    unknown = sorted(schema.keys() - _known())
    if unknown:
        raise ValueError(f"{unknown[0]}: is not a keyword of Draft 2020-12 that is known here: take it out")
    for keyword in _REFERENCES:
        if keyword in schema:
            _check_reference(keyword, schema[keyword], resolver, seen)
    for below in DRAFT202012.create_resource(schema).subresources():
        _check_keywords(below.contents, resolver.in_subresource(below), seen)


def _check_reference(keyword: str, to: str, resolver: Resolver[Any], seen: set[int]) -> None:
    from referencing.exceptions import Unresolvable

    try:
        found = resolver.lookup(to)
    except (Unresolvable, LookupError, TypeError, ValueError):
        raise ValueError(f"{keyword}: {to!r} is not in this schema, and nothing is fetched") from None
    if id(found.contents) not in seen:
        _check_form(found.contents)
    _check_keywords(found.contents, found.resolver, seen)


@cache
def _known() -> frozenset[str]:
    """The draft's keywords, from its vocabularies; `definitions` is what `$defs` was called before."""
    from jsonschema_specifications import REGISTRY

    base = _DRAFT.removesuffix("schema") + "meta/"
    names = {name for part in _VOCABULARIES for name in REGISTRY.contents(base + part)["properties"]}
    return frozenset((names | {"definitions"}) - _REFUSED - {"$schema"})


def _validator(schema: Schema) -> Validator:
    from referencing import Registry

    made: Validator = _by_re2()(_undeclared(schema), registry=Registry())
    return made


@cache
def _by_re2() -> Any:
    from jsonschema import Draft202012Validator, validators

    ours = {
        "pattern": _pattern,
        "patternProperties": _by_pattern,
        "additionalProperties": _additional,
        "uniqueItems": _unique,
    }
    return validators.extend(Draft202012Validator, ours)  # type: ignore[no-untyped-call]


def _pattern(validator: Any, asked: str, value: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(value, str) and not Pattern(asked).found_in(value):
        yield ValidationError(f"{asked!r} is not found")


def _by_pattern(validator: Any, asked: Mapping[str, Any], value: Any, schema: Any) -> Iterator[Any]:
    for source, inner in asked.items() if isinstance(value, dict) else ():
        pattern = Pattern(source)
        for name in filter(pattern.found_in, value):
            yield from validator.descend(value[name], inner, path=name)


def _additional(validator: Any, asked: Any, value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if not isinstance(value, dict):
        return
    patterns = [Pattern(source) for source in schema.get("patternProperties", {})]
    for name in value.keys() - schema.get("properties", {}).keys():
        if not any(pattern.found_in(name) for pattern in patterns):
            yield from validator.descend(value[name], asked, path=name)


def _unique(validator: Any, asked: bool, value: Any, schema: Any) -> Iterator[Any]:
    """By a key for each item, each held against all before at once: `jsonschema` compares every two objects."""
    from jsonschema import ValidationError

    if asked and isinstance(value, list) and len(set(map(_key, value))) < len(value):
        yield ValidationError("an item comes twice")


def _key(value: Any) -> str:
    """The same for JSON values that are equal: 1 and 1.0 are, true and 1 are not."""
    return json.dumps(_with_plain_numbers(value), sort_keys=True)


def _with_plain_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_plain_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_plain_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
