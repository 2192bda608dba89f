"""Checks where answers end: at the end-of-turn token, and with the same token count on every route."""

from __future__ import annotations

from eval.collect.parity.findings import Check, ServedModel
from eval.collect.probing.protocol import ProbeResult
from train.export.servable import as_ids

#: Chat's finish reasons in /generate's words.
_REASONS = {"stop": "eos_token"}


def check_end(served: ServedModel) -> Check:
    """Whether answers end at the saved model's end tokens and nowhere else.

    A base may never have learned to end, and that is no fault of its server: it is noted. Of the tuned model, which is
    to be published, it stays unchecked.
    """
    name, reference = "end of turn", served.known.reference
    if reference.missing:
        return served.check(name, None, reference.missing)
    chats = [result for result in served.answered if result.probe.chat and result.answer]
    for result in served.answered:
        if problem := _past_the_end(served, result) or _other_end(served, result) or _other_count(served, result):
            return served.check(name, False, problem)
    ended = sum(result.finish == "eos_token" for result in chats)
    if ended:
        return served.check(name, True, f"{ended} of {len(chats)} answers ended, each at its end token")
    if not served.identity.proof.answers:
        return served.check(name, None, f"{served.url} does not report the tokens of an answer")
    if not chats:
        return served.check(name, None, "no conversation was answered")
    most = max(result.limit for result in chats)
    found = f"none of {len(chats)} answers came to its end within {most} tokens, nor has an end token among its tokens"
    if served.side == "base":
        return served.noted("never ends its turn", f"{found}: the base itself continues, so its answers will be cut")
    return served.check(name, None, f"{found}: was it trained to end its turn (train_on_eos)?")


def _past_the_end(served: ServedModel, result: ProbeResult) -> str:
    ends = set(served.known.reference.ends)
    at = next((n for n, token in enumerate(result.answer, start=1) if token.id in ends), None)
    if at is None or at == len(result.answer):
        return ""
    token = result.answer[at - 1]
    return (
        f"wrong eos: the answer to {result.probe.name!r} runs past its end, {token.text!r} ({token.id}) at token {at}, "
        f"and on to {len(result.answer)} tokens; {_cause(served, token.id)}"
    )


def _cause(served: ServedModel, token: int) -> str:
    file = f"generation_config.json in {served.model.source}"
    saved_ends = served.known.reference.generation_eos
    if not served.known.reference.list_is_read:
        return (
            "TGI ends answers of this architecture at the tokenizer's eos_token alone, which is another: export the "
            "model again"
        )
    if saved_ends is None:
        return f"{file} names no end token: write eos_token_id: [{token}] there, or export the model again"
    if isinstance(saved_ends, int) and served.identity.proof.ends_from:
        only = served.identity.proof.ends_from
        return f"{file} gives eos_token_id as the number {saved_ends}, and {only}: export the model again"
    if token not in as_ids(saved_ends):
        return f"{file} lists {saved_ends} without it: add it, or export the model again"
    return f"{file} lists it, so {served.url} reads other settings: does it serve this folder?"


def _other_end(served: ServedModel, result: ProbeResult) -> str:
    reference = served.known.reference
    last = result.answer[-1] if result.answer else None
    shown = served.identity.proof.shows_end
    if result.finish == "eos_token" and last is not None and last.id not in reference.may_end and shown:
        return (
            f"wrong eos: the answer to {result.probe.name!r} was ended at {last.text!r} ({last.id}), which "
            f"{served.model.source} does not name as an end (those are {reference.may_end})"
        )
    if result.finish == "length" and len(result.answer) != result.limit:
        count = len(result.answer)
        return f"the answer to {result.probe.name!r} was cut at {count} tokens, not at the {result.limit} requested"
    return ""


def _other_count(served: ServedModel, result: ProbeResult) -> str:
    """/v1/chat/completions beside the other route on the same tokens, with the same limit."""
    if result.chat_answer is None or list(result.chat_ids) != result.prompt_ids:
        return ""
    text, reason, count = result.chat_answer
    if text != result.answer_text and served.dtype != "float32":
        return ""  # half precision may flip a tie between two requests; the determinism check counts those
    ours = (result.answer_text, result.finish, len(result.answer))
    if (text, _REASONS.get(reason, reason), count) == ours:
        return ""
    return (
        f"the chat route answers {result.probe.name!r} differently from the other route on the same tokens: "
        f"{text[:60]!r} "
        f"({reason}, {count} tokens) and {result.answer_text[:60]!r} ({result.finish}, {len(result.answer)} tokens)"
    )
