"""Commands that read leave every byte of a run as it is, whatever is wrong with its files, and say what that is."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.answers import read_answers
from eval.judge.store.side_files import Skip
from eval.run import Run
from tests.cli.command import blindside
from tests.evidence.judged import make_judged
from tests.support import ROOT

Change = Callable[[bytes], bytes]


def _in_row(number: int, old: bytes, new: bytes) -> Change:
    """A change in one line of a file, counted from 1 for the header."""

    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        assert old in lines[number - 1]
        lines[number - 1] = lines[number - 1].replace(old, new, 1)
        return b"\n".join(lines)

    return change


#: What somebody did to verdicts.csv, and what every reading command says of it (nothing where it can be read).
ALTERED: dict[str, tuple[Change, str]] = {
    "a quote typed before a cell": (_in_row(4, b",judgement,", b',"judgement,'), "verdicts.csv:4: "),
    "a quote typed into a cell, no last line end": (
        lambda data: _in_row(4, b",judgement,", b',"judgement,')(data).rstrip(b"\n"),
        "verdicts.csv:4: a quote opens here",
    ),
    "a quote in the last row": (
        lambda data: _in_row(data.count(b"\n"), b",judgement,", b',"judgement,')(data),
        "verdicts.csv:",
    ),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), "is not UTF-8 (it looks like a spreadsheet's UTF-16)"),
    "UTF-16, big end first": (lambda data: data.decode().encode("utf-16-be"), "is not UTF-8"),
    "Latin-1": (_in_row(5, b"ann", b"\xe4nn"), "verdicts.csv:5: is not UTF-8"),
    "semicolons": (
        lambda data: data.replace(b",", b";"),
        "verdicts.csv:1: has semicolons between its cells, as a spreadsheet saves it",
    ),
    "sep=": (lambda data: b"sep=,\n" + data, "verdicts.csv:1: begins with a line `sep=`"),
    "extra columns": (lambda data: data.replace(b"\n", b",,\n"), "has extra columns: 2 without a name"),
    "a note": (lambda data: data.replace(b"\n", b",note\n"), "has extra columns: 'note'"),
    "half a row at the end": (lambda data: data[:-40], "the last row is not complete"),
    "zeros at the end": (lambda data: data + b"\0" * 512, "the last row is not complete"),
    "no last line end": (lambda data: data[:-1], ""),
    "a cut in a character": (lambda data: data + "v,trial,ü".encode()[:-1], "the last row is not complete"),
}
COMMANDS = ("report", "gate", "runs", "harvest")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_judged(tmp_path, pairs=45)


def everything(run: Run) -> dict[str, bytes]:
    """Every file of the run but what the commands are there to write."""
    made = {"report", "decision.json", "gate.yml", "harvest"}
    paths = [path for path in run.folder.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in paths if not made & set(path.relative_to(run.folder).parts)}


def command(name: str, run: Run) -> subprocess.CompletedProcess[str]:
    reports = ["--reports", str(run.folder.parent)]
    arguments = [name, *([] if name == "runs" else [run.name]), *reports]
    arguments += ["--out", str(run.folder.parent.parent / "next.jsonl")] if name == "harvest" else []
    return blindside(*arguments, cwd=ROOT)


@pytest.mark.parametrize(("change", "said"), ALTERED.values(), ids=ALTERED.keys())
def test_report_changes_no_byte_of_an_altered_file(run: Run, change: Change, said: str) -> None:
    run.verdicts_path.write_bytes(change(run.verdicts_path.read_bytes()))
    before = everything(run)
    done = command("report", run)
    assert everything(run) == before
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (done.returncode == 0) == (not said or "last row" in said), done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_no_reading_command_mends_anything(run: Run, name: str) -> None:
    torn = {run.verdicts_path: 40, run.responses_path: 25, run.folder / "skips.csv": 3}
    (run.folder / "skips.csv").write_bytes(
        (",".join(Skip.model_fields) + "\ntrial,item,ann,judgement,2026-01-31T12:00:00.000Z\n").encode()
    )
    for path, cut in torn.items():
        path.write_bytes(path.read_bytes()[:-cut])
    before = everything(run)
    done = command(name, run)
    assert everything(run) == before, done.stderr
    assert "Traceback" not in done.stderr


def test_an_answer_without_its_line_end_is_an_answer(run: Run) -> None:
    whole = read_answers(run.responses_path)
    data = run.responses_path.read_bytes()
    run.responses_path.write_bytes(data[:-1])
    assert read_answers(run.responses_path) == whole
    run.responses_path.write_bytes(data[:-2])
    assert len(read_answers(run.responses_path).responses) == len(whole.responses) - 1
