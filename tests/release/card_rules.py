"""What the Hub asks of a model card's metadata, by its published specification (hub-docs, modelcard.md)."""

from __future__ import annotations

import re
from typing import Any

import yaml

from eval.release.hub.lineage import IDENTIFIERS

_REPO_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def errors_of(card: str) -> list[str]:
    """What is wrong with the metadata at the top of a README.md; nothing where all is well."""
    found = re.match(r"\A---\n(.*?)\n---\n", card, re.DOTALL)
    if found is None:
        return ["there is no metadata"]
    try:
        data = yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        return [f"no YAML: {error}"]
    return _licence(data) + _ids(data) + [line for model in data.get("model-index", []) for line in _model(model)]


def _licence(data: dict[str, Any]) -> list[str]:
    if data.get("license") not in {*IDENTIFIERS, "other", "unknown"}:
        return [f"license: {data.get('license')!r} is no identifier"]
    named = isinstance(data.get("license_name"), str) and re.fullmatch(r"[\w.+-]+", data["license_name"])
    return [] if data["license"] != "other" or named else ["license_name: needed beside other"]


def _ids(data: dict[str, Any]) -> list[str]:
    ids = [("base_model", data["base_model"])] if "base_model" in data else []
    ids += [("datasets", one) for one in data.get("datasets", [])]
    return [f"{key}: {one!r} is no id" for key, one in ids if not _REPO_ID.fullmatch(str(one))]


def _model(model: dict[str, Any]) -> list[str]:
    wrong = [] if isinstance(model.get("name"), str) and model["name"] else ["model-index: no name"]
    for result in model.get("results", []):
        wrong += _texts(result.get("task", {}), "task", ("type",))
        wrong += _texts(result.get("dataset", {}), "dataset", ("type", "name"))
        if not result.get("metrics"):
            wrong.append("model-index: a result without metrics")
        for metric in result.get("metrics", []):
            wrong += _texts(metric, "metric", ("type",))
            if not isinstance(metric.get("value"), int | float) or metric["value"] != metric["value"]:
                wrong.append(f"metric {metric.get('type')}: value {metric.get('value')!r} is not a number")
    return wrong


def _texts(part: dict[str, Any], name: str, fields: tuple[str, ...]) -> list[str]:
    return [
        f"{name}: {field} must be a text" for field in fields if not (isinstance(part.get(field), str) and part[field])
    ]
