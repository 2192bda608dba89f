"""What is behind the last lines of a log, where it is known, and what mends it."""

from __future__ import annotations

import re
from collections.abc import Iterator

# The first that matches wins, so the particular ones stand before the general ones.
KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"could not select device driver|nvidia-container-cli: initialization error|unknown or invalid runtime name: nvidia",
        "Docker cannot give containers a GPU; install the NVIDIA Container Toolkit, run "
        "`sudo nvidia-ctk runtime configure --runtime=docker`, and restart Docker",
    ),
    (
        r"driver version is insufficient|unsatisfied condition: cuda>=|forward compatibility was attempted",
        "the NVIDIA driver is too old for this image; update the driver, or set TGI_IMAGE to an older version",
    ),
    (
        r"port is already allocated|address already in use|ports are not available",
        "a port is taken by another program; set BASE_PORT and TUNED_PORT to free ones, or leave them out",
    ),
    (
        r"no space left on device|os error 28\b|Errno 28\b",
        "the disk is full; make room (`docker system df` shows what Docker holds), or set HUB_CACHE to a folder on a larger disk",
    ),
    (
        r"GatedRepo|gated repo|Access to model .{0,200} is restricted|401 Client Error|403 Client Error|Invalid credentials|status code 40[13]",
        "the Hub refuses this model; accept its terms on its page and give a token that may read it (HF_TOKEN, or `hf auth login`)",
    ),
    (
        r"RepositoryNotFound|RevisionNotFound|404 Client Error",
        "the Hub has no such model or revision; check the name (a private model also needs HF_TOKEN)",
    ),
    (
        r"LocalEntryNotFoundError|Temporary failure in name resolution|Max retries exceeded|Network is unreachable|dns error",
        "the Hub cannot be reached from the container; check network and proxy, or give a model folder",
    ),
    (
        r"CUDA out of memory|OutOfMemoryError|Not enough memory to handle|CUDA_ERROR_OUT_OF_MEMORY|No available memory for the cache blocks"
        r"|less than desired GPU memory utilization|Not enough VRAM",
        "the GPU's memory is too small at warm-up; lower MAX_TOTAL_TOKENS or MAX_BATCH_PREFILL_TOKENS, free the GPU, or serve one side after the other (SEQUENTIAL=1)",
    ),
    (
        r"extra_special_tokens|'list' object has no attribute 'keys'|Tokenizer class \S+ does not exist"
        r"|TokenizersBackend|data did not match any variant of untagged enum",
        "the tokenizer was saved by a newer transformers than the server reads; serve the exported folder that `make train` writes",
    ),
    (
        r"Unsupported model type|does not recognize this architecture|architectures? .{0,80}(not|n't) supported|is not supported for now"
        r"|Could not import Flash|model type .{0,80} not supported",
        "the server does not support this architecture; use another engine (SERVER=vllm or SERVER=sglang), or ENGINE=embedded",
    ),
    (
        r"No such file or directory.{0,80}config\.json|config\.json.{0,80}(No such file|not found|does not exist)|has no config\.json",
        "the folder has no config.json; give a folder with a complete model",
    ),
    (
        r"No safetensors weights found|No local weights found|Cannot find any model weights|weights file not found",
        "the folder holds no .safetensors weights; only that format is served",
    ),
    (
        r"Permission denied|os error 13\b",
        "the server may not read the model's files; `chmod -R a+rX` the folder",
    ),
    (
        r"invalid mount config|bind source path does not exist|mounts denied|is not shared from the host",
        "Docker cannot mount the model's folder; it must lie on the engine's own machine and be shared with it",
    ),
    (
        r"unexpected argument|invalid value '.*' for '--|unrecognized arguments|the following required arguments",
        "the server refuses its command line; the image is of another version than the flags (TGI_IMAGE, compose/local.yml)",
    ),
    (
        r"Illegal instruction|exec format error|SIGILL",
        "the image is not built for this processor; use ENGINE=embedded, or another TGI_IMAGE",
    ),
    (
        r"Shard \d+ failed to start|ShardCannotStart|Shard \d+ crashed",
        "the model could not be loaded; the lines above the last ones in the log say why",
    ),
)
KILLED = "it ran out of memory and was killed; give Docker more memory, or serve a smaller model"
BY_CODE = {
    137: "it was killed from outside (`docker kill`, or the machine ran out of memory: see `dmesg`)",
    139: "it crashed (segmentation fault); try another TGI_IMAGE, and report it to the engine's makers",
    132: "the image is not built for this processor; use ENGINE=embedded, or another TGI_IMAGE",
    126: "the image's start command cannot be run; check TGI_IMAGE and compose/local.yml",
    127: "the image has no such start command; check TGI_IMAGE and compose/local.yml",
}


def remedy(log: str, *, code: int = 0, oom: bool = False) -> str:
    """The known cause and what mends it, as the rest of a sentence; empty where nothing is known."""
    return KILLED if oom else next(_matching(log), BY_CODE.get(code, ""))


def _matching(log: str) -> Iterator[str]:
    for pattern, text in KNOWN:
        if re.search(pattern, log, re.IGNORECASE):
            yield text
