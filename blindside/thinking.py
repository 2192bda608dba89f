"""Separates a model's thinking from its answer: think tags, harmony's channels, thoughts that never end."""

from __future__ import annotations

import re

_NAMES = "think|thinking|thought|reasoning"
_BLOCK = re.compile(rf"\s*(?:<({_NAMES})>|\[THINK\]|<\|begin_of_thought\|>)", re.IGNORECASE)
_END = re.compile(rf"</(?:{_NAMES})>|\[/THINK\]|<\|end_of_thought\|>", re.IGNORECASE)
_CHANNEL = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>\s*(\w+)[^<]*<\|message\|>", re.IGNORECASE)
_MESSAGE_END = re.compile(r"<\|(?:end|return|call)\|>|(?=<\|start\|>assistant)|(?=<\|channel\|>)")
#: Harmony where the server dropped its special tokens: the names of the channels stay.
_BARE_CHANNELS = re.compile(r"analysis(?P<thinking>.*?)assistant\s?final(?P<text>.*)", re.DOTALL)
_SOLUTION = re.compile(r"<\|(?:begin|end)_of_solution\|>")


def split_thinking(text: str) -> tuple[str, str]:
    """(thinking, answer) of a model's text; the answer is empty where the thinking was not ended."""
    if _CHANNEL.match(text):
        return _channels(text)
    bare = _BARE_CHANNELS.fullmatch(text)
    if bare is not None:
        return bare["thinking"].strip(), bare["text"].strip()
    begin, end = _BLOCK.match(text), _END.search(text)
    if begin is None and (end is None or _BLOCK.search(text[: end.start()])):
        return "", text
    thought = begin.end() if begin else 0  # a template may have opened the block in the prompt
    if end is None:
        return text[thought:].strip(), ""
    answer = text[end.end() :]
    # Some think in several blocks before they answer.
    more, rest = split_thinking(answer) if _BLOCK.match(answer) else ("", answer)
    thinking = "\n\n".join(filter(None, (text[thought : end.start()].strip(), more)))
    return thinking, _SOLUTION.sub("", rest).strip()


def _channels(text: str) -> tuple[str, str]:
    """Harmony: what is in the channel `final` is the answer."""
    thinking: list[str] = []
    answer: list[str] = []
    while (channel := _CHANNEL.match(text)) is not None:
        end = _MESSAGE_END.search(text, channel.end())
        thought = text[channel.end() : end.start() if end else len(text)].strip()
        (answer if channel[1].lower() == "final" else thinking).append(thought)
        text = text[end.end() :] if end else ""
    return "\n\n".join(thinking), "\n\n".join(answer)
