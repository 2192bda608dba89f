"""Files that people hand in, of every format and by every reader: what is too large for one record costs no memory."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blindside.reading import LONGEST
from blindside.tables.json_lists import BrokenList, items
from eval.collect.input_records import read_records
from eval.collect.model_tasks.held_out import read_held_out
from eval.collect.model_tasks.synthesize import read_correction
from eval.errors import InputError
from eval.judge.study.gold import read_gold
from tests.cli.command import blindside
from tests.peak import measured
from train.errors import PairsError
from train.pairs.read import read_lines
from train.pairs.records import read_records as read_pairs

ZEROS = b"0" * 2**20
PAIR = {"prompt": "Why?", "chosen": "So.", "rejected": "No."}


def bomb(path: Path, megabytes: int, piece: bytes = ZEROS, first: bytes = b"") -> Path:
    """A gzip file of about a thousandth of what it unpacks to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = [packer.compress(first), *(packer.compress(piece) for _ in range(megabytes)), packer.flush()]
    path.write_bytes(b"".join(packed))
    return path


def plain(path: Path, megabytes: int, first: bytes = b"") -> Path:
    with path.open("wb") as file:
        file.write(first)
        for _ in range(megabytes):
            file.write(ZEROS)
    return path


def every(reader: Callable[[Path], Any]) -> Callable[[Path], list[Any]]:
    return lambda path: list(reader(path))


LONG = "is longer than 8 MB: write one record per line"
#: Reader, file name, how the file begins (it continues with 20 MB of zeros, without a line end), and its message.
CASES: list[tuple[Callable[[Path], Any], str, bytes, str]] = [
    (every(read_pairs), "p.jsonl", b'{"prompt": "', f"p.jsonl:1: {LONG}"),
    (every(read_pairs), "p.jsonl", b'{"prompt": "a", "chosen": "b", "rejected": "c"}\n', f"p.jsonl:2: {LONG}"),
    (every(read_pairs), "p.json", b'[{"a": 1},\n{"a": "', "p.json:2: an item is larger than 8 MB, or not closed"),
    (every(read_pairs), "p.csv", b"a,b\n1,", f"p.csv:2: {LONG}"),
    (every(read_pairs), "p.tsv", b"a\tb", f"p.tsv:1: {LONG}"),
    (every(read_lines), "p.jsonl", b'{"prompt": "', f"p.jsonl:1: {LONG}"),
    (every(read_lines), "p.json", b'[{"a": 1},\n{"a": "', "p.json:2: an item is larger than 8 MB, or not closed"),
    (read_records, "p.jsonl", b'{"prompt": "', f"p.jsonl:1: {LONG}"),
    (read_records, "p.json", b'[{"a": 1},\n{"a": "', "p.json:2: an item is larger than 8 MB, or not closed"),
    (read_records, "p.csv", b"a,b\n1,", f"p.csv:2: {LONG}"),
    (read_held_out, "p.jsonl", b'{"messages": [], "chosen": "', f"p.jsonl:1: {LONG}"),
    (read_gold, "p.jsonl", b'{"id": "', f"p.jsonl:1: {LONG}"),
    (read_correction, "p.txt", b"", "p.txt: is longer than 8 MB: give a prompt"),
]


@pytest.mark.parametrize(("reader", "name", "first", "said"), CASES)
def test_a_record_without_end_is_one_sentence(
    reader: Callable[[Path], Any], name: str, first: bytes, said: str, tmp_path: Path
) -> None:
    path = plain(tmp_path / name, 20, first)
    with pytest.raises((InputError, PairsError)) as caught:
        reader(path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200 + len(str(path))


@pytest.mark.parametrize("reader", [every(read_pairs), read_records])
def test_a_row_of_csv_has_a_bound_over_many_lines(reader: Callable[[Path], Any], tmp_path: Path) -> None:
    """A quote that is opened again on each line makes one row of the whole file, and no cell of it is large."""
    path = tmp_path / "p.csv"
    path.write_bytes(b"a,b\n" + b'"x\n",' * (LONGEST // 4))
    with pytest.raises((InputError, PairsError), match=r"a row is longer than 8 MB: is a quote not closed\?"):
        reader(path)


SMALL_LINES = (b"{}".ljust(2047) + b"\n") * 512


@pytest.mark.parametrize(
    ("module", "name", "piece", "said"),
    [
        ("train.pairs.records.read_records", "p.jsonl.gz", ZEROS, LONG),
        ("train.pairs.records.read_records", "p.csv.gz", ZEROS, LONG),
        ("train.pairs.records.read_records", "p.json.gz", ZEROS, "unpacks to more than 200 times its size"),
        ("train.pairs.records.read_records", "p.jsonl.gz", SMALL_LINES, "unpacks to more than 200 times its size"),
        ("train.pairs.read.read_lines", "p.jsonl.gz", ZEROS, LONG),
    ],
)
def test_what_is_packed_takes_no_memory(module: str, name: str, piece: bytes, said: str, tmp_path: Path) -> None:
    path = bomb(tmp_path / name, 400, piece)
    where, _, function = module.rpartition(".")
    code = (
        f"import sys, pathlib; from {where} import {function} as read\nfor _ in read(pathlib.Path(sys.argv[1])): pass"
    )
    ran = measured([sys.executable, "-c", code, path])
    assert said in ran.err
    assert "PairsError" in ran.err
    assert ran.megabytes < 350


def test_a_list_that_is_too_large_is_told_its_other_form(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    with path.open("wb") as file:
        file.truncate(2**31)
    for reader in (read_records, every(read_pairs), every(read_lines)):
        with pytest.raises((InputError, PairsError), match="is larger than 128 MB: use JSONL, which is read line by"):
            reader(path)


#: A line that breaks what reads it, and what is said of it.
LINES = [
    ('{"prompt": ' + "[" * 100_000, "is not JSON (nested too deeply)"),
    ('{"prompt": ' + "[" * 500 + "]" * 500 + "}", "is not JSON (nested too deeply)"),
    ('{"prompt": ' + "9" * 5000 + "}", "is not JSON (a number has thousands of digits)"),
]


@pytest.mark.parametrize(("line", "said"), LINES)
@pytest.mark.parametrize("reader", [every(read_lines), read_records])
def test_a_line_too_deep_or_with_too_many_digits(
    reader: Callable[[Path], Any], line: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(PAIR) + "\n" + line + "\n")
    with pytest.raises((InputError, PairsError)) as caught:
        reader(path)
    assert f"p.jsonl:2: {said}" in str(caught.value)


@pytest.mark.parametrize(("line", "said"), LINES)
def test_of_pairs_such_a_line_is_left_out_and_counted(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(PAIR) + "\n" + line + "\n" + json.dumps(PAIR) + "\n")
    rows = list(read_pairs(path))
    assert [type(row).__name__ for row in rows] == ["Record", "Excluded", "Record"]
    assert said in str(rows[1])


@pytest.mark.parametrize("inner", ["[" * 500 + "]" * 500, "9" * 5000, "[" * 100_000])
def test_a_list_too_deep_or_with_too_many_digits(inner: str) -> None:
    with pytest.raises(BrokenList, match=r"nested too deeply|thousands of digits"):
        list(items(f"[{inner}]"))


@pytest.mark.parametrize("size", [1, 8191, 8192, 8193, 40_000, 600_000])
def test_items_of_any_size_are_read_with_their_lines(size: int) -> None:
    """Also where a window ends within a number, a text or between two items."""
    values: list[Any] = [{"a": "x" * size}, 123456789, "é" * size, [1] * size, 0.25, {"b": None}]
    text = "[\n" + ",\n".join(json.dumps(value) for value in values) + "\n]"
    assert list(items(text)) == list(enumerate(values, start=2))
    digits = "[" + " " * (8192 - 3) + "1234567]"
    assert list(items(digits)) == [(1, 1234567)]


def test_numbers_across_a_window() -> None:
    for spaces in range(8180, 8200):
        assert [value for _, value in items("[[" + " " * spaces + "1234567], 7654321]")] == [[1234567], 7654321]


def test_packed_pairs_are_read_as_before(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + b"".join(json.dumps(PAIR).encode() + b"\r\n" for _ in range(3))))
    assert [row.line for row in read_pairs(path)] == [1, 2, 3]
    assert [row for _, row in read_lines(path)] == [PAIR] * 3


def test_half_a_character_in_an_id_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": "\ud800", **PAIR, "source": {"from": "\udc00"}}) + "\n")
    done = blindside("pairs", "convert", "p.jsonl", "out.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [row.line for row in read_pairs(tmp_path / "out.jsonl")] == [1]
