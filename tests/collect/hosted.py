"""Small servers with the documented bodies of Ollama, LM Studio, LiteLLM, Azure, OpenRouter and llama.cpp."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.collect.servers import serving

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MODEL = "qwen3:8b"


@dataclass
class Hosted:
    """`gets` and `posts` map paths to their JSON; `message` and `finish` make the completion's choice."""

    gets: dict[str, Json]
    posts: dict[str, Json] = field(default_factory=dict)
    chat: str = "/v1/chat/completions"
    message: Json = field(default_factory=lambda: {"role": "assistant", "content": "Blue."})
    finish: str = "stop"
    choice: Json = field(default_factory=dict)
    more: Json = field(default_factory=dict)
    #: The bodies and headers of chat requests.
    asked: list[tuple[Json, dict[str, str]]] = field(default_factory=list)
    #: What is answered instead, by the text that is asked.
    refusals: dict[str, tuple[int, Json]] = field(default_factory=dict)
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application()
        for path, body in self.gets.items():
            app.router.add_get(path, _always(body))
        for path, body in self.posts.items():
            app.router.add_post(path, _always(body))
        app.router.add_post(self.chat, self._chat)
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append((body, dict(request.headers)))
        refusal = self.refusals.get(body["messages"][-1]["content"])
        if refusal is not None:
            return web.json_response(refusal[1], status=refusal[0])
        choice = {"index": 0, "message": self.message, "finish_reason": self.finish, **self.choice}
        usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
        model = body.get("model", MODEL)
        whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
        return web.json_response({**whole, "usage": usage, **self.more})


def _always(body: Any) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response(body)

    return handle


def listed(**card: Any) -> Json:
    return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 1, **card}]}


def ollama(quantization: str = "Q4_K_M", context: int | None = 4096) -> Hosted:
    running = {"name": MODEL, "model": MODEL, "size": 1, "digest": "d", "context_length": context}
    return Hosted(
        {
            "/v1/models": listed(owned_by="library"),
            "/api/version": {"version": "0.12.3"},
            "/api/ps": {"models": [running] if context else []},
        },
        {"/api/show": {"details": {"format": "gguf", "parameter_size": "8.2B", "quantization_level": quantization},
                       "model_info": {"qwen3.context_length": 40960}, "capabilities": ["completion", "thinking"]}},
        message={"role": "assistant", "content": "Blue.", "reasoning": "Hm."},
        more={"system_fingerprint": "fp_ollama"},
    )  # fmt: skip


def lm_studio(quantization: str = "Q4_K_M") -> Hosted:
    card = {
        "id": MODEL, "object": "model", "type": "llm", "publisher": "community", "arch": "qwen3",
        "compatibility_type": "gguf", "quantization": quantization, "state": "loaded", "max_context_length": 131072,
        "loaded_context_length": 8192,
    }  # fmt: skip
    more = {"stats": {}, "system_fingerprint": MODEL}
    gets = {"/v1/models": listed(owned_by="organization_owner"), "/api/v0/models/{model}": card}
    return Hosted(gets, message={"role": "assistant", "content": "Blue.", "reasoning_content": "Hm."}, more=more)


def litellm() -> Hosted:
    """A proxy: it lists what it is set up for, and passes on what the provider behind it says."""
    error = {
        "message": "litellm.ContentPolicyViolationError: the response was filtered", "type": None, "param": None,
        "code": "400",
    }  # fmt: skip
    return Hosted(
        {"/v1/models": listed(owned_by="openai")},
        finish="length",
        message={"role": "assistant", "content": "Blue", "tool_calls": None, "function_call": None},
        refusals={"flag me": (400, {"error": error})},
    )


def azure() -> Hosted:
    """One deployment, whose address names it; a prompt that is filtered is refused with the filter's result."""
    error = {
        "message": "The response was filtered due to the prompt triggering Azure's content management policy.",
        "type": None, "param": "prompt", "code": "content_filter", "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}},
    }  # fmt: skip
    return Hosted(
        {},
        chat="/openai/deployments/{name}/chat/completions",
        finish="content_filter",
        choice={"content_filter_results": {"hate": {"filtered": True, "severity": "high"}}},
        more={"prompt_filter_results": [{"prompt_index": 0}]},
        refusals={"flag me": (400, {"error": error})},
    )


def openrouter() -> Hosted:
    card = {
        "context_length": 131072, "architecture": {"tokenizer": "Qwen3"}, "pricing": {"prompt": "0"},
        "top_provider": {"context_length": 32768, "max_completion_tokens": None, "is_moderated": False},
        "supported_parameters": ["max_tokens", "reasoning"],
    }  # fmt: skip
    flagged = {
        "code": 403,
        "message": "Your input was flagged",
        "metadata": {"reasons": ["violence"], "flagged_input": "…"},
    }
    return Hosted(
        {"/api/v1/models": listed(**card)},
        chat="/api/v1/chat/completions",
        message={"role": "assistant", "content": "Blue.", "refusal": None, "reasoning": "Hm."},
        choice={"native_finish_reason": "stop", "logprobs": None},
        more={"provider": "Somebody"},
        refusals={
            "flag me": (403, {"error": flagged}),
            "break off": (200, {"error": {"code": 502, "message": "down"}}),
        },
    )


def llama_cpp(quantization: str = "Q4_K - Medium", context: int = 2048, *, old: bool = False) -> Hosted:
    """`old`: before the list had `ftype` and `n_ctx`."""
    meta = {"vocab_type": 2, "n_vocab": 1024, "n_ctx_train": 40960, "n_embd": 192, "n_params": 1772480, "size": 1}
    told = {} if old else {"ftype": quantization, "n_ctx": context}
    props = {"build_info": "b7000-abc", "total_slots": 1, "model_path": "m.gguf", "model_ftype": quantization}
    return Hosted({
        "/v1/models": listed(owned_by="llamacpp", meta={**meta, **told}),
        "/props": {**props, "default_generation_settings": {"n_ctx": context}},
    })  # fmt: skip


@contextmanager
def hosting(server: Hosted) -> Iterator[Hosted]:
    with serving(server.app()) as url:
        server.url = url
        yield server
