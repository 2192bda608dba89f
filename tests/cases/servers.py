"""The servers of the cases: each kind does one thing that people reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.collect.openai_servers import OpenAi, completion

Json = dict[str, Any]


@dataclass
class Kind(OpenAi):
    """A server that lists its models as `listed` (False: no list), and answers as `kind` says."""

    kind: str = "plain"
    listed: Any = None
    #: The keys that requests came with.
    keys: tuple[str, ...] = ()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**24)
        listed = {"object": "list", "data": [{"id": self.name}]} if self.listed is None else self.listed

        async def models(request: web.Request) -> web.Response:
            if self.listed is False:
                return web.json_response({"error": "not found"}, status=404)
            return web.json_response(listed)

        for base in ("", "/api", "/base/path"):
            app.router.add_get(f"{base}/v1/models", models)
            app.router.add_post(f"{base}/v1/chat/completions", self._asked)
        return app

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        self.keys += (request.headers.get("Authorization", ""),)
        said = (await request.json())["messages"][-1]["content"]
        if self.kind == "moderated" and "flag" in said:
            error = {"code": 403, "message": "Your input was flagged", "metadata": {"reasons": ["violence"]}}
            return web.json_response({"error": error}, status=403)
        if self.kind == "busy at first" and len(self.keys) <= 2:
            error = {"message": "Rate limit reached"}
            return web.json_response({"error": error}, status=429, headers={"Retry-After": "0"})
        if self.kind == "error in a 200":
            return web.json_response({"error": {"message": "Provider returned error", "code": 502}})
        return await self._chat(request)

    def completion(self, body: Json) -> Json:
        said = body["messages"][-1]["content"]
        text, finish, more = self._says(said)
        return completion(body["model"], text, finish_reason=finish, **more)

    def _says(self, said: str) -> tuple[str | None, str, Json]:
        """Text, finish reason, and what else stands in the message."""
        parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Fine."}]
        call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        kinds: dict[str, tuple[str | None, str, Json]] = {
            "think": (f"<think>\nThe user asks {said!r}.\n</think>\n\nAnswer to {said}", "stop", {}),
            "think, cut": (f"<think>\nThe user asks {said!r}. Well", "length", {}),
            "reasoning": (None, "length", {"reasoning_content": "Let me think."}),
            "filtered": ("The first half and", "content_filter", {}),
            "model_length": ("Another half and", "model_length", {}),
            "parts": (None, "stop", {"content": parts}),
            "tool call": ("", "tool_calls", {"tool_calls": [call]}),
            "refusal": (None, "stop", {"refusal": "I can't help with that."}),
            "space before": (" Paris is the capital.", "stop", {}),
            "space behind": ("Paris is the capital.\n", "stop", {}),
        }
        return kinds.get(self.kind, (f"Fine: {said} ({self.name}).", "stop", {}))
