"""Counts tokens with a recipe's own tokenizer and template, in the train environment, while pairs pass by."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from blindside.places import python_path
from blindside.tables.rows import Message
from train.launch import ROOT
from train.pairs.survey.protocol import BATCH_ROWS, BATCH_SECONDS, TokenCounts, TokenRequest
from train.recipe import Recipe


def asked_of(recipe: Recipe) -> TokenRequest:
    """What a recipe says of tokenizer, template and length."""
    config = recipe.config
    template = next((e["chat_template"] for e in config["datasets"] if e.get("chat_template")), None)
    name = str(config.get("tokenizer_config") or recipe.base_model)
    return TokenRequest(
        tokenizer=str(ROOT / name) if (ROOT / name).is_dir() else name,
        revision=config.get("revision_of_model"),
        tokenizer_type=config.get("tokenizer_type"),
        chat_template=template or config.get("chat_template"),
        chat_template_jinja=config.get("chat_template_jinja"),
        sequence_len=int(config.get("sequence_len") or 0),
    )


class TokenCounter:
    """Use it as a context manager: `add` pairs as they pass, `result` at the end. What goes wrong is in its `error`."""

    def __init__(self, recipe: Recipe, env: Path) -> None:
        self._asked = asked_of(recipe)
        self._python = env / "bin" / "python"
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed when the context ends)

    def __enter__(self) -> TokenCounter:
        if self._python.is_file():
            self._process = subprocess.Popen(
                [str(self._python.absolute()), "-P", "-m", "train.pairs.survey.tokens"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=os.environ | {"PYTHONPATH": python_path(), "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            )
            self._send(json.dumps(asdict(self._asked)).encode())
        return self

    def add(self, line: int, messages: Sequence[Message], chosen: str, rejected: str) -> None:
        self._send(json.dumps([line, messages, chosen, rejected]).encode())

    def result(self) -> TokenCounts:
        if self._process is None:
            return TokenCounts(error=f"{self._python} is missing (`make train` builds it)")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        answer = self._process.stdout.read()
        if self._process.wait() == -signal.SIGXCPU:
            return TokenCounts(
                error=f"counting {BATCH_ROWS} pairs takes more than {BATCH_SECONDS} s: check the chat template"
            )
        try:
            return TokenCounts(**json.loads(answer))
        except ValueError:
            return TokenCounts(error=self._last_words())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(BrokenPipeError):
                    assert pipe is not None
                    pipe.close()
        self._log.close()

    def _send(self, line: bytes) -> None:
        """A child that ended early says why at the end, so a broken pipe is no news here."""
        if self._process is None or self._process.stdin is None:
            return
        with suppress(BrokenPipeError):
            self._process.stdin.write(line + b"\n")

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it ended without a message"
