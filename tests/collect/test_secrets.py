"""Users, passwords and keys of an address reach the server and nothing else: no file, no sentence, no output."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from blindside.addresses import without_secrets
from eval.collect.engines.addresses import read_address
from eval.collect.engines.connect import connect
from eval.collect.model_tasks.held_out import HeldOut, score_preferences
from eval.collect.parity.parity import check_parity
from eval.errors import BlindsideError, EngineError, InputError
from eval.records import Message, Side
from tests.cli.command import blindside
from tests.collect import servers
from tests.collect.asks import ask
from tests.collect.runs import gather, new_run, prompt_file, urls_of
from tests.collect.servers import Tgi, tgi
from tests.support import free_port
from train.resources.hub import check_hub, reach

USER, PASSWORD, KEY = "ann", "s3same/op#n", "k-7f3e9"
WRITTEN = "s3same%2Fop%23n"
SECRETS = (PASSWORD, WRITTEN, KEY, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())


def secret(url: str) -> str:
    return url.replace("://", f"://{USER}:{WRITTEN}@") + f"/?api-key={KEY}"


class Guarded(Tgi):
    """A TGI that notes what it is reported, and repeats it in its errors."""

    def app(self) -> web.Application:
        app = super().app()
        self.told: list[tuple[str, str]] = []

        @web.middleware
        async def note(request: web.Request, handler: Any) -> web.StreamResponse:
            self.told.append((request.headers.get("Authorization", ""), request.query_string))
            return await handler(request)  # type: ignore[no-any-return]

        app.middlewares.append(note)
        return app


def gossip(status: int) -> servers.Trouble:
    async def trouble(request: web.Request, text: str, nth: int) -> web.StreamResponse:
        return web.Response(status=status, text=f"you said {request.headers['Authorization']} and {request.path_qs}")

    return trouble


def clean(text: str) -> bool:
    return not any(one in text for one in SECRETS)


def clean_folder(folder: Path) -> bool:
    return all(clean(path.read_text("utf-8", "replace")) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("key", ["", "sesame"])
async def test_user_and_password_are_sent_and_go_before_the_key(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLINDSIDE_API_KEY", key)
    with tgi(Guarded()) as server:
        await ask(secret(server.url))
        assert isinstance(server, Guarded)
        assert set(server.told) == {("Basic " + SECRETS[-1], f"api-key={KEY}")}


def test_a_run_and_all_that_is_said_hold_no_secret(tmp_path: Path) -> None:
    with tgi(Guarded()) as base, tgi(Guarded(name="tuned", trouble=gossip(422))) as tuned:
        urls: dict[Side, list[str]] = {
            "base": [secret(base.url), secret(base.url) + "&b=2"],
            "tuned": [secret(tuned.url)],
        }
        run = new_run(tmp_path, urls)
        _, said = gather(run, urls)
    assert run.info.models["tuned"].url == tuned.url
    assert "(422)" in run.responses_path.read_text()
    assert clean("\n".join(said))
    assert clean_folder(tmp_path)


@pytest.mark.parametrize("status", [400, 404, 424, 429, 500])
async def test_what_a_server_repeats_is_not_repeated(status: int) -> None:
    with tgi(Tgi(trouble=gossip(status))) as server, pytest.raises(EngineError) as caught:
        await ask(secret(server.url))
    assert clean(str(caught.value))
    assert server.url in str(caught.value)


async def _fails(address: str) -> str:
    with pytest.raises(BlindsideError) as caught:
        await ask(address, seconds=0.3)
    return str(caught.value)


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0\r\n", b"", b"HTTP/1.1 302 F\r\nLocation: ftp://ann:s3same%2Fop%23n@h/?k=k-7f3e9\r\n\r\n"]
)
async def test_no_error_of_a_connection_holds_one(answer: bytes) -> None:
    with servers.raw(answer) as url:
        assert clean(await _fails(secret(url)))
    assert clean(await _fails(secret(f"http://127.0.0.1:{free_port()}")))
    assert clean(await _fails(secret("https://no-such-host.invalid")))


async def test_no_error_of_replicas_holds_one() -> None:
    with tgi(Tgi()) as one, tgi(Tgi(name="other")) as two:
        for addresses in ([secret(one.url)] * 2, [secret(one.url), secret(two.url)]):
            with pytest.raises(InputError) as caught:
                async with connect(addresses):
                    pass
            assert clean(str(caught.value))
            assert one.url in str(caught.value)


#: Addresses that are none, and what is shown of them: never what a password may be.
BROKEN = {
    "http://ann:s3same/op#n@127.0.0.1:8080": "http://…",
    "http://ann:s3same/op#n": "http://…",
    "http://ann:12/s3same/op#n@host": "http://…",
    "http://ann:s3same/op#n@": "http://…",
    "ftp://ann:s3same/op#n@host": "ftp://…",
    "ann:s3same/op#n@host:8080": "…",
    "http://ho st?api-key=k-7f3e9": "http://…",
    "host:8080/?api-key=k-7f3e9": "…",
    "http://host:99999/?api-key=k-7f3e9": "http://…",
    "http://ho\nst": "http://…",
    "127.0.0.1:8080": "127.0.0.1:8080",
}


@pytest.mark.parametrize(("address", "told"), BROKEN.items())
def test_a_broken_address_is_told_without_its_secret(address: str, told: str) -> None:
    with pytest.raises(InputError, match=r"is not a server's address: give one like") as caught:
        read_address(address)
    assert str(caught.value).startswith(repr(told))
    assert clean(str(caught.value))


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://ann:pw@a:1/v1?api-key=x#org/m", "http://a:1"),
        ("https://:pw@a/path/v1/", "https://a/path"),
        ("http://ann@[::1]:8080", "http://[::1]:8080"),
        ("http://a:1?x=1", "http://a:1"),
    ],
)
def test_what_is_shown_of_an_address(address: str, url: str) -> None:
    assert read_address(address).url == url
    assert not any(part in without_secrets(address) for part in ("ann", "pw", "x=1", "api-key"))


@pytest.mark.parametrize("key", ["se\nsame", "sesame\n", "se\rsame", "sésame", "se same", "\x1b[31m", "鍵", "se\x7f"])
def test_a_key_that_no_header_carries_is_one_sentence(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every command that asks a server."""
    with tgi(Tgi()) as server:
        urls = urls_of(server, server)
        run = new_run(tmp_path, urls)
        gather(run, {"base": server.url})
        gather(run, {"tuned": server.url})
        monkeypatch.setenv("BLINDSIDE_API_KEY", key)
        pair = HeldOut(messages=(Message(role="user", content="a"),), chosen="b", rejected="c")
        calls: list[Callable[[], object]] = [
            lambda: new_run(tmp_path, urls),
            lambda: score_preferences(run, [pair], urls),
            lambda: check_parity(urls, run.info.models, run.prompts(), python=tmp_path),
        ]
        for call in calls:
            with pytest.raises(
                InputError, match=r"^BLINDSIDE_API_KEY holds a line break, a space or another"
            ) as caught:
                call()
            assert key not in str(caught.value)


def test_the_command_shows_neither_a_traceback_nor_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLINDSIDE_API_KEY", "k-7f3e9\n")
    prompts = prompt_file(tmp_path, 1)
    url = secret(f"http://127.0.0.1:{free_port()}")
    args = ("collect", "--base-url", url, "--tuned-url", url, "--prompts", prompts.name, "--run", "r")
    refused = blindside(*args, cwd=tmp_path)
    monkeypatch.setenv("BLINDSIDE_API_KEY", "k-7f3e9")
    unreachable = blindside(*args, cwd=tmp_path)
    for done, said in ((refused, "BLINDSIDE_API_KEY holds"), (unreachable, "cannot connect to http://127.0.0.1")):
        assert done.returncode == 1
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert clean(done.stdout + done.stderr)
    assert clean_folder(tmp_path)


def test_the_doctor_shows_no_secret_of_a_mirror() -> None:
    with tgi(Tgi()) as server:
        answers = {"HF_ENDPOINT": secret(server.url).partition("/?")[0], "HF_HUB_OFFLINE": ""}
        silent = {"HF_ENDPOINT": f"http://{USER}:{WRITTEN}@127.0.0.1:1", "HF_HUB_OFFLINE": ""}
        said = [str(row) for row in check_hub({"a/b": "models", "c/d": "datasets"}, answers, reach(answers))]
    assert clean("\n".join(said) + reach(silent))
    assert server.url in said[0]
    assert reach(silent) == "http://127.0.0.1:1 does not answer"
