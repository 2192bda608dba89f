"""From an address to whatever listens there: what a server can tell is found by asking it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from eval.collect.engines.http_errors import status_error, told
from eval.collect.engines.model_list import Card, choose_card, no_engine, read_cards
from eval.collect.engines.tgi_info import read_info
from eval.collect.engines.transport import Transport
from eval.collect.listeners.echo import EchoListener
from eval.collect.listeners.heard import Asker, Identity, Listener, has_way
from eval.collect.listeners.llama_cpp import LlamaCppListener
from eval.collect.listeners.proofs import CHAT_ONLY, ECHO, LLAMA_CPP, SGLANG, VLLM
from eval.collect.listeners.sglang import SglangListener
from eval.collect.listeners.tgi import TgiListener
from eval.collect.listeners.vllm import VllmListener

Opener = Callable[[Asker, Card], Awaitable[Listener | None]]


async def open_listener(transport: Transport, model: str = "") -> Listener:
    """The listener for the server; `model` is needed where it lists several.

    Raises EngineError where it speaks no protocol that we know, InputError where it is open which model is meant.
    """
    info = read_info(await transport.get("/info"), transport.url)
    if info is not None:
        return TgiListener(transport, info)
    reply = await transport.get("/v1/models")
    if reply.status in {401, 403, 429} or reply.status >= 500:
        raise status_error(reply, transport.url, told(reply))
    cards = read_cards(reply)
    if cards is None:
        raise no_engine(transport.url, reply)
    asker, card = Asker(transport), choose_card(cards, model, transport.url)
    for opener in _OPENERS:
        if listener := await opener(asker, card):
            return listener
    return EchoListener(asker, Identity("OpenAI-compatible server", card.id, None, CHAT_ONLY), card.id)


async def _sglang(asker: Asker, card: Card) -> Listener | None:
    said = await asker.get("/get_model_info") or await asker.get("/model_info")
    path = said.get("model_path")
    if not isinstance(path, str):
        return None
    version = (await asker.get("/get_server_info")).get("version", "")
    return SglangListener(asker, Identity(f"SGLang {version}".strip(), path, None, SGLANG), card.id, card.max_model_len)


async def _llama_cpp(asker: Asker, card: Card) -> Listener | None:
    said = await asker.get("/props")
    settings = said.get("default_generation_settings")
    if not isinstance(settings, dict):
        return None
    name = f"llama.cpp {said.get('build_info', '')}".strip()
    longest = settings.get("n_ctx")
    return LlamaCppListener(
        asker,
        Identity(name, str(said.get("model_path") or card.id), None, LLAMA_CPP),
        longest if isinstance(longest, int) else None,
    )


async def _vllm(asker: Asker, card: Card) -> Listener | None:
    if not await has_way(VllmListener.answers(asker, card.id)):
        return None
    version = (await asker.get("/version")).get("version", "")
    # What it was started with; its id may be any name that it was given.
    source = card.root or card.id
    return VllmListener(asker, Identity(f"vLLM {version}".strip(), source, None, VLLM), card.id, card.max_model_len)


async def _echo(asker: Asker, card: Card) -> Listener | None:
    listener = EchoListener(asker, Identity("OpenAI-compatible server", card.id, None, ECHO), card.id)
    return listener if await has_way(listener.echoes()) else None


#: In this order: SGLang and llama.cpp have routes of their own, others are known by what they answer.
_OPENERS: tuple[Opener, ...] = (_sglang, _llama_cpp, _vllm, _echo)
