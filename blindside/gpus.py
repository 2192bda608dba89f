"""What `nvidia-smi` does not say in numbers: unified memory, GPUs cut into slices, and GPUs of another maker."""

from __future__ import annotations

import subprocess
from pathlib import Path

#: Where Linux shows that an AMD GPU can compute.
AMD = Path("/dev/kfd")
_PATIENCE = 20.0  # seconds


def memory_of(total: str, free: str) -> tuple[int, int] | None:
    """(total, free) of a GPU in MiB by two cells of `nvidia-smi`; None for what is no memory.

    `[N/A]` is what GPUs say that share the system's memory: theirs is the system's.
    """
    if total.isdigit() and free.isdigit():
        return int(total), int(free)
    if not all(cell.isdigit() or cell.strip("[]").upper() in ("N/A", "NOT SUPPORTED") for cell in (total, free)):
        return None
    system = _system()
    if system is None:
        return None
    return int(total) if total.isdigit() else system[0], int(free) if free.isdigit() else system[1]


def untested() -> str:
    """What of this machine's GPUs nobody tried blindside on, as a sentence; empty where there is nothing of it."""
    listed = _ask("nvidia-smi", "--query-gpu=index,mig.mode.current", "--format=csv,noheader")
    cut = [line.split(",")[0].strip() for line in listed.splitlines() if line.strip().endswith("Enabled")]
    if cut:
        return f"GPU {', '.join(cut)} is cut into MIG slices, which is untested: sizes are those of the whole GPU"
    if AMD.exists() and not listed:
        return "an AMD GPU is here, which is untested and not used: compose/local.yml can give it to the containers"
    return ""


def _system() -> tuple[int, int] | None:
    """The machine's memory in MiB, all of it and what a program could take; None where the kernel does not tell."""
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
        return int(lines["MemTotal"].split()[0]) // 1024, int(lines["MemAvailable"].split()[0]) // 1024
    except (OSError, KeyError, ValueError):
        return None


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
