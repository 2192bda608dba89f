"""A temporary copy of the base's tokenizer under which TRL prepares the tokens that are served.

TRL tokenizes rendered conversations with the tokenizer's own special tokens added, and puts its end token behind
answers that end with another; a server does neither. And servers read tokenizer.json, where transformers builds the
tokenizers of some classes again, with other splits. What is saved and exported stays the base's tokenizer.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from train.errors import ExportError
from train.export.checks import check_tokenizer
from train.tokens.served import ServedTokenizer

#: Settings by which transformers 5 decides whether a tokenizer adds special tokens.
_ADDS = ("add_bos_token", "add_eos_token")
_TEXT = "Ünïcode 1+1, 1234567  two\nlines\n\n\tit's <b>日本 🚢"


def derive_tokenizer(served: ServedTokenizer, folder: Path) -> tuple[str, ...]:
    """Have such a copy in `folder` where one is needed and does what it should; what it does otherwise, in words.

    Each process of a training calls this, and each writes the same: the first one's is taken.
    """
    if not served.tokenizer.is_fast:
        return ()
    adds, end, splits = _adds(served), _end(served), unlike(served.tokenizer, served) is not None
    if not (adds or splits) and end is None:
        return ()
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    for kind in (None, "PreTrainedTokenizerFast"):
        _write(served, beside, end, kind)
        if _does(beside, served, end):
            with suppress(OSError):  # another process was faster
                beside.rename(folder)
            shutil.rmtree(beside, ignore_errors=True)
            return _words(served, adds, end, splits)
    shutil.rmtree(beside)
    return ()


def restore_tokenizer(tokenizer: Any, served: ServedTokenizer) -> None:
    """Make a tokenizer that was loaded from the copy the base's again, in place: Axolotl saves it with the model."""
    base = served.tokenizer
    tokenizer.backend_tokenizer.post_processor = (served.file or base.backend_tokenizer).post_processor
    tokenizer.eos_token = base.eos_token
    for name in _ADDS:
        tokenizer.init_kwargs.pop(name, None)
        if name in base.init_kwargs:
            tokenizer.init_kwargs[name] = base.init_kwargs[name]


def _adds(served: ServedTokenizer) -> bool:
    text = served.render([{"role": "user", "content": "Hello"}], prompt=True)
    without = served.tokenizer(text, add_special_tokens=False)["input_ids"]
    return bool(served.tokenizer(text)["input_ids"] != without)


def unlike(tokenizer: Any, served: ServedTokenizer) -> str | None:
    """Why a tokenizer cannot be exported in place of the base's tokenizer.json, as the export says it."""
    if served.file is None or not tokenizer.is_fast:
        return None
    base, found = (json.loads(one.to_str()) for one in (served.file, tokenizer.backend_tokenizer))
    try:
        check_tokenizer(base, found)
    except ExportError as error:
        return str(error)
    return None


def _end(served: ServedTokenizer) -> int | None:
    """The one token by which the template ends a turn, where TRL would put another behind it."""
    alone = served.turn is not None and served.ids(served.behind().lstrip()) == [served.turn]
    return served.turn if alone and served.turn != served.tokenizer.eos_token_id else None


def _write(served: ServedTokenizer, folder: Path, end: int | None, kind: str | None) -> None:
    tokenizer = served.tokenizer
    tokenizer.save_pretrained(folder)
    if served.file is not None:
        served.file.save(str(folder / "tokenizer.json"))
    _edit(folder / "tokenizer.json", post_processor=lambda found: _without_special(found.get("post_processor")))
    changes: dict[str, Any] = dict.fromkeys(_ADDS, False)
    if end is not None:
        changes["eos_token"] = tokenizer.convert_ids_to_tokens(end)
    if kind is not None:
        changes["tokenizer_class"] = kind
    _edit(folder / "tokenizer_config.json", **changes)


def _edit(path: Path, **changes: Any) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    found |= {key: new(found) if callable(new) else new for key, new in changes.items()}
    path.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


def _without_special(part: Any) -> Any:
    """A post-processor that adds no token."""
    if part is None or part["type"] in ("BertProcessing", "RobertaProcessing"):
        return None
    if part["type"] == "Sequence":
        kept = [_without_special(one) for one in part["processors"]]
        return {**part, "processors": [one for one in kept if one is not None]}
    if part["type"] != "TemplateProcessing":
        return part
    return {**part, "single": _sequences(part["single"]), "pair": _sequences(part["pair"]), "special_tokens": {}}


def _sequences(pieces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [piece for piece in pieces if "Sequence" in piece]


def _does(folder: Path, served: ServedTokenizer, end: int | None) -> bool:
    """Whether the copy, read back, adds nothing, splits as the base does and has the end token."""
    from transformers import AutoTokenizer

    found = AutoTokenizer.from_pretrained(folder)
    text = served.render([{"role": "user", "content": _TEXT}], prompt=True)
    wanted = served.tokenizer.eos_token_id if end is None else end
    same = list(found(text)["input_ids"]) == served.ids(text) and found.eos_token_id == wanted
    return same and unlike(found, served) is None


def _words(served: ServedTokenizer, adds: bool, end: int | None, splits: bool) -> tuple[str, ...]:
    sentences = (
        ["pairs are tokenized without the tokenizer's own special tokens, which servers do not add"] if adds else []
    )
    if splits:
        kind = type(served.tokenizer).__name__
        sentences.append(f"text is split as tokenizer.json says and servers do, not as transformers builds a {kind}")
    if end is not None:
        sentences.append(f"answers end with {served.show([end])}, without the tokenizer's end token after it")
    return tuple(sentences)
