"""Asks the Hub before a training does: does it answer, and may we read what the recipe names?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import requests

from blindside.addresses import without_secrets
from train.resources.findings import Finding, Level

PATIENCE = 5.0  # seconds for one answer
LATER = "or train with a base and data that are on this machine"


def cache_of(variables: Mapping[str, str]) -> Path:
    """HF_HOME, said or by default."""
    home = variables.get("HF_HOME")
    default = Path(variables.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(home or default).expanduser().absolute()


def endpoint(variables: Mapping[str, str]) -> str:
    return (variables.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def reach(variables: Mapping[str, str]) -> str:
    """Why the Hub cannot be asked; empty where it can."""
    if variables.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return "HF_HUB_OFFLINE is set"
    status = _ask(f"{endpoint(variables)}/api/models?limit=1", "")[0]
    return "" if status else f"{without_secrets(endpoint(variables))} does not answer"


def check_hub(repos: Mapping[str, str], variables: Mapping[str, str], problem: str) -> Iterator[Finding]:
    """Whether the Hub gives these (name to "models" or "datasets"); `problem` is what `reach` said."""
    if problem:
        missing = [name for name, kind in repos.items() if not _cached(name, kind, variables)]
        remedy = "unset it" if "OFFLINE" in problem else "check the network (HF_ENDPOINT where you use a mirror)"
        level: Level = "fail" if missing else "warn"
        found = f"not here: {', '.join(missing)}" if missing else "everything needed is in the cache"
        yield Finding("Hub", level, f"{problem}; {found}", f"{remedy}, {LATER}" if missing else "")
        return
    yield Finding("Hub", "ok", f"{without_secrets(endpoint(variables))} answers")
    token = token_of(variables)
    for name, kind in repos.items():
        row = _permitted(name, kind, variables, token)
        if row is not None:
            yield row


def _cached(name: str, kind: str, variables: Mapping[str, str]) -> bool:
    cache = Path(variables.get("HF_HUB_CACHE") or cache_of(variables) / "hub")
    return any((cache / f"{kind}--{name.replace('/', '--')}" / "snapshots").glob("*/*"))


def token_of(variables: Mapping[str, str]) -> str:
    """The Hub's token, from where huggingface_hub takes it; empty where there is none."""
    token = variables.get("HF_TOKEN") or variables.get("HUGGING_FACE_HUB_TOKEN")
    if token:
        return token.strip()
    try:
        return Path(variables.get("HF_TOKEN_PATH") or cache_of(variables) / "token").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _permitted(name: str, kind: str, variables: Mapping[str, str], token: str) -> Finding | None:
    """A row where the Hub will not give `name`; a model is asked for a file, because its terms show only there."""
    page = f"{endpoint(variables)}/{name if kind == 'models' else f'datasets/{name}'}"
    api = f"{endpoint(variables)}/api/datasets/{name}"
    status, body = _ask(f"{page}/resolve/main/config.json" if kind == "models" else api, token)
    if status == 404:
        return Finding("Hub", "fail", f"the Hub has no {name}", "check the name in the recipe")
    if status in (401, 403) or (not token and _gated(body)):
        first = "accept its terms" if token else "accept its terms, and set HF_TOKEN to a token that may read it"
        return Finding("token", "fail", f"{name} is gated or private", f"{first} at {without_secrets(page)}")
    return None


def _gated(body: bytes) -> bool:
    token = _parsed(body)
    return isinstance(token, dict) and bool(token.get("gated"))


def read_config(name: str, revision: str | None, variables: Mapping[str, str]) -> object:
    """The content of a model's config.json; None where it cannot be had."""
    return _parsed(read_file(name, revision, "config.json", variables) or b"")


def read_file(name: str, revision: str | None, file: str, variables: Mapping[str, str]) -> bytes | None:
    """The content of one of a model's files; None where it cannot be had."""
    url = f"{endpoint(variables)}/{name}/resolve/{revision or 'main'}/{file}"
    status, body = _ask(url, token_of(variables), follow=True)
    return body if status == 200 else None


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _ask(url: str, token: str, *, follow: bool = False) -> tuple[int, bytes]:
    """Status and body; 0 where nobody answers. A redirect is an answer, and another host is not shown the token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with requests.get(url, headers=headers, timeout=PATIENCE, allow_redirects=follow) as answer:
            return answer.status_code, answer.content
    except (requests.RequestException, UnicodeError):
        return 0, b""
