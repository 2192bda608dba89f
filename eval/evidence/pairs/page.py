"""`blindside pairs browse FILE`: the page in Gradio, on this machine alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blindside import console
from eval.evidence.pairs.shelf import FILTERS, Shelf, read_shelf
from eval.evidence.pairs.views import SHOW, head_html, lengths_html, pair_html
from eval.judge.door.front import Front
from eval.judge.door.gatekeeper import Gatekeeper
from eval.judge.door.routes import PAGE
from eval.judge.serving import bare, load_gradio, mounted, present

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp

_say = console.say
Shown = tuple[str, str, int]


def look(shelf: Shelf, which: str, search: str, show: str, number: float | None, step: int = 0) -> Shown:
    """HTML of the pair and of the lengths, and the pair's number from 1 on, kept within what was found."""
    places = shelf.find(which, search)
    at = min(max(0, int(number or 1) - 1 + step), max(0, len(places) - 1))
    return pair_html(shelf, places, at, show), lengths_html(shelf, places), at + 1


def build(shelf: Shelf) -> gr.Blocks:
    """The page's components and events."""
    load_gradio()
    import gradio as gr

    page: gr.Blocks
    with gr.Blocks(title=f"{shelf.name}: pairs", analytics_enabled=False, fill_width=True) as page:
        gr.Markdown(_heading(shelf))
        with gr.Row():
            which = gr.Dropdown(list(FILTERS), value="All pairs", label="Filter")
            search = gr.Textbox(label="Search", max_lines=1)
            show = gr.Radio(list(SHOW), value=SHOW[0], label="Answers")
        with gr.Row():
            back = gr.Button("Previous")
            number = gr.Number(1, label="Pair", precision=0, minimum=1)
            on = gr.Button("Next", variant="primary")
        pair, lengths = gr.HTML(), gr.HTML()
        inputs, outputs = [which, search, show, number], [pair, lengths, number]
        how: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        for event, step in ((back.click, -1), (on.click, 1), (number.submit, 0), (show.input, 0), (page.load, 0)):
            event(partial(look, shelf, step=step), inputs, outputs, **how)
        for event in (which.input, search.submit):
            event(partial(_first, shelf), inputs, outputs, **how)
    return page


def _first(shelf: Shelf, which: str, search: str, show: str, number: float | None) -> Shown:
    """Another filter or search begins with its first pair."""
    return look(shelf, which, search, show, 1)


def _heading(shelf: Shelf) -> str:
    more = f", {shelf.more:,} more are not shown" if shelf.more else ""
    broken = f", {len(shelf.left_out):,} rows give no pair" if shelf.left_out else ""
    return f"{len(shelf.pairs):,} pairs{more}{broken}. `blindside pairs check` says what to mend."


def application(path: Path, front: Front | None = None) -> ASGIApp:
    """An ASGI application that serves the page at /, to who asks by a name of `front` (else of loopback).

    Raises PairsError where the file can't be read.
    """
    return Gatekeeper(mounted(bare(), build(read_shelf(path)), head_html()), front or Front(), PAGE)


def serve(
    path: Path,
    *,
    port: int = 7880,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    say: Callable[[str], None] = _say,
) -> None:
    """Serve the page until Ctrl-C or SIGTERM, on `port` or the next free one; `say` is told where.

    Raises PairsError where the file can't be read, BlindsideError where no port is free.
    """
    app = application(path, Front.of(host))
    present(lambda: app, "Pairs", host=host, port=port, open_browser=open_browser, say=say)
