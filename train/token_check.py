"""The record of the token check, shared by the stage and its plugin inside Axolotl."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PLUGIN = "train.tokens.plugin.SameTokens"
#: The column that says which pair a row is; Axolotl and TRL keep columns that they do not know.
KEY = "blindside_pair"
#: Version of the check: a model checked by another version is trained again.
RULES = 1


class TokenArgs(BaseModel):
    """What the derived recipe says to the plugin beside Axolotl's own fields."""

    #: The file that the plugin writes its TrainedTokens to; a derived tokenizer lies beside it.
    trained_tokens: str | None = None
    #: The file that every figure of the trainer is written to (train.figures.record).
    training_figures: str | None = None


class TrainedTokens(BaseModel):
    """The tokens that TRL prepared, held against those that a server is sent and generates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Pairs of the data, and those whose prompt and answers are trained on as they are served.
    pairs: int = Field(default=0, ge=0)
    same: int = Field(default=0, ge=0)
    #: Pairs that are longer than `sequence_len`: left out, or trained on without their end.
    too_long: int = Field(default=0, ge=0)
    cut: int = Field(default=0, ge=0)
    #: The recipe's `sequence_len`, in tokens.
    limit: int | None = None
    #: Pairs that Axolotl left out for another reason (repeats that the recipe takes out, shards).
    left_out: int = Field(default=0, ge=0)
    #: What the derived tokenizer does otherwise than the base's.
    fixed: tuple[str, ...] = ()
    #: Why nothing was trained; None where training continued.
    problem: str | None = None
    #: Why nothing was compared; None where it was.
    unchecked: str | None = None
    rules: int = RULES

    @property
    def in_short(self) -> str:
        """The outcome in one line."""
        if self.unchecked is not None:
            return f"trained tokens not checked against served tokens ({self.unchecked})"
        return f"trained tokens = served tokens, {self.same:,} of {self.pairs:,} pairs"

    def notes(self) -> list[str]:
        """What was fixed, cut and left out, a sentence each."""
        sentences = list(self.fixed)
        longer = f"longer than sequence_len {self.limit}; raise it to train on them completely"
        for count, what in ((self.too_long, "left out"), (self.cut, "cut")):
            if count:
                sentences.append(f"{count:,} of {self.pairs:,} pairs were {what}: {longer}")
        if self.left_out:
            sentences.append(f"{self.left_out:,} of {self.pairs:,} pairs were left out by Axolotl as the recipe says")
        return sentences

    def sentences(self) -> list[str]:
        """What a person is reported, a line each."""
        return [self.in_short, *(f"  note: {one}" for one in self.notes())]


def row_key(row: Mapping[str, object]) -> int:
    """By content: rows that are the same stay the same, for recipes that take repeats out."""
    return int(hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:12], 16)


def tokenizer_beside(path: Path) -> Path:
    """The folder of the derived tokenizer, by the plugin's file."""
    return path.with_suffix(".tokenizer")


def write_found(path: Path, check: TrainedTokens) -> None:
    path.write_text(check.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_found(path: Path) -> TrainedTokens | None:
    """None where the plugin did not come to an end."""
    try:
        return TrainedTokens.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
