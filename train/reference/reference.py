"""transformers' renderings, tokens and log-probabilities of a saved model, to compare a server with.

`python -P -m train.reference.reference` in the train environment, with the root as PYTHONPATH: a Request on stdin,
an Answer on stdout, both JSON (train.reference.protocol).
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from blindside.sandbox import LimitExceeded, WorkFailed, forked
from blindside.tgi import reads_ends
from train.errors import ExportError
from train.export.servable import as_ids
from train.export.template import end_of_turn
from train.export.weights import read_tensors
from train.files import sha256_file
from train.reference.protocol import PROGRESS, Answer, Dtype, Job, Reference, Rendering, Request

WIDTH: dict[Dtype, int] = {"float32": 4, "bfloat16": 2, "float16": 2}
#: What torch and transformers take by themselves, in bytes.
OVERHEAD = 1 << 30
_SMALL_FILES = ["*.json", "*.jinja", "*.model", "*.txt"]


def answer(request: Request) -> Answer:
    """Work off the jobs. Needs torch and transformers."""
    for name in ("torchao", "sklearn"):  # looked for by transformers for things that are not done here; seconds each
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None makes it look absent
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    memory = free_memory() if request.memory is None else request.memory
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    count = len(request.jobs)
    found = [_reference(job, memory, partial(_tell, number, count)) for number, job in enumerate(request.jobs)]
    return Answer(references=found, versions=versions)


def _tell(number: int, count: int, done: int, total: int, share: float) -> None:
    """How far job `number` of `count` is, for whoever reads standard error."""
    print(json.dumps({PROGRESS: [number, done, total, (number + share) / count]}), file=sys.stderr, flush=True)


def _reference(job: Job, memory: int | None, tell: Callable[[int, int, float], None]) -> Reference:
    from transformers import AutoTokenizer

    try:
        folder = _folder(job)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # noqa: BLE001  (what a broken folder raises is not ours to know)
        return Reference(missing=f"transformers can't read the tokenizer of {job.model}: {_first_line(error)}")
    found: dict[str, Any] = _by_tokenizer(job, folder, tokenizer) | {"window": _window(folder)}
    try:
        whole = _with_texts(job, tokenizer)
        _check_memory(folder, whole, memory)
        from train.reference.scoring import score_all

        found["scores"], found["misread"] = score_all(folder, whole, tell)
        shown = {token for scores in found["scores"] for token in scores.top}
        found["pieces"] |= {token: tokenizer.decode([token]) for token in shown}
    except _TooLarge as error:
        found["unscored"] = str(error)
    except Exception as error:  # noqa: BLE001
        found["unscored"] = f"transformers can't run the weights of {job.model}: {_first_line(error)}"
    return Reference(**found)


def _folder(job: Job) -> Path:
    """The model's folder. Of a Hub model that is not in the cache only the small files are fetched."""
    if Path(job.model).is_dir():
        return Path(job.model)
    if job.model.startswith((".", "/", "~")) or job.model.count("/") > 1:
        raise FileNotFoundError("there is no such folder on this machine")
    from huggingface_hub import snapshot_download

    given: dict[str, Any] = {"revision": job.revision}
    try:
        folder = Path(snapshot_download(job.model, local_files_only=True, **given))
        if (folder / "tokenizer_config.json").is_file():
            return folder
    except OSError:
        pass
    return Path(snapshot_download(job.model, allow_patterns=_SMALL_FILES, **given))


def _window(folder: Path) -> int | None:
    from transformers import AutoConfig

    from train.reference.scoring import sliding_window

    try:
        return sliding_window(AutoConfig.from_pretrained(folder, local_files_only=True).get_text_config())
    except Exception:  # noqa: BLE001  (scoring says why it can't be read)
        return None


def _by_tokenizer(job: Job, folder: Path, tokenizer: Any) -> dict[str, Any]:
    """All that needs no weights."""
    jinja = folder / "chat_template.jinja"
    generation, config = _json(folder / "generation_config.json"), _json(folder / "config.json")
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    added = tokenizer.get_added_vocab()
    template = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else ""
    turn = _end_of_turn(template, special, added)
    own = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    ids = as_ids(generation.get("eos_token_id")) or as_ids(config.get("eos_token_id"))
    listed = reads_ends(config)
    ends = sorted({*(ids if listed else own), *([] if turn is None else [turn])})
    return {
        "template_sha256": sha256_file(jinja) if jinja.is_file() else None,
        "renderings": [_render(tokenizer, chat) for chat in job.chats],
        "texts": [list(tokenizer(text, add_special_tokens=True)["input_ids"]) for text in job.texts],
        "ends": ends or own,
        "may_end": sorted({*ends, *own, *as_ids(config.get("eos_token_id"))}),
        "generation_eos": generation.get("eos_token_id"),
        "list_is_read": listed,
        "pieces": {token: tokenizer.decode([token]) for token in {*ends, *own}},
    }


def _render(tokenizer: Any, chat: list[dict[str, str]]) -> Rendering:
    """The template is whoever's the model is, so it has a copy of this process, with its time and memory."""

    def both() -> list[Any]:
        given = {"add_generation_prompt": True}
        text = tokenizer.apply_chat_template(chat, tokenize=False, **given)
        return [text, list(tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False, **given))]

    try:
        text, ids = forked(both)
    except LimitExceeded as error:
        return Rendering(error=f"the chat template {error}")
    except WorkFailed as error:
        return Rendering(error=_first_line(error))
    return Rendering(text=text, ids=ids)


def _end_of_turn(template: str, special: dict[str, str], added: dict[str, int]) -> int | None:
    try:
        return end_of_turn(template, special, added) if template else None
    except ExportError:  # the renderings say why
        return None


def _with_texts(job: Job, tokenizer: Any) -> Job:
    """The job with the tokens of its scored texts behind its sequences and suspects."""
    ids = [list(tokenizer(text, add_special_tokens=True)["input_ids"]) for text in job.scored_texts]
    return job.model_copy(update={"sequences": [*job.sequences, *ids], "suspects": [*job.suspects, *ids]})


class _TooLarge(Exception):
    """The weights are not here, or don't fit."""


def _check_memory(folder: Path, job: Job, memory: int | None) -> None:
    """Raises _TooLarge unless the weights, and the logits of the longest sequence, fit into `memory` bytes."""
    try:
        tensors = read_tensors(folder)
    except ExportError as error:
        hub = f"the weights of {job.model} are not in this machine's cache: `hf download {job.model}` fetches them"
        raise _TooLarge(str(error) if Path(job.model).is_dir() else hub) from None
    count = sum(_product(tensor.shape) for tensor in tensors.values())
    longest = max([len(ids) for ids in [*job.sequences, *job.suspects]], default=0)
    vocabulary = int(_json(folder / "config.json").get("vocab_size") or 0)
    needed = count * WIDTH[job.dtype] + longest * vocabulary * (4 + WIDTH[job.dtype]) + OVERHEAD
    if memory is not None and needed > memory:
        raise _TooLarge(
            f"the weights of {job.model} need {needed / 2**30:.1f} GiB in {job.dtype}, and "
            f"{memory / 2**30:.1f} GiB are free"
        )


def free_memory() -> int | None:
    """Bytes that a process can still take: of the machine, and of a container's limit. None where nothing tells."""
    found = []
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        found.append(int(lines["MemAvailable"].split()[0]) * 1024)
    group = Path("/sys/fs/cgroup")
    limit, used = group / "memory.max", group / "memory.current"
    if limit.is_file() and used.is_file() and limit.read_text().strip().isdigit():
        cached = [line.split()[1] for line in (group / "memory.stat").read_text().splitlines() if line[:5] == "file "]
        found.append(int(limit.read_text()) - int(used.read_text()) + int(cached[0] if cached else 0))
    return min(found, default=None)


def _product(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _json(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return value if isinstance(value, dict) else {}


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__


@contextmanager
def _clean_output() -> Iterator[int]:
    """Standard output for the answer alone: what libraries print goes to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield kept
    finally:
        os.close(kept)


def main() -> None:
    with _clean_output() as out:
        request = Request.model_validate_json(sys.stdin.buffer.read())
        data = answer(request).model_dump_json().encode()
        with os.fdopen(os.dup(out), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
