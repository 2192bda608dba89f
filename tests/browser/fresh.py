"""Tabs of a browser that remember nothing, though the scripts of the pages need not be compiled anew for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypedDict, Unpack
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, expect

LOCALE = "en-GB"
#: Milliseconds before a wait is given up; Playwright's own 30 seconds fail a good page on a busy machine.
PATIENCE = 180_000


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
    if look.get("touch") or "locale" in look or len(browser.contexts[0].pages) > 1:
        with profile(browser, **_options(look)) as context:
            yield context.new_page()
        return
    with emptied(browser, url) as own, own.new_page() as page:
        page.set_viewport_size({"width": look.get("width", 1280), "height": look.get("height", 800)})
        motion: Literal["reduce", "no-preference"] = "reduce" if look.get("still") else "no-preference"
        page.emulate_media(color_scheme=look.get("scheme", "light"), reduced_motion=motion)
        yield page


@contextmanager
def emptied(browser: Browser, url: str) -> Iterator[BrowserContext]:
    """The browser's own profile without a cookie and with nothing stored for `url`; its new tabs end with it."""
    own = browser.contexts[0]
    before = own.pages
    own.clear_cookies()
    address = urlsplit(url)
    forgotten = {"origin": f"{address.scheme}://{address.netloc}", "storageTypes": "local_storage"}
    session = own.new_cdp_session(before[0])
    session.send("Storage.clearDataForOrigin", forgotten)
    session.detach()
    yield own
    for page in own.pages:
        if page not in before:
            page.close()


@contextmanager
def profile(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A browser of somebody else: it shares nothing with other profiles. `options` are Playwright's of a context."""
    with browser.new_context(**options) as context:
        patient(context)
        yield context


def patient(context: BrowserContext) -> None:
    context.set_default_timeout(PATIENCE)
    context.set_default_navigation_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)


def _options(look: Look) -> dict[str, Any]:
    return {
        "viewport": {"width": look.get("width", 1280), "height": look.get("height", 800)},
        "color_scheme": look.get("scheme", "light"),
        "has_touch": look.get("touch", False),
        "is_mobile": look.get("touch", False),
        "locale": look.get("locale", LOCALE),
        "reduced_motion": "reduce" if look.get("still") else "no-preference",
    }
