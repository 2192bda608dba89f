"""The routes of TGI that blindside uses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as Http
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from compose.embedded import replies
from compose.embedded.http import HANDLERS, B, json_response, read_body, while_connected
from compose.embedded.infer import Inference
from compose.embedded.protocol import Request, dumps, refuse_unsupported
from compose.embedded.requests import ChatBody, GenerateBody
from compose.embedded.template import ChatTemplate


@dataclass(frozen=True)
class Service:
    """One served model: everything that the routes need."""

    infer: Inference
    template: ChatTemplate
    info: dict[str, Any]
    fingerprint: str

    async def health(self, http: Http) -> Response:
        if self.infer.batcher.healthy:
            return Response()
        return json_response({"error": "unhealthy", "error_type": "healthcheck"}, 503)

    async def show_info(self, http: Http) -> Response:
        return json_response(self.info)

    async def models(self, http: Http) -> Response:
        name = self.info["model_id"]
        model = {"id": name, "object": "model", "created": 0, "owned_by": name}
        return json_response({"object": "list", "data": [model]})

    async def metrics(self, http: Http) -> Response:
        return PlainTextResponse(self.infer.metrics.render())

    async def tokenize(self, http: Http) -> Response:
        body = await self._body(http, GenerateBody)
        return Response(await self.infer.spans(body.inputs, special=True), media_type="application/json")

    async def chat_tokenize(self, http: Http) -> Response:
        text = (await self._chat_request(await self._body(http, ChatBody))).inputs
        spans = await self.infer.spans(text, special=False)
        body = b'{"tokenize_response":' + spans + b',"templated_text":' + dumps(text).encode() + b"}"
        return Response(body, media_type="application/json")

    async def generate(self, http: Http) -> Response:
        body = await self._body(http, GenerateBody)
        details = body.parameters.details or body.parameters.decoder_input_details

        async def work() -> Response:
            answer = await self.infer.answer(Request(body.inputs, body.parameters))
            return json_response(replies.generated(answer, details=details))

        return await while_connected(http, work())

    async def chat(self, http: Http) -> Response:
        body = await self._body(http, ChatBody)
        request = await self._chat_request(body)
        model = self.info["model_id"] if body.model in (None, "tgi") else str(body.model)

        async def work() -> Response:
            answer = await self.infer.answer(request)
            return json_response(replies.chat(answer, model, self.fingerprint, logprobs=bool(body.logprobs)))

        return await while_connected(http, work())

    async def _body(self, http: Http, kind: type[B]) -> B:
        return await read_body(http, kind, self.infer.limits.payload_limit)

    async def _chat_request(self, body: ChatBody) -> Request:
        refuse_unsupported(body.model_extra)
        inputs = await self.template.render([(message.role, message.text) for message in body.messages])
        return Request(inputs, body.parameters(), special=False)


def application(service: Service) -> Starlette:
    """The ASGI application; its batcher runs as long as the application does."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        service.infer.batcher.start(asyncio.get_running_loop())
        yield
        service.infer.batcher.close()
        service.template.close()

    gets = {
        "/health": service.health,
        "/info": service.show_info,
        "/v1/models": service.models,
        "/metrics": service.metrics,
    }
    posts = {
        "/generate": service.generate,
        "/v1/chat/completions": service.chat,
        "/tokenize": service.tokenize,
        "/chat_tokenize": service.chat_tokenize,
    }
    routes = [Route(path, handler, methods=["GET"]) for path, handler in gets.items()]
    routes += [Route(path, handler, methods=["POST"]) for path, handler in posts.items()]
    app = Starlette(routes=routes, exception_handlers=HANDLERS, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


def serve(app: Starlette, bound: socket.socket) -> None:
    """Answer on the socket, which listens, until a signal ends it."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_keep_alive=75, timeout_graceful_shutdown=2, lifespan="on"
    )
    uvicorn.Server(config).run(sockets=[bound])
