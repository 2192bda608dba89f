"""An Axolotl plugin: before the first step, what TRL has prepared is held against what is served.

Axolotl imports it by the derived recipe's `plugins:`, on this machine and in its image, so it needs nothing that
Axolotl's own environment lacks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axolotl.integrations.base import BasePlugin

from train.tokens.compare import Pair, Prepared, compare, length
from train.tokens.fix import derive, restore
from train.tokens.protocol import NUMBER, TrainedTokens, tokenizer_beside, write_found
from train.tokens.served import Served, load


class SameTokens(BasePlugin):  # type: ignore[misc]  # Axolotl is not in the small environment
    """Stops a training whose tokens are not those that are served."""

    fixed: tuple[str, ...] = ()

    def get_input_args(self) -> str:
        return "train.tokens.protocol.TokenArgs"

    def load_datasets(self, cfg: Any, preprocess: bool = False) -> None:
        """Before Axolotl loads the tokenizer: let it load one that does as servers do, where the recipe names none."""
        if not cfg.trained_tokens or cfg.tokenizer_config != cfg.base_model or own_tokens(cfg):
            return
        served = load(cfg.base_model, cfg.revision_of_model)
        folder = tokenizer_beside(Path(cfg.trained_tokens))
        if served.template is not None and (fixed := derive(served, folder)):
            self.fixed, cfg.tokenizer_config = fixed, str(folder)

    def post_trainer_create(self, cfg: Any, trainer: Any) -> None:
        if not cfg.trained_tokens:
            return
        served = load(cfg.base_model, cfg.revision_of_model, trainer.processing_class.chat_template)
        found = check(read_pairs(cfg), rows(trainer), served, cfg.sequence_len)
        found = found.model_copy(update={"fixed": self.fixed})
        if self.fixed:
            restore(trainer.processing_class, served.tokenizer)
        write_found(Path(cfg.trained_tokens), found)
        if found.problem:
            raise RuntimeError(found.problem)


def own_tokens(cfg: Any) -> bool:
    """Whether the recipe changes the tokenizer itself."""
    return bool(cfg.special_tokens or cfg.tokens or cfg.added_tokens_overrides or cfg.tokenizer_use_mistral_common)


def check(
    pairs: dict[int, Pair], prepared: Iterator[tuple[int, Prepared]], served: Served, limit: int | None
) -> TrainedTokens:
    """Count the pairs of the data by what became of them, up to the first that is trained on otherwise."""
    counts = {"same": 0, "cut": 0}
    seen: set[int] = set()
    for number, row in prepared:
        outcome = compare(pairs[number], row, served, limit)
        if outcome not in counts:
            return TrainedTokens(pairs=len(pairs), same=counts["same"], problem=f"pair {number + 1}: {outcome}")
        counts[outcome] += number not in seen
        seen.add(number)
    missing = [pair for number, pair in pairs.items() if number not in seen]
    too_long = sum(limit is not None and length(pair, served) > limit for pair in missing)
    return TrainedTokens(
        pairs=len(pairs), same=counts["same"], too_long=too_long, cut=counts["cut"], left_out=len(missing) - too_long
    )


def read_pairs(cfg: Any) -> dict[int, Pair]:
    """By number, from the files that the stage wrote for this training."""
    return {number: pair for asked in cfg.datasets for number, pair in _read(asked)}


def _read(asked: Any) -> Iterator[tuple[int, Pair]]:
    with Path(asked.path).open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            answers = (row[field]["content"] for field in (asked.field_chosen, asked.field_rejected))
            yield row[NUMBER], Pair(row[asked.field_messages], *answers)


def rows(trainer: Any) -> Iterator[tuple[int, Prepared]]:
    """What TRL prepared of the stage's pairs, for training and, where the recipe splits some off, for evaluation."""
    fields = (NUMBER, "prompt_ids", "chosen_ids", "rejected_ids")
    for data in (trainer.train_dataset, trainer.eval_dataset):
        if data is not None and NUMBER in data.column_names:
            for row in data.select_columns(list(fields)):
                yield row[NUMBER], Prepared(*(list(row[name]) for name in fields[1:]))
