"""Proxies and certificate authorities from the environment; none for this machine itself."""

from __future__ import annotations

import ipaddress
import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from blindside.addresses import without_secrets
from eval.errors import EngineUnreachable, InputError

#: Where companies' tools are given their own authority, beside OpenSSL's SSL_CERT_FILE, which Python reads itself.
_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for `url` (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), or None.

    Raises EngineUnreachable for a proxy that is not an HTTP proxy.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_this_machine(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy is None:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(proxy).scheme not in ("http", "https"):
        raise EngineUnreachable(
            f"the environment names the proxy {without_secrets(proxy)} for {url}, which is not an HTTP proxy: "
            f"set {parts.scheme.upper()}_PROXY to one that is, or put {host} into NO_PROXY"
        )
    return proxy


def is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tls_context() -> ssl.SSLContext:
    """The system's authorities, and those of a file that the environment names. Raises InputError."""
    context = ssl.create_default_context()
    for name in _AUTHORITIES:
        bundle = os.environ.get(name)
        if not bundle:
            continue
        try:
            place = Path(bundle)
            context.load_verify_locations(**{"capath" if place.is_dir() else "cafile": bundle})
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or "no certificates"
            raise InputError(
                f"{name} names {bundle}, which cannot be read ({reason}): correct it or unset it"
            ) from None
    return context
