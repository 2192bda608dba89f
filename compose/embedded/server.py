"""The server: the routes put together, and answered on a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from compose.embedded.http import HANDLERS, ApiKey
from compose.embedded.routes import Service

GUARDED = frozenset(
    ("/", "/generate", "/generate_stream", "/v1/chat/completions", "/v1/completions", "/invocations", "/tokenize")
)


def application(service: Service, api_key: str | None = None) -> Starlette:
    """The ASGI application; its batcher runs as long as the application does."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        service.infer.batcher.start(asyncio.get_running_loop())
        yield
        service.infer.batcher.close()
        service.template.close()

    gets = {
        "/health": service.health,
        "/ping": service.health,
        "/info": service.show_info,
        "/v1/models": service.models,
        "/metrics": service.metrics,
    }
    posts = {
        "/generate": service.generate,
        "/generate_stream": service.generate_stream,
        "/v1/chat/completions": service.chat,
        "/v1/completions": service.completions,
        "/invocations": service.invocations,
        "/tokenize": service.tokenize,
        "/chat_tokenize": service.chat_tokenize,
    }
    routes = [Route("/", service.root, methods=["GET", "POST"])]
    routes += [Route(path, handler, methods=["GET"]) for path, handler in gets.items()]
    routes += [Route(path, handler, methods=["POST"]) for path, handler in posts.items()]
    middleware = [Middleware(ApiKey, key=api_key, guarded=GUARDED)] if api_key else []
    app = Starlette(routes=routes, exception_handlers=HANDLERS, middleware=middleware, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


def serve(app: Starlette, bound: socket.socket) -> None:
    """Answer on the socket, which listens, until a signal ends it."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_keep_alive=75, timeout_graceful_shutdown=2, lifespan="on"
    )
    uvicorn.Server(config).run(sockets=[bound])
