"""A Space as it runs: installed from its requirements, judged in frames of huggingface.co, killed, brought home."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from eval.judge.access.accounts import add_account
from eval.judge.store.verdict_files import read_verdicts
from eval.release.space.layout import Settings
from eval.release.space.repository import gradio_version
from tests.browser.chromium import FLAGS, chromium
from tests.browser.fresh import LOCALE, profile
from tests.browser.space_frame import HUB_PAGE, OTHER_PAGE, Judge, framed, framing, under_tls
from tests.browser.studies import PASSWORD
from tests.cli.command import BLINDSIDE
from tests.judge.runs import make_run
from tests.release.hub_server import listening
from tests.release.hub_state import WRITER, Hub
from tests.release.space_process import SPACE, running, unpacked
from tests.support import free_port, require

pytestmark = pytest.mark.browser
#: What the builder of a Space installs beside requirements.txt (its build log says so).
BESIDE = (f"gradio[oauth,mcp]=={gradio_version()}", "uvicorn>=0.14.0", "websockets>=10.4", "spaces")

#: How a reviewer's browser is opened.
ABROAD = {"ignore_https_errors": True, "locale": LOCALE}


@pytest.fixture
def public(browser: Browser) -> Iterator[Browser]:
    """A browser to which this machine is as public as a Space: it protects no address on loopback from other sites."""
    flags = [*FLAGS, "--disable-features=LocalNetworkAccessChecks"]
    with browser.browser_type.launch(executable_path=chromium(), args=flags) as public:
        yield public


@pytest.fixture
def hub() -> Iterator[Hub]:
    with listening(Hub()) as hub:
        yield hub


def command(hub: Hub, home: Path, *words: str) -> str:
    """`blindside`, logged in as our; what it prints."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": WRITER,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(home),
    }
    done = subprocess.run(
        [BLINDSIDE, *words], cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert WRITER not in done.stdout + done.stderr
    return done.stdout + done.stderr


def installed(folder: Path, requirements: Path) -> str:
    """A clean environment with what the Space's builder installs; its Python."""
    uv = Path(sys.executable).with_name("uv")
    require(uv.exists(), "no uv: run `make env`")
    index = {"UV_FIND_LINKS": "PIP_FIND_LINKS", "UV_DEFAULT_INDEX": "PIP_INDEX_URL", "UV_INDEX": "PIP_EXTRA_INDEX_URL"}
    environment = {**os.environ, **{name: os.environ[pip] for name, pip in index.items() if pip in os.environ}}
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True, env=environment)
    python = folder / "bin" / "python"
    install: list[str | Path] = [uv, "pip", "install", "-q", "--python", python, "-r", requirements, *BESIDE]
    subprocess.run(install, check=True, env=environment, timeout=600)
    return str(python)


def test_a_space_is_judged_in_its_frame_killed_and_brought_home(public: Browser, hub: Hub, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("Ann", "Bo"):
        add_account(home / "reviewers.csv", name, PASSWORD)
    run = make_run(home, n=20)
    (home / "study.yml").write_text("practice: 0\n")
    command(hub, home, "space", "trial", "--repo", SPACE, "--auth", "reviewers.csv", "--study", "study.yml")
    every_second(hub)
    app = unpacked(hub, tmp_path / "app")
    python = installed(tmp_path / "env", app / "requirements.txt")
    port = free_port()
    with under_tls(tmp_path, port) as address:
        host = address.removeprefix("https://")
        with running(hub, app, tmp_path / "disk", python=python, port=port, host=host) as space:
            space.until("bs-login")
            with profile(public, **ABROAD) as one, profile(public, **ABROAD) as other:
                lost = judged_in_frames([one, other], hub, address)
            space.kill()
        hub.refused.clear()
        with running(hub, app, tmp_path / "new-disk", python=python, port=port, host=host) as space:
            space.until("bs-login")
            with profile(public, **ABROAD) as context:
                bo = Judge(framed(framing(context, HUB_PAGE, address)))
                bo.log_in("Bo", PASSWORD)
                bo.judge(1)
            assert space.end() == 0
        assert "4 new verdicts from our/judging-data, 4 in all" in command(hub, home, "pull", "trial")
        assert lost == 2
        assert len(read_verdicts(run.verdicts_path)) == 3 + 2 - lost + 1
        assert "4 " in command(hub, home, "report", "trial")
        hub_accounts(public, hub, address, app, tmp_path, python=python, port=port)
    assert "paused" in command(hub, home, "space", "trial", "--stop")
    assert WRITER not in "".join(path.read_text() for path in tmp_path.glob("*disk/log-*"))


def every_second(hub: Hub, **changes: tuple[str, ...]) -> None:
    settings = Settings(every=1).model_copy(update=changes)
    hub.put(f"{SPACE}-data", "trial/settings.json", settings.model_dump_json().encode())


def judged_in_frames(contexts: list[BrowserContext], hub: Hub, address: str) -> int:
    """Two reviewers in two browsers; how many verdicts their headers call not copied in the end."""
    tabs = [framing(context, HUB_PAGE, address) for context in contexts]
    ann, bo = (Judge(framed(tab)) for tab in tabs)
    ann.log_in("Ann", PASSWORD)
    bo.log_in("Bo", PASSWORD)
    ann.judge(2)
    bo.judge(1)
    assert ann.until_waiting(0).startswith("Copied at ")
    (cookie,) = [one for one in contexts[0].cookies() if one["name"].startswith("blindside-")]
    assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("None", True, True)
    # Another site's page gets no frame, though the reviewer is logged in.
    foreign = framed(framing(contexts[0], OTHER_PAGE, address))
    foreign.page.wait_for_timeout(500)
    assert "bs-" not in (foreign.content() if foreign.url.startswith(address) else "")
    hub.refused["/commit/"] = (503, "down")
    ann.judge(1)
    bo.judge(1)
    assert ann.until_waiting(2).startswith("2 not copied yet, last copy at ")
    text = "".join(frame.content() for tab in tabs for frame in tab.frames)
    assert WRITER not in text
    assert "judging-data" not in text
    return 2


def hub_accounts(
    browser: Browser, hub: Hub, address: str, app: Path, tmp_path: Path, *, python: str, port: int
) -> None:
    """The same Space with accounts of the Hub: the link in the frame opens a tab, where judging goes on."""
    every_second(hub, users=("ann",))
    host = address.removeprefix("https://")
    with running(hub, app, tmp_path / "oauth-disk", python=python, port=port, host=host) as space:
        space.until("bs-hub")
        with profile(browser, **ABROAD) as context, profile(browser, **ABROAD) as other:
            frame = framed(framing(context, HUB_PAGE, address))
            with context.expect_page() as opened:
                frame.click("#bs-hub")
            Judge(opened.value.main_frame).judge(1)
            assert opened.value.url.startswith(address)
            hub.person = {"preferred_username": "Eve"}
            stranger = other.new_page()
            stranger.goto(address)
            stranger.click("#bs-hub")
            stranger.wait_for_url("**/login/callback**")
            assert "not on this study's list" in stranger.content()
        space.end()
    assert hub.files(f"{SPACE}-data")["trial/verdicts.csv"].count(b",Ann,") == 2 + 1
