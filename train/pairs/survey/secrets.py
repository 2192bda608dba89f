"""Keys, passwords and e-mail addresses in a text: only their kind is reported."""

from __future__ import annotations

import re

EMAIL = "e-mail address"
#: Kind, a text that must be there before the pattern is worth a look, and the pattern.
_TOKENS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("AWS access key", "AKIA", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    ("AWS access key", "ASIA", re.compile(r"\bASIA[0-9A-Z]{16}\b")),
    ("GitHub token", "gh", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b")),
    ("GitHub token", "github_pat_", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{40,}")),
    ("Hugging Face token", "hf_", re.compile(r"\bhf_[A-Za-z0-9]{30,}\b")),
    ("Slack token", "xox", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    ("API key", "sk-", re.compile(r"\bsk-[A-Za-z0-9_-]{20,}")),
    ("Stripe key", "k_live_", re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,}")),
    ("Google API key", "AIza", re.compile(r"\bAIza[0-9A-Za-z_-]{35}")),
    ("private key", "PRIVATE KEY", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")),
    ("JSON web token", "eyJ", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")),
    ("password in an address", "://", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/:@]{3,}@")),
)
_ASSIGNED = re.compile(
    r"(?:api[_-]?key|secret|passw(?:or)?d|token)[\"']?\s*[:=]\s*[\"']?(?=[^\s\"']*\d)(?=[^\s\"']*[A-Za-z])"
    r"([A-Za-z0-9+/_.~!@#$%^&*-]{16,})",
    re.IGNORECASE,
)
_WORDS = ("key", "secret", "passw", "token")
_EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]+@(?!example\.)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b")


def kinds_in(text: str) -> set[str]:
    """The kinds of secrets in a text, EMAIL among them. Addresses at example.com and the like are nobody's."""
    found = {kind for kind, mark, pattern in _TOKENS if mark in text and pattern.search(text)}
    if "@" in text and _EMAIL.search(text):
        found.add(EMAIL)
    if ("=" in text or ":" in text) and any(word in text.lower() for word in _WORDS) and _ASSIGNED.search(text):
        found.add("password or key that is assigned")
    return found
