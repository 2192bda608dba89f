"""Read rows of training data, as Axolotl's chat_template strategies take them, into one shape."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from blindside.reading import BadFile, lines, opened, parse_json, whole
from train.errors import PairsError, RecipeError
from train.pairs.lists import BrokenList, items
from train.recipe import DataSet

Message = dict[str, str]


@dataclass(frozen=True)
class Row:
    """One row: the conversation that is answered, and the answers. `chosen` alone is an SFT row's last turn."""

    line: int
    messages: tuple[Message, ...]
    chosen: str
    rejected: str | None
    #: The row as it was read.
    raw: dict[str, Any]


def check_columns(there: list[str], asked: DataSet) -> None:
    """Raise RecipeError where the recipe asks for a column that the data set does not have, naming the likely one."""
    for field, column in asked.columns.items():
        if column in there:
            continue
        likely = _likely(field, there, set(asked.columns.values()))
        remedy = f": set {field}: {likely}" if likely else ""
        raise RecipeError(f"the recipe asks for `{column}`; the data set {asked.path} has `{', '.join(there)}`{remedy}")


def _likely(field: str, there: list[str], asked: set[str]) -> str | None:
    names = {
        "field_messages": ("messages", "conversation", "conversations", "prompt"),
        "field_chosen": ("chosen", "chosen_response", "preferred"),
        "field_rejected": ("rejected", "rejected_response", "dispreferred"),
    }[field]
    return next((name for name in names if name in there and name not in asked), None)


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSONL file (or of a JSON list), with the number of the line (or of the item)."""
    try:
        with opened(path) as file:
            yield from _listed(path, file) if path.suffix == ".json" else _by_line(path, lines(file))
    except FileNotFoundError:
        raise PairsError("there is no such file; check `path` in the recipe", path=path) from None
    except BadFile as error:
        raise PairsError(error.problem, path=path, line=error.line) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PairsError(f"is no whole gzip file ({error}); get it again", path=path) from None
    except OSError as error:
        raise PairsError(f"can't be read ({error.strerror or error}); check path and rights", path=path) from None


def _by_line(path: Path, numbered: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, raw in numbered:
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if line.strip():
            yield number, _object(_parse(line, path, number), path, number)


def _listed(path: Path, file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The items of a list, or objects line by line under the same suffix."""
    data = whole(file)
    if not data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        yield from _by_line(path, lines(BytesIO(data)))
        return
    try:
        for number, (_, value) in enumerate(items(data.decode("utf-8-sig")), start=1):
            yield number, value
    except UnicodeDecodeError as error:
        raise PairsError(f"is not UTF-8 (byte {error.start}); save it as UTF-8", path=path) from None
    except BrokenList as error:
        raise PairsError(f"is not JSON ({error.problem}); mend the list there", path=path, line=error.line) from None


def _parse(line: bytes, path: Path, number: int) -> Any:
    try:
        return parse_json(line)
    except UnicodeDecodeError as error:
        raise PairsError(f"is not UTF-8 (byte {error.start}); save it as UTF-8", path=path, line=number) from None
    except ValueError as error:
        raise PairsError(f"is not JSON ({error}); mend or delete the line", path=path, line=number) from None


def _object(value: Any, path: Path, number: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PairsError(f"is not a JSON object but {type(value).__name__}", path=path, line=number)
    return value


def to_row(raw: dict[str, Any], asked: DataSet, path: Path | str, line: int) -> Row:
    """Raise PairsError where a field is missing or has a shape that Axolotl cannot read."""
    missing = [column for column in asked.columns.values() if raw.get(column) is None]
    if missing:
        raise PairsError(f"has no `{missing[0]}`", path=path, line=line)
    messages = _messages(raw[asked.field_messages], asked, path, line)
    if asked.is_pairs:
        chosen, rejected = (_answer(raw[f], f, asked, path, line) for f in (asked.field_chosen, asked.field_rejected))
        return Row(line, tuple(messages), chosen, rejected, raw)
    if not messages or messages[-1]["role"] != "assistant":
        raise PairsError("does not end with an assistant's turn, so there is nothing to learn", path=path, line=line)
    return Row(line, tuple(messages[:-1]), messages[-1]["content"], None, raw)


def _messages(value: Any, asked: DataSet, path: Path | str, line: int) -> list[Message]:
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if not isinstance(value, list):
        raise PairsError(f"`{asked.field_messages}` is not a list of messages", path=path, line=line)
    return [_message(item, asked, path, line) for item in value]


def _message(item: Any, asked: DataSet, path: Path | str, line: int) -> Message:
    if not isinstance(item, dict) or not all(isinstance(item.get(k), str) for k in (asked.role, asked.content)):
        raise PairsError(f"has a message that is not {{{asked.role}, {asked.content}}} of texts", path=path, line=line)
    role = asked.roles.get(item[asked.role])
    if role is None:
        raise PairsError(f"has the unknown role {item[asked.role]!r}; map it with `roles`", path=path, line=line)
    return {"role": role, "content": item[asked.content]}


def _answer(value: Any, column: str, asked: DataSet, path: Path | str, line: int) -> str:
    """A text, a message, or a list of messages of which Axolotl takes the last."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        value = value[-1]
    message = _message(value, asked, path, line)
    if message["role"] != "assistant":
        raise PairsError(f"`{column}` is a turn of the {message['role']}, not of the assistant", path=path, line=line)
    return message["content"]
