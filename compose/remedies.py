"""Known causes in the last lines of a server's log, and their remedies."""

from __future__ import annotations

from blindside.remedies import KnownCause, first_remedy

# The first that fits wins, so the particular ones stand before the general ones.
KNOWN = (
    KnownCause(
        ("could not select device driver", "nvidia-container-cli: initialization error", "runtime name: nvidia"),
        "Docker cannot give containers a GPU; install the NVIDIA Container Toolkit, run "
        "`sudo nvidia-ctk runtime configure --runtime=docker`, and restart Docker",
    ),
    KnownCause(
        ("driver version is insufficient", "unsatisfied condition: cuda>=", "forward compatibility was attempted"),
        "the NVIDIA driver is too old for this image; update the driver, or set TGI_IMAGE to an older version",
    ),
    KnownCause(
        ("port is already allocated", "address already in use", "ports are not available"),
        "a port is taken by another program; set BASE_PORT and TUNED_PORT to free ones, or leave them out",
    ),
    KnownCause(
        ("no space left on device", r"os error 28\b", r"Errno 28\b"),
        "the disk is full; make room (`docker system df` shows what Docker holds), "
        "or set HUB_CACHE to a folder on a larger disk",
    ),
    KnownCause(
        (
            "GatedRepo",
            "gated repo",
            "Access to model .{0,200} is restricted",
            "40[13] Client Error",
            "status code 40[13]",
        ),
        "the Hub refuses this model; accept its terms on its page and give a token that may read it "
        "(HF_TOKEN, or `hf auth login`)",
    ),
    KnownCause(
        ("RepositoryNotFound", "RevisionNotFound", "404 Client Error"),
        "the Hub has no such model or revision; check the name (a private model also needs HF_TOKEN)",
    ),
    KnownCause(
        ("LocalEntryNotFoundError", "Temporary failure in name resolution", "Network is unreachable", "dns error"),
        "the Hub cannot be reached from the container; check network and proxy, or give a model folder",
    ),
    KnownCause(
        (
            "CUDA out of memory",
            "OutOfMemoryError",
            "Not enough memory to handle",
            "CUDA_ERROR_OUT_OF_MEMORY",
            "No available memory for the cache blocks",
            "less than desired GPU memory utilization",
        ),
        "the GPU's memory is too small at warm-up; lower MAX_TOTAL_TOKENS or MAX_BATCH_PREFILL_TOKENS, free the GPU, "
        "or serve one side after the other (SEQUENTIAL=1)",
    ),
    KnownCause(
        (
            "extra_special_tokens",
            "'list' object has no attribute 'keys'",
            r"Tokenizer class \S+ does not exist",
            "data did not match any variant of untagged enum",
        ),
        "its tokenizer was saved by a newer transformers than the server reads; serve the exported folder "
        "that `make train` writes",
    ),
    KnownCause(
        (
            "Unsupported model type",
            "does not recognize this architecture",
            r"architectures? .{0,80}(is|are)( not|n't) supported",
            "model type .{0,80} not supported",
        ),
        "the server does not support this architecture; use another one (SERVER=vllm or SERVER=sglang), "
        "or ENGINE=embedded",
    ),
    KnownCause(
        ("batch_invariant mode is not supported", "batch invariance is not supported"),
        "this GPU or model has no batch-invariant kernels; set BATCH_INVARIANT=0 (how many answers change when asked "
        "again is measured anyway)",
    ),
    KnownCause(
        ("Unsupported CPU attention configuration",),
        "vLLM on a CPU does not support this model's head size (it needs 32 or more); use ENGINE=embedded",
    ),
    KnownCause(
        ("has no config.json", r"config\.json.{0,80}(No such file|not found|does not exist)"),
        "the folder has no config.json; give a folder with a complete model",
    ),
    KnownCause(
        ("No safetensors weights found", "No local weights found", "Cannot find any model weights"),
        "there are no .safetensors weights; only that format is served",
    ),
    KnownCause(
        ("Permission denied", r"os error 13\b"),
        "the server cannot read the model's files; `chmod -R a+rX` the folder",
    ),
    KnownCause(
        ("invalid mount config", "bind source path does not exist", "mounts denied", "is not shared from the host"),
        "Docker cannot mount the model's folder; it must be on the engine's own machine and be shared with it",
    ),
    KnownCause(
        ("unexpected argument", "invalid value '.*' for '--", "unrecognized arguments"),
        "the server refuses its command line; the image is of another version than the flags "
        "(TGI_IMAGE, compose/local.yml)",
    ),
    KnownCause(
        ("Illegal instruction", "exec format error", r"\bSIGILL\b"),
        "the image is not built for this processor; use ENGINE=embedded, or another TGI_IMAGE",
    ),
    KnownCause(
        (r"Shard \d+ failed to start", "ShardCannotStart", r"Shard \d+ crashed"),
        "the model could not be loaded; the log says why above its last lines",
    ),
)
KILLED = "it ran out of memory and was killed; give Docker more memory, or serve a smaller model"
BY_CODE = {
    137: "it was killed from outside (`docker kill`, or the machine ran out of memory: see `dmesg`)",
    139: "it crashed (segmentation fault); try another TGI_IMAGE, and report it to the engine's developers",
    132: "the image is not built for this processor; use ENGINE=embedded, or another TGI_IMAGE",
    126: "the image's start command cannot be run; check TGI_IMAGE and compose/local.yml",
    127: "the image has no such start command; check TGI_IMAGE and compose/local.yml",
}


def remedy(log: str, *, code: int = 0, oom: bool = False) -> str:
    """The known cause and what fixes it, as the rest of a sentence; empty where nothing is known."""
    if oom:
        return KILLED
    return first_remedy(KNOWN, log) or BY_CODE.get(code, "")
