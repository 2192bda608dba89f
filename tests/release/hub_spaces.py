"""What the Hub does for Spaces, as huggingface_hub 2.4 asks for it: secrets, volumes, pause and restart; and OAuth."""

from __future__ import annotations

import base64
import secrets
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from tests.release.hub_state import Hub

CLIENT, SECRET = "space-client", "oauth-SECRET-oauth"


class Spaces:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._codes: dict[str, str] = {}

    def add_routes(self, app: web.Application) -> None:
        api = "/api/spaces/{owner}/{name}"
        app.router.add_post(api + "/secrets", self.secret)
        app.router.add_put(api + "/volumes", self.volumes)
        app.router.add_get(api + "/runtime", self.runtime)
        app.router.add_post(api + "/pause", self.pause)
        app.router.add_post(api + "/restart", self.restart)
        app.router.add_get("/.well-known/openid-configuration", self.openid)
        app.router.add_get("/oauth/authorize", self.authorize)
        app.router.add_post("/oauth/token", self.token)
        app.router.add_get("/oauth/userinfo", self.userinfo)

    def _of(self, request: web.Request) -> dict[str, Any]:
        return self.hub.spaces.setdefault(f"{request.match_info['owner']}/{request.match_info['name']}", {})

    async def secret(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._of(request).setdefault("secrets", {})[asked["key"]] = asked["value"]
        return web.json_response({})

    async def volumes(self, request: web.Request) -> web.Response:
        self._of(request)["volumes"] = (await request.json())["volumes"]
        return web.json_response({})

    async def runtime(self, request: web.Request) -> web.Response:
        return web.json_response({"stage": self._of(request).get("stage", "BUILDING"), "hardware": {}})

    async def pause(self, request: web.Request) -> web.Response:
        self._of(request)["stage"] = "PAUSED"
        return await self.runtime(request)

    async def restart(self, request: web.Request) -> web.Response:
        self._of(request)["stage"] = "RUNNING"
        return await self.runtime(request)

    async def openid(self, request: web.Request) -> web.Response:
        places = {f"{name}_endpoint": f"{self.hub.url}/oauth/{path}" for name, path in _ENDPOINTS.items()}
        return web.json_response({"issuer": self.hub.url, **places})

    async def authorize(self, request: web.Request) -> web.Response:
        """Whoever comes here is `hub.person`, and says yes."""
        assert request.query["client_id"] == CLIENT
        assert request.query["response_type"] == "code"
        code = secrets.token_hex(8)
        self._codes[code] = request.query["redirect_uri"]
        query = urlencode({"code": code, "state": request.query["state"]})
        raise web.HTTPFound(f"{request.query['redirect_uri']}?{query}")

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        right = request.headers.get("Authorization") == f"Basic {basic}"
        if not right or self._codes.pop(str(form["code"]), None) != form["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"access_token": "hf_oauth_ACCESS", "token_type": "bearer", "expires_in": 28800})

    async def userinfo(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer hf_oauth_ACCESS":
            raise web.HTTPUnauthorized
        return web.json_response(self.hub.person)


_ENDPOINTS = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
