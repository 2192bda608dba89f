"""The end of a server's log, for a terminal: the lines that may tell why it ended."""

from __future__ import annotations

import re

MOST = 5
_LONGEST = 300  # characters of a line
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
#: What servers write for each request that went well, or every few seconds: TGI, uvicorn, vLLM, SGLang.
_ROUTINE = re.compile(
    r"\bINFO\b.*\b(total_time=|inference_time=)"
    r"|\bINFO:?\s.*\"(GET|POST|HEAD|OPTIONS) \S+ HTTP/[\d.]+\" 2\d\d"
    r"|\bINFO\b.*(Avg prompt throughput|Decode batch|Prefill batch)"
)


def excerpt(log: str, most: int = MOST) -> tuple[str, ...]:
    """The last lines that say something: without colours, blank lines, and what is written for each request."""
    lines = [_COLOURS.sub("", line).strip() for line in re.split(r"[\r\n]+", log)]
    told = [line for line in lines if line and not _ROUTINE.search(line)]
    return tuple(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in told[-most:])
