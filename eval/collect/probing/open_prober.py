"""Chooses the prober for an address by asking the server what it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from eval.collect.engines.http_errors import error_message, status_error
from eval.collect.engines.model_list import ListedModel, choose_model, no_engine, read_model_list
from eval.collect.engines.tgi_info import read_info
from eval.collect.engines.transport import Transport
from eval.collect.probing.echo import EchoProber
from eval.collect.probing.json_client import JsonClient, supports
from eval.collect.probing.llama_cpp import LlamaCppProber
from eval.collect.probing.proofs import CHAT_ONLY, ECHO, LLAMA_CPP, SGLANG, VLLM
from eval.collect.probing.protocol import Identity, Prober
from eval.collect.probing.sglang import SglangProber
from eval.collect.probing.tgi import TgiProber
from eval.collect.probing.vllm import VllmProber

Detect = Callable[[JsonClient, ListedModel], Awaitable[Prober | None]]


async def open_prober(transport: Transport, model: str = "") -> Prober:
    """The prober for the server; `model` is needed where it lists several.

    Raises EngineError where it speaks no protocol that we know, InputError where it is open which model is meant.
    """
    info = read_info(await transport.get("/info"), transport.url)
    if info is not None:
        return TgiProber(transport, info)
    reply = await transport.get("/v1/models")
    if reply.status in {401, 403, 429} or reply.status >= 500:
        raise status_error(reply, transport.url, error_message(reply))
    cards = read_model_list(reply)
    if cards is None:
        raise no_engine(transport.url, reply)
    client, listed = JsonClient(transport), choose_model(cards, model, transport.url)
    for opener in _DETECTORS:
        if prober := await opener(client, listed):
            return prober
    return EchoProber(client, Identity("OpenAI-compatible server", listed.id, None, CHAT_ONLY), listed.id)


async def _sglang(client: JsonClient, listed: ListedModel) -> Prober | None:
    reported = await client.get("/get_model_info") or await client.get("/model_info")
    path = reported.get("model_path")
    if not isinstance(path, str):
        return None
    version = (await client.get("/get_server_info")).get("version", "")
    return SglangProber(
        client, Identity(f"SGLang {version}".strip(), path, None, SGLANG), listed.id, listed.max_model_len
    )


async def _llama_cpp(client: JsonClient, listed: ListedModel) -> Prober | None:
    reported = await client.get("/props")
    settings = reported.get("default_generation_settings")
    if not isinstance(settings, dict):
        return None
    name = f"llama.cpp {reported.get('build_info', '')}".strip()
    longest = settings.get("n_ctx")
    return LlamaCppProber(
        client,
        Identity(name, str(reported.get("model_path") or listed.id), None, LLAMA_CPP),
        longest if isinstance(longest, int) else None,
    )


async def _vllm(client: JsonClient, listed: ListedModel) -> Prober | None:
    if not await supports(VllmProber.answers(client, listed.id)):
        return None
    version = (await client.get("/version")).get("version", "")
    # What it was started with; its id may be any name that it was given.
    source = listed.root or listed.id
    return VllmProber(client, Identity(f"vLLM {version}".strip(), source, None, VLLM), listed.id, listed.max_model_len)


async def _echo(client: JsonClient, listed: ListedModel) -> Prober | None:
    prober = EchoProber(client, Identity("OpenAI-compatible server", listed.id, None, ECHO), listed.id)
    return prober if await supports(prober.echoes()) else None


#: In this order: SGLang and llama.cpp have routes of their own, others are known by what they answer.
_DETECTORS: tuple[Detect, ...] = (_sglang, _llama_cpp, _vllm, _echo)
