"""NVIDIA GPUs as `nvidia-smi` lists them; MIG slices and other makers' GPUs are named as untested."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from blindside.machine import command_output

#: Where Linux shows that an AMD GPU can compute.
AMD = Path("/dev/kfd")


Version = tuple[int, int]


@dataclass(frozen=True)
class Gpu:
    """`total` and `free` in bytes; `capability` as NVIDIA counts it, (8, 0) for an A100, None where it is not told."""

    index: int
    name: str
    total: int
    free: int
    capability: Version | None = None


def find_gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs of this machine; none where there is no working driver."""
    capabilities = dict(_query("compute_cap"))  # asked apart: an older driver refuses the whole question for it
    return tuple(
        Gpu(int(index), name, memory[0] << 20, memory[1] << 20, version(capabilities.get(index, "")))
        for index, name, *cells in _query("name,memory.total,memory.free")
        if index.isdigit() and len(cells) == 2 and (memory := memory_of(*cells))
    )


def version(text: str) -> Version | None:
    """Two numbers with a dot between them."""
    found = re.fullmatch(r"(\d+)\.(\d+)", text)
    return None if found is None else (int(found[1]), int(found[2]))


def _query(fields: str) -> list[list[str]]:
    """The index and `fields` of each GPU: cells of as many lines as there are."""
    listed = command_output("nvidia-smi", f"--query-gpu=index,{fields}", "--format=csv,noheader,nounits") or ""
    rows = [[cell.strip() for cell in line.split(",")] for line in listed.splitlines()]
    return [row for row in rows if len(row) == 2 + fields.count(",")]


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
    listed = command_output("nvidia-smi", "--query-gpu=index,mig.mode.current", "--format=csv,noheader") or ""
    cut = [line.split(",")[0].strip() for line in listed.splitlines() if line.strip().endswith("Enabled")]
    if cut:
        return f"GPU {', '.join(cut)} is cut into MIG slices, which is untested: sizes are those of the whole GPU"
    if AMD.exists() and not listed:
        return (
            "this machine has an AMD GPU, which is untested and not used: compose/local.yml can give it to containers"
        )
    return ""


def _system() -> tuple[int, int] | None:
    """The machine's memory in MiB, all of it and what a program could take; None where the kernel does not tell."""
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
        return int(lines["MemTotal"].split()[0]) // 1024, int(lines["MemAvailable"].split()[0]) // 1024
    except (OSError, KeyError, ValueError):
        return None
