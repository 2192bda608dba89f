"""Tabs of a browser that remember nothing, though the scripts of the pages need not be compiled anew for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypedDict, Unpack
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

LOCALE = "en-GB"


class Look(TypedDict, total=False):
    """How a page is looked at; `still`: by somebody who asks for no motion."""

    width: int
    height: int
    scheme: Literal["light", "dark"]
    touch: bool
    locale: str
    still: bool


@contextmanager
def fresh(browser: Browser, url: str, **look: Unpack[Look]) -> Iterator[Page]:
    """An empty tab that has no cookie and nothing stored for `url`.

    It is one of the browser's own profile where that has none open: a page costs half of the processor's time there
    of what it costs in a new context.
    """
    own = browser.contexts[0]
    if look.get("touch") or "locale" in look or len(own.pages) > 1:
        with _context(browser, look) as context:
            yield context.new_page()
        return
    with own.new_page() as page:
        page.set_viewport_size({"width": look.get("width", 1280), "height": look.get("height", 800)})
        motion: Literal["reduce", "no-preference"] = "reduce" if look.get("still") else "no-preference"
        page.emulate_media(color_scheme=look.get("scheme", "light"), reduced_motion=motion)
        own.clear_cookies()
        address = urlsplit(url)
        forgotten = {"origin": f"{address.scheme}://{address.netloc}", "storageTypes": "local_storage"}
        own.new_cdp_session(page).send("Storage.clearDataForOrigin", forgotten)
        yield page


def _context(browser: Browser, look: Look) -> BrowserContext:
    return browser.new_context(
        viewport={"width": look.get("width", 1280), "height": look.get("height", 800)},
        color_scheme=look.get("scheme", "light"),
        has_touch=look.get("touch", False),
        is_mobile=look.get("touch", False),
        locale=look.get("locale", LOCALE),
        reduced_motion="reduce" if look.get("still") else "no-preference",
    )
