"""TGI's /info and its error bodies: the part of its protocol that needs no package of TGI's."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from eval.collect.engines.http_errors import status_error
from eval.collect.engines.transport import Reply
from eval.errors import EngineError


class Info(BaseModel):
    """/info: what makes a server TGI, and the limits that requests are sized by."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_id: str
    model_sha: str | None = None
    #: Called max_input_length before TGI 2.1.
    max_input_tokens: int = Field(validation_alias=AliasChoices("max_input_tokens", "max_input_length"))
    max_total_tokens: int
    max_concurrent_requests: int | None = None
    version: str = "of unknown version"
    router: str = "text-generation-router"
    docker_label: str | None = None

    @property
    def is_tgi(self) -> bool:
        """Whether it is TGI itself, and not another engine that speaks its protocol."""
        return self.router.startswith("text-generation")

    def engine(self) -> str:
        product = "text-generation-inference" if self.is_tgi else self.router
        return f"{product} {self.version}" + (f" ({self.docker_label})" if self.docker_label else "")


def read_info(reply: Reply, url: str) -> Info | None:
    """What `url`/info says; None where the server is not TGI.

    Raises EngineError where it refuses, or where it is TGI and the extra `tgi` is not installed.
    """
    if reply.status in {401, 403, 429} or reply.status >= 500:
        raise refusal(reply, url)
    try:
        info = Info.model_validate_json(reply.body)
    except ValidationError:
        return None
    if find_spec("text_generation") is None:
        raise EngineError(
            f"{url} speaks TGI but the package text-generation is not installed: "
            "run `make env`, or `pip install --no-deps text-generation==0.7.0`"
        )
    return info


def refusal(reply: Reply, url: str) -> EngineError:
    """The error for an error status, in TGI's own words where the body is TGI's."""
    payload = error_body(reply)
    return status_error(reply, url, str(payload["error"]) if payload else "")


def error_body(reply: Reply) -> dict[str, Any] | None:
    """TGI's error body, or None for any other."""
    try:
        payload = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) and "error" in payload else None
