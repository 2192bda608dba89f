"""CSV as spreadsheets of all countries save it: one reader for prompts, imports, pairs and votes."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blindside.reading import BadFile
from blindside.tables.encoding import as_utf8
from blindside.tables.reader import read_rows
from blindside.tables.rows import Record, number
from blindside.tables.turns import Fields
from eval.collect.imports.imports import import_table
from eval.collect.prompts.prompt_set import load_prompts
from train.pairs.pair import Pair
from train.pairs.source import read_pairs

HEAD = ["prompt", "base", "tuned"]
Row = list[str]


def saved(rows: list[Row], delimiter: str = ",", encoding: str = "utf-8", end: str = "\r\n", first: str = "") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(rows)
    return (first + out.getvalue()).encode(encoding)


PLAIN = [HEAD, ["Name a colour, or two.", "2,5", "2.5; 3"], ["Say\n“two” lines", "é", "ñ\tx"]]
WESTERN = "\r\n".join(["prompt,base,tuned", "Name a café.,Blue – “x”.,Red."]).encode("cp1252")
#: A file's name and bytes, the rows under the header, and what is noted.
FILES: list[tuple[str, str, bytes, list[Row], str]] = [
    ("commas", "t.csv", saved(PLAIN), PLAIN[1:], ""),
    ("semicolons", "t.csv", saved(PLAIN, ";"), PLAIN[1:], ""),
    ("bars", "t.csv", saved(PLAIN, "|"), PLAIN[1:], ""),
    ("a mark", "t.csv", saved(PLAIN, ";", "utf-8-sig"), PLAIN[1:], ""),
    ("sep=", "t.csv", saved(PLAIN, ";", first="sep=;\r\n"), PLAIN[1:], ""),
    ("sep= quoted", "t.csv", saved(PLAIN, ",", first='"sep=,"\r\n'), PLAIN[1:], ""),
    ("sep= of a rare one", "t.csv", saved(PLAIN, "~", first="sep=~\r\n"), PLAIN[1:], ""),
    ("sep= marked UTF-16", "t.csv", saved(PLAIN, ";", "utf-16", first="sep=;\r\n"), PLAIN[1:], ""),
    ("UTF-16 by tabs", "t.csv", saved(PLAIN, "\t", "utf-16"), PLAIN[1:], ""),
    ("UTF-16 without a mark", "t.csv", saved(PLAIN, ",", "utf-16-le"), PLAIN[1:], ""),
    ("UTF-16, big end first", "t.csv", saved(PLAIN, ",", "utf-16-be"), PLAIN[1:], ""),
    ("UTF-32", "t.csv", saved(PLAIN, ",", "utf-32"), PLAIN[1:], ""),
    ("a Mac's returns", "t.csv", saved([PLAIN[0], PLAIN[1]], ";", end="\r"), [PLAIN[1]], ""),
    ("Windows-1252", "t.csv", WESTERN, [["Name a café.", "Blue – “x”.", "Red."]], "as in 'café.,Blue'"),
    (
        "empty columns and rows",
        "t.csv",
        b"prompt,base,tuned,,\r\na,b,c,,\r\n,,,,\r\nd,e,f,,\r\n,,,,\r\n \r\n",
        [["a", "b", "c"], ["d", "e", "f"]],
        "",
    ),
    ("more empty cells than columns", "t.csv", b"prompt,base,tuned\na,b,c,,,\n", [["a", "b", "c"]], ""),
    ("fewer empty cells than columns", "t.csv", b"prompt,base,tuned,,\na,b,c\n", [["a", "b", "c"]], ""),
    ("tabs and more commas", "t.tsv", b'prompt\tbase, as is, v1\ttuned, v2, v3\na\tb\tc\n', [["a", "b", "c"]], ""),
    ("tabs, named CSV", "t.csv", b"prompt\tbase\ttuned\na\tb\tc\n", [["a", "b", "c"]], ""),
    ("delimiters in quotes", "t.csv", b'"prompt, a, b, c";base;tuned\nx;y;z\n', [["x", "y", "z"]], ""),
    ("a header of two lines", "t.csv", b'"prompt\nof the user",base,tuned\nx,y,z\n', [["x", "y", "z"]], ""),
    ("a blank line first", "t.csv", b"\r\nprompt,base,tuned\r\nx,y,z\r\n", [["x", "y", "z"]], ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "rows", "noted"), [one[1:] for one in FILES], ids=[one[0] for one in FILES])
def test_the_rows_of_a_spreadsheet(name: str, data: bytes, rows: list[Row], noted: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    notes: list[str] = []
    found = list(read_rows(tmp_path / name, notes.append))
    assert all(isinstance(row, Record) for row in found), found
    assert [list(row.values.values()) for row in found if isinstance(row, Record)] == rows
    assert [noted in note for note in notes] == ([True] if noted else [])


@pytest.mark.parametrize(
    "data",
    [data for _, name, data, _, _ in FILES if name == "t.csv" and b"user" not in data and b"a, b, c" not in data],
    ids=[
        kind for kind, name, data, _, _ in FILES if name == "t.csv" and b"user" not in data and b"a, b, c" not in data
    ],
)
def test_prompts_imports_and_pairs_read_the_same(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    rows = [list(row.values.values()) for row in read_rows(path) if isinstance(row, Record)]
    prompts = [prompt.messages[0].content for prompt in load_prompts(str(path)).prompts]
    run = import_table(tmp_path / "reports", "r", path, say=lambda line: None)
    assert prompts == [row[0] for row in rows] == [prompt.messages[0].content for prompt in run.prompts()]
    fields = Fields(chosen="base", rejected="tuned")
    pairs = [row for row in read_pairs(path, fields=fields) if isinstance(row, Pair)]
    assert [[pair.messages[0]["content"], pair.chosen, pair.rejected] for pair in pairs] == rows


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"prompt,base,prompt\n", "the header names 'prompt' twice: rename one column"),
        (rb"prompt,base" + b"\n" + rb'"Say \"hi\".",x' + b"\n", "a quote within a cell is doubled"),
        ("prompt\nÃ© is no é\n".encode() + b"\xe9\n", "is not UTF-8: save it as UTF-8"),
        (b"prompt\ncaf\xe9\n" + "thé\n".encode(), "is neither UTF-8 nor Windows-1252"),
        (b"prompt\n\x81\x8d\n", "is neither UTF-8 nor Windows-1252"),
    ],
)
def test_a_spreadsheet_that_is_no_table_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(BadFile, match=said):
        list(read_rows(tmp_path / "t.csv"))


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 65536])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "cp1252"])
def test_text_is_recoded_wherever_it_is_cut(chunk: int, encoding: str) -> None:
    text = "prompt,base\r\n" + "Name a café – €,“x”.\r\n" * 4

    class Slow(io.BytesIO):
        """Gives little at a time, after a first look."""

        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(64 if self.tell() == 0 else chunk)

    assert as_utf8(Slow(text.encode(encoding)), lambda note: None, spreadsheet=True).read().decode() == text


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2,5", 2.5),
        ("2.5", 2.5),
        (" 7 ", 7.0),
        (True, None),
        ("", None),
        ("1.000,5", None),
        (float("nan"), None),
        ("a", None),
    ],
)
def test_numbers_with_decimal_commas(cell: Any, value: float | None) -> None:
    assert number(cell) == value


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0\ufeff"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_whatever_the_cells_hold_every_row_comes_back(
    rows: list[Row], delimiter: str, encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_bytes(saved([HEAD, *rows], delimiter, encoding))
    found = [row.values for row in read_rows(tmp_path / "t.csv") if isinstance(row, Record)]
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    assert [list(row.values()) for row in found] == kept
