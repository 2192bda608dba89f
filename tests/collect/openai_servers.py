"""Test equipment: real servers on loopback that speak OpenAI's wire format, as vLLM and others write it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.collect.servers import TEMPLATE_TOKENS, Tgi, Trouble, serving


@dataclass
class OpenAi(Tgi):
    """Answers every prompt with its own words. Requests for one token, by which engines begin and count, are apart.

    `cards` are the entries of /v1/models, by default one that is called like the server; `others` maps more paths to
    their JSON; `answers_as` is the model that completions name, by default the one that was asked for.
    """

    cards: list[dict[str, Any]] | None = None
    others: dict[str, Any] = field(default_factory=dict)
    answers_as: str | None = None
    probe_trouble: Trouble | None = None
    probes: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**24)
        cards = [{"id": self.name, "object": "model"}] if self.cards is None else self.cards
        app.router.add_get("/v1/models", _always({"object": "list", "data": cards}))
        for path, body in self.others.items():
            app.router.add_get(path, _always(body))
        app.router.add_post("/v1/chat/completions", self._chat)
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body["max_tokens"] > 1:
            return await super()._chat(request)
        self.probes.append(body)
        bad = await self.probe_trouble(request, "", len(self.probes)) if self.probe_trouble else None
        return bad if bad is not None else web.json_response(self.completion(body))

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        """One token a word, and what a template adds."""
        tokens = sum(len(turn["content"].split()) + TEMPLATE_TOKENS for turn in body["messages"])
        text = self.say(body["messages"][-1]["content"])
        return completion(self.answers_as or body["model"], text, prompt_tokens=tokens)


def completion(
    model: str, text: str | None, *, finish_reason: str | None = "stop", prompt_tokens: int = 10, **message: Any
) -> dict[str, Any]:
    """A chat completion of OpenAI's API: without the fields that only TGI has, and its client insists on."""
    said = {"role": "assistant", "content": text, **message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1795509374,
        "model": model,
        "choices": [{"index": 0, "message": said, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 8, "total_tokens": prompt_tokens + 8},
    }


@contextlib.contextmanager
def openai(server: OpenAi, port: int = 0) -> Iterator[OpenAi]:
    with serving(server.app(), port) as url:
        server.url = url
        yield server


def _always(body: Any) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response(body)

    return handle
