"""Makes Axolotl's output servable by TGI 3.3 and transformers 5 alike, or refuses, naming why.

Axolotl saves with transformers 5, TGI 3.3 reads with transformers 4.51: left as it is, the server dies, or reads a
wrong rope base and the tuned model talks nonsense. What is served is checked against the base first: the tokenizer and
the chat template that go out are the base's own, after they were found to be the same.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from blindside import tgi
from blindside.tgi import not_for_tgi, reads_ends
from train.artifact import NAME
from train.errors import ExportError
from train.export import checks, servable
from train.export.ropes import Json
from train.export.template import end_of_turn, for_every_reader, named_tokens, read_template
from train.export.weights import Tensor, main_dtype, read_tensors, weight_files
from train.files import READABLE, sha256_files, write_atomic, write_json

_INDEX = "model.safetensors.index.json"


def export(output: Path, base: Path, target: Path, *, link: bool = False, older: bool = True) -> list[str]:
    """Write the servable form of the model in `output`, trained from `base`, to `target`, whole or not at all.

    What is not for TGI 3.3 is exported anyway, for engines that read it, and reported in the sentences returned.

    `base` is a model folder; of it only the JSON files and tokenizer are needed, weights are compared where they are
    there. With `link` weights are linked where that can be, not copied: then `output` must not be written to again.
    A `target` that exists is replaced.
    Without `older` nothing is said in the words of transformers 4, for readers that run transformers 5.
    Raises ExportError.
    """
    tuned, origin = _Folder(output), _Folder(base)
    tensors = read_tensors(output)
    special = origin.special_tokens()
    _check(tuned, origin, tensors, special)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        _write_json_files(beside, tuned, origin, main_dtype(tensors), older=older)
        _place_weights(output, beside, link)
        _replace(target, beside)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return notes(origin.config) if older else []


def notes(config: Json) -> list[str]:
    """What to tell of a model with this config.json that is to be served."""
    against = not_for_tgi(config)
    return [f"{against}; serve it with vLLM, SGLang or the embedded engine"] if against else []


def check_base(base: Path) -> None:
    """Put a base's config, tokenizer and template through all that an export does with them. Raises ExportError."""
    origin = _Folder(base)
    found = any(base.glob("model*.safetensors"))
    _check(origin, origin, read_tensors(base) if found else {}, origin.special_tokens())
    with TemporaryDirectory(prefix="blindside-export-") as folder:
        _write_json_files(Path(folder), origin, origin, None, older=True)


def rules() -> str:
    """Hex sha256 of the sources that decide what an export writes: what other ones wrote is rewritten."""
    here = Path(__file__).parent
    names = ("export", "rendering", "ropes", "servable", "template")
    return sha256_files([*(here / f"{name}.py" for name in names), Path(tgi.__file__)])


class _Folder:
    """The JSON files of one model folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = self._read("config.json")
        self.tokenizer = self._read("tokenizer.json")
        self.tokenizer_config = self._read("tokenizer_config.json")
        self.generation = self._read("generation_config.json", optional=True)
        self.template = read_template(path)

    def _read(self, name: str, optional: bool = False) -> Json:
        path = self.path / name
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if optional:
                return {}
            raise ExportError(f"{self.path} has no {name}; did the training finish?", field=name) from None
        except ValueError:
            raise ExportError(f"{path} is not JSON; is the file complete?", field=name) from None
        if not isinstance(found, dict):
            raise ExportError(f"{path} is not a JSON object", field=name)
        return found

    def special_tokens(self) -> dict[str, str]:
        """bos_token, eos_token … as a chat template sees them."""
        return named_tokens(self.tokenizer_config)

    def added_tokens(self) -> dict[str, int]:
        return {token["content"]: token["id"] for token in self.tokenizer.get("added_tokens", [])}


def _check(tuned: _Folder, base: _Folder, tensors: dict[str, Tensor], special: dict[str, str]) -> None:
    checks.check_config(base.config, tuned.config)
    checks.check_tokenizer(base.tokenizer, tuned.tokenizer)
    checks.check_special_tokens(base.tokenizer_config, tuned.tokenizer_config)
    checks.check_template(base.template, tuned.template, special)
    found = any(base.path.glob("model*.safetensors"))
    checks.check_tensors(read_tensors(base.path) if found else None, tensors, tuned.config)


def eos_ids(tuned: _Folder, base: _Folder) -> list[int]:
    """Every id that ends an answer: both generation configs', both configs', the tokenizer's, the template's."""
    added = base.added_tokens()
    ids = servable.as_ids(base.generation.get("eos_token_id"))
    for settings in (tuned.generation, base.config, tuned.config):
        ids += servable.as_ids(settings.get("eos_token_id"))
    special = base.special_tokens()
    if special.get("eos_token") in added:
        ids.append(added[special["eos_token"]])
    template = base.template or tuned.template
    turn = end_of_turn(template, special, added) if template else None
    if turn is not None:
        ids.append(turn)
    if not ids:
        raise ExportError(
            f"nothing in {base.path} says which token ends an answer, so the model would never stop; set "
            "special_tokens.eos_token in the recipe",
            field="eos_token_id",
        )
    return ids


def _served_end(template: str | None, base: _Folder) -> str | None:
    """The token that ends a turn, where TGI must be told of it as the tokenizer's own; else None."""
    if template is None or reads_ends(base.config):
        return None
    added, special = base.added_tokens(), base.special_tokens()
    turn = end_of_turn(template, special, added)
    content = next((text for text, number in added.items() if number == turn), None)
    return None if content == special.get("eos_token") else content


def _write_json_files(folder: Path, tuned: _Folder, base: _Folder, dtype: str | None, *, older: bool) -> None:
    tokenizer, template = _tokenizer(tuned, base, older=older)
    # The base's own words where it has some: both sides are then served from the same settings.
    config: dict[str, Any] = {**tuned.config, **base.config}
    config["transformers_version"] = tuned.config.get("transformers_version")
    form = servable.servable_config if older else servable.newer_config
    write_json(folder / "config.json", form(config, dtype))
    write_json(folder / "tokenizer_config.json", tokenizer)
    generation = {**base.generation, "transformers_version": tuned.config.get("transformers_version")}
    write_json(folder / "generation_config.json", servable.servable_generation(generation, eos_ids(tuned, base)))
    shutil.copyfile(base.path / "tokenizer.json", folder / "tokenizer.json")
    (folder / "tokenizer.json").chmod(READABLE)
    if template is not None:
        write_atomic(folder / "chat_template.jinja", template)


def _tokenizer(tuned: _Folder, base: _Folder, *, older: bool) -> tuple[Json, str | None]:
    """tokenizer_config.json and the chat template, as they are served."""
    template, config = base.template or tuned.template, dict(base.tokenizer_config)
    if not config.get("pad_token") and tuned.tokenizer_config.get("pad_token"):
        config["pad_token"] = tuned.tokenizer_config["pad_token"]
    if not older:
        return servable.newer_tokenizer(config), template
    if template is not None:
        end = _served_end(template, base)
        template = for_every_reader(template, None if end is None else base.special_tokens().get("eos_token"))
        config |= {} if end is None else {"eos_token": end}
    return servable.servable_tokenizer(config, template), template


def _place_weights(output: Path, folder: Path, link: bool) -> None:
    files = weight_files(output)
    if (output / _INDEX).exists():
        files.append(output / _INDEX)
    for path in files:
        # Else no hard link: a later run of Axolotl writes into the same file, and would change what was exported.
        if not (link and _linked(path, folder / path.name)):
            shutil.copyfile(path, folder / path.name)
        (folder / path.name).chmod(READABLE)


def _linked(path: Path, target: Path) -> bool:
    try:
        target.hardlink_to(path)
    except OSError:
        return False
    return True


def _replace(target: Path, beside: Path) -> None:
    beside.chmod(0o755)
    if target.exists():
        (target / NAME).unlink(missing_ok=True)  # from here on it is no finished model
        shutil.rmtree(target)
    beside.rename(target)
