"""nginx and Caddy with the very examples of docs/proxies.md, on other ports and with a certificate of our own."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support import ROOT, free_port, require

DOC = (ROOT / "docs" / "proxies.md").read_text("utf-8")
_COMMAND = re.search(r"--allow-host (\S+) --root-path (\S+)\n", DOC)
assert _COMMAND is not None
#: As the document starts the page.
NAME, PATH = _COMMAND.groups()
PROXIES = ("nginx", "nginx, stripping", "caddy", "caddy, stripping")

_NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{example}
}}
"""
CADDY = "{{\nadmin off\nauto_https off\n}}\n{example}"


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOC, re.DOTALL)
    assert found is not None
    return found[1]


@contextmanager
def proxy(kind: str, page: str, folder: Path) -> Iterator[str]:
    """The address at which a proxy serves `page`, an address on loopback."""
    program = kind.split(",")[0]
    require(shutil.which("openssl") is not None, "no openssl: apt-get install openssl")
    port = free_port()
    with serving(program, _configured(program, folder, port, page, strips="stripping" in kind), folder, port):
        yield f"https://{NAME}:{port}{PATH}"


@contextmanager
def serving(program: str, text: str, folder: Path, port: int) -> Iterator[None]:
    """nginx or Caddy with `text` as its configuration, until `port` answers and while the block runs."""
    require(shutil.which(program) is not None, f"no {program}: apt-get install nginx-light caddy")
    (folder / "conf").write_text(text)
    arguments = {
        "nginx": ["-p", str(folder), "-c", str(folder / "conf")],
        "caddy": ["run", "--adapter", "caddyfile", "--config", str(folder / "conf")],
    }
    environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/bin"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, *arguments[program]], env=environment, stdout=log, stderr=log)
        try:
            _until_it_listens(process, port, folder / "log")
            yield
        finally:
            process.terminate()
            process.wait(30)


def _configured(program: str, folder: Path, port: int, page: str, *, strips: bool) -> str:
    certificate, key = make_certificate(folder)
    text = example(program).replace("127.0.0.1:7860", page.removeprefix("http://"))
    if program == "nginx":
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
        # The browser asks for the icon of the whole name, which is not ours under a path.
        text = text.replace("    location", "    location = /favicon.ico { return 204; }\n    location", 1)
        text = re.sub(r"(ssl_certificate) .*;", rf"\1 {certificate};", text)
        text = re.sub(r"(ssl_certificate_key) .*;", rf"\1 {key};", text)
        text = re.sub(r"(proxy_pass .*);", r"\1/;", text) if strips else text
        return _NGINX.format(folder=folder, example=text)
    text = text.replace(f"{NAME} {{", f"https://{NAME}:{port} {{\ntls {certificate} {key}")
    return CADDY.format(example=text.replace("handle ", "handle_path ") if strips else text)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}"]
    names = ["-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *new, *names], check=True, capture_output=True)
    return certificate, key


def _until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    while process.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"the proxy ended: {log.read_text()}")
