"""Data sets of the Hub: the real client against a server on loopback that speaks the Hub's wire format."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from eval.collect.prompts.hub import choose
from eval.errors import InputError
from tests.collect.servers import serving
from tests.collect.test_prompts import write
from tests.support import ROOT, free_port

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def hub(files: dict[str, Path]) -> Iterator[str]:
    """A Hub with one data set, our/prompts, and a gated one."""

    async def info(request: web.Request) -> web.Response:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        if name == "our/gated":
            return web.json_response({}, status=403, headers={"X-Error-Code": "GatedRepo"})
        if name != "our/prompts":
            return web.json_response({}, status=404, headers={"X-Error-Code": "RepoNotFound"})
        siblings = [{"rfilename": file} for file in files]
        return web.json_response({"id": name, "sha": COMMIT, "siblings": siblings, "private": False})

    async def resolve(request: web.Request) -> web.StreamResponse:
        if request.match_info["commit"] != COMMIT:
            return web.Response(status=404, headers={"X-Error-Code": "RevisionNotFound"})
        data = files[request.match_info["file"]].read_bytes()
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": request.match_info["commit"]}
        return web.Response(body=data, headers=headers)

    app = web.Application()
    app.router.add_get("/api/datasets/{owner}/{name}", info)
    app.router.add_get("/datasets/{owner}/{name}/resolve/{commit}/{file:.+}", resolve)
    with serving(app) as url:
        yield url


def load(endpoint: str, source: str, home: Path) -> str:
    """What `load_prompts` gives in a process whose Hub is at `endpoint`: ids and provenance, or the sentence."""
    code = (
        "import sys\nfrom eval.collect.prompts.prompt_set import load_prompts\nfrom eval.errors import InputError\n"
        "try:\n    loaded = load_prompts(sys.argv[1])\n"
        "    print([p.id for p in loaded.prompts], loaded.prompt_set.source)\n"
        "except InputError as error:\n    print(error)\n"
    )
    environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    environment.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, source],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip()


def test_a_split_is_read_and_pinned_to_its_commit(tmp_path: Path) -> None:
    files = {
        "data/train-00000-of-00001.parquet": Path(write(tmp_path / "a.parquet", [{"id": "a", "prompt": "Why?"}])),
        "data/test-00000-of-00001.parquet": Path(write(tmp_path / "b.parquet", [{"id": "b", "prompt": "How?"}])),
    }
    with hub(files) as url:
        assert load(url, "hub:our/prompts", tmp_path / "home") == f"['a'] hub:our/prompts@{COMMIT[:12]}"
        assert load(url, "hub:our/prompts:test", tmp_path / "home") == f"['b'] hub:our/prompts@{COMMIT[:12]}:test"
        said = load(url, "hub:our/prompts:dev", tmp_path / "home")
    assert said == (
        "hub:our/prompts:dev: no data file of split 'dev'; its data files are: "
        "data/train-00000-of-00001.parquet, data/test-00000-of-00001.parquet"
    )


def test_what_the_hub_refuses_is_one_sentence(tmp_path: Path) -> None:
    with hub({}) as url:
        assert load(url, "hub:our/gated", tmp_path) == (
            "hub:our/gated: is gated: accept its terms on the Hub and set HF_TOKEN"
        )
        assert load(url, "hub:our/other", tmp_path) == (
            "hub:our/other: the Hub has no such data set, or it is private: check the name, set HF_TOKEN"
        )


def test_without_network_it_is_one_sentence(tmp_path: Path) -> None:
    said = load(f"http://127.0.0.1:{free_port()}", "hub:our/prompts", tmp_path)
    assert said == (
        "hub:our/prompts: the Hub can't be reached (no connection): check the network, or give a file instead"
    )


@pytest.mark.parametrize("source", ["hub:../..", "hub:a..b/c", "hub:a--b", "hub:-a/b", "hub:a/b.git"])
def test_a_name_that_no_repository_can_have(tmp_path: Path, source: str) -> None:
    said = load("http://127.0.0.1:9", source, tmp_path)
    assert said.startswith(f"{source!r} names no data set of the Hub: write hub:owner/name or hub:owner/name:split")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "odd://127.0.0.1:9", "http://[::1"])
def test_a_proxy_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    said = load("http://127.0.0.1:9", "hub:our/prompts", tmp_path)
    assert said.startswith("hub:our/prompts: the Hub can't be reached (")
    assert said.endswith("): check the network, or give a file instead")


@pytest.mark.parametrize("source", ["hub:", "hub:a/b/c", "hub:a/b:", "hub:a b"])
def test_a_source_that_is_not_spelled_right(tmp_path: Path, source: str) -> None:
    said = load("http://127.0.0.1:9", source, tmp_path)
    assert said.startswith(f"{source!r} names no data set of the Hub: write hub:owner/name or hub:owner/name:split")


@pytest.mark.parametrize(
    ("files", "split", "chosen"),
    [
        (["README.md", "train.jsonl"], "", ["train.jsonl"]),
        (["prompts.csv"], "", ["prompts.csv"]),
        (
            ["data/train-1.parquet", "data/train-0.parquet", "train.csv"],
            "",
            ["data/train-0.parquet", "data/train-1.parquet"],
        ),
        (["train.jsonl", "test.v2.jsonl"], "test", ["test.v2.jsonl"]),
        (["train/a.parquet", "train_prefs/b.parquet"], "train_prefs", ["train_prefs/b.parquet"]),
        (["a/train_sft-0.parquet", "a/train_prefs-0.parquet", "a/train-0.parquet"], "train", ["a/train-0.parquet"]),
        (["constraints.csv", "prompts.csv"], "", ["constraints.csv", "prompts.csv"]),
        (["raw/question.jsonl", "README.md"], "", ["raw/question.jsonl"]),
        (["prompts.jsonl", "dataset_infos.json", "config.json"], "", ["prompts.jsonl"]),
        (["data.csv", "dataset_infos.json"], "", ["data.csv"]),
        (["my_set_train.jsonl", "my_set_test.jsonl"], "test", ["my_set_test.jsonl"]),
        (["my-set-train.jsonl", "my-set-test.jsonl"], "", ["my-set-train.jsonl"]),
        (["data/val.jsonl", "data/train.jsonl"], "validation", ["data/val.jsonl"]),
        (["train.jsonl.gz", "test.jsonl.gz"], "test", ["test.jsonl.gz"]),
        (["main/test-0.parquet", "socratic/test-0.parquet"], "main/test", ["main/test-0.parquet"]),
        (
            ["data/main/test-0.parquet", "data/socratic/test-0.parquet"],
            "socratic/test",
            ["data/socratic/test-0.parquet"],
        ),
    ],
)
def test_files_of_a_split(files: list[str], split: str, chosen: list[str]) -> None:
    assert choose(files, split, "hub:a/b") == chosen


@pytest.mark.parametrize(
    ("files", "split", "said"),
    [
        (
            ["main/train-0.parquet", "main/test-0.parquet", "socratic/test-0.parquet"],
            "test",
            r"several configurations \(main/test, socratic/test\): choose one, as in hub:a/b:main/test",
        ),
        (["de/test.jsonl", "en/test.jsonl"], "test", r"several configurations \(de/test, en/test\)"),
        (
            ["base/train.jsonl.gz", "base/test.jsonl.gz", "more/train.jsonl.gz"],
            "",
            r"configurations \(base/train",
        ),
        (
            ["data/train_prefs-0.parquet", "data/test_prefs-0.parquet", "data/train_sft-0.parquet"],
            "",
            r"several splits \(test_prefs, train_prefs, train_sft\): choose one, as in hub:a/b:test_prefs",
        ),
        (["prompts.csv", "test.csv"], "", r"several splits \(\(none\), test\)"),
    ],
)
def test_where_several_could_be_meant_they_are_listed(files: list[str], split: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        choose(files, split, f"hub:a/b:{split}" if split else "hub:a/b")


def test_a_repository_without_data_files() -> None:
    with pytest.raises(InputError, match="no data file of split 'train'; its data files are: none"):
        choose(["README.md", "loader.py"], "", "hub:a/b")
