"""Recognises error messages that a client wrote down in place of an answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from blindside.reading import parse_json

_PAGE = re.compile(r"\s*(?:<!doctype html|<html|<\?xml)", re.IGNORECASE)
_HEADING = re.compile(r"<(?:title|h1)[^>]*>(.*?)</", re.IGNORECASE | re.DOTALL)
_WRONG = re.compile(
    r"\b[45]\d\d\b|error|bad gateway|unavailable|timed? ?-?out|not found|forbidden|denied|unauthori[sz]ed|rate limit"
    r"|too many requests|attention required|just a moment|maintenance",
    re.IGNORECASE,
)
_TRACE = re.compile(
    r"\s*(?:Traceback \(most recent call last\):\s*\n"
    r"|Exception in thread \".*\n?"
    r"|(?:[\w.$]+(?:Error|Exception)\b[^\n]*|Error: [^\n]*)\n\s+at [\w.$<>]+ ?\("
    r"|panic: [^\n]*\n\s*\n?goroutine |thread '[^'\n]*' panicked at)"
)
_STATUS = (
    "Bad Request|Unauthorized|Forbidden|Not Found|Request Timeout|Too Many Requests|Internal Server Error|Bad Gateway|"
    "Service Unavailable|Gateway Time-?out"
)
#: Each matches the whole text, or the first line of a longer one.
_LINES = re.compile(
    r"\W*(?:"
    r"\$ERROR\$|\[?ERROR\]?"
    r"|(?:API|NETWORK|CONNECTION|SERVER|REQUEST|TIMEOUT|GENERATION|INFERENCE) ?_?ERROR\b.{0,200}"
    rf"|(?:HTTP(?:/\d(?:\.\d)?)? ?)?(?:Error ?)?[45]\d\d:?,? (?:{_STATUS})\b.{{0,200}}|(?:{_STATUS})"
    r"|Error code: [45]\d\d\b.*"
    r"|(?:litellm|openai|anthropic|httpx|aiohttp|requests|urllib3|botocore)(?:\.\w+)*\.\w+(?:Error|Exception|Timeout)\b.*"
    r"|(?:[A-Za-z]\w*(?:Error|Exception|Timeout)): .*"
    r"|Request timed out\.?|Connection (?:error|reset by peer|refused|aborted)\.?|Max retries exceeded\b.*"
    r"|(?:torch\.)?(?:cuda\.)?OutOfMemoryError\b.*|CUDA (?:out of memory|error)\b.*"
    r"|Rate limit (?:reached|exceeded)\b.*|You exceeded your current quota\b.*"
    r")\W*",
    re.IGNORECASE,
)
#: A text repeated on a larger share of one side's prompts, and at least so often, is not an answer.
SHARE, LEAST = 0.05, 3


def error_in(text: str) -> str:
    """What kind of error a text is, in two or three words; empty for an answer."""
    if _TRACE.match(text):
        return "stack traces"
    if _PAGE.match(text):
        heading = _HEADING.search(text[:5000])
        return "error pages" if heading and _WRONG.search(heading[1]) else ""
    if _is_body(text):
        return "error bodies"
    lines = text.strip().splitlines()
    return "error messages" if lines and len(lines) <= 3 and _LINES.fullmatch(lines[0].strip()) else ""


def repeated(texts: Iterable[str]) -> frozenset[str]:
    """The texts, outer white space apart, that answer so many prompts of one side that they answer none.

    A text of one word is not among them: yes, B and 42 answer many prompts.
    """
    counts = Counter(text.strip() for text in texts)
    return frozenset(text for text, count in counts.items() if is_repeated(text, count, counts.total()))


def is_repeated(text: str, count: int, total: int) -> bool:
    """Whether a text that `count` of `total` prompts were answered with is one of `repeated`."""
    return count > max(LEAST - 1, SHARE * total) and len(text.split()) > 1


def _is_body(text: str) -> bool:
    """Whether a text is an API's error: an object with `error`, or with a message and a code, and nothing to read."""
    if not text.lstrip().startswith("{") or len(text) > 20_000:
        return False
    try:
        body = parse_json(text)
    except ValueError:
        return False
    named = body.keys() if isinstance(body, dict) else set()
    return "error" in named and not {"choices", "text", "output", "answer", "result"} & named
