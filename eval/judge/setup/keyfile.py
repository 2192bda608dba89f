"""`.blinding.key`: 32 random bytes per run, made when judging begins, read by the judging server alone.

Who has them can compute which answer is on the left, so the file never leaves the run's folder: a release, a copy on
the Hub and a report are all made without it.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
import stat
from pathlib import Path

from eval.errors import InputError
from eval.journal import sync_folder

KEY_FILE = ".blinding.key"
#: In hexadecimal, and a line end.
_FORM = re.compile(rb"[0-9a-f]{64}\n?")
_REMEDY = "restore it, or remove it to continue with a new key (verdicts keep their sides)"

_log = logging.getLogger(__name__)


def read_key(path: Path) -> bytes | None:
    """The key in a file, or None where there is no file. A file that others may read is closed to them, and reported.

    Raises InputError for what is not a key, and for a link: a key that lies elsewhere is outside our rules for it.
    """
    try:
        # A pipe must not make us wait, and a link is not followed.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        raise InputError(f"cannot be read as the run's key ({reason}): {_REMEDY}", path=path) from None
    try:
        return _checked(path, fd)
    finally:
        os.close(fd)


def make_key(path: Path) -> bytes:
    """A new key on disk, whole or not at all, for its owner only. Raises OSError.

    For one process at a time, and only where there is no key: what stands in for it here replaces what is there.
    """
    key = secrets.token_bytes(32)
    part = path.with_name(path.name + ".part")
    # One that a killed process left behind has decided nothing.
    part.unlink(missing_ok=True)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(key.hex().encode() + b"\n")
        file.flush()
        os.fsync(fd)
    part.rename(path)
    sync_folder(path.parent)
    return key


def _checked(path: Path, fd: int) -> bytes:
    mode = os.fstat(fd).st_mode
    data = os.read(fd, 100) if stat.S_ISREG(mode) else b""
    if not _FORM.fullmatch(data):
        raise InputError(f"is not a key (64 hexadecimal digits): {_REMEDY}", path=path)
    if mode & 0o077:
        _close(path, fd)
    return bytes.fromhex(data.decode())


def _close(path: Path, fd: int) -> None:
    try:
        os.fchmod(fd, 0o600)
    except OSError as error:
        problem = f"may be read by others, and that cannot be changed ({error.strerror}): run chmod 600 on it"
        raise InputError(problem, path=path) from None
    _log.warning(
        "%s could be read by others; its permissions are fixed now, but anybody who read it can compute sides", path
    )
