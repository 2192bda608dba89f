"""Downloads a data set of the Hub, pinned to a commit: which of its files hold a split."""

from __future__ import annotations

import re
from pathlib import Path

from blindside.hub.names import read_source
from blindside.tables.reader import SUFFIXES, kind_of
from eval.errors import InputError

_DATA = tuple(suffix for suffix in SUFFIXES if suffix != ".txt")
#: Files that describe a repository and are not data.
_NO_DATA = frozenset({"dataset_infos.json", "dataset_info.json", "package.json", "config.json", "state.json"})
_SPLIT = re.compile(r"(?:^|[_\-.])((?:train|test|validation|valid|val|dev)(?:_[A-Za-z0-9]+)*)(?![A-Za-z0-9])")
_OTHER_NAMES = {"validation": ("validation", "valid", "val", "dev")}


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

    from blindside.hub.http_library import http

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


def choose(files: list[str], split: str | None, source: str) -> list[str]:
    """Those of a repository's `files` that hold `split`: its name stands in the file's or a folder's name.

    `split` may have its configuration before it, as in main/test. One format is taken where there are several: the
    first of Parquet, JSONL, JSON, CSV, TSV. Raises InputError where nothing is found, and where several splits or
    configurations could be meant.
    """
    config, _, name = (split or "").rpartition("/")
    data = [file for file in files if _is_data(file) and config in ("", *Path(file).parts[:-1])]
    found = [file for file in data if _holds(file, name or "train")]
    chosen = found if found or name else data
    if not chosen:
        names = ", ".join(data[:8]) or "none"
        raise InputError(f"{source}: no data file of split {split or 'train'!r}; its data files are: {names}")
    _ask_where_several("splits", [] if found else [_split_of(file) for file in chosen], source)
    best = min(SUFFIXES.index(kind_of(file)[0]) for file in chosen)
    same = sorted(file for file in chosen if SUFFIXES.index(kind_of(file)[0]) == best)
    if not config:
        ending = _split_of(same[0])
        _ask_where_several("configurations", [f"{_config_of(file)}/{ending}".rstrip("/") for file in same], source)
    return same


def _is_data(file: str) -> bool:
    path = Path(file)
    return kind_of(file)[0] in _DATA and path.name not in _NO_DATA and not path.name.startswith(".")


def _holds(file: str, split: str) -> bool:
    """Whether a folder or the file is named for the split: train/…, my_train.jsonl, train-00000-of-00001.parquet."""
    *folders, name = Path(file).parts
    names = _OTHER_NAMES.get(split, (split,))
    pattern = rf"(?:^|[_\-.])(?:{'|'.join(map(re.escape, names))})(?![A-Za-z0-9_])"
    return any(one in folders for one in names) or re.search(pattern, name) is not None


def _split_of(file: str) -> str:
    """The split that a file is named for, as its name has it, or nothing."""
    for part in reversed(Path(file).parts):
        found = re.search(
            r"(?:^|[_\-.])((?:train|test|validation|valid|val|dev)(?:_[A-Za-z0-9]+)*)(?![A-Za-z0-9])", part
        )
        if found:
            return found[1]
    return ""


def _config_of(file: str) -> str:
    """The folder that is neither the split's nor one that all have."""
    folders = [one for one in Path(file).parts[:-1] if one != "data" and not _split_of(one)]
    return "/".join(folders)


def _ask_where_several(what: str, names: list[str], source: str) -> None:
    several = sorted(set(names))
    if len(several) > 1:
        listed = ", ".join(name or "(none)" for name in several[:8]) + (", …" if len(several) > 8 else "")
        base = ":".join(source.split(":")[:2])
        example = next(name for name in several if name)
        raise InputError(f"{source}: has several {what} ({listed}): choose one, as in {base}:{example}")


def _reason(error: Exception) -> str:
    """Why the Hub did not answer, short enough for a sentence; --debug shows the whole."""
    from blindside.hub.http_library import http

    if isinstance(error, http.TimeoutException):
        return "it took too long"
    if isinstance(error, http.NetworkError):
        return "no connection"
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
