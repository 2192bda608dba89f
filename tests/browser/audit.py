"""What a state of the page must be: accessible, in one language, and worth looking at."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

#: Names and keys that are the same in every language.
SAME_EVERYWHERE = {"blindside", "English", "Esc"}
#: Where people's and models' own words stand, and commands to type.
OTHERS_WORDS = ".bs-said, .bs-text, .bs-chip, .bs-who, .bs-snippet, code, kbd, bdi, .bs-as, textarea"

_WORDS = """(others) => {
  const words = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const el = node.parentElement;
    if (!el.closest(".bs-top, .bs-stage, .bs-bar, dialog, .bs-lost") || el.closest(others)) continue;
    if (el.checkVisibility() || el.closest(".bs-unseen")) words.push(node.textContent);
  }
  for (const el of document.querySelectorAll("[title], [aria-label], [placeholder]"))
    if (el.closest(".bs-top, .bs-stage, .bs-bar") && !el.closest(".bs-text"))
      words.push(el.title, el.ariaLabel, el.placeholder);
  return words.filter(Boolean);
}"""
_RUN = """async (rules) => {
  // Where each element that obeys a rule stands would cost as much again, and nobody reads it.
  const found = await axe.run(document, { resultTypes: ["violations"], ...(rules.length ? { runOnly: rules } : {}) });
  return found.violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => n.target)}`);
}"""
_OTHER_SCHEME = """() => new Promise((done) => {
  document.body.classList.toggle("dark");
  requestAnimationFrame(() => requestAnimationFrame(done));
})"""
#: What another width and other colours can break.
LOOK = ["color-contrast", "target-size", "scrollable-region-focusable", "meta-viewport"]


def violations(page: Page, *, everything: bool = True) -> list[str]:
    """Every rule of axe-core that the page breaks, or those of LOOK; and of contrast, in the other colours too.

    The page must be opened with still=True: colours that fade are no colours to measure.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found: list[str] = page.evaluate(_RUN, [] if everything else LOOK)
    page.evaluate(_OTHER_SCHEME)
    found += page.evaluate(_RUN, LOOK[:1])
    page.evaluate(_OTHER_SCHEME)
    return found


def foreign_words(page: Page, *, chinese: bool) -> list[str]:
    """What the page says in another language than it should."""
    pattern = r"[A-Za-z]{2,}" if chinese else r"[\u4e00-\u9fff]+"
    allowed = SAME_EVERYWHERE | ({"中文"} if not chinese else set())
    said: Any = page.evaluate(_WORDS, OTHERS_WORDS)
    return [word for text in said for word in re.findall(pattern, text) if word not in allowed]


def picture(page: Page, name: str) -> None:
    """A screenshot, for who asks for them by BLINDSIDE_SHOTS=folder."""
    folder = os.environ.get("BLINDSIDE_SHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")


@lru_cache(maxsize=1)
def _axe() -> str:
    package = find_spec("axe_playwright_python")
    assert package is not None
    assert package.origin is not None
    return (Path(package.origin).parent / "axe.min.js").read_text("utf-8")
