"""The results and browse pages in Gradio: one piece of HTML, and one event that carries an address to the server.

They tell which model wrote what, so they are a server of their own: nothing here is served by the judging page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from blindside import console
from eval.errors import BlindsideError
from eval.evidence.results.downloads import DOWNLOADS, add_downloads
from eval.evidence.results.query import parse
from eval.evidence.results.snapshot import Source
from eval.evidence.results.views import Frame, head_html, lost_html, page_html, trouble_html, waiting_html
from eval.judge.blinding import nonce
from eval.judge.door.front import Front
from eval.judge.door.gatekeeper import Gatekeeper
from eval.judge.door.routes import PAGE
from eval.judge.serving import bare, load_gradio, mounted, piece, present
from eval.records import Row
from eval.run import Run

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp

_say = console.say


class Visit(Row):
    """What the browser sends: the address that is to be shown, and whether the files are to be looked at again."""

    address: str = ""
    refresh: bool = True


def build(run: Run, source: Source) -> gr.Blocks:
    """The pages' components and their one event. `application` adds style, script and downloads."""
    load_gradio()
    import gradio as gr

    page: gr.Blocks
    with gr.Blocks(title=f"{run.name}: results", analytics_enabled=False, fill_width=True) as page:
        stage = piece(waiting_html())
        piece(lost_html())
        visit = gr.Textbox(visible="hidden")
        send = gr.Button(visible="hidden", elem_id="rs-send")
        for event in (send.click, page.load):
            event(
                partial(show, run, source),
                inputs=[visit],
                outputs=[stage],
                js="() => [window.blindside.take()]",
                queue=False,
                show_progress="hidden",
                trigger_mode="multiple",
                api_visibility="private",
            )
    return page


def show(run: Run, source: Source, payload: str) -> str:
    """The HTML that answers a visit; a file that cannot be read is said on the page."""
    visit = _visit(payload)
    query, turn = parse(visit.address), nonce()
    try:
        snapshot, looked_at = source.current(refresh=visit.refresh)
        return page_html(snapshot, Frame(run.name, query, visit.address, looked_at, turn))
    except BlindsideError as error:
        return trouble_html(Frame(run.name, query, visit.address, datetime.now(UTC), turn), str(error))


def application(run: Run, front: Front | None = None) -> ASGIApp:
    """An ASGI application that serves the pages at / and lets no request leave the machine.

    `front`: by which names it may be asked for; else loopback's only.
    Raises InputError where the run's files cannot be read.
    """
    source = Source(run)
    source.current()
    app = bare()
    add_downloads(app, source)
    return Gatekeeper(mounted(app, build(run, source), head_html()), front or Front(), [*PAGE, DOWNLOADS])


def serve(
    run: Run,
    *,
    port: int = 7870,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    say: Callable[[str], None] = _say,
    front: Front | None = None,
) -> None:
    """Serve the pages until Ctrl-C or SIGTERM, on `port` or the next free one; `say` is told where.

    `front`: by which other names they may be asked for than by `host`. Raises InputError where the run's files cannot
    be read or the address is not ours, BlindsideError where no port is free.
    """
    names = front or Front.of(host)
    present(
        lambda: application(run, names),
        "Results",
        host=host,
        port=port,
        open_browser=open_browser,
        say=say,
        exposed="whoever reaches this machine can read the results: reviewers must not, before they have judged",
    )


def _visit(payload: str) -> Visit:
    """What was sent; what no page of ours sends is read as the first visit."""
    try:
        return Visit.model_validate_json(payload)
    except ValidationError:
        return Visit()
