"""Keys of prompts, so that no training prompt is asked in the evaluation."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence


def normalise_prompt(text: str) -> str:
    """NFKC, casefolded, white space collapsed: what makes two prompts the same question."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def prompt_key(messages: Sequence[Mapping[str, str]]) -> str:
    """Hex sha256 of the normalised conversation up to its last user turn, each turn as `role: content`.

    A system message is left out: the same question under other instructions is still the same question.
    """
    users = [i for i, message in enumerate(messages) if message["role"] == "user"]
    turns = messages[: users[-1] + 1] if users else messages
    text = "\n".join(f"{m['role']}: {normalise_prompt(m['content'])}" for m in turns if m["role"] != "system")
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
