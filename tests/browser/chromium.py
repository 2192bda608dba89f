"""Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.fresh import LOCALE, patient
from tests.support import require

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Other sites, and names of ours, that no name server knows: all of them are this machine.
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP judge.example.org 127.0.0.1",
]


def chromium() -> str:
    """Chromium without windows where that is installed: it draws the same, for a third less of the processor's time."""
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    require(found is not None, "the browser tests need Debian's Chromium: apt-get install chromium-headless-shell")
    return str(found)


@contextmanager
def launched(profile: Path) -> Iterator[Browser]:
    """Chromium with a profile of its own in this folder, `contexts[0]`, which keeps what it has compiled."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium(), args=FLAGS, locale=LOCALE
        )
        patient(context)
        assert context.browser is not None
        yield context.browser
        context.close()
