"""A Hub on loopback: the HTTP of its upload protocol as huggingface_hub 2.4 speaks it, with real storage behind.

Repositories, preupload, Git LFS (whole and in parts), commits as NDJSON, pull requests, trees, downloads with a
redirect, validation of a card's metadata. Not Xet, by which the client uploads unless HF_HUB_DISABLE_XET is set.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from tests.collect.servers import serving
from tests.release.card_rules import errors_of
from tests.release.hub_spaces import Spaces
from tests.release.hub_state import READER, WRITER, Blob, Hub, Repo, git_hash

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(hub: Hub) -> web.Application:
    app = web.Application(client_max_size=2**30, middlewares=[_watch(hub)])
    routes = _Routes(hub)
    app.router.add_get("/api/whoami-v2", routes.whoami)
    app.router.add_post("/api/repos/create", routes.create)
    app.router.add_post("/api/validate-yaml", routes.validate)
    for kind in ("models", "datasets", "spaces"):
        api = f"/api/{kind}/{{owner}}/{{name}}"
        app.router.add_get(api, routes.info)
        app.router.add_get(api + "/revision/{revision}", routes.info)
        app.router.add_get(api + "/tree/{revision}", routes.tree)
        app.router.add_post(api + "/preupload/{revision}", routes.preupload)
        app.router.add_post(api + "/commit/{revision}", routes.commit)
    for prefix in ("", "/datasets", "/spaces"):
        app.router.add_post(prefix + "/{owner}/{name}.git/info/lfs/objects/batch", routes.batch)
        app.router.add_get(prefix + "/{owner}/{name}/resolve/{revision}/{path:.+}", routes.resolve)
    Spaces(hub).add_routes(app)
    app.router.add_put("/storage/{oid}", routes.put)
    app.router.add_put("/storage/{oid}/{part}", routes.put_part)
    app.router.add_post("/storage/{oid}", routes.complete)
    app.router.add_get("/storage/{oid}", routes.get)
    app.router.add_post("/verify", routes.verify)
    return app


def _watch(hub: Hub) -> Any:
    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        hub.asked.append((request.method, request.path))
        hub.bodies.append(await request.read())
        if hub.lost_after is not None and len(hub.storage) >= hub.lost_after:
            assert request.transport is not None
            request.transport.abort()
        if request.path.startswith("/storage") and "Authorization" in request.headers:
            hub.leaked.append(request.path)
        for end, deeds in hub.meanwhile.items():
            if request.path.endswith(end) and deeds:
                await asyncio.to_thread(deeds.pop(0))
        for part, (status, words) in hub.refused.items():
            if part in request.path:
                return web.json_response({"error": words}, status=status, headers={"X-Error-Message": words})
        return await handler(request)

    return watch


class _Routes:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def _user(self, request: web.Request) -> str:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        users = {WRITER: "our", READER: "guest"}
        if token not in users:
            raise _error(web.HTTPUnauthorized, "Invalid username or password.")
        return users[token]

    def _repo(self, request: web.Request, *, write: bool = False) -> tuple[str, Repo]:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        repo = self.hub.repos.get(name)
        user = self._user(request)
        owns = user == request.match_info["owner"]
        if repo is None or (repo.private and not owns):
            raise _error(web.HTTPNotFound, "Repository not found", "RepoNotFound")
        if write and not owns and "create_pr" not in request.query:
            raise _error(web.HTTPForbidden, "You don't have the required permissions to write here")
        return name, repo

    async def whoami(self, request: web.Request) -> web.Response:
        return web.json_response({"name": self._user(request), "type": "user", "auth": {"type": "access_token"}})

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        user = self._user(request)
        owner = asked["organization"] or user
        name = f"{owner}/{asked['name']}"
        folder = {"dataset": "datasets/", "space": "spaces/"}.get(asked.get("type"), "")
        url = f"{self.hub.url}/{folder}{name}"
        if owner != user:
            raise _error(web.HTTPForbidden, f"You don't have the rights to create a model under the namespace {owner}")
        if name in self.hub.repos:
            return web.json_response({"error": "You already created this model repo", "url": url}, status=409)
        repo = self.hub.repos[name] = Repo(private=asked.get("visibility") == "private")
        for secret in asked.get("secrets", ()):
            self.hub.spaces.setdefault(name, {}).setdefault("secrets", {})[secret["key"]] = secret["value"]
        if "volumes" in asked:
            self.hub.spaces.setdefault(name, {})["volumes"] = asked["volumes"]
        repo.commit("main", {".gitattributes": Blob(b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n")})
        return web.json_response({"url": url})

    async def validate(self, request: web.Request) -> web.Response:
        errors = errors_of((await request.json())["content"])
        said = {"errors": [{"message": message} for message in errors], "warnings": []}
        return web.json_response(said, status=400 if errors else 200)

    async def info(self, request: web.Request) -> web.Response:
        name, repo = self._repo(request)
        revision = request.match_info.get("revision", "main")
        sha = repo.heads.get(revision, revision)
        files = [{"rfilename": path} for path in repo.revisions[revision]]
        return web.json_response({"id": name, "sha": sha, "private": repo.private, "siblings": files})

    async def tree(self, request: web.Request) -> web.Response:
        _, repo = self._repo(request)
        files = repo.revisions.get(request.match_info["revision"])
        if files is None:
            raise _error(web.HTTPNotFound, "Invalid rev id", "RevisionNotFound")
        return web.json_response([self._listed(path, blob) for path, blob in files.items()])

    def _listed(self, path: str, blob: Blob) -> dict[str, Any]:
        if not blob.lfs:
            return {"type": "file", "path": path, "size": len(blob.data), "oid": git_hash(blob.data)}
        size = len(self.hub.storage[blob.lfs])
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{blob.lfs}\nsize {size}\n".encode()
        lfs = {"oid": blob.lfs, "size": size, "pointerSize": len(pointer)}
        return {"type": "file", "path": path, "size": size, "oid": git_hash(pointer), "lfs": lfs}

    async def preupload(self, request: web.Request) -> web.Response:
        _, repo = self._repo(request, write=True)
        files = repo.revisions[request.match_info["revision"]]
        return web.json_response({"files": [self._mode(file, files) for file in (await request.json())["files"]]})

    def _mode(self, file: dict[str, Any], files: dict[str, Blob]) -> dict[str, Any]:
        path, there = file["path"], files.get(file["path"])
        assert base64.b64decode(file["sample"]) is not None
        lfs = path.endswith(".safetensors") or file["size"] > 10_000_000
        oid = (there.lfs or git_hash(there.data)) if there else None
        mode = "lfs" if lfs else "regular"
        return {"path": path, "uploadMode": mode, "shouldIgnore": path in self.hub.ignored} | (
            {"oid": oid} if oid else {}
        )

    async def batch(self, request: web.Request) -> web.Response:
        asked = await request.json()
        assert asked["operation"] == "upload"
        assert asked["hash_algo"] == "sha256"
        user = self._user(request)
        if "ref" in asked and user != request.match_info["owner"]:
            raise _error(web.HTTPForbidden, "You don't have the required permissions to write here")
        parts = self.hub.part_size
        objects = [self._action(one["oid"], one["size"], parts) for one in asked["objects"]]
        return web.json_response({"transfer": "multipart" if parts else "basic", "objects": objects})

    def _action(self, oid: str, size: int, part_size: int | None) -> dict[str, Any]:
        if oid in self.hub.storage:
            return {"oid": oid, "size": size}
        href = f"{self.hub.storage_url}/storage/{oid}?signature=SIGNED"
        upload: dict[str, Any] = {"href": href}
        if part_size and size > part_size:
            count = -(-size // part_size)
            numbered = {
                str(n): f"{self.hub.storage_url}/storage/{oid}/{n}?signature=SIGNED" for n in range(1, count + 1)
            }
            upload["header"] = {"chunk_size": str(part_size), **numbered}
        verify = {"href": f"{self.hub.url}/verify"}
        return {"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify}}

    async def put(self, request: web.Request) -> web.Response:
        return self._stored(request.match_info["oid"], await self._body(request))

    async def _body(self, request: web.Request) -> bytes:
        """The body as it comes in; held up while the gate is closed."""
        data = await request.read()
        await asyncio.to_thread(self.hub.gate.wait)
        return data

    def _stored(self, oid: str, data: bytes) -> web.Response:
        if hashlib.sha256(data).hexdigest() != oid:
            raise _error(web.HTTPBadRequest, "the bytes are not those of the object")
        self.hub.storage[oid] = data
        return web.Response()

    async def put_part(self, request: web.Request) -> web.Response:
        data = await request.read()
        self.hub.parts[request.match_info["oid"], int(request.match_info["part"])] = data
        return web.Response(headers={"ETag": f'"{hashlib.sha256(data).hexdigest()}"'})

    async def complete(self, request: web.Request) -> web.Response:
        oid, asked = request.match_info["oid"], await request.json()
        pieces = [self.hub.parts[oid, part["partNumber"]] for part in asked["parts"]]
        etags = [part["etag"].strip('"') for part in asked["parts"]]
        assert etags == [hashlib.sha256(piece).hexdigest() for piece in pieces]
        return self._stored(oid, b"".join(pieces))

    async def verify(self, request: web.Request) -> web.Response:
        asked = await request.json()
        there = self.hub.storage.get(asked["oid"])
        if there is None or len(there) != asked["size"]:
            raise _error(web.HTTPNotFound, "no such object")
        return web.Response()

    async def commit(self, request: web.Request) -> web.Response:
        name, repo = self._repo(request, write=True)
        lines = [json.loads(line) for line in (await request.read()).splitlines()]
        header, operations = lines[0]["value"], lines[1:]
        branch = request.match_info["revision"]
        if header.get("parentCommit", repo.heads[branch]) != repo.heads[branch]:
            raise _error(web.HTTPPreconditionFailed, "A commit has happened since. Please refresh and try again.")
        files = dict(repo.revisions[branch])
        for line in operations:
            self._apply(files, line["key"], line["value"])
        pull = None
        if "create_pr" in request.query:
            number = sum(ref.startswith("refs/pr/") for ref in repo.heads) + 1
            branch, pull = f"refs/pr/{number}", f"{self.hub.url}/{name}/discussions/{number}"
        oid = repo.commit(branch, files)
        url = f"{self.hub.url}/{name}/commit/{oid}"
        return web.json_response({"commitUrl": url, "commitOid": oid, "pullRequestUrl": pull})

    def _apply(self, files: dict[str, Blob], key: str, value: dict[str, Any]) -> None:
        path = value["path"]
        if key == "deletedFile":
            del files[path]
        elif key == "lfsFile":
            if value["oid"] not in self.hub.storage:
                raise _error(web.HTTPBadRequest, f"Your push was rejected: {path} is missing from storage")
            files[path] = Blob(lfs=value["oid"])
            if path in self.hub.corrupted:
                self.hub.storage[value["oid"]] = _flipped(self.hub.storage[value["oid"]])
        else:
            assert (key, value["encoding"]) == ("file", "base64")
            data = base64.b64decode(value["content"])
            files[path] = Blob(_flipped(data) if path in self.hub.corrupted else data)

    async def resolve(self, request: web.Request) -> web.StreamResponse:
        _, repo = self._repo(request)
        revision = request.match_info["revision"]
        blob = repo.revisions[revision].get(request.match_info["path"])
        if blob is None:
            raise _error(web.HTTPNotFound, "Entry not found", "EntryNotFound")
        if blob.lfs:
            raise web.HTTPFound(f"{self.hub.storage_url}/storage/{blob.lfs}?signature=SIGNED")
        headers = {"ETag": f'"{git_hash(blob.data)}"', "X-Repo-Commit": repo.heads.get(revision, revision)}
        return web.Response(body=blob.data, headers=headers)

    async def get(self, request: web.Request) -> web.Response:
        return web.Response(body=self.hub.storage[request.match_info["oid"]])


def _flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def _error(kind: type[web.HTTPException], words: str, code: str = "") -> web.HTTPException:
    headers = {"X-Error-Message": words} | ({"X-Error-Code": code} if code else {})
    return kind(text=json.dumps({"error": words}), content_type="application/json", headers=headers)


@contextmanager
def listening(hub: Hub, port: int = 0) -> Iterator[Hub]:
    """`hub` at `hub.url`."""
    with serving(application(hub), port) as url:
        hub.url = url
        yield hub
