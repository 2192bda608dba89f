"""The Axolotl plugin that compares TRL's tokens with the served ones before the first step.

Axolotl imports it by the derived recipe's `plugins:`, on this machine and in its image, so it needs nothing that
Axolotl's own environment lacks.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

from axolotl.integrations.base import BasePlugin
from axolotl.utils.chat_templates import get_chat_template_from_config
from axolotl.utils.logging import get_logger

from train.token_check import KEY, TrainedTokens, tokenizer_beside, write_found
from train.tokens.compare import Pair, PreparedPair, compare, ended, length
from train.tokens.served import ServedTokenizer, load
from train.tokens.tokenizer_copy import derive_tokenizer, restore_tokenizer, unlike

LOG = get_logger("axolotl.tokens")
ANSWERS = ("chosen_ids", "rejected_ids")
REFERENCE = ("ref_chosen_logps", "ref_rejected_logps")


class SameTokens(BasePlugin):  # type: ignore[misc]  # Axolotl is not in the small environment
    """Stops a training whose tokens are not those that are served."""

    fixed: tuple[str, ...] = ()

    def get_input_args(self) -> str:
        return "train.token_check.TokenArgs"

    def register(self, cfg: Any) -> None:
        """Before Axolotl prepares the data, and before it asks PyTorch whether GPUs reach each other, which ends a
        CUDA build without a driver.
        """
        spare_pools()
        if _on_cpus():
            import torch

            torch.cuda.can_device_access_peer = lambda *_: True

    def load_datasets(self, cfg: Any, preprocess: bool = False) -> None:
        """Before Axolotl loads the model: place it on the CPU, where several processes train there. And before it loads
        the tokenizer: let it load one that does as servers do, where the recipe names none.
        """
        if _on_cpus():
            cfg.device_map = {"": "cpu"}  # Axolotl has overwritten the recipe's own
        if cfg.precompute_ref_log_probs and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            share_reference(Path(cfg.output_dir) / "reference")
        if not cfg.trained_tokens or cfg.tokenizer_config != cfg.base_model or own_tokens(cfg):
            return
        served = _load(cfg, get_chat_template_from_config(cfg) if _names_template(cfg) else None)
        folder = tokenizer_beside(Path(cfg.trained_tokens))
        if served.template is not None and (fixed := derive_tokenizer(served, folder)):
            self.fixed, cfg.tokenizer_config = fixed, str(folder)

    def add_callbacks_post_trainer(self, cfg: Any, trainer: Any) -> list[Any]:
        from train.figures.record import Record

        return [Record(Path(cfg.training_figures), trainer)] if cfg.training_figures else []

    def post_trainer_create(self, cfg: Any, trainer: Any) -> None:
        if not cfg.trained_tokens:
            return
        served = _load(cfg, trainer.processing_class.chat_template)
        tails = trim(trainer, served.stops)
        forget_reference(trainer)
        if self.fixed:
            restore_tokenizer(trainer.processing_class, served)
        if not trainer.is_world_process_zero():  # all processes have the same pairs: one of them looks
            return
        found = check(read_pairs(cfg), rows(trainer), served, cfg.sequence_len)
        found = found.model_copy(update={"fixed": self.fixed + tails})
        found = found.model_copy(update={"problem": found.problem or unlike(trainer.processing_class, served)})
        write_found(Path(cfg.trained_tokens), found)
        if found.problem:
            raise RuntimeError(found.problem)


def _on_cpus() -> bool:
    """Whether this is one of several processes on a CPU, as train.launcher starts them."""
    return os.environ.get("ACCELERATE_USE_CPU") == "true" and int(os.environ.get("WORLD_SIZE", "1")) > 1


def spare_pools() -> None:
    """Let datasets do in this process what it is asked to do in one other.

    Axolotl 0.19 writes few rows by a pool of one, and datasets 4.8 starts two interpreters for that, each of which
    imports all of Axolotl again: more time than a short training takes.
    """
    from datasets import Dataset

    for name in ("map", "save_to_disk"):
        setattr(Dataset, name, _here(getattr(Dataset, name)))


def _here(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def here(*args: Any, num_proc: int | None = None, **given: Any) -> Any:
        return method(*args, num_proc=None if num_proc == 1 else num_proc, **given)

    return here


def share_reference(folder: Path) -> None:
    """Let all processes read the reference's log-probabilities where the first one writes them.

    TRL 1.9 looks beside each process's own copy of the pairs, and Axolotl's first process has its own elsewhere.
    """
    from trl import DPOTrainer

    folder.mkdir(parents=True, exist_ok=True)
    compute = DPOTrainer._precompute_ref_logps

    def shared(trainer: Any, dataset: Any, name: str, size: int) -> Any:
        dataset._get_cache_file_path = lambda fingerprint: str(folder / f"{fingerprint}.arrow")
        return compute(trainer, dataset, name, size)

    DPOTrainer._precompute_ref_logps = shared


def forget_reference(trainer: Any) -> None:
    """Let the second copy of the weights go, where the reference's log-probabilities are known beforehand."""
    given = getattr(trainer, "ref_model", None)
    if given is None or not trainer.args.precompute_ref_log_probs:
        return
    trainer.ref_model = None
    prepared = trainer.accelerator._models
    prepared[:] = [one for one in prepared if one is not given]
    LOG.info("the reference's log-probabilities are known: its copy of the weights is freed")


def _load(cfg: Any, template: str | None) -> ServedTokenizer:
    return load(cfg.base_model, cfg.revision_of_model, template, trust=bool(cfg.trust_remote_code))


def _names_template(cfg: Any) -> bool:
    named = getattr(cfg.chat_template, "value", cfg.chat_template)
    return bool(named) and not str(named).startswith("tokenizer_default")


def own_tokens(cfg: Any) -> bool:
    """Whether the recipe changes the tokenizer itself."""
    return bool(cfg.special_tokens or cfg.tokens or cfg.added_tokens_overrides or cfg.tokenizer_use_mistral_common)


def check(
    data: list[tuple[int, Pair]],
    prepared: Iterator[tuple[int, PreparedPair]],
    served: ServedTokenizer,
    limit: int | None,
) -> TrainedTokens:
    """Count the pairs by what became of them; of those that are trained on otherwise, the first is reported."""
    pairs, missing = dict(data), Counter(key for key, _ in data)
    problems: dict[int, str] = {}
    counts: Counter[str] = Counter()
    for key, row in prepared:
        problems[key] = compare(pairs[key], row, served, limit)
        counts[problems[key]] += 1
        missing[key] -= 1
    too_long = sum(n for key, n in missing.items() if n and limit is not None and length(pairs[key], served) > limit)
    return TrainedTokens(
        pairs=len(data),
        same=counts["same"],
        cut=counts["cut"],
        too_long=too_long,
        left_out=missing.total() - too_long,
        limit=limit,
        problem=_problem(data, problems, counts),
    )


def _problem(data: list[tuple[int, Pair]], problems: dict[int, str], counts: Counter[str]) -> str | None:
    other = counts.total() - counts["same"] - counts["cut"]
    found = (
        (n, problems[key]) for n, (key, _) in enumerate(data, 1) if problems.get(key, "same") not in ("same", "cut")
    )
    return f"{other} of {len(data)} pairs differ, pair {{}}: {{}}".format(*next(found)) if other else None


def read_pairs(cfg: Any) -> list[tuple[int, Pair]]:
    """By key, from the files that the stage wrote for this training."""
    return [row for asked in [*cfg.datasets, *(cfg.test_datasets or [])] for row in _read(asked)]


def _read(asked: Any) -> Iterator[tuple[int, Pair]]:
    if not Path(asked.path).is_file():  # a data set for evaluation that is the recipe's own
        return
    with Path(asked.path).open(encoding="utf-8") as file:
        for row in (found for found in map(json.loads, file) if KEY in found):
            # Axolotl drops these of data sets for evaluation, which the stage writes under the usual names.
            names = (asked.field_chosen or "chosen", asked.field_rejected or "rejected")
            yield row[KEY], Pair(row[asked.field_messages or "messages"], *(row[name]["content"] for name in names))


def trim(trainer: Any, stops: list[int]) -> tuple[str, ...]:
    """Take off what some templates write behind the end of the last turn (Phi 3): no server generates it.

    Where TRL has computed the reference's log-probabilities with it already, they are recomputed.
    """
    fixed = False
    for name in ("train_dataset", "eval_dataset"):
        data = getattr(trainer, name)
        if data is None or KEY not in data.column_names:
            continue
        if any(
            ended(row[field], stops) != row[field] for row in data.select_columns(list(ANSWERS)) for field in ANSWERS
        ):
            given = {"fn_kwargs": {"stops": stops}, "load_from_cache_file": False}
            setattr(trainer, name, _referred(trainer, data.map(_ended_row, **given), name))
            fixed = True
    return ("what the template writes after the end of an answer is removed",) if fixed else ()


def _referred(trainer: Any, data: Any, name: str) -> Any:
    """With the reference's log-probabilities of what is trained on now, where the recipe asks for them beforehand."""
    args, kind = trainer.args, name.partition("_")[0]
    if not args.precompute_ref_log_probs:
        return data
    size = args.per_device_train_batch_size if kind == "train" else args.per_device_eval_batch_size
    known = data.remove_columns([one for one in REFERENCE if one in data.column_names])
    return trainer._precompute_ref_logps(known, kind, args.precompute_ref_batch_size or size)


def _ended_row(row: dict[str, Any], stops: list[int]) -> dict[str, Any]:
    return {field: ended(row[field], stops) for field in ANSWERS}


def rows(trainer: Any) -> Iterator[tuple[int, PreparedPair]]:
    """What TRL prepared of the stage's pairs, for training and, where the recipe splits some off, for evaluation."""
    fields = (KEY, "prompt_ids", *ANSWERS)
    for data in (trainer.train_dataset, trainer.eval_dataset):
        if data is not None and KEY in data.column_names:
            for row in data.select_columns(list(fields)):
                yield row[KEY], PreparedPair(*(list(row[name]) for name in fields[1:]))
