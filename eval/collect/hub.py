"""Data sets of the Hub: which files hold a split, brought here and pinned to a commit."""

from __future__ import annotations

import re
from pathlib import Path

from blindside.hub_names import read_source
from blindside.tables.reader import SUFFIXES
from eval.errors import InputError


def download(source: str) -> tuple[str, list[Path]]:
    """The split's files in the local cache of `hub:owner/name[:split]`, and the source with the commit it has now.

    Without a split, train is taken where there are several. Raises InputError where the source is not spelled so,
    the data set or the split is not there, or the Hub cannot be reached.
    """
    try:
        name, split = read_source(source)
    except ValueError as error:
        raise InputError(str(error)) from None
    from huggingface_hub import HfApi, errors, hf_hub_download

    from blindside.hub_http import http

    try:
        info = HfApi().dataset_info(name)
        commit = str(info.sha)
        files = choose([sibling.rfilename for sibling in info.siblings or []], split, source)
        paths = [Path(hf_hub_download(name, file, repo_type="dataset", revision=commit)) for file in files]
    except errors.GatedRepoError:
        raise InputError(f"{source}: is gated: accept its terms on the Hub and set HF_TOKEN") from None
    except errors.RepositoryNotFoundError:
        raise InputError(
            f"{source}: the Hub has no such data set, or it is private: check the name, set HF_TOKEN"
        ) from None
    except (
        http.HTTPError,
        http.InvalidURL,
        errors.OfflineModeIsEnabled,
        errors.LocalEntryNotFoundError,
        OSError,
        # A proxy that the client cannot use: SOCKS takes a package that is not installed.
        ImportError,
        ValueError,
    ) as error:
        raise InputError(
            f"{source}: the Hub can't be reached ({_reason(error)}): check the network, or give a file instead"
        ) from error
    return f"hub:{name}@{commit[:12]}" + (f":{split}" if split else ""), paths


def choose(files: list[str], split: str, source: str) -> list[str]:
    """Those of a repository's `files` that hold `split`: its name stands in the file's or a folder's name.

    One format is taken where there are several: the first of Parquet, JSONL, JSON, CSV, TSV.
    """
    data = [file for file in files if Path(file).suffix.lower() in SUFFIXES and not Path(file).name.startswith(".")]
    found = [file for file in data if _holds(file, split or "train")]
    chosen = found if found or split else data
    if not chosen:
        there = ", ".join(data[:8]) or "none"
        raise InputError(f"{source}: no data file of split {split or 'train'!r}; its data files are: {there}")
    best = min(SUFFIXES.index(Path(file).suffix.lower()) for file in chosen)
    return sorted(file for file in chosen if Path(file).suffix.lower() == SUFFIXES[best])


def _holds(file: str, split: str) -> bool:
    """Whether a folder or the file is named for the split: train/…, train.jsonl, train-00000-of-00001.parquet."""
    *folders, name = Path(file).with_suffix("").parts
    return split in folders or re.match(rf"{re.escape(split)}(?![A-Za-z0-9_])", name) is not None


def _reason(error: Exception) -> str:
    """Why the Hub did not answer, short enough for a sentence; --debug shows the whole."""
    from blindside.hub_http import http

    if isinstance(error, http.TimeoutException):
        return "it took too long"
    if isinstance(error, http.NetworkError):
        return "no connection"
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
