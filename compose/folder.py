"""Checks whether the server can read a model folder, before an image is pulled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from compose.errors import ModelUnreadable
from compose.stack import Model


def is_local(model: Model) -> bool:
    """Whether the model is meant to lie on this machine, rather than on the Hub."""
    return Path(model.source).is_dir() or model.source.startswith((".", "/", "~")) or model.source.count("/") > 1


def check(model: Model, server: str) -> None:
    """Raises ModelUnreadable where the folder is not complete, or TGI would misread it."""
    folder = Path(model.source).expanduser()
    if not folder.is_dir():
        raise ModelUnreadable(
            f"{model.side}: {model.source} is not a folder; give a model folder, or a Hub id such as owner/name"
        )
    if not (folder / "config.json").is_file():
        raise ModelUnreadable(
            f"{model.side}: {folder} has no config.json; "
            "give a folder with a complete model (an adapter is merged first)"
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelUnreadable(f"{model.side}: {folder} has no .safetensors weights; only that format is served")
    if server == "tgi" and (misread := _misread(folder)):
        raise ModelUnreadable(
            f"{model.side}: {folder} was saved by transformers 5, and TGI would misread its {misread}; "
            "serve its export (`make train` writes one)"
        )


def _misread(folder: Path) -> str:
    """What TGI 3 takes wrongly, in silence or by dying; empty where it reads all."""
    config, tokenizer = _json(folder / "config.json"), _json(folder / "tokenizer_config.json")
    if "rope_theta" in _dict(config.get("rope_parameters")) and "rope_theta" not in config:
        return "rope base (config.json)"
    if (
        isinstance(tokenizer.get("extra_special_tokens"), list)
        or tokenizer.get("tokenizer_class") == "TokenizersBackend"
    ):
        return "tokenizer (tokenizer_config.json)"
    templated = "chat_template" in tokenizer or (folder / "chat_template.json").is_file()
    if (folder / "chat_template.jinja").is_file() and not templated:
        return "chat template (chat_template.jinja)"
    return ""


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return _dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ModelUnreadable(f"{path} is not JSON: {error}; copy or download the folder again") from error


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
