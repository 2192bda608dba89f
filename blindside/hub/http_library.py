"""`http`: the HTTP library whose errors huggingface_hub raises (httpx2 since 2.0, httpx before).

Gradio 6.26, the newest without a known hole, asks for huggingface_hub below 2; plain pip keeps to that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from huggingface_hub.errors import HfHubHTTPError

if TYPE_CHECKING:
    import httpx2 as http
else:
    # Not by trying: both may be installed, and only one of them is the client's.
    http = import_module(HfHubHTTPError.__bases__[0].__module__.partition(".")[0])

__all__ = ["http"]
