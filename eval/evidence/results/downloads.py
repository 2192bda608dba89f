"""The two files that may be taken home: every row of verdicts.csv, and the rows in force that count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eval.evidence.results.snapshot import Source
from eval.judge.cells import PLAIN, encode_row
from eval.judge.door.routes import Route

if TYPE_CHECKING:
    from fastapi import FastAPI

DOWNLOADS = Route("GET", r"/download/(verdicts|resolved)\.csv")


def add_downloads(app: FastAPI, source: Source) -> None:
    """Serve /download/verdicts.csv as it lies on disk, and /download/resolved.csv as `blindside report` writes it."""
    from fastapi.responses import Response

    def raw() -> Response:
        run = source.current()[0].run
        data = run.verdicts_path.read_bytes() if run.verdicts_path.exists() else PLAIN.header()
        return _csv(data, f"{run.name}-verdicts.csv")

    def resolved() -> Response:
        snapshot = source.current()[0]
        rows = b"".join(encode_row(verdict, snapshot.columns) for verdict in snapshot.counted)
        return _csv(snapshot.columns.header() + rows, f"{snapshot.run.name}-resolved.csv")

    def _csv(data: bytes, name: str) -> Response:
        # Names of runs are letters, digits, dot, dash and underscore: they need no quoting.
        return Response(data, media_type="text/csv", headers={"content-disposition": f'attachment; filename="{name}"'})

    app.add_api_route("/download/verdicts.csv", raw, methods=["GET"])
    app.add_api_route("/download/resolved.csv", resolved, methods=["GET"])
