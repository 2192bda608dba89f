"""Writes pairs as Axolotl's `chat_template.default` reads them, JSONL or Parquet, with a card for the Hub.

A row is {"messages": [{role, content}…], "chosen": {role, content}, "rejected": {role, content}}, and `id` and
`source` where the pair has them. In Parquet `source` is a text of JSON, since its keys differ from pair to pair.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from blindside.markdown import as_text, one_line
from blindside.words import counted
from train.errors import PairsError
from train.files import READABLE, write_atomic
from train.pairs.pair import Pair

_BATCH = 1000


def row_of(pair: Pair) -> dict[str, Any]:
    """One row of the output, its texts exactly the pair's."""
    row: dict[str, Any] = {
        "messages": list(pair.messages),
        "chosen": {"role": "assistant", "content": pair.chosen},
        "rejected": {"role": "assistant", "content": pair.rejected},
    }
    return row | ({"id": pair.id} if pair.id else {}) | ({"source": pair.source} if pair.source else {})


def write_pairs(pairs: Iterable[Pair], out: Path) -> int:
    """Write `out` whole or not at all, by its suffix .jsonl, .jsonl.gz or .parquet; returns how many were written.

    Raises PairsError for another suffix, or a disk that refuses.
    """
    kind = "".join(out.suffixes[-2:]) if out.suffix == ".gz" else out.suffix
    if kind not in (".jsonl", ".jsonl.gz", ".parquet"):
        raise PairsError("unknown output format; name it .jsonl, .jsonl.gz or .parquet", path=out)
    try:
        with _beside(out) as part:
            return _parquet(pairs, part) if kind == ".parquet" else _jsonl(pairs, part, gzipped=kind != ".jsonl")
    except OSError as error:
        raise PairsError(f"can't be written ({error.strerror or error}); nothing was changed", path=out) from None


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A path that becomes `out` if all goes well, and leaves nothing where it does not."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        yield part
        part.chmod(READABLE)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _jsonl(pairs: Iterable[Pair], part: Path, *, gzipped: bool) -> int:
    count = 0
    with part.open("wb") as raw:
        # Without name and time, so that the same pairs are the same bytes.
        packed: IO[bytes] = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if gzipped else raw  # type: ignore[assignment]
        for pair in pairs:
            # Texts hold no half characters by now; an id or a source may.
            packed.write(json.dumps(row_of(pair), ensure_ascii=False).encode(errors="replace") + b"\n")
            count += 1
        if gzipped:
            packed.close()
        raw.flush()
        os.fsync(raw.fileno())
    return count


def _parquet(pairs: Iterable[Pair], part: Path) -> int:
    try:
        import pyarrow  # type: ignore[import-untyped]
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError:
        raise PairsError("writing Parquet needs pyarrow: `pip install pyarrow`, or name it .jsonl", path=part) from None
    message = pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.string())])
    text = pyarrow.string()
    schema = pyarrow.schema(
        [
            ("messages", pyarrow.list_(message)),
            ("chosen", message),
            ("rejected", message),
            ("id", text),
            ("source", text),
        ]
    )
    count, rest = 0, iter(pairs)
    with pyarrow.parquet.ParquetWriter(part, schema) as writer:
        while batch := [_packed(row_of(pair)) for pair in islice(rest, _BATCH)]:
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def _packed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "source": json.dumps(row["source"], ensure_ascii=False) if "source" in row else None}


def card_path(out: Path) -> Path:
    """Where the card of a pair file lies: beside it, to be README.md on the Hub."""
    return out.with_name(out.name.split(".")[0] + ".README.md")


def write_card(out: Path, *, pairs: int, origin: str, how: str, left_out: Mapping[str, int]) -> Path:
    """The data set card of `out`, with YAML front matter as the Hub reads it. Raises PairsError."""
    size = next((name for limit, name in _SIZES if pairs < limit), "n>1M")
    lines = [
        *("---", "task_categories:", "- text-generation", "tags:", "- dpo", "- preference", "- blindside"),
        *("size_categories:", f"- {size}", "configs:", "- config_name: default"),
        *(
            "  data_files:",
            "  - split: train",
            f"    path: {json.dumps(out.name)}",
            "---",
            "",
            "# Preference pairs",
            "",
        ),
        f"{counted(pairs, 'pair')} for DPO, from {as_text(origin)}. {how}".rstrip(),
        "",
        "| column | what it holds |",
        "|---|---|",
        "| `messages` | the conversation, a list of `{role, content}` that ends with the user's turn |",
        "| `chosen`, `rejected` | the better and the worse answer, `{role, content}` |",
        "| `id`, `source` | where the pair comes from, where that is known |",
        "",
        "In an Axolotl recipe:",
        "",
        *(
            "```yaml",
            "rl: dpo",
            "datasets:",
            f"  - path: {one_line(out.name)}",
            "    split: train",
            "    ds_type: json",
        ),
        *("    type: chat_template.default", "    field_messages: messages", "    field_chosen: chosen"),
        *("    field_rejected: rejected", "```", "", "## Left out", ""),
        *([f"- {counted(count, 'row')}: {as_text(reason)}" for reason, count in left_out.items()] or ["Nothing."]),
    ]
    if out.suffix == ".parquet":
        lines = [line.replace("ds_type: json", "ds_type: parquet") for line in lines]
    path = card_path(out)
    try:
        write_atomic(path, "\n".join(lines) + "\n")
    except OSError as error:
        raise PairsError(f"can't be written ({error.strerror or error})", path=path) from None
    return path


_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
