"""The judging page in Gradio: three pieces of HTML, and one event for every action.

Gradio takes seconds to import, so it is imported where it is used.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from blindside import console
from blindside.garbage import collected_later
from eval.errors import BlindsideError, InputError
from eval.judge.access.gatekeeper import Gatekeeper
from eval.judge.access.hub_accounts import HubAccounts
from eval.judge.access.hub_login import HubLogin
from eval.judge.access.hub_oauth import HubOAuth
from eval.judge.access.login import REVIEWER, PasswordLogin
from eval.judge.access.public_address import PublicAddress
from eval.judge.access.routes import COPIES, HUB_LOGIN, LOGIN, PAGE
from eval.judge.access.server import bare_app, html_piece, load_gradio, mount_page, serve_page
from eval.judge.access.sessions import Accounts
from eval.judge.page.copy_status import CopyStatus, with_copies
from eval.judge.page.judging_state import JudgingState
from eval.judge.page.open_session import answer_action
from eval.judge.page.page_protocol import Action, View
from eval.judge.page.session import ReviewerSession
from eval.judge.page.views import Show, bar_html, head_html, login_html, stage_html, top_html
from eval.judge.store.file_watch import watched
from eval.judge.study.blinding import nonce
from eval.judge.study.forms import Notice
from eval.judge.study.study import Study
from eval.run import Run

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp

Handler = Callable[[str, ReviewerSession | None, "gr.Request"], tuple[str, ReviewerSession | None]]

_say = console.say


def build(judging: JudgingState, *, reviewer: str = "", logins: bool = False, copied: bool = False) -> gr.Blocks:
    """The page's components and its one event. `reviewer` fixes the name, and so does a login.

    `copied`: its header says when the verdicts were copied.
    """
    load_gradio()
    import gradio as gr

    handle = _handler(judging, reviewer, logins)
    page: gr.Blocks
    with gr.Blocks(title="blindside", analytics_enabled=False, fill_width=True) as page:
        session = gr.State(None)
        for html in (top_html(judging.study, logins=logins, copied=copied), ""):
            stage = html_piece(html)
        html_piece(bar_html(judging.study, logins=logins))
        action = gr.Textbox(visible="hidden")
        send = gr.Button(visible="hidden", elem_id="bs-send")
        for event in (send.click, page.load):
            event(
                handle,
                inputs=[action, session],
                outputs=[stage, session],
                js="(_, session) => [window.blindside.take(), session]",
                queue=False,
                show_progress="hidden",
                trigger_mode="multiple",
                api_visibility="private",
            )
    return page


def application(
    run: Run,
    *,
    study: Study | None = None,
    reviewer: str = "",
    accounts: Accounts | None = None,
    front: PublicAddress | None = None,
    say: Callable[[str], None] = _say,
) -> ASGIApp:
    """An ASGI application that serves the page at /, and lets no request leave the machine.

    Without a study, the run's own or the default one. With accounts, only those who log in are served, each under
    their own name, and `say` gets failed logins. `front`: by which names it may be asked for; else loopback's only.
    Raises InputError where the run's answers or verdicts cannot be read.
    """
    return _application(JudgingState(run, study), reviewer, accounts, front or PublicAddress(), say)


def _application(
    judging: JudgingState, reviewer: str, accounts: Accounts | None, front: PublicAddress, say: Callable[[str], None]
) -> ASGIApp:
    page = build(judging, reviewer=reviewer, logins=accounts is not None)
    app: ASGIApp = mount_page(bare_app(), page, head_html())
    if accounts is None:
        return Gatekeeper(app, front, PAGE)
    return Gatekeeper(PasswordLogin(app, accounts, login_html(), say), front, [*PAGE, *LOGIN])


def copied_application(
    judging: JudgingState,
    accounts: Accounts,
    front: PublicAddress,
    *,
    oauth: HubOAuth | None,
    copies: Callable[[], CopyStatus],
    say: Callable[[str], None] = _say,
) -> ASGIApp:
    """`application` of a server whose disk may be lost: its header says what was copied (`copies`).

    With `oauth` people log in by accounts of the Hub, and `accounts` are HubAccounts.
    """
    app: ASGIApp = with_copies(mount_page(bare_app(), build(judging, logins=True, copied=True), head_html()), copies)
    if oauth is not None and isinstance(accounts, HubAccounts):
        hub_door = HubLogin(app, accounts, oauth, login_html(hub=True), say)
        return Gatekeeper(hub_door, front, [*PAGE, *HUB_LOGIN, *COPIES])
    return Gatekeeper(PasswordLogin(app, accounts, login_html(), say), front, [*PAGE, *LOGIN, *COPIES])


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
    front: PublicAddress | None = None,
) -> None:
    """Serve the judging page until Ctrl-C or SIGTERM, on `port` or the next free one; `say` gets the address.

    `share` gives it a public address too. `front`: by which other names it may be asked for than by `host`.
    Raises InputError where the run's files cannot be read, the address is not ours, or the page would be shared
    without accounts; BlindsideError where no port is free.
    """
    how = Serving(port, host, open_browser, reviewer, accounts, share, front)
    serve_state(lambda: nullcontext(JudgingState(run, study)), how, say=say)


@dataclass(frozen=True)
class Serving:
    """Where and to whom a page is served; as `serve` has it."""

    port: int = 7860
    host: str = "127.0.0.1"
    open_browser: bool = True
    reviewer: str = ""
    accounts: Accounts | None = None
    share: bool = False
    front: PublicAddress | None = None


def serve_state(
    make: Callable[[], AbstractContextManager[JudgingState]], how: Serving, *, say: Callable[[str], None] = _say
) -> None:
    """As `serve`, with a state that is made when the port is ours; its context ends with the page."""
    refuse_open_share(how.share, how.accounts)
    names = how.front or PublicAddress.of(how.host)
    with ExitStack() as stack:

        def made() -> ASGIApp:
            with collected_later():
                judging = stack.enter_context(make())
            # What stays is not looked through for cycles while people judge: of a large run that takes a second.
            gc.freeze()
            stack.enter_context(watched(judging.ledger))
            return _application(judging, how.reviewer, how.accounts, names, say)

        serve_page(
            made,
            "Judge",
            host=how.host,
            port=how.port,
            open_browser=how.open_browser,
            say=say,
            exposed="" if how.accounts else "anyone who reaches this machine can judge under any name",
            share=names if how.share else None,
        )


def refuse_open_share(share: bool, accounts: Accounts | None) -> None:
    """Raises InputError where the page would be shared with whoever finds it."""
    if share and accounts is None:
        raise InputError("--share without logins would let anybody judge: make some with `blindside reviewer add NAME`")


def _handler(judging: JudgingState, fixed: str, logins: bool) -> Handler:
    import gradio as gr

    def handle(
        payload: str, session: ReviewerSession | None, request: gr.Request
    ) -> tuple[str, ReviewerSession | None]:
        action = _action(payload)
        name = _logged_in(request) if logins else fixed
        try:
            session, view = answer_action(judging, session, action, fixed=name)
        except BlindsideError as error:
            view = View(state="broken", nonce=nonce(), notice=Notice("broken", str(error)))
        listed = action.act == "recent" or (action.act == "flag" and bool(action.edit))
        show = Show(
            action.language,
            fixed=bool(name),
            marked=action.differences,
            just_marked=action.act == "show",
            listed=listed,
        )
        # No pair to prepare: nothing to render.
        empty = action.act == "ahead" and view.state != "ask"
        return "" if empty else stage_html(view, show), session

    # Gradio passes the request by this, and could not resolve it by name.
    handle.__annotations__["request"] = gr.Request
    return handle


def _logged_in(request: gr.Request) -> str:
    """The login's name, and never what the page says. The door has turned away who has none."""
    name = request.request.scope.get(REVIEWER) if request.request else None
    if not name:
        raise PermissionError("not logged in")
    return str(name)


def _action(payload: str) -> Action:
    """What was sent; what no page of ours sends counts as a vote for a pair that is not open."""
    try:
        return Action.model_validate_json(payload)
    except ValidationError:
        return Action(act="vote")
