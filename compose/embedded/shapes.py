"""The types that a request is made of; each reads itself from a `Reader`, as serde's derived code would."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from compose.embedded.serde import JsonError, Reader


class Shape(Protocol):
    """What can be read at the cursor."""

    def read(self, reader: Reader) -> Any: ...


class Str:
    def read(self, reader: Reader) -> str:
        if reader.peek() != ord('"'):
            raise reader.unexpected("a string")
        return reader.string()


class Bool:
    def read(self, reader: Reader) -> bool:
        if reader.peek() not in (ord("t"), ord("f")):
            raise reader.unexpected("a boolean")
        return bool(reader.scalar())


class F32:
    """A number, rounded to what a 32-bit float holds."""

    def read(self, reader: Reader) -> float:
        byte = reader.peek()
        if byte < 0 or byte not in b"-0123456789":
            raise reader.unexpected("f32")
        value = float(reader.number())
        try:
            return float(struct.unpack("f", struct.pack("f", value))[0])
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")


@dataclass(frozen=True)
class Int:
    name: str
    low: int
    high: int

    def read(self, reader: Reader) -> int:
        byte = reader.peek()
        if byte < 0 or byte not in b"-0123456789":
            raise reader.unexpected(self.name)
        value = reader.number()
        if isinstance(value, float):
            raise reader.wrong(f"invalid type: floating point `{value}`, expected {self.name}")
        if not self.low <= value <= self.high:
            raise reader.wrong(f"invalid value: integer `{value}`, expected {self.name}")
        return value


U32 = Int("u32", 0, 2**32 - 1)
I32 = Int("i32", -(2**31), 2**31 - 1)
U64 = Int("u64", 0, 2**64 - 1)
USIZE = Int("usize", 0, 2**64 - 1)


class Anything:
    def read(self, reader: Reader) -> Any:
        return reader.anything()


@dataclass(frozen=True)
class Opt:
    inner: Shape

    def read(self, reader: Reader) -> Any:
        if reader.peek() == ord("n"):
            reader.scalar()
            return None
        return self.inner.read(reader)


@dataclass(frozen=True)
class Seq:
    inner: Shape

    def read(self, reader: Reader) -> list[Any]:
        if reader.peek() != ord("["):
            raise reader.unexpected("a sequence")
        reader.enter()
        items: list[Any] = []
        while reader.more(b"]", "a list", not items):
            reader.path.append(len(items))
            items.append(self.inner.read(reader))
            reader.path.pop()
        reader.leave()
        return items


@dataclass(frozen=True)
class Field:
    """One field of a struct; without `default` it must be there."""

    shape: Shape
    default: Callable[[], Any] | None = None
    alias: str | None = None


class Struct:
    """A struct with named fields; unknown keys are passed over, a second one of a name is an error."""

    def __init__(self, name: str, fields: Mapping[str, Field]) -> None:
        self.name = name
        self.fields = dict(fields)
        self.names = {key: key for key in fields} | {f.alias: key for key, f in fields.items() if f.alias}

    def read(self, reader: Reader) -> dict[str, Any]:
        byte = reader.peek()
        if byte == ord("{"):
            return self._map(reader)
        if byte == ord("["):
            return self._sequence(reader)
        raise reader.unexpected(f"struct {self.name}")

    def _map(self, reader: Reader) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key in keys(reader):
            name = self.names.get(key)
            if name in values:
                raise reader.wrong(f"duplicate field `{name}`")
            read_value(reader, key, self.fields[name].shape if name else Anything(), values, name)
        return self._complete(values, lambda name: reader.wrong(f"missing field `{name}`"))

    def _sequence(self, reader: Reader) -> dict[str, Any]:
        """serde takes an array for a struct too: the fields in their order."""
        reader.enter()
        values: dict[str, Any] = {}
        for name, field in self.fields.items():
            if not reader.more(b"]", "a list", not values):
                break
            values[name] = field.shape.read(reader)
        if reader.more(b"]", "a list", not values):
            raise reader.bad_syntax("trailing characters")
        reader.leave()
        short = f"invalid length {len(values)}, expected struct {self.name} with {len(self.fields)} elements"
        return self._complete(values, lambda name: reader.wrong(short))

    def _complete(self, values: dict[str, Any], missing: Callable[[str], JsonError]) -> dict[str, Any]:
        for name, field in self.fields.items():
            if name in values:
                continue
            if field.default is None:
                raise missing(name)
            values[name] = field.default()
        return values


def keys(reader: Reader) -> Any:
    """The keys of the object under the cursor, one by one; the caller reads each value."""
    reader.enter()
    first = True
    while reader.more(b"}", "an object", first):
        first = False
        yield reader.key()
    reader.leave()


def read_value(reader: Reader, key: str, shape: Shape, into: dict[str, Any], name: str | None) -> None:
    """Read the value that follows `key`, and keep it under `name` unless that is None."""
    reader.path.append(key)
    reader.colon()
    value = shape.read(reader)
    reader.path.pop()
    if name is not None:
        into[name] = value


def fits(shape: Shape, value: Any) -> Any:
    """`value`, already parsed, read again by `shape`; raises JsonError where it does not fit."""
    return shape.read(Reader(json.dumps(value).encode()))


def first_fit(shapes: Sequence[Shape], value: Any) -> tuple[int, Any] | None:
    """The first of `shapes` that takes `value` (an untagged enum), or None."""
    for index, shape in enumerate(shapes):
        try:
            return index, fits(shape, value)
        except JsonError:
            continue
    return None
