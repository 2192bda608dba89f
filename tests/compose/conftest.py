"""The servers that the tests of this folder share: one process, started once."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.compose.replay import DATA
from tests.compose.servers import MODEL, flags_as_recorded, folder_as_recorded, need_train, serve

# The launches of the recordings that differ in something that is ours.
LAUNCHES = ("main", "mcr8", "hf5-tokfix", "hf5-chatjson", "noprefill", "eosint")
USUAL = ["--model-id", str(MODEL), "--enable-prefill-logprobs"]
OTHERS = {
    "usual": USUAL,
    "one at a time": [*USUAL, "--max-concurrent-requests", "1"],
    "batches of two": [*USUAL, "--max-batch-size", "2"],
}


@pytest.fixture(scope="package")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of servers, by the name of the recorded launch or of the entry in OTHERS."""
    need_train()
    cwd = tmp_path_factory.mktemp("servers")
    profiles = json.loads((DATA / "launch.json").read_text(encoding="utf-8"))["profiles"]
    lines = dict(OTHERS)
    for launch in LAUNCHES:
        model = profiles[launch]["model"]
        folder_as_recorded(model, cwd)
        lines[launch] = ["--model-id", model, *flags_as_recorded(profiles[launch]["flags"])]
    with serve(*lines.values(), cwd=cwd) as addresses:
        yield dict(zip(lines, addresses, strict=True))
