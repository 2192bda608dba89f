"""Counters and gauges in Prometheus' text format, under TGI's names."""

from __future__ import annotations

import threading

_HELP = {
    "tgi_batch_inference_count": ("counter", "Inference calls per method (prefill or decode)"),
    "tgi_request_count": ("counter", "Total number of requests"),
    "tgi_request_success": ("counter", "Number of successful requests"),
    "tgi_request_failure": ("counter", "Number of failed requests, by reason"),
    "tgi_queue_size": ("gauge", "Current queue size"),
    "tgi_batch_current_size": ("gauge", "Current batch size"),
    "blindside_batch_largest": ("gauge", "Requests in the largest batch so far"),
}


class Metrics:
    """Numbers about one server; may be changed from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, dict[str, int]] = {name: {} for name in _HELP}

    def count(self, name: str, **labels: str) -> None:
        key = ",".join(f'{label}="{value}"' for label, value in labels.items())
        with self._lock:
            self._values[name][key] = self._values[name].get(key, 0) + 1

    def set(self, name: str, value: int) -> None:
        with self._lock:
            self._values[name][""] = value

    def largest(self, name: str, value: int) -> None:
        with self._lock:
            self._values[name][""] = max(value, self._values[name].get("", 0))

    def render(self) -> str:
        blocks: list[str] = []
        with self._lock:
            for name, (kind, text) in _HELP.items():
                lines = [f"{name}{{{key}}} {n}" if key else f"{name} {n}" for key, n in self._values[name].items()]
                if lines:
                    blocks.append("\n".join([f"# HELP {name} {text}", f"# TYPE {name} {kind}", *lines]))
        return "\n\n".join(blocks) + "\n"
