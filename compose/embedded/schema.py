"""The requests of TGI 3.3.7: field by field, with their types, defaults and aliases."""

from __future__ import annotations

from typing import Any

from compose.embedded.serde import JsonError, Reader
from compose.embedded.shapes import (
    F32,
    I32,
    U32,
    U64,
    USIZE,
    Anything,
    Bool,
    Field,
    Opt,
    Seq,
    Shape,
    Str,
    Struct,
    first_fit,
    keys,
    read_value,
)


def _none() -> None:
    return None


def _opt(shape: Shape, alias: str | None = None) -> Field:
    return Field(Opt(shape), _none, alias)


def _flag() -> Field:
    return Field(Bool(), lambda: False)


class Untagged:
    """One of several shapes, the first that fits; the value is read whole before it is tried."""

    def __init__(self, name: str, *shapes: Shape) -> None:
        self.name = name
        self.shapes = shapes

    def read(self, reader: Reader) -> Any:
        found = first_fit(self.shapes, reader.anything())
        if found is None:
            raise reader.wrong(f"data did not match any variant of untagged enum {self.name}")
        return found[1]


class Prompt(Untagged):
    """One prompt or several, always given back as a list."""

    def __init__(self) -> None:
        super().__init__("PromptDeserializer", Str(), Seq(Str()))

    def read(self, reader: Reader) -> list[str]:
        value = super().read(reader)
        if value == []:
            raise reader.wrong("Empty array detected. Do not use an empty array for the prompt.")
        return [value] if isinstance(value, str) else value


class Tagged:
    """A map with a `type` out of several names and, for some of them, a field that must be there."""

    def __init__(self, name: str, needs: dict[str, dict[str, Shape]]) -> None:
        self.name = name
        self.needs = needs

    def read(self, reader: Reader) -> dict[str, Any]:
        if reader.peek() != ord("{"):
            raise reader.unexpected(f"{self.name}")
        values: dict[str, Any] = {}
        for key in keys(reader):
            read_value(reader, key, Str() if key == "type" else Anything(), values, key)
            if key == "type" and values["type"] not in self.needs:
                raise self._unknown(reader, values["type"])
        for need in ("type", *self.needs.get(values.get("type", ""), {})):
            if need not in values:
                raise reader.wrong(f"missing field `{need}`")
        return values

    def _unknown(self, reader: Reader, kind: str) -> JsonError:
        reader.path.append("type")
        names = ", ".join(f"`{name}`" for name in self.needs)
        return reader.wrong(f"unknown variant `{kind}`, expected one of {names}")


class _Chunk:
    """A piece of a message's content: text, or a picture given by its address."""

    def read(self, reader: Reader) -> dict[str, Any]:
        value = reader.anything()
        if isinstance(value, dict) and value.get("type") == "text" and isinstance(value.get("text"), str):
            return value
        url = value.get("image_url") if isinstance(value, dict) and value.get("type") == "image_url" else None
        if isinstance(url, dict) and isinstance(url.get("url"), str):
            return {"type": "text", "text": f"![]({url['url']})"}
        raise reader.wrong("not a message chunk")


FUNCTION = Struct(
    "FunctionDefinition",
    {"description": _opt(Str()), "name": Field(Str()), "arguments": Field(Anything(), alias="parameters")},
)
TOOL = Struct("Tool", {"type": Field(Str()), "function": Field(FUNCTION)})
TOOL_CALL = Struct("ToolCall", {"id": Field(Str()), "type": Field(Str()), "function": Field(FUNCTION)})
CONTENT = Untagged("MessageContent", Str(), Seq(_Chunk()))
BODY = (Struct("Content", {"content": Field(CONTENT)}), Struct("Tool", {"tool_calls": Field(Seq(TOOL_CALL))}))


class Message:
    """A chat message: a role, and either content or tool calls."""

    def read(self, reader: Reader) -> dict[str, Any]:
        if reader.peek() != ord("{"):
            raise reader.unexpected("struct Message")
        own: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for key in keys(reader):
            if key in own:
                raise reader.wrong(f"duplicate field `{key}`")
            shape: Shape = Str() if key == "role" else Opt(Str()) if key == "name" else Anything()
            read_value(reader, key, shape, own if key in ("role", "name") else rest, key)
        if "role" not in own:
            raise reader.wrong("missing field `role`")
        body = first_fit(BODY, rest)
        if body is None:
            raise reader.wrong("data did not match any variant of untagged enum MessageBody")
        return {"role": own["role"], **body[1]}


GRAMMAR = Tagged(
    "adjacently tagged enum GrammarType",
    {name: {"value": Anything()} for name in ("json", "json_object", "regex", "json_schema")},
)

PARAMETERS = Struct(
    "GenerateParameters",
    {
        "best_of": _opt(USIZE),
        "temperature": _opt(F32()),
        "repetition_penalty": _opt(F32()),
        "frequency_penalty": _opt(F32()),
        "top_k": _opt(I32),
        "top_p": _opt(F32()),
        "typical_p": _opt(F32()),
        "do_sample": _flag(),
        "max_new_tokens": _opt(U32),
        "return_full_text": _opt(Bool()),
        "stop": Field(Seq(Str()), list),
        "truncate": _opt(USIZE),
        "watermark": _flag(),
        "details": _flag(),
        "decoder_input_details": _flag(),
        "seed": _opt(U64),
        "top_n_tokens": _opt(U32),
        "grammar": _opt(GRAMMAR),
        "adapter_id": _opt(Str()),
    },
)


def default_parameters() -> dict[str, Any]:
    """What a request without `parameters` gets: sampling, where an empty `parameters` is greedy."""
    values = {name: field.default() for name, field in PARAMETERS.fields.items() if field.default}
    return values | {"do_sample": True}


GENERATE = Struct("GenerateRequest", {"inputs": Field(Str()), "parameters": Field(PARAMETERS, default_parameters)})
COMPAT = Struct(
    "CompatGenerateRequest",
    {"inputs": Field(Str()), "parameters": Field(PARAMETERS, default_parameters), "stream": _flag()},
)
COMPLETION = Struct(
    "CompletionRequest",
    {
        "model": _opt(Str()),
        "prompt": Field(Prompt()),
        "max_tokens": _opt(U32),
        "temperature": _opt(F32()),
        "top_p": _opt(F32()),
        "stream": _flag(),
        "seed": _opt(U64),
        "suffix": _opt(Str()),
        "repetition_penalty": _opt(F32()),
        "frequency_penalty": _opt(F32()),
        "stop": _opt(Seq(Str())),
    },
)
NAMED = Struct("FunctionName", {"name": Field(Str())})
CHOICE = Untagged(
    "ToolTypeDeserializer", Opt(Str()), Struct("TypedChoice", {"type": Field(Str()), "function": Field(NAMED)})
)
CHAT = Struct(
    "ChatRequest",
    {
        "model": _opt(Str()),
        "messages": Field(Seq(Message())),
        "frequency_penalty": _opt(F32()),
        "logit_bias": _opt(Seq(F32())),
        "logprobs": _opt(Bool()),
        "top_logprobs": _opt(U32),
        "max_tokens": _opt(U32, alias="max_completion_tokens"),
        "n": _opt(U32),
        "presence_penalty": _opt(F32()),
        "stop": _opt(Seq(Str())),
        "stream": _flag(),
        "seed": _opt(U64),
        "temperature": _opt(F32()),
        "top_p": _opt(F32()),
        "tools": _opt(Seq(TOOL)),
        "tool_prompt": _opt(Str()),
        "tool_choice": Field(CHOICE, _none),
        "response_format": _opt(GRAMMAR),
        "stream_options": Field(Struct("StreamOptions", {"include_usage": _flag()}), lambda: {"include_usage": False}),
    },
)
