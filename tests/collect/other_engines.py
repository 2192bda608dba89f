"""Stand-ins for servers that can't run here, in front of a real vLLM: their documented routes and forms, real numbers.

SGLang's are those of its native API and of its chat route (0.5.13 and newer), llama.cpp's those of its server's README.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from aiohttp import web

from tests.collect.servers import serving

Json = dict[str, Any]
Answer = Callable[[web.Request, Json], Awaitable[Json]]
Handler = Callable[[web.Request], Awaitable[web.Response]]
VLLM_GREEDY: Json = {"temperature": 0.0, "logprobs": 0, "prompt_logprobs": 0, "return_token_ids": True}
_SESSION = web.AppKey("session", aiohttp.ClientSession)


class Front:
    """What all share: an application whose routes ask the vLLM at `url`, and its errors passed on."""

    owned_by = "someone"

    def __init__(self, url: str, model: str) -> None:
        self.url, self.model = url, model

    def app(self) -> web.Application:
        app = web.Application()
        app.cleanup_ctx.append(_session)
        app.router.add_get("/v1/models", self._json({"data": [{"id": self.model, "owned_by": self.owned_by}]}))
        for path, body in self.facts().items():
            app.router.add_get(path, self._json(body))
        for path, answer in self.routes().items():
            app.router.add_post(path, self._handler(answer))
        return app

    def facts(self) -> dict[str, Json]:
        return {}

    def routes(self) -> dict[str, Answer]:
        raise NotImplementedError

    async def ask(self, request: web.Request, path: str, **body: Any) -> Json:
        async with request.app[_SESSION].post(self.url + path, json={"model": self.model, **body}) as reply:
            if reply.status != 200:
                kind = {400: web.HTTPBadRequest, 404: web.HTTPNotFound}.get(reply.status, web.HTTPInternalServerError)
                raise kind(text=await reply.text(), content_type="application/json")
            answer: Json = await reply.json()
            return answer

    def _handler(self, answer: Answer) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            return web.json_response(await answer(request, json.loads(await request.read())))

        return handle

    def _json(self, body: Json) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            return web.json_response(body)

        return handle


class Sglang(Front):
    owned_by = "sglang"

    def facts(self) -> dict[str, Json]:
        info = {"model_path": self.model, "tokenizer_path": self.model, "is_generation": True}
        return {"/get_model_info": info, "/get_server_info": {"version": "0.5.22"}}

    def routes(self) -> dict[str, Answer]:
        return {
            "/generate": self._generate,
            "/v1/chat/completions": self._chat,
            "/tokenize": self._tokenize,
            "/detokenize": self._detokenize,
        }

    async def _generate(self, request: web.Request, body: Json) -> Json:
        limit = body["sampling_params"]["max_new_tokens"]
        done = await self.ask(request, "/v1/completions", prompt=body["input_ids"], max_tokens=limit, **VLLM_GREEDY)
        choice = done["choices"][0]
        rows = [
            (row or {}).get(str(one)) for one, row in zip(body["input_ids"], choice["prompt_logprobs"], strict=True)
        ]
        prompt = [
            [row and row["logprob"], one, row and row["decoded_token"]]
            for one, row in zip(body["input_ids"], rows, strict=True)
        ]
        logs = choice["logprobs"]
        answer = zip(logs["token_logprobs"], choice["token_ids"], logs["tokens"], strict=True)
        ended = choice["finish_reason"] == "stop"
        finish = {"type": "stop", "matched": choice["token_ids"][-1]} if ended else {"type": "length", "length": limit}
        meta = {"finish_reason": finish, "output_token_logprobs": [list(row) for row in answer]}
        if body.get("return_logprob") and body.get("logprob_start_len") == 0:
            meta["input_token_logprobs"] = prompt
        return {"text": choice["text"], "output_ids": choice["token_ids"], "meta_info": meta}

    async def _chat(self, request: web.Request, body: Json) -> Json:
        wanted = body.pop("return_prompt_token_ids", False)
        done = await self.ask(request, "/v1/chat/completions", **body, return_token_ids=True)
        return {
            "choices": [
                {
                    "message": {"role": "assistant", "content": done["choices"][0]["message"]["content"]},
                    "finish_reason": done["choices"][0]["finish_reason"],
                    **({"prompt_token_ids": done["prompt_token_ids"]} if wanted else {}),
                }
            ],
            "usage": done["usage"],
        }

    async def _tokenize(self, request: web.Request, body: Json) -> Json:
        return await self.ask(request, "/tokenize", **body)

    async def _detokenize(self, request: web.Request, body: Json) -> Json:
        assert body["skip_special_tokens"] is False
        return {"text": (await self.ask(request, "/detokenize", tokens=body["tokens"]))["prompt"]}


class LlamaCpp(Front):
    owned_by = "llamacpp"

    def facts(self) -> dict[str, Json]:
        settings = {"id": 0, "n_ctx": 1024, "params": {"n_predict": -1}}
        return {"/props": {"default_generation_settings": settings, "model_path": "tiny.gguf", "build_info": "b9000"}}

    def routes(self) -> dict[str, Answer]:
        return {"/apply-template": self._template, "/tokenize": self._tokenize, "/completion": self._complete}

    async def _template(self, request: web.Request, body: Json) -> Json:
        given = {"messages": body["messages"], "max_tokens": 1, "return_prompt_text": True}
        return {"prompt": (await self.ask(request, "/v1/chat/completions", **given))["prompt_text"]}

    async def _tokenize(self, request: web.Request, body: Json) -> Json:
        return {"tokens": (await self.ask(request, "/tokenize", prompt=body["content"]))["tokens"]}

    async def _complete(self, request: web.Request, body: Json) -> Json:
        limit = body["n_predict"]
        done = await self.ask(request, "/v1/completions", prompt=body["prompt"], max_tokens=limit, **VLLM_GREEDY)
        choice = done["choices"][0]
        logs = choice["logprobs"]
        rows = zip(choice["token_ids"], logs["tokens"], logs["token_logprobs"], strict=True)
        told = [{"id": one, "token": text, "logprob": logprob, "top_logprobs": []} for one, text, logprob in rows]
        stop = "eos" if choice["finish_reason"] == "stop" else "limit"
        return {"content": choice["text"], "stop_type": stop, "completion_probabilities": told}


class Echo(Front):
    """OpenAI's own old form: tokens as texts, no ids."""

    def routes(self) -> dict[str, Answer]:
        return {"/v1/completions": self._complete}

    async def _complete(self, request: web.Request, body: Json) -> Json:
        known = {key: body[key] for key in ("prompt", "max_tokens", "echo", "logprobs", "temperature") if key in body}
        done = await self.ask(request, "/v1/completions", **known)
        choice = done["choices"][0]
        kept = {key: choice[key] for key in ("text", "logprobs", "finish_reason")}
        return {"choices": [kept], "usage": done["usage"]}


@contextmanager
def fronting(kind: type[Front], url: str, model: str) -> Iterator[str]:
    """The address of a stand-in of this kind in front of the vLLM at `url`."""
    with serving(kind(url, model).app()) as address:
        yield address


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession() as session:
        app[_SESSION] = session
        yield
