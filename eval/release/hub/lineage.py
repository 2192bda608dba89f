"""The lineage of a tuned model: its base on the Hub, the data sets, and the licence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, try_to_load_from_cache

from blindside.hub.http_library import http
from blindside.yaml_files import LARGEST, BadYaml, parse_yaml
from eval.run import Run
from train.artifact import NAME, Artifact, read_artifact
from train.errors import ArtifactError

LICENCE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "NOTICE", "NOTICE.txt")
#: The Hub's names for licences, of which a card must use one; `other` wants a name of its own beside it.
_IDENTIFIERS = """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
    afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
    cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
    cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl
    lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib
    pddl lgpl-lr deepfloyd-if-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma"""
IDENTIFIERS = frozenset(_IDENTIFIERS.split())
#: What a card says for programs, between its first lines of dashes.
_FRONT_MATTER = re.compile(rb"\s*---[\r\n]+(.*?)[\r\n]+---(?:[\r\n]|$)", re.DOTALL)
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
#: What a licence's text begins with, in lower case and with single blanks.
_TEXTS = (
    ("apache license version 2.0", "apache-2.0"),
    ("mit license", "mit"),
    ("permission is hereby granted, free of charge", "mit"),
    ("gnu affero general public license version 3", "agpl-3.0"),
    ("gnu lesser general public license version 3", "lgpl-3.0"),
    ("gnu general public license version 3", "gpl-3.0"),
    ("gnu general public license version 2", "gpl-2.0"),
    ("mozilla public license version 2.0", "mpl-2.0"),
    ("bsd 3-clause license", "bsd-3-clause"),
    ("bsd 2-clause license", "bsd-2-clause"),
)
NOT_STATED = "not-stated"
TIMEOUT = 10.0


@dataclass(frozen=True)
class Licence:
    """What the card says. `files` are the base's own licence texts, which go along. `source` says who said it."""

    identifier: str
    source: str
    name: str = ""
    link: str = ""
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Origin:
    """The base that the weights descend from: a Hub model, or None where the line ends in a folder of this machine."""

    hub: str | None
    revision: str | None
    #: The last folder on the way, where there is one on this disk.
    folder: Path | None
    datasets: tuple[str, ...]


def tuned_artifact(folder: Path) -> Artifact | None:
    """What blindside.json says of a model folder; None where it has none. Raises ArtifactError for a broken one."""
    return read_artifact(folder) if (folder / NAME).exists() else None


def origin(run: Run, artifact: Artifact | None) -> Origin:
    """Follow the bases back as far as their records go. Data sets are those of every step."""
    if artifact is None:
        judged = run.info.models["base"]
        hub = judged.source if judged.revision and is_hub_id(judged.source) else None
        return Origin(hub, judged.revision, None if hub else _folder(judged.source), ())
    datasets: list[str] = []
    folder: Path | None = None
    for _ in range(16):
        datasets += [path for path, value in artifact.data_sha256.items() if value.startswith("hub:")]
        base = artifact.base
        if base.revision:
            return Origin(base.source, base.revision, None, _once(datasets))
        folder = _folder(base.source)
        try:
            before = tuned_artifact(folder) if folder else None
        except ArtifactError:
            before = None
        if before is None:
            break
        artifact = before
    return Origin(None, None, folder, _once(datasets))


def is_hub_id(text: str) -> bool:
    """Whether `text` is spelled owner/name."""
    return _HUB_ID.fullmatch(text) is not None


def _folder(source: str) -> Path | None:
    return Path(source) if Path(source).is_dir() else None


def _once(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if is_hub_id(name)))


def find_licence(origin: Origin) -> Licence:
    """The base's licence: by its card, then by its licence file, then by asking the Hub; `other` where none tells."""
    if origin.hub is None:
        return _of_folder(origin.folder) if origin.folder else _unknown("the base has no record here")
    cached = [_cached(origin, name) for name in ("README.md", *LICENCE_FILES)]
    files = tuple(path for path in cached[1:] if path)
    licence = _by_card(cached[0], f"https://huggingface.co/{origin.hub}") if cached[0] else None
    licence = licence or _by_text(files) or _asked(origin)
    if licence is None:
        licence = _unknown(f"neither the files of {origin.hub} on this machine nor the Hub gives")
    return Licence(licence.identifier, licence.source, licence.name, licence.link, files)


def _of_folder(folder: Path) -> Licence:
    files = tuple(folder / name for name in LICENCE_FILES if (folder / name).is_file())
    card = folder / "README.md"
    licence = (_by_card(card) if card.is_file() else None) or _by_text(files)
    licence = licence or _unknown("the base's folder has no licence file, and no card that names one")
    return Licence(licence.identifier, licence.source, licence.name, licence.link, files)


def _cached(origin: Origin, name: str) -> Path | None:
    path = try_to_load_from_cache(str(origin.hub), name, revision=origin.revision)
    return Path(path) if isinstance(path, str) else None


def _by_card(path: Path, url: str = "") -> Licence | None:
    try:
        with path.open("rb") as file:
            matter = _FRONT_MATTER.match(file.read(LARGEST))
        data = parse_yaml(matter[1]) if matter else None
    except (OSError, BadYaml):
        return None
    return _by_metadata(data, url) if isinstance(data, dict) else None


def _by_metadata(data: dict[str, Any], url: str) -> Licence | None:
    licence = str(data.get("license") or "").lower()
    if licence in IDENTIFIERS:
        return Licence(licence, "the base's card")
    if licence != "other":
        return None
    link = str(data.get("license_link") or "")
    if link and "://" not in link and url:
        link = f"{url}/blob/main/{link}"
    name = re.sub(r"[^\w.+-]+", "-", str(data.get("license_name") or "")).strip("-")
    return Licence("other", "the base's card", name or NOT_STATED, link)


def _by_text(files: tuple[Path, ...]) -> Licence | None:
    for path in files:
        start = " ".join(path.read_text(encoding="utf-8", errors="replace")[:2000].lower().replace(",", "").split())
        for text, identifier in _TEXTS:
            if text.replace(",", "") in start:
                return Licence(identifier, f"the base's {path.name}")
    if files and not files[0].name.startswith("NOTICE"):
        return Licence("other", f"the base's {files[0].name}", "see-license-file", files[0].name)
    return None


def _asked(origin: Origin) -> Licence | None:
    """What the Hub says of the base; None where it is not to be reached."""
    try:
        info = HfApi().model_info(str(origin.hub), revision=origin.revision, timeout=TIMEOUT)
    except (http.HTTPError, http.InvalidURL, OSError, ValueError, ImportError):
        return None
    data = vars(info.card_data) if info.card_data else {}
    return _by_metadata(data, f"https://huggingface.co/{origin.hub}")


def _unknown(why: str) -> Licence:
    return Licence("other", why, NOT_STATED)
