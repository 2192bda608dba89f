"""What a Hub stores, and what a test lets go wrong with it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

WRITER, READER = "hf_writerWRITERwriterWRITERwriter1234", "hf_readerREADERreaderREADERreader1234"


def git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass
class Blob:
    """A file of a revision: its bytes, or the hash by which storage has them."""

    data: bytes = b""
    lfs: str = ""


@dataclass
class Repo:
    private: bool
    #: Revisions by name: main, refs/pr/1, and every commit.
    revisions: dict[str, dict[str, Blob]] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, Blob]) -> str:
        seed = f"{branch}{len(self.revisions)}{sorted(files)}".encode()
        oid = hashlib.sha1(seed, usedforsecurity=False).hexdigest()
        self.revisions[oid] = self.revisions[branch] = files
        self.heads[branch] = oid
        return oid


class Hub:
    """What is stored, what was asked, and what goes wrong."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        #: What a Space has beside its repository: secrets, volumes, stage.
        self.spaces: dict[str, dict[str, Any]] = {}
        #: Who logs in by OAuth, as OpenID's userinfo says it.
        self.person: dict[str, Any] = {"sub": "1", "preferred_username": "Ann"}
        self.storage: dict[str, bytes] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        #: (method, path) of every request, in order.
        self.asked: list[tuple[str, str]] = []
        #: The body of every request.
        self.bodies: list[bytes] = []
        #: Every header that came with a token to where none belongs.
        self.leaked: list[str] = []
        #: Larger files go up in parts of this many bytes.
        self.part_size: int | None = None
        #: Connections are cut once so many files of Git LFS are stored.
        self.lost_after: int | None = None
        #: A PUT of a file of Git LFS waits for this.
        self.gate = threading.Event()
        self.gate.set()
        #: What others do, one by one, just before requests are answered whose path ends so.
        self.meanwhile: dict[str, list[Callable[[], object]]] = {}
        #: Paths whose bytes change when a commit stores them.
        self.corrupted: set[str] = set()
        #: Paths that the repository's .gitignore would leave out.
        self.ignored: set[str] = set()
        #: Paths of requests (a part of them) that are answered with this status and these words.
        self.refused: dict[str, tuple[int, str]] = {}
        self.url = ""

    @property
    def storage_url(self) -> str:
        """Storage is another host, as it is for the real Hub: a token that follows a redirect would leak."""
        return self.url.replace("127.0.0.1", "localhost")

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        """The bytes of a revision's files."""
        there = self.repos[repo].revisions[revision]
        return {path: self.storage[blob.lfs] if blob.lfs else blob.data for path, blob in there.items()}

    def put(self, repo: str, path: str, data: bytes) -> None:
        """Somebody commits a file to main, in a private repository that is made where it is missing."""
        there = self.repos.setdefault(repo, Repo(private=True))
        there.commit("main", {**there.revisions.get("main", {}), path: Blob(data)})

    def puts(self) -> list[str]:
        return [path for method, path in self.asked if method == "PUT"]
