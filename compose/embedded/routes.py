"""The routes of TGI: what each takes, and what it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request as Http
from starlette.responses import PlainTextResponse, Response

from compose.embedded import bodies, schema
from compose.embedded.bodies import OpenAi
from compose.embedded.http import BadBody, event_stream, json_response, read_body, while_connected
from compose.embedded.infer import Answer, Event, Infer
from compose.embedded.protocol import ApiError, Request, invalid, tool_error
from compose.embedded.serde import dumps
from compose.embedded.shapes import Anything, Shape, first_fit
from compose.embedded.template import ChatTemplate

COMPUTE = "cpu+embedded"
DONE = "[DONE]"


@dataclass(frozen=True)
class Service:
    """One served model: everything that the routes need."""

    infer: Infer
    template: ChatTemplate
    info: dict[str, Any]
    openai: OpenAi

    # what is asked of the server itself

    async def health(self, http: Http) -> Response:
        if self.infer.batcher.healthy:
            return Response()
        return json_response({"error": "unhealthy", "error_type": "healthcheck"}, status=503)

    async def show_info(self, http: Http) -> Response:
        return json_response(self.info)

    async def models(self, http: Http) -> Response:
        name = self.info["model_id"]
        model = {"id": name, "object": "model", "created": 0, "owned_by": name}
        return json_response({"object": "list", "data": [model]})

    async def metrics(self, http: Http) -> Response:
        return PlainTextResponse(self.infer.metrics.render())

    # tokens

    async def tokenize(self, http: Http) -> Response:
        body = await self._body(http, schema.GENERATE)
        return Response(await self.infer.spans(body["inputs"], special=True), media_type="application/json")

    async def chat_tokenize(self, http: Http) -> Response:
        self._count()
        text = (await self._chat_request(await self._body(http, schema.CHAT))).inputs
        spans = await self.infer.spans(text, special=False)
        body = b'{"tokenize_response":' + spans + b',"templated_text":' + dumps(text).encode() + b"}"
        return Response(body, media_type="application/json")

    # texts

    async def root(self, http: Http) -> Response:
        return await self.compat(http) if http.method == "POST" else await self.health(http)

    async def generate(self, http: Http) -> Response:
        body = await self._body(http, schema.GENERATE)
        return await while_connected(http, self._generate(_request(body), listed=False))

    async def generate_stream(self, http: Http) -> Response:
        return self._generate_stream(_request(await self._body(http, schema.GENERATE)))

    async def compat(self, http: Http) -> Response:
        return await self._compat(http, await self._body(http, schema.COMPAT))

    async def chat(self, http: Http) -> Response:
        return await self._chat(http, await self._body(http, schema.CHAT))

    async def completions(self, http: Http) -> Response:
        return await self._completions(http, await self._body(http, schema.COMPLETION))

    async def invocations(self, http: Http) -> Response:
        """SageMaker's route: any of the three kinds of request."""
        body = await self._body(http, Anything())
        found = await self.infer.aside(first_fit, (schema.COMPAT, schema.CHAT, schema.COMPLETION), body)
        if found is None:
            problem = "data did not match any variant of untagged enum SagemakerRequest"
            raise BadBody(422, f"Failed to deserialize the JSON body into the target type: {problem}")
        return await (self._compat, self._chat, self._completions)[found[0]](http, found[1])

    # behind the routes

    async def _body(self, http: Http, shape: Shape) -> Any:
        return await read_body(http, shape, self.infer.limits.payload_limit, self.infer.aside)

    def _count(self) -> None:
        self.infer.metrics.count("tgi_request_count")

    async def _compat(self, http: Http, body: dict[str, Any]) -> Response:
        if body["parameters"]["return_full_text"] is None:
            body["parameters"]["return_full_text"] = True
        request = _request(body)
        if body["stream"]:
            return self._generate_stream(request)
        return await while_connected(http, self._generate(request, listed=True))

    async def _generate(self, request: Request, *, listed: bool) -> Response:
        self._count()
        given = request.parameters
        others: list[Answer] | None = None
        if (given["best_of"] or 1) > 1:
            answer, others = await self.infer.best(request, given["best_of"])
        else:
            answer = await self.infer.answer(request)
        details = given["details"] or given["decoder_input_details"]
        body = bodies.generated(answer, others, prompt=_prompt(request), details=details)
        return json_response([body] if listed else body, headers=_headers(request, answer))

    def _generate_stream(self, request: Request) -> Response:
        self._count()

        async def events() -> AsyncIterator[str]:
            index = 0
            details = request.parameters["details"]
            try:
                async with aclosing(self._stream(request)) as stream:
                    async for event in stream:
                        index += 1
                        yield dumps(bodies.stream_event(event, index, prompt=_prompt(request), details=details))
            except ApiError as error:
                yield dumps(error.body)

        return event_stream(events(), _characters(request))

    async def _stream(self, request: Request) -> AsyncGenerator[Event, None]:
        if (request.parameters["best_of"] or 1) != 1:
            raise invalid("`best_of` != 1 is not supported when streaming tokens")
        if request.parameters["decoder_input_details"]:
            raise invalid("`decoder_input_details` == true is not supported when streaming tokens")
        async with aclosing(self.infer.stream(request)) as stream:
            async for event in stream:
                yield event
        self.infer.metrics.count("tgi_request_success")

    async def _chat(self, http: Http, body: dict[str, Any]) -> Response:
        self._count()
        request = await self._chat_request(body)
        model = self.info["model_id"] if body["model"] in (None, "tgi") else body["model"]
        if body["stream"]:
            return event_stream(self._chat_events(request, body, model), _characters(request))

        async def work() -> Response:
            answer = await self.infer.answer(request)
            reply = self.openai.chat(answer, model, logprobs=bool(body["logprobs"]))
            return json_response(reply, headers=_headers(request, answer))

        return await while_connected(http, work())

    async def _chat_events(self, request: Request, body: dict[str, Any], model: str) -> AsyncIterator[str]:
        index = 0
        try:
            async with aclosing(self._stream(request)) as stream:
                async for event in stream:
                    index += 1
                    yield dumps(self.openai.chat_chunk(event, model, logprobs=bool(body["logprobs"])))
                    if event.step.reason is not None and body["stream_options"]["include_usage"]:
                        yield dumps(self.openai.chat_usage(event, index, model))
        except ApiError as error:
            yield dumps(_openai_error(error))
        yield DONE

    async def _chat_request(self, body: dict[str, Any]) -> Request:
        """A chat as /generate would be asked for it: temperature 0 is greedy, no temperature is sampled."""
        if body["response_format"] is not None and body["tools"] is not None:
            raise tool_error("Grammar and tools are mutually exclusive")
        inputs = await self.template.render(body["messages"])
        asked = dict(body) | {"repetition_penalty": _plus_two(body["presence_penalty"])}
        grammar = body["response_format"] or (body["tools"] if body["tool_choice"] != "none" else None)
        parameters = _from_openai(asked) | {"grammar": grammar or None, "top_n_tokens": body["top_logprobs"]}
        return Request(inputs, parameters, special=False)

    async def _completions(self, http: Http, body: dict[str, Any]) -> Response:
        self._count()
        if body["suffix"] is not None:
            problem = "Suffix is not supported and can be achieved by preprocessing the prompt."
            raise ApiError(422, problem, "suffix not supported")
        most = self.infer.limits.max_client_batch_size
        if len(body["prompt"]) > most:
            problem = f"Number of prompts exceeds the maximum allowed batch size of {most}"
            raise ApiError(422, problem, "batch size exceeded")
        requests = [Request(prompt, _from_openai(body)) for prompt in body["prompt"]]
        if body["stream"]:
            return event_stream(self._completion_events(requests), _characters(*requests))
        return await while_connected(http, self._complete(requests))

    async def _complete(self, requests: list[Request]) -> Response:
        answers = await self.infer.answers(requests)
        return json_response(self.openai.completion(answers), headers=_total_headers(requests, answers))

    async def _completion_events(self, requests: list[Request]) -> AsyncIterator[str]:
        queue: asyncio.Queue[str | None] = asyncio.Queue()

        async def one(index: int, request: Request) -> None:
            count = 0
            try:
                async with aclosing(self._stream(request)) as stream:
                    async for event in stream:
                        count += 1
                        queue.put_nowait(dumps(self.openai.completion_chunk(event, index, count)))
            except ApiError as error:
                queue.put_nowait(dumps(_openai_error(error)))
            queue.put_nowait(None)

        async with asyncio.TaskGroup() as group:
            for index, request in enumerate(requests):
                group.create_task(one(index, request))
            left = len(requests)
            while left:
                data = await queue.get()
                if data is None:
                    left -= 1
                else:
                    yield data
        yield DONE


def _request(body: dict[str, Any]) -> Request:
    return Request(body["inputs"], body["parameters"])


def _prompt(request: Request) -> str:
    return request.inputs if request.parameters["return_full_text"] else ""


def _plus_two(penalty: float | None) -> float | None:
    return None if penalty is None else penalty + 2.0


def _from_openai(body: dict[str, Any]) -> dict[str, Any]:
    greedy = body["temperature"] == 0
    return schema.default_parameters() | {
        "temperature": None if greedy else body["temperature"],
        "do_sample": not greedy,
        "repetition_penalty": body["repetition_penalty"],
        "frequency_penalty": body["frequency_penalty"],
        "top_p": body["top_p"],
        "max_new_tokens": body["max_tokens"],
        "stop": body["stop"] or [],
        "seed": body["seed"],
    }


def _openai_error(error: ApiError) -> dict[str, Any]:
    return {"error": {"message": error.error, "http_status_code": 422}}


def _characters(*requests: Request) -> dict[str, str]:
    total = sum(len(request.inputs) for request in requests)
    return {"x-compute-type": COMPUTE, "x-compute-characters": str(total)}


def _headers(request: Request, answer: Answer) -> dict[str, str]:
    total = time.monotonic() - answer.times.start
    return {"x-compute-time": f"{total:.9f}"} | _total_headers([request], [answer])


def _total_headers(requests: list[Request], answers: list[Answer]) -> dict[str, str]:
    """Times in whole milliseconds, summed over the answers."""
    now = time.monotonic()
    times = [answer.times for answer in answers]
    inference = [now - t.begun for t in times]
    return _characters(*requests) | {
        "x-total-time": _millis([now - t.start for t in times]),
        "x-validation-time": _millis([t.queued - t.start for t in times]),
        "x-queue-time": _millis([t.begun - t.queued for t in times]),
        "x-inference-time": _millis(inference),
        "x-time-per-token": _millis([s / len(a.tokens) for s, a in zip(inference, answers, strict=True)]),
        "x-prompt-tokens": str(sum(a.input_length for a in answers)),
        "x-generated-tokens": str(sum(len(a.tokens) for a in answers)),
    }


def _millis(seconds: list[float]) -> str:
    return str(sum(int(s * 1000) for s in seconds))
