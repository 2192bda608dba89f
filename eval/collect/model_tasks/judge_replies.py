"""What a model judge's reply says: its verdict, wherever it stands in it, or why there is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from eval.records import Failure, Response

_WORD = r"(?P<word>A|B|TIE|BAD)"
#: Forms in which a verdict is written on a line; a bare A at the beginning of a sentence may be an article.
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"\W*{_WORD}\W*",
        rf"\W*(?:answer\s+)?{_WORD}\b\W*?(?:[.:;!)\]]|[-–—]\s|,? because\b|,? (?:is (?:clearly |much |slightly )?"
        r"(?:the )?better|wins)\b).*",
        r".*\b(?:verdict|answer|winner|choice|better one|judge?ment)\b\W*(?:is|:|=)?\W*(?:answer\s+)?" rf"{_WORD}\W*",
        r".*(?:\[\[|\\boxed\{)\s*" rf"{_WORD}" r"\s*(?:\]\]|\}).*",
    )
)
#: How much of a reply without a verdict is shown.
SHOWN = 200


def verdict_in(text: str) -> str:
    """A, B, TIE or BAD, as the first or the last line says it; empty where neither does, or both say another."""
    lines = [line for line in text.splitlines() if line.strip()]
    said = {word for line in (*lines[:1], *lines[-1:]) if (word := _of_line(line))}
    return said.pop() if len(said) == 1 else ""


def why_none(reply: Response | Failure | None) -> str:
    """Why a reply gives no verdict."""
    if not isinstance(reply, Response):
        return "no reply came"
    if reply.truncated:
        return "cut at the limit of tokens before a verdict (--max-tokens)"
    if reply.filtered:
        return "ended by a content filter"
    lines = [line for line in reply.text.splitlines() if line.strip()]
    if lines and _of_line(lines[0]) and _of_line(lines[-1]):
        return "two verdicts in one reply"
    return "no verdict in the reply" if lines else "an empty reply"


def told(replies: Iterable[Response | Failure | None]) -> Iterator[str]:
    """A line for each reason why replies gave no verdict, with their number and how the first of them begins."""
    counts, first = Counter[str](), dict[str, str]()
    for reply in replies:
        reason = why_none(reply)
        counts[reason] += 1
        text = reply.text if isinstance(reply, Response) else reply.error if reply else ""
        first.setdefault(reason, " ".join(text.split())[:SHOWN])
    for reason, count in counts.most_common():
        example = f"; the first: {first[reason]!r}" if first[reason] else ""
        yield f"{count} without a verdict: {reason}{example}"


def _of_line(line: str) -> str:
    found = next((match for form in _FORMS if (match := form.fullmatch(line.strip()))), None)
    return found["word"].upper() if found else ""
