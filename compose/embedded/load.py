"""Loading a model folder or Hub id for serving: which files TGI reads, and what follows from them."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compose.embedded import VERSION
from compose.embedded.model import LanguageModel
from compose.embedded.template import ChatTemplate
from compose.embedded.text import Codec
from compose.errors import ModelUnreadable

# transformers imports these where they are installed, for things that are not done here; it costs seconds.
UNUSED = ("torchao", "sklearn")
LONGEST = 4096  # tokens of prompt and answer by default, where the model could take more


@dataclass(frozen=True)
class Loaded:
    """A model in memory. `engine` names the software that runs it, `positions` how long a text may be."""

    model: LanguageModel
    codec: Codec
    template: ChatTemplate
    positions: int
    revision: str | None
    engine: str


def load(source: str, *, revision: str | None, dtype: str, trust_remote_code: bool) -> Loaded:
    """Read weights, tokenizer and template. Raises ModelUnreadable with one sentence."""
    folder = _folder(source, revision)  # before the imports, which take seconds: a wrong name is told at once
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None makes it look absent
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        network = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, dtype), trust_remote_code=trust_remote_code, local_files_only=True
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    except Exception as error:
        raise ModelUnreadable(f"{source} cannot be served: {_first_line(error)}") from error
    config = network.config.get_text_config()
    try:
        model = LanguageModel(network)
    except ModelUnreadable as error:
        raise ModelUnreadable(f"{source} cannot be served: {error}") from error
    return Loaded(
        model=model,
        codec=Codec(tokenizer, _eos_ids(folder, tokenizer)),
        template=ChatTemplate.of_folder(folder),
        positions=min(int(getattr(config, "max_position_embeddings", 0) or LONGEST), LONGEST),
        revision=folder.name if folder != Path(source) else None,
        engine=f"embedded {VERSION} (transformers {transformers.__version__}, torch {torch.__version__})",
    )


def _folder(source: str, revision: str | None) -> Path:
    """The folder itself, or the Hub's snapshot of it, downloaded where it is not in the cache."""
    if Path(source).is_dir():
        if not (Path(source) / "config.json").is_file():
            raise ModelUnreadable(f"{source} has no config.json; give a folder with a complete model")
        return Path(source)
    if source.startswith((".", "/", "~")) or source.count("/") > 1:
        raise ModelUnreadable(
            f"{source} is no folder; give a model folder or a Hub id such as Qwen/Qwen2.5-0.5B-Instruct"
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                source, revision=revision, allow_patterns=["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
            )
        )
    except Exception as error:
        raise ModelUnreadable(
            f"{source} is no folder here and could not be fetched from the Hub: {_first_line(error)}"
        ) from error


def _eos_ids(folder: Path, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a text: generation_config.json's if it has a list, else the tokenizer's one.

    TGI passes over an integer there, and so do we: an answer must end where it will end in production.
    """
    path = folder / "generation_config.json"
    ends = json.loads(path.read_text(encoding="utf-8")).get("eos_token_id") if path.is_file() else None
    if isinstance(ends, list):
        return frozenset(ends)
    return frozenset() if tokenizer.eos_token_id is None else frozenset({tokenizer.eos_token_id})


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
