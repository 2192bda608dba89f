"""`blindside export`: rewrite a model that transformers 5 saved into the form that servers read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from blindside import console
from blindside.words import counted
from eval.cli.options import TRAIN_ENV, TrainEnv

#: Files of a Hub model that are not downloaded: code, and second formats of the weights.
_FILES = ["*.json", "*.jinja", "*.safetensors"]


class Reader(StrEnum):
    """Who will read the folder."""

    TGI = "tgi-3.3"
    TRANSFORMERS = "transformers"


def export(
    folder: Annotated[str, typer.Argument(help="A model folder, or a Hub id, that transformers 5 saved.")],
    target: Annotated[Path, typer.Argument(help="The folder to write; it must not exist yet.")],
    reader: Annotated[
        Reader, typer.Option("--for", help="Which software will read it: TGI 3.3, or transformers 5.")
    ] = Reader.TGI,
    revision: Annotated[str, typer.Option(help="Commit, tag or branch of a Hub model.")] = "",
) -> None:
    """Rewrite a model folder so that TGI 3.3 (transformers 4.51) and transformers 5 read it identically.

    Example: `blindside export my-model my-model-tgi`
    """
    from train.errors import ExportError
    from train.export.changes import changes
    from train.export.export import export as write
    from train.export.text_part import text_alone

    if target.exists():
        raise ExportError(f"{target} already exists; name a folder that is not", field="target")
    given = _saved(folder, revision)
    with text_alone(given, target) as (saved, told):
        notes = [*told, *write(saved, saved, target, link=saved != given, older=reader is Reader.TGI)]
        found = list(changes(saved, target))
    console.say(f"{target}: for {reader.value}, {counted(len(found), 'change')}")
    for line in [*found, *(f"note: {note}" for note in notes)]:
        console.say(f"  {line}")


def _saved(folder: str, revision: str) -> Path:
    """The folder, or the Hub's snapshot of that name. Raises ExportError where there is neither."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    from train.errors import ExportError

    if Path(folder).is_dir():
        return Path(folder)
    try:
        return Path(snapshot_download(folder, revision=revision or None, allow_patterns=_FILES))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        problem = f"{folder} is not a folder here, and the Hub does not give it ({why}); check the name and HF_TOKEN"
        raise ExportError(problem, field="folder") from None


def export_gguf(
    folder: Annotated[Path, typer.Argument(help="A model folder, as `make train` writes it to models/.")],
    out: Annotated[Path, typer.Argument(help="The .gguf file to write; it must not exist yet.")],
    kind: Annotated[str, typer.Option("--type", help="Type of the weights: f16, bf16, f32, q8_0 or auto.")] = "f16",
    converter: Annotated[Path | None, typer.Option(help="llama.cpp's convert_hf_to_gguf.py.")] = None,
    python: Annotated[Path | None, typer.Option(help="Python that has the converter's dependencies.")] = None,
    env: TrainEnv = TRAIN_ENV,
) -> None:
    """Write a model as GGUF with llama.cpp's own converter (LLAMA_CPP= names its checkout).

    Export base and tuned the same way, or the comparison is one of quantisations. Example: `blindside export-gguf
    models/tiny tiny.gguf`
    """
    from train.export.gguf import export_gguf as write
    from train.export.gguf import find_converter

    found = find_converter(converter)
    write(folder, out, converter=found, python=python or env / "bin" / "python", kind=kind)
    console.say(f"{out}: {kind}, {out.stat().st_size / 2**20:,.1f} MB, by {found}")


def register(app: typer.Typer) -> None:
    app.command("export")(export)
    app.command("export-gguf")(export_gguf)
