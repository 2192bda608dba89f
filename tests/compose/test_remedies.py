"""Known causes, found in lines as the servers and Docker write them."""

from __future__ import annotations

import pytest

from compose.remedies import KNOWN, remedy
from compose.watch import progress

LOGS = {
    'Error response: could not select device driver "nvidia" with capabilities: [[gpu]]': "Container Toolkit",
    "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.4": "driver is too old",
    "Bind for 127.0.0.1:8080 failed: port is already allocated": "port is taken",
    "listen tcp4 127.0.0.1:8080: bind: address already in use": "port is taken",
    "OSError: [Errno 28] No space left on device": "disk is full",
    "huggingface_hub.errors.GatedRepoError: 401 Client Error.": "accept its terms",
    "RepositoryNotFoundError: 404 Client Error.": "no such model",
    "LocalEntryNotFoundError: An error happened while trying to locate the files on the Hub": "cannot be reached",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.16 GiB.": "too small at warm-up",
    "RuntimeError: Not enough memory to handle 4096 prefill tokens. You need to decrease": "too small at warm-up",
    "ValueError: Free memory (5.1/15.4 GiB) on startup is less than desired GPU memory utilization": "too small",
    "AttributeError: 'list' object has no attribute 'keys'": "newer transformers",
    "ValueError: Tokenizer class TokenizersBackend does not exist or is not currently imported.": "newer transformers",
    "ValueError: Unsupported model type olmo9": "does not support this architecture",
    "Model architectures ['Foo'] are not supported for now.": "does not support this architecture",
    "RuntimeError: VLLM batch_invariant mode is not supported for FLEX_ATTENTION.": "set BATCH_INVARIANT=0",
    "AssertionError: Unsupported CPU attention configuration": "does not support this model's head size",
    "error: /models/base has no config.json; give a folder with a complete model": "no config.json",
    "FileNotFoundError: No local weights found in /models/base with extension .safetensors": "no .safetensors",
    "PermissionError: [Errno 13] Permission denied: '/models/tuned/model.safetensors'": "chmod -R a+rX",
    'invalid mount config for type "bind": bind source path does not exist: /nowhere': "cannot mount",
    "error: invalid value 'float32' for '--dtype <DTYPE>'": "refuses its command line",
    "ERROR text_generation_launcher: Shard 0 failed to start": "the log says why",
}


@pytest.mark.parametrize(("log", "part"), LOGS.items(), ids=range(len(LOGS)))
def test_a_known_cause_has_its_remedy(log: str, part: str) -> None:
    assert part in remedy(f"INFO something before\n{log}\nINFO something after", code=1)


def test_every_known_cause_is_shown_here() -> None:
    found = {remedy(log) for log in LOGS}
    assert [known.remedy for known in KNOWN if known.remedy not in found] == [
        "the image is not built for this processor; use ENGINE=embedded, or another TGI_IMAGE"
    ]
    assert remedy("exec /tgi-entrypoint.sh: exec format error") not in found


def test_the_cause_goes_before_its_consequence() -> None:
    log = "OutOfMemoryError: CUDA out of memory.\nERROR text_generation_launcher: Shard 0 failed to start"
    assert "too small at warm-up" in remedy(log, code=1)


@pytest.mark.parametrize(("code", "part"), [(137, "killed from outside"), (139, "crashed"), (127, "no such start")])
def test_exit_codes_speak_where_the_log_does_not(code: int, part: str) -> None:
    assert part in remedy("INFO all is well", code=code)
    assert "ran out of memory" in remedy("INFO all is well", code=code, oom=True)


def test_nothing_is_made_up() -> None:
    assert remedy("INFO all is well\nConnected", code=1) == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "INFO download: Download file: model-00001-of-00002.safetensors",
            "weights: downloading model-00001-of-00002.safetensors",
        ),
        ("Download: [1/2] -- ETA: 0:01:12.500000", "weights: file 1 of 2 downloaded, 0:01:12 left"),
        (
            '{"level":"INFO","fields":{"message":"Download: [1/2] -- ETA: 0:00:09"}}',
            "weights: file 1 of 2 downloaded, 0:00:09 left",
        ),
        (
            "model.safetensors:  45%|████▌     | 2.21G/4.90G [00:30<00:36, 73.1MB/s]",
            "weights: model.safetensors 45% of 4.90G, 00:36 left",
        ),
        ("INFO text_generation_router: Warming up model", "weights loaded, warming up"),
        ("INFO text_generation_launcher: Args { model_id: x }", ""),
    ],
)
def test_progress_is_read_from_the_log(line: str, said: str) -> None:
    assert progress(line) == said
