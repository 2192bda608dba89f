"""The JSON messages to and from train.pairs.survey.tokens; importable without transformers."""

from __future__ import annotations

from dataclasses import dataclass, field

#: So many lines of a kind are named.
SHOWN = 5
#: Tokens are summed over so many pairs, then over every tenth: a larger file is more than a training needs anyway.
EXACT = 20_000
EVERY = 10
#: Pairs that are counted together, and seconds of the processor's time that they may take.
BATCH_ROWS, BATCH_SECONDS = 256, 120


@dataclass
class TokenRequest:
    """A recipe's tokenizer and template. `sequence_len` 0: no limit."""

    tokenizer: str
    revision: str | None = None
    tokenizer_type: str | None = None
    chat_template: str | None = None
    chat_template_jinja: str | None = None
    sequence_len: int = 0


@dataclass
class TokenCounts:
    """Sums of tokens, and lines of the pairs that Axolotl would spoil or leave out."""

    error: str = ""
    pairs: int = 0
    #: Whether the sums are estimated from a part of the pairs. What is too long is always counted exactly.
    estimated: bool = False
    prompt: int = 0
    chosen: int = 0
    rejected: int = 0
    #: Of prompt and longer answer together: median, 95%, longest.
    quantiles: list[int] = field(default_factory=list)
    too_long: int = 0
    first_too_long: list[int] = field(default_factory=list)
    not_found: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    refused_why: str = ""
