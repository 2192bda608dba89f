"""`docker compose` as a command: up, down, and the merged configuration."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blindside.places import workspace
from compose.errors import ComposeError, PortTaken
from compose.remedies import remedy

HERE = Path(__file__).resolve().parent
#: The folder of the user's own .env and local.yml: this one in a checkout.
OWN = workspace() / "compose"
STOP_SECONDS = 5


class Compose:
    """One project: its name, its files in order, and the variables that they speak of."""

    def __init__(self, project: str, files: Sequence[Path], environment: Mapping[str, str]) -> None:
        self.project = project
        self.files = tuple(files)
        self.environment = dict(environment)

    def config(self) -> dict[str, Any]:
        """The files put together, variables filled in."""
        merged: dict[str, Any] = json.loads(self._run("config", "--format", "json"))
        return merged

    def up(self, sides: Sequence[str]) -> None:
        """Create and start the services, without waiting for them. Raises PortTaken or ComposeError."""
        self._run("up", "--detach", "--no-deps", "--no-build", "--quiet-pull", "--pull", "never", *sides)

    def down(self) -> None:
        """Stop and remove containers and networks; volumes stay."""
        self._run("down", "--remove-orphans", "--timeout", str(STOP_SECONDS))

    def command(self, *words: str) -> list[str]:
        """The command line; files named by --env-file go before the usual .env, which is added where it is."""
        env_files = [HERE / "versions.env", *(path for path in [OWN / ".env"] if path.is_file())]
        line = ["docker", "compose", "--project-name", self.project, "--project-directory", str(HERE)]
        line += [word for path in env_files for word in ("--env-file", str(path))]
        line += [word for path in self.files for word in ("--file", str(path))]
        return [*line, *words]

    def _run(self, *words: str) -> str:
        # In a session of its own: a Ctrl-C at the terminal is ours to answer, with `down`.
        done = subprocess.run(
            self.command(*words),
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
            check=False,
        )
        if done.returncode:
            raise _failure(words[0], done.stderr)
        return done.stdout


def _failure(word: str, output: str) -> ComposeError:
    known = remedy(output)
    lines = [line.strip() for line in output.splitlines() if line.strip() and "level=warning" not in line]
    last = lines[-1] if lines else "it said nothing"
    kind = PortTaken if "port is taken" in known else ComposeError
    return kind(f"{known} (docker compose {word}: {last})" if known else f"docker compose {word} failed: {last}")
