"""Removes this machine from provenance: local paths become names; addresses and hosts go."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

from eval.release.gate.decision import Decision
from eval.run_info import ModelInfo, RunInfo
from train.artifact import Artifact

ADDRESS = "(address)"
#: A machine of this name would empty every text of them; localhost is an address.
_OUR_WORDS = ("base", "tuned", "localhost")
HOST = "(host)"
#: What a server said of itself that tells nothing of where it stood.
_SERVED = (
    "version", "router", "sha", "docker_label", "model_sha", "model_dtype", "model_device_type",
    "max_input_tokens", "max_total_tokens", "max_concurrent_requests", "max_client_batch_size",
)  # fmt: skip
_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>`)\]]+")
_IP = re.compile(r"(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|localhost|\[[0-9A-Fa-f:]+\])(?::\d+)?(?![\w.])")
_POSIX = re.compile(r"(?<![\w.~/\\])~?/(?:[^\s\"'<>|:,;()`/]+/)*([^\s\"'<>|:,;()`/]+)/?")
_WINDOWS = re.compile(r"(?<!\w)(?:[A-Za-z]:|\\)\\(?:[^\s\"'<>|:,;()`\\]+\\)*([^\s\"'<>|:,;()`\\]+)\\?")


def scrub_text(text: str) -> str:
    """`text` without URLs, IP addresses, this machine's name, and with the last part of each absolute path alone."""
    for folder in (Path.cwd(), Path.home()):
        # A folder may have blanks in its name, at which the patterns below would stop.
        if len(folder.parts) > 1:
            text = text.replace(f"{folder}/", "").replace(str(folder), folder.name if folder == Path.cwd() else "~")
    text = _URL.sub(ADDRESS, text)
    text = _IP.sub(ADDRESS, text)
    text = _WINDOWS.sub(r"\1", _POSIX.sub(r"\1", text))
    host = socket.gethostname()
    if len(host) > 1 and host not in _OUR_WORDS:
        text = re.sub(rf"(?<![\w-]){re.escape(host)}(?![\w-])", HOST, text)
    return text


def scrub(value: Any) -> Any:
    """A JSON value with all its texts scrubbed, keys too."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, Mapping):
        return {scrub_text(str(key)): scrub(item) for key, item in value.items()}
    return [scrub(item) for item in value] if isinstance(value, list | tuple) else value


def last_part(path: str) -> str:
    """The name of a file or folder, whichever system's path it is."""
    return PureWindowsPath(path).name or "(folder)"


def published_run(info: RunInfo) -> RunInfo:
    """run.json for others' eyes. Hub models and Hub data sets keep their names; everything local is a bare name."""
    changed = info.model_copy(
        update={
            "models": {side: _published_model(model) for side, model in info.models.items()},
            "prompt_set": info.prompt_set.model_copy(update={"source": _source(info.prompt_set.source)}),
        }
    )
    data = changed.model_dump(mode="json")
    hub = {side: model["source"] for side, model in data["models"].items()}
    data = scrub(data)
    for side, source in hub.items():
        data["models"][side]["source"] = source
    data["versions"], data["prompt_set"]["source"] = dict(info.versions), changed.prompt_set.source
    return RunInfo.model_validate(data)


def _published_model(model: ModelInfo) -> ModelInfo:
    source = model.source if model.revision else last_part(model.source)
    served = {key: model.served[key] for key in _SERVED if key in model.served}
    name = model.name if model.revision else last_part(model.name)
    return model.model_copy(update={"name": name, "source": source, "url": None, "served": served})


def _source(source: str) -> str:
    return source if source.startswith("hub:") else last_part(source)


def published_artifact(artifact: Artifact) -> dict[str, Any]:
    """blindside.json for others' eyes."""
    data = artifact.model_dump(mode="json")
    if artifact.base.revision is None:
        data["base"]["source"] = last_part(artifact.base.source)
    data["recipe"] = last_part(artifact.recipe)
    data["prompts"] = _source(artifact.prompts) if artifact.prompts else None
    data["data_sha256"] = {
        path if value.startswith("hub:") else last_part(path): value for path, value in artifact.data_sha256.items()
    }
    return data


def published_decision(decision: Decision, names: Mapping[str, str], bound: Mapping[str, str]) -> Decision:
    """decision.json for others' eyes: reviewers under their pseudonyms (`names`) wherever a text names one.

    `bound` replaces those hashes of the decision that could tell names to whoever tries them.
    """

    def said(value: Any) -> Any:
        return _renamed(scrub(value), names)

    rules = tuple(
        rule.model_copy(update={"asked": said(rule.asked), "found": said(rule.found)}) for rule in decision.rules
    )
    reasons = tuple(said(reason) for reason in decision.reasons)
    return decision.model_copy(
        update={
            "rules": rules,
            "reasons": reasons,
            "headline": decision.headline.model_copy(update={"sentence": said(decision.headline.sentence)}),
            "extra": said(_without_seals(decision.extra)),
            "bound": {**decision.bound, **bound},
        }
    )


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """With each reviewer's name replaced where it stands as a word of its own, or is a key."""
    if isinstance(value, str):
        for name in sorted(names, key=len, reverse=True):
            # A name without a letter names nobody, and would be found in every figure.
            if any(char.isalpha() for char in name):
                value = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", names[name], value)
        return value
    if isinstance(value, Mapping):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list | tuple) else value


def _without_seals(extra: dict[str, Any]) -> dict[str, Any]:
    """A seal is a hash over reviewers' names: whoever tries likely ones would find them."""
    return {name: value for name, value in extra.items() if name != "last_seal"}
