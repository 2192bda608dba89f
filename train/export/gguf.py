"""A model folder as GGUF, by llama.cpp's own converter where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from train.errors import ExportError

CONVERTER = "convert_hf_to_gguf.py"
#: What the converter writes without a table of importances.
KINDS = ("f16", "bf16", "f32", "q8_0", "auto")
#: How a file of GGUF begins.
_MAGIC = b"GGUF"


def find_converter(given: Path | None = None, variables: Mapping[str, str] | None = None) -> Path:
    """The converter: the one that is given, else of the checkout that LLAMA_CPP names, else on the PATH.

    Raises ExportError with where to get it.
    """
    known = os.environ if variables is None else variables
    checkout = known.get("LLAMA_CPP", "")
    places = [given] if given else [Path(checkout) / CONVERTER] if checkout else []
    on_path = shutil.which(CONVERTER, path=known.get("PATH"))
    found = next((place for place in places if place.is_file()), Path(on_path) if on_path and not places else None)
    if found is None:
        looked = f" ({places[0]} is not a file)" if places else ""
        raise ExportError(
            f"llama.cpp's {CONVERTER} is not found{looked}: get llama.cpp's sources (github.com/ggml-org/llama.cpp), "
            "and set LLAMA_CPP to their folder, or name the file with --converter",
            field="converter",
        )
    return found


def export_gguf(folder: Path, out: Path, *, converter: Path, python: Path, kind: str = "f16") -> None:
    """Write `out`, whole or not at all. `python` is one that has torch, transformers and the converter's packages.

    Raises ExportError where the folder is no model, `out` already exists, or the converter fails, with its words.
    """
    if kind not in KINDS:
        raise ExportError(f"{kind!r} is not a type of weights; give one of {', '.join(KINDS)}", field="type")
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise ExportError(f"{folder} has no config.json or no .safetensors; give a model folder", field="folder")
    if out.exists() or out.suffix != ".gguf":
        raise ExportError(f"{out} already exists, or does not end in .gguf; name a new file", field="out")
    part = out.with_name(out.name + ".part")
    libraries = [str(converter.parent / "gguf-py"), os.environ.get("PYTHONPATH", "")]
    command = [str(python), str(converter), str(folder), "--outfile", str(part), "--outtype", kind]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, libraries)), "HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
        _check(part, done, python)
        part.rename(out)
    except OSError as error:
        raise ExportError(
            f"{python} does not start ({error.strerror}); name one with --python", field="python"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def _check(part: Path, done: subprocess.CompletedProcess[str], python: Path) -> None:
    begins = b""
    if part.is_file():
        with part.open("rb") as file:
            begins = file.read(len(_MAGIC))
    if done.returncode == 0 and begins == _MAGIC:
        return
    words = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    last = words[-1][:300] if words else f"status {done.returncode}"
    remedy = f"; install it into the environment of {python}" if "ModuleNotFoundError" in last else ""
    raise ExportError(f"the converter wrote no GGUF: {last}{remedy}", field="converter")
