"""A stand-in until eval.judge.serving has these in public."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eval.judge import page as judging

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

has_screen = judging._has_screen


def guarded() -> FastAPI:
    from fastapi import FastAPI

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(judging._Guarded)
    return app


def mounted(app: FastAPI, page: gr.Blocks, head: str) -> FastAPI:
    import gradio as gr

    theme = gr.themes.Base(font=judging._SYSTEM, font_mono=["ui-monospace", "monospace"]).set(
        body_background_fill="#f4f5f7", body_background_fill_dark="#101318"
    )
    result: FastAPI = gr.mount_gradio_app(
        app, page, path="/", theme=theme, head=head, footer_links=[], show_error=False, ssr_mode=False, pwa=False
    )
    return result
