"""The JSON messages to and from train.reference; importable without torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

#: Key of a JSON line on standard error: the job's number, texts scored, texts, share of all work.
PROGRESS = "progress"
Dtype = Literal["float32", "bfloat16", "float16"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Job(_Part):
    """Questions about one saved model: a folder, or a Hub id with its revision."""

    model: str
    revision: str | None = None
    dtype: Dtype = "float32"
    #: Conversations to render, and texts to tokenize as /generate does (with the tokenizer's own special tokens).
    chats: list[list[dict[str, str]]] = []
    texts: list[str] = []
    #: Token ids to score: prompts with what a server answered.
    sequences: list[list[int]] = []
    #: Prompts that are scored again with rope misread in the known ways.
    suspects: list[list[int]] = []
    #: Those of the texts that are scored and suspected too, by their own tokens: for servers that tell no ids.
    scored_texts: list[str] = []
    #: Whether a TGI is compared with this, whose sliding windows are other ones (train.reference.scoring).
    tgi: bool = False


class Request(_Part):
    """`memory` is how many bytes weights may take; None: what the machine has free."""

    jobs: list[Job]
    memory: int | None = None


class Rendering(_Part):
    """A conversation as the model should read it, or why its template refuses it."""

    text: str = ""
    ids: list[int] = []
    error: str = ""


class Scores(_Part):
    """Per token, from the second on: its log-probability, and the likeliest token there with its own.

    Empty where the sequence has a token that the model does not have.
    """

    logprobs: list[float]
    top: list[int]
    top_logprobs: list[float]


class Reference(_Part):
    """What transformers says of one saved model. `missing` and `unscored` say why something is not there."""

    missing: str = ""
    template_sha256: str | None = None
    renderings: list[Rendering] = []
    texts: list[list[int]] = []
    #: Tokens that must end an answer (generation_config.json's, and the one that the template ends a turn with), and
    #: tokens that may.
    ends: list[int] = []
    may_end: list[int] = []
    #: generation_config.json's eos_token_id as it is written: a number, a list, or None.
    generation_eos: Any = None
    #: Whether TGI reads such a list for this architecture; else the tokenizer's eos_token alone ends an answer.
    list_is_read: bool = True
    #: Texts of the tokens above, and of the likeliest ones below.
    pieces: dict[int, str] = {}
    #: Tokens that a layer's sliding window reaches over; None where all of them see everything.
    window: int | None = None
    unscored: str = ""
    scores: list[Scores] = []
    #: Log-probabilities of the suspects, by what was misread.
    misread: dict[str, list[list[float]]] = {}


class Answer(_Part):
    references: list[Reference]
    #: Versions of transformers and torch.
    versions: dict[str, str]
