"""Checks before torch is imported, which takes seconds: model name and port."""

from __future__ import annotations

import socket
from pathlib import Path

from compose.errors import ModelUnreadable, PortTaken

BACKLOG = 1024  # connections that wait to be accepted
WANTED = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


def find(source: str, revision: str | None) -> Path:
    """The folder itself, or the Hub's snapshot of it, downloaded where it is not in the cache."""
    if Path(source).is_dir():
        if not (Path(source) / "config.json").is_file():
            raise ModelUnreadable(f"{source} has no config.json; give a folder with a complete model")
        return Path(source)
    if source.startswith((".", "/", "~")) or source.count("/") > 1:
        raise ModelUnreadable(
            f"{source} is not a folder; give a model folder or a Hub id such as Qwen/Qwen2.5-0.5B-Instruct"
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=WANTED))
    except Exception as error:
        raise ModelUnreadable(
            f"{source} is not a folder here and could not be fetched from the Hub: {first_line(error)}"
        ) from error


def first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address, port 0 meaning a free one; it refuses until it listens. Raises PortTaken."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise PortTaken(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from error
    return bound


def listen(bound: socket.socket, host: str) -> None:
    """From here on connections are taken. Raises PortTaken where another that was bound as well was faster."""
    try:
        bound.listen(BACKLOG)
    except OSError as error:
        port = bound.getsockname()[1]
        raise PortTaken(
            f"cannot listen on {host}:{port} ({error.strerror}): another program took the port while the model was "
            "loaded; choose another --port"
        ) from error
