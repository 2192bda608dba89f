"""The judging page in Gradio: three pieces of HTML, and one event that carries every action to the server.

Gradio takes seconds to import, so it is imported where it is used.
"""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from eval.errors import BlindsideError
from eval.judge.blinding import nonce
from eval.judge.desk import Desk
from eval.judge.serving import guarded, has_screen, is_loopback, listen, mounted, run_until_signalled, url
from eval.judge.session import Action, Notice, Sitting, View, answer
from eval.judge.views import bar_html, head_html, stage_html, top_html
from eval.run import Run

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

# Gradio reads it when it is imported: nothing about a study leaves the machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

Handler = Callable[[str, Sitting | None], tuple[str, Sitting | None]]

_say = partial(print, flush=True)


def build(run: Run, *, reviewer: str = "") -> gr.Blocks:
    """The page's components and its one event. `reviewer` fixes the name. `application` adds style and script.

    Raises InputError where the run's answers or verdicts cannot be read.
    """
    import gradio as gr

    desk = Desk(run)
    handle = _handler(desk, reviewer)
    page: gr.Blocks
    with gr.Blocks(title="blindside", analytics_enabled=False, fill_width=True) as page:
        sitting = gr.State(None)
        for piece in (top_html(), ""):
            stage = _html(piece)
        _html(bar_html())
        action = gr.Textbox(visible="hidden")
        send = gr.Button(visible="hidden", elem_id="bs-send")
        for event in (send.click, page.load):
            event(
                handle,
                inputs=[action, sitting],
                outputs=[stage, sitting],
                js="(_, sitting) => [window.blindside.take(), sitting]",
                queue=False,
                show_progress="hidden",
                trigger_mode="multiple",
                api_visibility="private",
            )
    return page


def application(run: Run, *, reviewer: str = "") -> FastAPI:
    """An ASGI application that serves the page at /, and lets no request leave the machine."""
    return mounted(guarded(), build(run, reviewer=reviewer), head_html())


def serve(
    run: Run,
    *,
    port: int = 7860,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    say: Callable[[str], None] = _say,
    reviewer: str = "",
) -> None:
    """Serve the judging page until Ctrl-C or SIGTERM, on `port` or the next free one; `say` is told where.

    Raises InputError where the run's files cannot be read or the address is not ours, BlindsideError where no port
    is free.
    """
    with listen(host, port, say) as sock, suppress(KeyboardInterrupt):
        if not is_loopback(sock):
            say("whoever reaches this machine can judge under any name")

        def ready() -> None:
            say(f"Judge at {url(sock)}")
            if open_browser and has_screen():
                webbrowser.open(url(sock))

        run_until_signalled(application(run, reviewer=reviewer), sock, ready)


def _html(value: str) -> gr.HTML:
    """HTML as it is: the default template and no script of Gradio's, so that nothing found in the text is run."""
    import gradio as gr

    return gr.HTML(value, js_on_load=None, apply_default_css=False)


def _handler(desk: Desk, fixed: str) -> Handler:
    def handle(payload: str, sitting: Sitting | None) -> tuple[str, Sitting | None]:
        action = _action(payload)
        try:
            sitting, view = answer(desk, sitting, action, fixed=fixed)
        except BlindsideError as error:
            view = View(state="broken", nonce=nonce(), notice=Notice("broken", str(error)))
        return stage_html(view, fixed=bool(fixed), marked=action.differences), sitting

    return handle


def _action(payload: str) -> Action:
    """What was sent; what no page of ours sends counts as a vote for a pair that is not open."""
    try:
        return Action.model_validate_json(payload)
    except ValidationError:
        return Action(act="vote")
