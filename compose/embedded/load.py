"""Loads a model folder or Hub id for serving, as TGI reads it."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blindside.sandbox import LimitExceeded
from blindside.tgi import reads_ends
from compose.embedded import VERSION
from compose.embedded.model import LanguageModel
from compose.embedded.preflight import first_line
from compose.embedded.template import ChatTemplate
from compose.embedded.text import Codec
from compose.errors import ModelUnreadable

# transformers imports these where they are installed, for things that are not done here; it costs seconds.
UNUSED = ("torchao", "sklearn")
LONGEST = 4096  # tokens of prompt and answer by default, where the model could take more


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory. `engine` names the software that runs it, `positions` how long a text may be."""

    model: LanguageModel
    codec: Codec
    template: ChatTemplate
    positions: int
    revision: str | None
    engine: str


def load(source: str, folder: Path, *, dtype: str, trust_remote_code: bool) -> LoadedModel:
    """Read weights, tokenizer and template of `source`, found in `folder`. Raises ModelUnreadable with one sentence."""
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None makes it look absent
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    given = {"trust_remote_code": trust_remote_code, "local_files_only": True}
    try:
        network = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, dtype), **_attention(folder, given), **given
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **given)
        model = LanguageModel(network)
        template = ChatTemplate.of_folder(folder)
    except LimitExceeded as error:
        raise ModelUnreadable(f"{source} cannot be served: its chat template {error}") from error
    except Exception as error:  # a broken model breaks anywhere in code that is not ours
        raise ModelUnreadable(f"{source} cannot be served: {first_line(error)}") from error
    positions = getattr(network.config.get_text_config(), "max_position_embeddings", None)
    return LoadedModel(
        model=model,
        codec=Codec(tokenizer, _eos_ids(folder, tokenizer), _special_ids(folder, tokenizer)),
        template=template,
        positions=min(int(positions or LONGEST), LONGEST),
        revision=folder.name if folder != Path(source) else None,
        engine=f"embedded {VERSION} (transformers {transformers.__version__}, torch {torch.__version__})",
    )


def _attention(folder: Path, given: dict[str, Any]) -> dict[str, str]:
    """Eager where there is a soft cap on attention (Gemma 2): torch's own leaves it out without a word."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, **given).get_text_config()
    capped = getattr(config, "attn_logit_softcapping", None) is not None
    return {"attn_implementation": "eager"} if capped else {}


def _eos_ids(folder: Path, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a text: generation_config.json's if it has a list, else the tokenizer's one.

    TGI ignores an integer there, and over the file where it runs transformers itself (Qwen3, OLMo 2), and so do
    we: an answer must end where it will end in production.
    """
    ends = _json(folder / "generation_config.json").get("eos_token_id")
    if isinstance(ends, list) and reads_ends(_json(folder / "config.json")):
        return frozenset(ends)
    return frozenset() if tokenizer.eos_token_id is None else frozenset({tokenizer.eos_token_id})


def _special_ids(folder: Path, tokenizer: Any) -> frozenset[int]:
    """The tokens that tokenizer.json flags as special; transformers lists only those that have a role, such as eos."""
    added = _json(folder / "tokenizer.json").get("added_tokens")
    if not isinstance(added, list):
        return frozenset(tokenizer.all_special_ids)
    return frozenset(one["id"] for one in added if one.get("special"))


def _json(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found if isinstance(found, dict) else {}
