"""GGUF by the converter that is there: found, run, and what it says told; nothing half written is left."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval.cli.main import app
from eval.collect.engines.connect import connect
from tests.collect.test_embedded import MODEL
from tests.collect.test_llama_cpp import CROATIA, PYTHON, installed, serving_gguf
from tests.support import ROOT
from train.errors import ExportError
from train.export.gguf import CONVERTER, export_gguf, find_converter

#: The command line of llama.cpp's converter, for the one family that tests/collect/gguf_model.py writes.
_CONVERTER = f"""
import argparse, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT / "tests" / "collect")!r})
import gguf_model
asked = argparse.ArgumentParser()
asked.add_argument("model", type=Path)
asked.add_argument("--outfile", type=Path)
asked.add_argument("--outtype")
given = asked.parse_args()
gguf_model.write(given.model, given.outfile, given.outtype)
"""


def converter(folder: Path, code: str) -> Path:
    path = folder / CONVERTER
    path.write_text(code, encoding="utf-8")
    return path


def test_the_converter_is_found_where_it_is_said_to_be(tmp_path: Path) -> None:
    path = converter(tmp_path, "")
    path.chmod(0o755)
    assert find_converter(path, {}) == path
    assert find_converter(None, {"LLAMA_CPP": str(tmp_path)}) == path
    assert find_converter(None, {"PATH": str(tmp_path)}) == path
    for given, variables in ((None, {"PATH": ""}), (tmp_path / "other.py", {"PATH": str(tmp_path)})):
        with pytest.raises(ExportError, match=r"convert_hf_to_gguf\.py is not found.*set LLAMA_CPP to their folder"):
            find_converter(given, variables)
    with pytest.raises(ExportError, match="is not a file"):
        find_converter(None, {"LLAMA_CPP": str(tmp_path / "nowhere"), "PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_package", "No module named 'no_such_package'; install it into the environment of"),
        ("import sys; sys.exit('ERROR: Model Foo is not supported')", "ERROR: Model Foo is not supported"),
        ("pass", "the converter wrote no GGUF: status 0"),
        ("import sys; open(sys.argv[3], 'w').write('half')", "the converter wrote no GGUF"),
    ],
)
def test_what_the_converter_says_is_told_and_nothing_is_left(tmp_path: Path, code: str, said: str) -> None:
    path, out = converter(tmp_path, code), tmp_path / "m.gguf"
    with pytest.raises(ExportError, match=said):
        export_gguf(MODEL, out, converter=path, python=Path(sys.executable))
    assert [one.name for one in tmp_path.iterdir()] == [CONVERTER]


def test_what_cannot_be_exported_is_told_before_anything_runs(tmp_path: Path) -> None:
    path, python = converter(tmp_path, "raise SystemExit('ran')"), Path(sys.executable)
    with pytest.raises(ExportError, match="give a model folder"):
        export_gguf(tmp_path, tmp_path / "m.gguf", converter=path, python=python)
    with pytest.raises(ExportError, match=r"does not end in \.gguf"):
        export_gguf(MODEL, tmp_path / "m.bin", converter=path, python=python)
    with pytest.raises(ExportError, match="'q4' is not a type of weights; give one of f16, "):
        export_gguf(MODEL, tmp_path / "m.gguf", converter=path, python=python, kind="q4")
    with pytest.raises(ExportError, match="does not start"):
        export_gguf(MODEL, tmp_path / "m.gguf", converter=path, python=tmp_path / "python")


async def test_llama_cpp_answers_from_what_was_written(tmp_path: Path) -> None:
    if not installed():
        pytest.skip("needs .venv-llama with xllamacpp and gguf: make env-llama")
    out = tmp_path / "tiny.gguf"
    how = ("--converter", str(converter(tmp_path, _CONVERTER)), "--python", str(PYTHON), "--type", "q8_0")
    done = CliRunner().invoke(app, ["export-gguf", str(MODEL), str(out), *how])
    assert done.exit_code == 0, done.output
    with serving_gguf(out) as url:
        async with connect(url, seconds=60) as engine:
            answer = await engine.chat(CROATIA, 20)
    assert answer.text == "The capital of Croatia is Zagreb."
    assert engine.info.served["quantization"] == "Q8_0"
