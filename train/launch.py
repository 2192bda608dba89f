"""Runs Axolotl as a subprocess of the train environment: visible progress, a complete log, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from blindside.gpus import AMD
from blindside.places import made_by, python_path, workspace
from blindside.reaper import COMMAND, GRACE
from blindside.remedies import KnownCause, first_remedy
from blindside.yaml_files import BadYaml, read_yaml
from train.errors import LaunchError
from train.launcher import Launch, read_launch
from train.progress import Progress
from train.resources.gpus import chosen_gpus

#: The folder that a recipe's relative paths start from.
ROOT = workspace()
TAIL = 15
#: Where Linux lists GPUs that render or compute.
RENDERERS = Path("/dev/dri")
#: The volume of a rented GPU machine; caches belong there, the root disk is small.
WORKSPACE = Path("/workspace")

_KILLED = "the machine's memory ran out: close other programs, or use a smaller model"
_CAUSES = (
    KnownCause(
        ("CUDA out of memory", "OutOfMemoryError"),
        "the GPU's memory is full: lower sequence_len, or use the QLoRA recipe",
    ),
    KnownCause(
        ("No space left on device", r"os error 28\b"),
        "the disk is full: free some space, or move HF_HOME to a larger volume",
    ),
    KnownCause(
        ("GatedRepoError", "gated repo", "40[13] Client Error"),
        "the model or data set is gated or private: accept its terms on the Hub and set HF_TOKEN",
    ),
    KnownCause(
        ("offline mode is enabled", "HF_HUB_OFFLINE", "OfflineModeIsEnabled"),
        "a file is not on this machine and HF_HUB_OFFLINE is set: unset it, or name a local path",
    ),
    KnownCause(
        (
            "Temporary failure in name resolution",
            "Name or service not known",
            "Max retries exceeded",
            "ConnectionError",
            "LocalEntryNotFoundError",
            "Couldn't (reach|connect to)",
        ),
        "cannot reach the Hub: check the network (HF_ENDPOINT where you use a mirror)",
    ),
    KnownCause(
        ("RepositoryNotFoundError", "DatasetNotFoundError", "404 Client Error"),
        "the Hub has no such model or data set: check the name (a private one also needs HF_TOKEN)",
    ),
    KnownCause(
        (r"flash_attn.*(not installed|No module)", "FlashAttention.*not"),
        "flash attention is missing: set attn_implementation: sdpa",
    ),
    KnownCause(
        ("validation errors? for AxolotlConfig", "Extra inputs are not permitted"),
        "Axolotl refuses a field of the recipe",
    ),
    KnownCause(("Killed", "SIGKILL", "signal 9", "exit code -9"), _KILLED),
)

_NOISE = re.compile(
    r"%\||^\s*[@#=+.\s]+$|^\W*$|Warning|\[WARNING\]|\[DEBUG\]|register_constant|torchao|^\s*File \"|^\s*\^+\s*$|^\{'|"
    r"^\s*warnings\.warn|`--\w+` was set to|accelerate config|had defaults used|^Traceback|"
    r"Skipping HuggingFace token verification|^\s*(time|host|rank|exitcode|error_file|traceback)\s*: "
)
#: What torchrun puts before each line of a process that it ends, and what only follows from another process's end.
_RANK = re.compile(r"^\[rank\d+\]:\s?")
_FOLLOWS = ("CalledProcessError", "ChildFailedError", "Connection closed by peer", "SignalException")
_FINAL = re.compile(r"^(?:[\w.]+\.)?(\w*(?:Error|Exception|Exit|Interrupt|NotFound\w*))\b:?\s*(.*)$")


def environment(env: Path, *, offline: bool) -> dict[str, str]:
    """What Axolotl's process sees: the train environment first on PATH, and nobody told about the run."""
    found = dict(os.environ)
    found |= {
        "PATH": f"{env.absolute() / 'bin'}{os.pathsep}{found.get('PATH', '')}",
        "VIRTUAL_ENV": str(env.absolute()),
        "PYTHONPATH": python_path(),
        "PYTHONUNBUFFERED": "1",
        "AXOLOTL_DO_NOT_TRACK": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "WANDB_MODE": "disabled",
        "TOKENIZERS_PARALLELISM": "false",
    }
    found.pop("PYTHONHOME", None)
    # accelerate would give a CPU run one thread; waiting threads must not spin where others want the cores.
    found.setdefault("OMP_NUM_THREADS", str(min(os.cpu_count() or 1, 8)))
    found.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if offline:
        found["HF_HUB_OFFLINE"] = "1"
    if "HF_HOME" not in found and WORKSPACE.is_dir():
        found["HF_HOME"] = str(WORKSPACE / "huggingface")
    return found


def axolotl(
    command: str, recipe: Path, *, env: Path, log: Path, offline: bool, progress: Progress, cwd: Path = ROOT
) -> dict[str, float]:
    """Run `axolotl COMMAND RECIPE` to its end and return the figures that it printed; its output is added to `log`.

    Relative paths of the recipe are taken from `cwd`. Raises LaunchError with the end of the log.
    """
    program = env / "bin" / "axolotl"
    if not program.exists():
        raise LaunchError(f"there is no Axolotl in {env}; {made_by(env)}")
    words, variables = launching(command, recipe, environment(env, offline=offline))
    status = run(
        [str(program.absolute()), command, str(recipe.absolute()), *words],
        variables,
        log,
        progress,
        cwd,
    )
    if status != 0:
        raise failure(f"axolotl {command}", recipe, status, log)
    return dict(progress.metrics)


def launching(command: str, recipe: Path, variables: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """What goes behind `axolotl COMMAND RECIPE`, and the environment with what several processes need.

    A CPU trains in Axolotl's own process: accelerate would start a second one, with the same result, and all imports
    would be paid twice. Raises LaunchError.
    """
    if command != "train":
        return [], variables
    asked = asked_launch(recipe)
    if asked == Launch() and not count_gpus():
        return ["--launcher", "python"], variables
    return asked.options(f"blindside-{recipe.stem}"), asked.environment(variables, gpus=count_gpus())


def asked_launch(recipe: Path) -> Launch:
    """The dials for this recipe on this machine; a recipe that cannot be read says nothing here. Raises LaunchError."""
    try:
        config = read_yaml(recipe)
    except (OSError, BadYaml):
        config = None
    return read_launch(os.environ, config if isinstance(config, dict) else {}, gpus=count_gpus())


def count_gpus() -> int:
    """GPUs that train here; AMD's are counted by their devices."""
    return len(chosen_gpus()) or (len(list(RENDERERS.glob("renderD*"))) if AMD.exists() else 0)


def run(command: Sequence[str], variables: Mapping[str, str], log: Path, progress: Progress, cwd: Path) -> int:
    """Run `command` in a process group of its own, which ends with us, however we end. Return its exit status."""
    log.parent.mkdir(parents=True, exist_ok=True)
    reaper = [*COMMAND, *command]
    with (
        log.open("ab") as file,
        subprocess.Popen(
            reaper, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=variables, cwd=cwd, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        try:
            for line in _lines(process.stdout, file):
                progress.feed(line)
            return process.wait()
        finally:
            progress.close()
            _end(process)


def _lines(stream: IO[bytes], log: IO[bytes]) -> Iterator[str]:
    """Lines as they come, ended by a newline or by a carriage return; all bytes go to the log."""
    pending = b""
    while chunk := os.read(stream.fileno(), 65536):
        log.write(chunk)
        log.flush()
        *whole, pending = re.split(rb"[\r\n]", pending + chunk)
        yield from (line.decode("utf-8", "replace") for line in whole)
    yield pending.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole group gets SIGTERM while the command runs, and SIGKILL for whoever outlives it, or its grace."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def meaningful_lines(log: Path, most: int = TAIL) -> list[str]:
    """The last lines of a log that say something: no bars, no warnings, no frames of a traceback."""
    text = log.read_bytes()[-200_000:].decode("utf-8", "replace") if log.exists() else ""
    lines = [_RANK.sub("", line.rstrip()) for line in re.split(r"[\r\n]+", text)]
    kept = [line[:300] for line in lines if line.strip() and not _NOISE.search(line)]
    return kept[-most:]


def failure(what: str, recipe: Path, status: int, log: Path) -> LaunchError:
    """What a command that ended with `status` is reported as, by what its log says."""
    tail = meaningful_lines(log, TAIL)
    lines = meaningful_lines(log, 200)
    remedy = first_remedy(_CAUSES, "\n".join(lines)) or (_KILLED if status in (137, 9) else "")
    finals = [line for line in lines[-60:] if _FINAL.match(line.strip()) and not any(one in line for one in _FOLLOWS)]
    reason = remedy or (finals[-1].strip() if finals else f"exit status {status}")
    return LaunchError(f"{what} failed on {recipe.name}: {reason}; the full log is {log}", tail=tail, log=log)
