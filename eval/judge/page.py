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

from eval.errors import BlindsideError, InputError
from eval.judge.blinding import nonce
from eval.judge.desk import Desk
from eval.judge.login import Accounts, with_door
from eval.judge.serving import guarded, has_screen, is_loopback, listen, mounted, run_until_signalled, tunnelled, url
from eval.judge.session import Action, Notice, Sitting, View, answer
from eval.judge.study import Study
from eval.judge.views import Show, bar_html, head_html, login_html, stage_html, top_html
from eval.run import Run

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

# Gradio reads it when it is imported: nothing about a study leaves the machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

Handler = Callable[[str, Sitting | None, "gr.Request"], tuple[str, Sitting | None]]

_say = partial(print, flush=True)


def build(desk: Desk, *, reviewer: str = "", logins: bool = False) -> gr.Blocks:
    """The page's components and its one event. `reviewer` fixes the name, and so does a login."""
    import gradio as gr

    handle = _handler(desk, reviewer, logins)
    page: gr.Blocks
    with gr.Blocks(title="blindside", analytics_enabled=False, fill_width=True) as page:
        sitting = gr.State(None)
        for piece in (top_html(desk.study, logins=logins), ""):
            stage = _html(piece)
        _html(bar_html(desk.study, logins=logins))
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


def application(
    run: Run, *, study: Study | None = None, reviewer: str = "", accounts: Accounts | None = None
) -> FastAPI:
    """An ASGI application that serves the page at /, and lets no request leave the machine.

    Without a study, the run's own or the default one. With accounts, only those who log in are served, each under
    their own name. Raises InputError where the run's answers or verdicts cannot be read.
    """
    page = build(Desk(run, study), reviewer=reviewer, logins=accounts is not None)
    app = mounted(guarded(), page, head_html(), accounts=accounts)
    return with_door(app, login_html()) if accounts else app


def serve(
    run: Run,
    *,
    port: int = 7860,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    say: Callable[[str], None] = _say,
    study: Study | None = None,
    reviewer: str = "",
    accounts: Accounts | None = None,
    share: bool = False,
) -> None:
    """Serve the judging page until Ctrl-C or SIGTERM, on `port` or the next free one; `say` is told where.

    `share` gives it a public address too. Raises InputError where the run's files cannot be read, the address is not
    ours, or the page would be shared without accounts; BlindsideError where no port is free.
    """
    if share and accounts is None:
        raise InputError("--share without logins would let anybody judge: make some with `blindside reviewer add NAME`")
    with listen(host, port, say) as sock, suppress(KeyboardInterrupt):
        if accounts is None and not is_loopback(sock):
            say("whoever reaches this machine can judge under any name")

        def ready() -> None:
            if share:
                try:
                    say(f"Shared at {tunnelled(sock)}")
                except BlindsideError as error:
                    say(str(error))
            say(f"Judge at {url(sock)}")
            if open_browser and has_screen():
                webbrowser.open(url(sock))

        app = application(run, study=study, reviewer=reviewer, accounts=accounts)
        run_until_signalled(app, sock, ready)


def _html(value: str) -> gr.HTML:
    """HTML as it is: the default template and no script of Gradio's, so that nothing found in the text is run."""
    import gradio as gr

    return gr.HTML(value, js_on_load=None, apply_default_css=False)


def _handler(desk: Desk, fixed: str, logins: bool) -> Handler:
    import gradio as gr

    def handle(payload: str, sitting: Sitting | None, request: gr.Request) -> tuple[str, Sitting | None]:
        action = _action(payload)
        name = _logged_in(request) if logins else fixed
        try:
            sitting, view = answer(desk, sitting, action, fixed=name)
        except BlindsideError as error:
            view = View(state="broken", nonce=nonce(), notice=Notice("broken", str(error)))
        show = Show(action.language, fixed=bool(name), marked=action.differences, listed=action.act == "recent")
        return stage_html(view, show), sitting

    # Gradio passes the request by this, and could not resolve it by name.
    handle.__annotations__["request"] = gr.Request
    return handle


def _logged_in(request: gr.Request) -> str:
    """The login's name, and never what the page says. Gradio has turned away who has none."""
    if not request.username:
        raise PermissionError("not logged in")
    return str(request.username)


def _action(payload: str) -> Action:
    """What was sent; what no page of ours sends counts as a vote for a pair that is not open."""
    try:
        return Action.model_validate_json(payload)
    except ValidationError:
        return Action(act="vote")
