"""Two real vLLM servers, started once for all tests of this folder and ended behind them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vllm.world import World, serving_world


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DTYPE", "float32")  # the default is bfloat16, in which less can be told apart
        with serving_world(tmp_path_factory.mktemp("vllm")) as made:
            yield made
