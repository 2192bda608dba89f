"""Does an answer end where it should: at the end-of-turn token, and by the same count on every route."""

from __future__ import annotations

from eval.collect.listeners.heard import Heard
from eval.collect.parity.findings import Check, Served
from train.export.servable import as_ids

#: Chat's finish reasons in /generate's words.
_REASONS = {"stop": "eos_token"}


def check_end(served: Served) -> Check:
    """Whether answers end at the saved model's end tokens and nowhere else.

    A base may never have learned to end, and that is no fault of its server: it is noted. Of the tuned model, which is
    to be published, it stays unchecked.
    """
    name, reference = "end of turn", served.known.reference
    if reference.missing:
        return served.check(name, None, reference.missing)
    chats = [heard for heard in served.answered if heard.probe.chat and heard.answer]
    for heard in served.answered:
        if problem := _past_the_end(served, heard) or _other_end(served, heard) or _other_count(served, heard):
            return served.check(name, False, problem)
    ended = sum(heard.finish == "eos_token" for heard in chats)
    if ended:
        return served.check(name, True, f"{ended} of {len(chats)} answers ended, each at its end token")
    if not served.identity.proof.answers:
        return served.check(name, None, f"{served.url} does not report the tokens of an answer")
    if not chats:
        return served.check(name, None, "no conversation was answered")
    most = max(heard.limit for heard in chats)
    found = f"none of {len(chats)} answers came to its end within {most} tokens, nor has an end token among its tokens"
    if served.side == "base":
        return served.noted("never ends its turn", f"{found}: the base itself continues, so its answers will be cut")
    return served.check(name, None, f"{found}: was it trained to end its turn (train_on_eos)?")


def _past_the_end(served: Served, heard: Heard) -> str:
    ends = set(served.known.reference.ends)
    at = next((n for n, token in enumerate(heard.answer, start=1) if token.id in ends), None)
    if at is None or at == len(heard.answer):
        return ""
    token = heard.answer[at - 1]
    return (
        f"wrong eos: the answer to {heard.probe.name!r} runs past its end, {token.text!r} ({token.id}) at token {at}, "
        f"and on to {len(heard.answer)} tokens; {_cause(served, token.id)}"
    )


def _cause(served: Served, token: int) -> str:
    file = f"generation_config.json in {served.model.source}"
    said = served.known.reference.generation_eos
    if not served.known.reference.list_is_read:
        return (
            "TGI ends answers of this architecture at the tokenizer's eos_token alone, which is another: export the "
            "model again"
        )
    if said is None:
        return f"{file} names no end token: write eos_token_id: [{token}] there, or export the model again"
    if isinstance(said, int) and served.identity.proof.ends_from:
        only = served.identity.proof.ends_from
        return f"{file} gives eos_token_id as the number {said}, and {only}: export the model again"
    if token not in as_ids(said):
        return f"{file} lists {said} without it: add it, or export the model again"
    return f"{file} lists it, so {served.url} reads other settings: does it serve this folder?"


def _other_end(served: Served, heard: Heard) -> str:
    reference = served.known.reference
    last = heard.answer[-1] if heard.answer else None
    shown = served.identity.proof.shows_end
    if heard.finish == "eos_token" and last is not None and last.id not in reference.may_end and shown:
        return (
            f"wrong eos: the answer to {heard.probe.name!r} was ended at {last.text!r} ({last.id}), which "
            f"{served.model.source} does not name as an end (those are {reference.may_end})"
        )
    if heard.finish == "length" and len(heard.answer) != heard.limit:
        count = len(heard.answer)
        return f"the answer to {heard.probe.name!r} was cut at {count} tokens, not at the {heard.limit} requested"
    return ""


def _other_count(served: Served, heard: Heard) -> str:
    """/v1/chat/completions beside the other route on the same tokens, with the same limit."""
    if heard.chat_answer is None or list(heard.chat_ids) != heard.prompt_ids:
        return ""
    text, reason, count = heard.chat_answer
    if text != heard.answer_text and served.dtype != "float32":
        return ""  # half precision may flip a tie between two requests; the determinism check counts those
    ours = (heard.answer_text, heard.finish, len(heard.answer))
    if (text, _REASONS.get(reason, reason), count) == ours:
        return ""
    return (
        f"the chat route answers {heard.probe.name!r} differently from the other route on the same tokens: "
        f"{text[:60]!r} "
        f"({reason}, {count} tokens) and {heard.answer_text[:60]!r} ({heard.finish}, {len(heard.answer)} tokens)"
    )
