"""Logins: real files, real hashes, several processes."""

from __future__ import annotations

import csv
import logging
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.errors import InputError
from eval.judge.access.accounts import Accounts, add_account, change_password, read_accounts, remove_account, verify
from tests.support import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reviewers.csv"


def test_a_reviewer_logs_in_with_their_password_only(path: Path) -> None:
    assert add_account(path, "  Zoe\u0308 ", "correct horse") == "Zoë"
    add_account(path, "=Bo", "battery staple")
    accounts = Accounts(path)
    assert accounts.check("Zoë", "correct horse")
    assert accounts.check("Zoe\u0308", "correct horse")
    assert accounts.check("=Bo", "battery staple")
    for name, password in [("Zoë", "battery staple"), ("Bo", "battery staple"), ("", ""), ("Zoë", ""), ("Cy", "x" * 9)]:
        assert not accounts.check(name, password)


def test_the_file_holds_no_password_and_is_its_owners(path: Path) -> None:
    add_account(path, "Ana", "correct horse")
    add_account(path, "Bo", "correct horse")
    text = path.read_text("utf-8")
    assert "correct horse" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    header, ana, bo = csv.reader(text.splitlines())
    assert header == ["name", "password_hash"]
    assert ana[1] != bo[1]
    assert verify("correct horse", ana[1])


def test_changes_are_seen_while_serving(path: Path) -> None:
    add_account(path, "Ana", "correct horse")
    add_account(path, "Bo", "correct horse")
    accounts = Accounts(path)
    change_password(path, "Ana", "battery staple")
    assert accounts.check("Ana", "battery staple")
    assert not accounts.check("Ana", "correct horse")
    remove_account(path, "Bo")
    assert not accounts.check("Bo", "correct horse")


def test_a_file_spoilt_while_serving_changes_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    add_account(path, "Ana", "correct horse")
    accounts = Accounts(path)
    path.write_text("name,password_hash\nAna,secret\n")
    with caplog.at_level(logging.WARNING):
        assert accounts.check("Ana", "correct horse")
    assert "reviewers.csv:2: is not name,password_hash" in caplog.text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name,password_hash\nAna,secret\n", ":2: is not name,password_hash"),
        ("name,password_hash\nAna\n", ":2: is not name,password_hash"),
        ("name,password_hash\nAna,scrypt$3$8$1$AAAA$AAAA\n", ":2: is not name"),
        ("name,password_hash\nAna,scrypt$1073741824$8$1$AAAA$AAAA\n", ":2: is not name"),
        ('name,password_hash\n"Ana,\n', "fix or remove the row"),
        ("name,password_hash\n", "holds no reviewers"),
    ],
)
def test_what_is_no_account_is_named(path: Path, text: str, problem: str) -> None:
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        Accounts(path)
    assert problem in str(caught.value)


def test_refusals_are_one_sentence_and_change_nothing(path: Path) -> None:
    with pytest.raises(InputError, match="is not there: make it with"):
        Accounts(path)
    add_account(path, "Ana", "correct horse")
    before = path.read_bytes()
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: add_account(path, "Ana", "correct horse"), "already exists"),
        (lambda: add_account(path, "Bo", "short"), "8 to 1024 characters"),
        (lambda: add_account(path, "\u200b", "correct horse"), "cannot name a reviewer"),
        (lambda: change_password(path, "Bo", "correct horse"), "does not exist: there is Ana"),
        (lambda: remove_account(path, "Bo"), "does not exist: there is Ana"),
    ]
    for change, problem in refused:
        with pytest.raises(InputError, match=problem):
            change()
    assert path.read_bytes() == before


_ADD = """
import sys
from pathlib import Path
from eval.judge.access.accounts import add_account
for i in range(5):
    add_account(Path(sys.argv[1]), f"{sys.argv[2]} {i}", "correct horse")
"""


def test_two_processes_lose_no_account(path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", _ADD, str(path), name], cwd=ROOT) for name in ("Ana", "Bo")]
    assert [process.wait() for process in processes] == [0, 0]
    assert set(read_accounts(path)) == {f"{name} {i}" for name in ("Ana", "Bo") for i in range(5)}
