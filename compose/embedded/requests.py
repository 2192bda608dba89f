"""Request bodies: the fields of TGI 3.3.7 that this engine has, with TGI's types, defaults and aliases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

U32 = Annotated[int, Field(ge=0, lt=2**32)]
U64 = Annotated[int, Field(ge=0, lt=2**64)]

#: Fields of TGI that are not here, each with the values that change nothing. Others are refused rather than ignored.
NOT_HERE: dict[str, tuple[object, ...]] = {
    "best_of": (None, 1),
    "repetition_penalty": (None, 1.0),
    "frequency_penalty": (None, 0.0),
    "presence_penalty": (None, 0.0),
    "typical_p": (None,),
    "truncate": (None,),
    "return_full_text": (None, False),
    "watermark": (None, False),
    "grammar": (None,),
    "adapter_id": (None,),
    "stream": (None, False),
    "tools": (None, []),
    "response_format": (None,),
}


class Body(BaseModel):
    """Types as they are, no conversions; unknown fields are kept, to be looked up in NOT_HERE."""

    model_config = ConfigDict(strict=True, extra="allow", protected_namespaces=())


class Parameters(Body):
    """How /generate is to answer. An empty `parameters` is greedy; a request without any is sampled."""

    temperature: float | None = None
    top_k: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = None
    top_p: float | None = None
    do_sample: bool = False
    seed: U64 | None = None
    max_new_tokens: U32 | None = None
    stop: list[str] = []
    details: bool = False
    decoder_input_details: bool = False
    top_n_tokens: U32 | None = None


class GenerateBody(Body):
    """POST /generate, and /tokenize, which looks at `inputs` only."""

    inputs: str
    parameters: Parameters = Parameters(do_sample=True)


class Piece(Body):
    """A piece of a message's content. Pictures have no place here."""

    type: Literal["text"]
    text: str


class Message(Body):
    role: str
    content: str | list[Piece]

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(piece.text for piece in self.content)


class ChatBody(Body):
    """POST /v1/chat/completions and /chat_tokenize. Temperature 0 is greedy, no temperature is sampled."""

    messages: list[Message]
    model: str | None = None
    max_tokens: U32 | None = Field(None, validation_alias=AliasChoices("max_tokens", "max_completion_tokens"))
    temperature: float | None = None
    top_p: float | None = None
    seed: U64 | None = None
    stop: list[str] | None = None
    logprobs: bool | None = None
    top_logprobs: U32 | None = None

    def parameters(self) -> Parameters:
        """The same request as /generate would be asked."""
        greedy = self.temperature == 0
        return Parameters(
            temperature=None if greedy else self.temperature,
            do_sample=not greedy,
            top_p=self.top_p,
            seed=self.seed,
            max_new_tokens=self.max_tokens,
            stop=self.stop or [],
            top_n_tokens=self.top_logprobs,
        )
