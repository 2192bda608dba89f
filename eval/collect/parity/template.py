"""Checks what a server reads: its model name, the chat template, the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blindside.words import counted
from eval.collect.parity.findings import Check, ServedModel
from eval.collect.probing.protocol import ProbeResult, says_no_template
from train.reference.protocol import Rendering

_AROUND = 24  # characters shown on each side of a difference


def check_info(served: ServedModel) -> Check:
    """Whether the server names the model: the same name, the same folder, or the name that the caller expects."""
    name, says, wants = "info", served.identity.model_id, served.expected or served.model.source
    revision, sha = served.model.revision, served.identity.revision
    if revision and sha and len(revision) == 40 and revision != sha:
        return served.check(name, False, f"{served.url} serves revision {sha} of {says}, not {revision}")
    if says == wants or (Path(says).is_dir() and Path(says).resolve() == Path(wants).resolve()):
        return served.check(name, True, f"the server names {says}")
    if not served.identity.proof.keeps_path:
        return served.check(name, None, f"the server calls itself {says}, which can be any name")
    if not served.expected and Path(says).is_absolute() and not Path(says).exists():
        return served.check(name, None, f"the server names {says}, a path that is not on this machine")
    return served.check(name, False, f"{served.url} says that it serves {says}, not {wants}: is the address right?")


def check_template(served: ServedModel) -> Check:
    """Whether conversations become the same text as transformers makes with the saved template."""
    chats = [result for result in served.results if result.probe.chat]
    reference = served.known.reference
    if any(_without_template(result) for result in chats):
        return served.check("template", False, _missing(served))
    if chats and all(not result.refused and not result.chat_ids for result in chats):
        return served.check("template", None, f"{served.url} does not report what it makes of a conversation")
    if reference.missing:
        return served.check("template", None, reference.missing)
    compared = 0
    for result in chats:
        rendering = served.known.renderings[result.probe.name]
        if result.refused and not result.by_template:
            continue  # too long for this server, which says nothing about templates
        if problem := _difference(result, rendering, served.model.source):
            return served.check("template", False, f"template differs, for prompt {result.probe.name!r}: {problem}")
        compared += 1
    if not compared:
        return served.check("template", None, "the server accepted none of the conversations")
    return served.check("template", True, f"{counted(compared, 'conversation')}, the same text")


def _without_template(result: ProbeResult) -> bool:
    return result.by_template and says_no_template(result.refused)


def _missing(served: ServedModel) -> str:
    text = f"template missing: {served.url} has none. {served.identity.proof.template_from}: export the model again"
    saved = served.known.reference.template_sha256
    return text + (f" ({served.model.source} has a chat_template.jinja)" if saved else "")


def _difference(result: ProbeResult, rendering: Rendering, source: str) -> str:
    if result.refused and rendering.error:
        return ""  # a template may refuse a conversation; then both do
    if result.refused:
        return f"the server refuses it ({result.refused}), transformers renders it from {source}"
    if rendering.error:
        return f"transformers can't render it from {source} ({rendering.error}), the server does"
    if not result.verbatim and list(result.chat_ids) == rendering.ids:
        return ""
    return first_difference(result.templated, rendering.text)


def first_difference(server: str, saved: str) -> str:
    """Where two texts part, shown; empty where they are equal."""
    if server == saved:
        return ""
    pairs = zip(server, saved, strict=False)
    at = next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(server), len(saved)))
    shown = [f"{text[max(0, at - _AROUND) : at + _AROUND]!r}" for text in (server, saved)]
    return f"from character {at + 1} on the server has {shown[0]}, the saved template gives {shown[1]}"


def check_trained_template(served: ServedModel) -> Check | None:
    """Whether the folder's template is still the one that training ended with; None where nobody wrote that down."""
    wants, found = served.model.template_sha256, served.known.reference.template_sha256
    if wants is None or served.known.reference.missing:
        return None
    if wants == found:
        return served.check("trained template", True, "the folder's template is the one that training ended with")
    return served.check(
        "trained template",
        False,
        f"chat_template.jinja in {served.model.source} is not the one that training ended with "
        f"({_short(found)}, blindside.json says {_short(wants)}): restore it, or train again",
    )


def _short(sha256: str | None) -> str:
    return "none" if sha256 is None else f"{sha256[:12]}…"


def check_tokens(served: ServedModel) -> Check:
    """Whether conversations and texts become the same tokens."""
    reference = served.known.reference
    if reference.missing:
        return served.check("tokens", None, reference.missing)
    compared = 0
    for result in served.answered:
        rendering = served.known.renderings.get(result.probe.name)
        same_text = rendering is not None and rendering.text == result.templated
        problem = _parting(result.chat_ids, rendering.ids) if rendering is not None and same_text else ""
        if result.text:
            problem = problem or result.parted or _parting(result.prompt_ids, served.known.texts[result.text])
        if problem:
            return served.check("tokens", False, f"tokens differ, for {result.probe.name!r}: {problem}")
        compared += bool(result.prompt)
    if not compared:
        return served.check("tokens", None, f"{served.url} does not report its tokens")
    return served.check(
        "tokens", True, f"{counted(compared, 'conversation or text', 'conversations and texts')}, the same tokens"
    )


def _parting(server: Sequence[int], saved: Sequence[int]) -> str:
    if list(server) == list(saved):
        return ""
    pairs = zip(server, saved, strict=False)
    at = next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(server), len(saved)))
    ids = [str(list(many)[at]) if at < len(many) else "nothing" for many in (server, saved)]
    return f"token {at + 1} is {ids[0]} on the server, {ids[1]} by the saved tokenizer"
