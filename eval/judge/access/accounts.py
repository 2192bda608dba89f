"""reviewers.csv: who may log in to judge, with a salted scrypt hash of each password.

The file is readable by its owner only and is replaced as a whole, so a broken write leaves the old one.
"""

from __future__ import annotations

import base64
import csv
import fcntl
import hashlib
import hmac
import logging
import os
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from eval.errors import InputError
from eval.journal import sync_folder
from eval.judge.csv_codec import line
from eval.judge.study.names import LONGEST_NAME, clean_name, name_key
from eval.spreadsheet import restore

_log = logging.getLogger(__name__)

COLUMNS = ("name", "password_hash")
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
# scrypt's cost: 16 MiB and some 50 ms a check.
_N, _R, _P, _SALT, _LENGTH = 2**14, 8, 1, 16, 32


class Accounts:
    """The logins of a file, read again when it changes. Raises InputError where the file cannot be read at first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp = _stamp(path)
        self._hashes = read_accounts(path)
        # Checked for unknown names, so that an answer takes as long whether the name is known or not.
        self._nobody = hash_password(secrets.token_urlsafe())
        if not self._hashes:
            raise InputError("holds no reviewers: add one with `blindside reviewer add NAME`", path=path)

    def check(self, name: str, password: str) -> bool:
        """Whether this is the password of this reviewer. Takes as long for a name that is not known."""
        clean, _ = clean_name(name)
        with self._lock:
            self._read_again()
            known = self._hashes.get(clean)
        return verify(password, known or self._nobody) and known is not None

    def fingerprint(self, name: str) -> str:
        """Of the account: another one after every change of its password, and "" where there is no such account."""
        clean, _ = clean_name(name)
        with self._lock:
            self._read_again()
            known = self._hashes.get(clean, "")
        return hashlib.sha256(known.encode()).hexdigest() if known else ""

    def _read_again(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp  # a file that cannot be read is reported once, not at every request
        try:
            self._hashes = read_accounts(self._path)
        except InputError as error:
            _log.warning("%s; logins continue as they were", error)


def read_accounts(path: Path) -> dict[str, str]:
    """name -> password hash, in the order of the file. Raises InputError with file and line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("is not there: make it with `blindside reviewer add NAME`", path=path) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): fix that", path=path) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8: save the file as UTF-8", path=path) from None
    reader = csv.reader(StringIO(text, newline="\n"), strict=True)
    accounts: dict[str, str] = {}
    try:
        for cells in reader:
            if cells and (accounts or tuple(cells) != COLUMNS):
                name, hashed = _account(path, cells, reader.line_num)
                if name in accounts:
                    raise InputError(f"name: {name!r} occurs twice: remove one row", path=path, line=reader.line_num)
                accounts[name] = hashed
    except csv.Error as error:
        raise InputError(f"{error}: fix or remove the row", path=path, line=reader.line_num) from None
    return accounts


def add_account(path: Path, name: str, password: str) -> str:
    """Add a reviewer, and make the file where there is none; returns the name as it is written down.

    Raises InputError for a name that already exists or cannot be used, or for a password that is too short.
    """
    clean = _checked(name)
    with _changing(path) as accounts:
        if clean in accounts:
            raise InputError(f"{clean!r} already exists: change the password, or choose another name", path=path)
        alike = next((other for other in accounts if name_key(other) == name_key(clean)), None)
        if alike is not None:
            raise InputError(
                f"{clean!r} is too similar to {alike!r}, who already exists: choose another name", path=path
            )
        accounts[clean] = hash_password(password)
    return clean


def change_password(path: Path, name: str, password: str) -> None:
    """Give a reviewer a new password. Raises InputError for one that is not there, or a password that is too short."""
    clean = _checked(name)
    with _changing(path) as accounts:
        _known(path, accounts, clean)
        accounts[clean] = hash_password(password)


def remove_account(path: Path, name: str) -> None:
    """Take a reviewer's login away; their verdicts stay. Raises InputError for one that is not there."""
    clean = _checked(name)
    with _changing(path) as accounts:
        _known(path, accounts, clean)
        del accounts[clean]


def hash_password(password: str) -> str:
    """scrypt$N$r$p$salt$hash, with a new salt. Raises InputError for a password that is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InputError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters: choose another one")
    salt = secrets.token_bytes(_SALT)
    return "$".join(("scrypt", str(_N), str(_R), str(_P), _text(salt), _text(_scrypt(password, salt, _N, _R, _P))))


def verify(password: str, hashed: str) -> bool:
    """Whether a password has this hash. Raises ValueError for what is no hash of ours."""
    n, r, p, salt, key = _parts(hashed)
    return hmac.compare_digest(_scrypt(password[:LONGEST_PASSWORD], salt, n, r, p), key)


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    composed = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(composed, salt=salt, n=n, r=r, p=p, maxmem=2**26, dklen=_LENGTH)


def _parts(hashed: str) -> tuple[int, int, int, bytes, bytes]:
    name, n, r, p, salt, key = hashed.split("$")
    parts = int(n), int(r), int(p), base64.b64decode(salt, validate=True), base64.b64decode(key, validate=True)
    cost = parts[0]
    if (
        name != "scrypt"
        or cost < 2
        or cost & (cost - 1)
        or not 128 * cost * parts[1] <= 2**25
        or not 1 <= parts[2] <= 16
    ):
        raise ValueError("not a hash that blindside wrote")
    return parts


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _account(path: Path, cells: list[str], number: int) -> tuple[str, str]:
    try:
        name, hashed = map(restore, cells)
        _parts(hashed)
    except ValueError:
        remedy = "remove the row and add the reviewer with `blindside reviewer add NAME`"
        raise InputError(f"is not {','.join(COLUMNS)}: {remedy}", path=path, line=number) from None
    return _checked(name), hashed


def _checked(name: str) -> str:
    clean, problem = clean_name(name)
    if problem is not None:
        raise InputError(f"{name!r} cannot name a reviewer: use 1 to {LONGEST_NAME} visible characters")
    return clean


def _known(path: Path, accounts: dict[str, str], name: str) -> None:
    if name not in accounts:
        names = ", ".join(sorted(accounts)[:10]) or "nobody"
        raise InputError(f"{name!r} does not exist: there is {names}", path=path)


@contextmanager
def _changing(path: Path) -> Iterator[dict[str, str]]:
    """The accounts, to be changed in place; they are written when the block ends well. One process at a time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f".{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            accounts = read_accounts(path) if path.exists() else {}
            yield accounts
            _write(path, accounts)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}): fix that", path=path) from None


def _write(path: Path, accounts: dict[str, str]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(line(COLUMNS) + b"".join(line(pair) for pair in accounts.items()))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
