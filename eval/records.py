"""The typed rows that all stages share: prompts, responses, pairs, verdicts, thumbs.

Nothing here touches a disk. Unknown fields and unknown labels are refused (`pydantic.ValidationError`); the readers in
`eval.run` and `eval.judge.store.verdict_files` turn that into an InputError with file and line.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from eval.expect.expect import Expect

Side = Literal["base", "tuned"]
Outcome = Literal["base", "tuned", "tie", "both_bad"]
#: What verdicts.csv may hold: a judgement, or the mark that a reviewer took one back.
Mark = Literal["base", "tuned", "tie", "both_bad", "withdrawn"]
#: Why a pair was asked: to compare the models, or to learn of the reviewer (asked before; answer known).
Kind = Literal["judgement", "repeat", "gold"]
SIDES: tuple[Side, ...] = get_args(Side)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def clean_text(text: str) -> str:
    """The text as UTF-8 can hold it: a lone surrogate, which JSON may carry, becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


#: Text of a model or a user, cleaned as it comes in, so that whatever was sent can be written down.
Text = Annotated[str, BeforeValidator(lambda value: clean_text(value) if isinstance(value, str) else value)]


def sha256_text(text: str) -> str:
    """Hex sha256 of the UTF-8 bytes of the cleaned text."""
    return hashlib.sha256(clean_text(text).encode()).hexdigest()


def utc_now() -> str:
    """Now, in UTC, ISO 8601 to the millisecond: 2026-01-31T12:00:00.000Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Row(BaseModel):
    """A record: it never changes after it was made, and has no field that we don't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Row):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: Text


class Prompt(Row):
    """One question to put to both models; the last message is the user's."""

    id: str = Field(min_length=1)
    messages: tuple[Message, ...] = Field(min_length=1)
    category: str = ""
    #: Prompts of one cluster (paraphrases, one document, one user) are one unit of the evidence; "": a unit by itself.
    cluster: str = ""
    #: What any answer must be like, where that can be checked without a judge.
    expect: Expect | None = None

    @model_serializer(mode="wrap")
    def _without_nothing(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Prompts without `expect` or `cluster` are written, and hashed, as they were before there was one."""
        data: dict[str, Any] = dump(self)
        if self.expect is None:
            data.pop("expect", None)
        if not self.cluster:
            data.pop("cluster", None)
        return data


Ending = Literal["complete", "cut", "filtered", "tool call", "error"]
#: What servers say of an answer's end, in small letters; whatever else they say is complete.
ENDINGS: dict[str, Ending] = {
    **dict.fromkeys(("length", "max_tokens", "model_length", "max_output_tokens", "max_length"), "cut"),
    **dict.fromkeys(("content_filter", "safety", "recitation", "prohibited_content", "blocklist", "spii"), "filtered"),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), "tool call"),
    **dict.fromkeys(("error", "abort"), "error"),
}


def ending_of(finish_reason: str) -> Ending:
    """How an answer ended, by what its server said."""
    return ENDINGS.get(finish_reason.strip().lower(), "complete")


class Response(Row):
    """What one side answered to one prompt. `latency` is in seconds, as the client saw it."""

    kind: Literal["response"] = "response"
    prompt_id: str
    side: Side
    messages: tuple[Message, ...]
    category: str = ""
    text: Text
    #: As the server said it (ENDINGS); "unknown" for imported answers.
    finish_reason: str
    #: What the model thought before it answered: no part of the text, of lengths, or of what is judged.
    thinking: Text = ""
    #: Whether the server itself marked the text as a refusal.
    refused: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency: float | None = None
    sha256: Sha256
    answered_at: str

    @property
    def truncated(self) -> bool:
        """Whether the answer was cut at a limit of tokens."""
        return self.ending == "cut"

    @property
    def filtered(self) -> bool:
        """Whether a content filter ended the answer."""
        return self.ending == "filtered"

    @property
    def ending(self) -> Ending:
        """How the answer ended, by its server's word."""
        return ending_of(self.finish_reason)


#: HTTP statuses by which a server that answers others refuses one prompt.
REFUSALS = frozenset({400, 403, 404, 413, 422})


class Failure(Row):
    """A (prompt, side) that got no answer after `attempts` tries. Never shown, always counted."""

    kind: Literal["failure"] = "failure"
    prompt_id: str
    side: Side
    error: Text
    status: int | None = None
    attempts: int
    failed_at: str

    @property
    def refused(self) -> bool:
        """Whether the server refused this very prompt: asked again, it gives the same answer."""
        return self.status in REFUSALS


class Pair(Row):
    """Both sides' answers to one prompt: what a reviewer is asked to compare."""

    prompt_id: str
    messages: tuple[Message, ...]
    category: str
    base: Response
    tuned: Response

    @property
    def identical(self) -> bool:
        """Whether both sides answered the same text, outer white space apart: settled as a tie, never asked."""
        return self.base.text.strip() == self.tuned.text.strip()

    def answer(self, side: Side) -> Response:
        return self.base if side == "base" else self.tuned


#: The seal of a row that was judged elsewhere and imported: none of ours.
IMPORTED = "imported"


class Judgement(Row):
    """What the rows of verdicts.csv and of thumbs.csv share: FIRST, criteria, TAGS where the study has tags, LAST.

    `replaces` names the verdict_id that this row overrides. A `withdrawn` row takes a verdict back (undo);
    a row is in force when no other row replaces it and it is not itself withdrawn.
    """

    FIRST: ClassVar[tuple[str, ...]]
    TAGS: ClassVar[tuple[str, ...]]
    LAST: ClassVar[tuple[str, ...]] = ("comment", "seconds", "judged_at", "replaces", "seal")

    verdict_id: str = Field(min_length=1)
    run: str
    item: str
    category: str
    reviewer: str = Field(min_length=1)
    outcome: str
    #: Column to cell; an empty cell says that nothing was chosen.
    criteria: dict[str, str] = Field(default_factory=dict)
    comment: Text
    #: From the pair's appearance to the verdict, in seconds; 0 where an imported row does not say.
    seconds: float = Field(ge=0, allow_inf_nan=False)
    #: UTC, ISO 8601; "" where an imported row does not say.
    judged_at: str
    replaces: str = ""
    #: Of eval.judge.store.hash_chain: given when the row is written. IMPORTED for rows that were judged elsewhere.
    seal: str = ""

    @property
    def imported(self) -> bool:
        """Whether it was judged elsewhere."""
        return self.seal == IMPORTED

    @property
    def slot(self) -> tuple[str, str, str]:
        """(kind, item, reviewer): at most one row of a slot is in force."""
        return "judgement", self.item, self.reviewer


class Verdict(Judgement):
    """One row of verdicts.csv: two answers compared.

    Only `judgement` rows say something of the models. In a `gold` row `item` is "gold:<id>", and `tuned` stands for
    the answer that is known to be better. A criterion that compares has one column `name` with base, tuned or tie; one
    that rates each answer has `name_base` and `name_tuned`.
    """

    FIRST: ClassVar[tuple[str, ...]] = (
        *("verdict_id", "run", "item", "category", "reviewer", "kind", "outcome", "left"),
        *("base_sha256", "tuned_sha256"),
    )
    TAGS: ClassVar[tuple[str, ...]] = ("tags_base", "tags_tuned")

    kind: Kind = "judgement"
    outcome: Mark
    #: "" where an imported row does not say which model was on the left.
    left: Side | Literal[""]
    base_sha256: Sha256
    tuned_sha256: Sha256
    tags_base: tuple[str, ...] = ()
    tags_tuned: tuple[str, ...] = ()

    @property
    def slot(self) -> tuple[str, str, str]:
        return self.kind, self.item, self.reviewer


class Thumb(Judgement):
    """One row of thumbs.csv: feedback on one model's answer."""

    FIRST: ClassVar[tuple[str, ...]] = (
        *("verdict_id", "run", "item", "category", "reviewer", "side", "outcome", "sha256"),
    )
    TAGS: ClassVar[tuple[str, ...]] = ("tags",)

    side: Side
    outcome: Literal["up", "down", "withdrawn"]
    sha256: Sha256
    tags: tuple[str, ...] = ()
