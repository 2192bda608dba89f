"""What is shown of a log whose server ended: a few lines that tell why, as the servers write them."""

from __future__ import annotations

from pathlib import Path

from compose.errors import ContainerDied, EngineDied, excerpt

#: TGI 3.3.7 in a terminal's colours, one for each request; uvicorn's (SGLang), vLLM's of every ten seconds.
_DIM, _BOLD, _SLANTED, _OFF = "\x1b[2m", "\x1b[1m", "\x1b[3m", "\x1b[0m"
REQUEST = (
    f"{_DIM}2025-11-27T10:02:11.402913Z{_OFF} \x1b[32m INFO{_OFF} {_BOLD}chat_completions{_OFF}{_BOLD}{{{_OFF}"
    f'{_SLANTED}total_time{_OFF}{_DIM}={_OFF}"212.9ms" {_SLANTED}inference_time{_OFF}{_DIM}={_OFF}"212.3ms" '
    f'{_SLANTED}seed{_OFF}{_DIM}={_OFF}"None"{_BOLD}}}{_OFF}{_DIM}:{_OFF} '
    f"{_DIM}text_generation_router::server{_OFF}{_DIM}:{_OFF} {_DIM}router/src/server.rs{_OFF}{_DIM}:{_OFF} Success"
)
ROUTINE = (
    REQUEST,
    '[2025-11-27 10:02:11] INFO:     127.0.0.1:50312 - "POST /v1/chat/completions HTTP/1.1" 200 OK',
    "(APIServer pid=1) INFO 11-27 10:02:11 [loggers.py:248] Engine 000: Avg prompt throughput: 9.1 tokens/s",
    "[2025-11-27 10:02:11] INFO Decode batch. #running-req: 1, #token: 120",
)
REASON = f"{_DIM}2025-11-27T10:02:12Z{_OFF} \x1b[31mERROR{_OFF} {_DIM}launcher{_OFF}{_DIM}:{_OFF} Shard 0 crashed"
TOLD = "2025-11-27T10:02:12Z ERROR launcher: Shard 0 crashed"


def test_requests_and_colours_are_left_out_and_few_lines_stay() -> None:
    log = "\n".join(["first", "second", *ROUTINE * 40, "third", *ROUTINE, REASON, "", "x" * 900])
    assert excerpt(log) == (
        "first",
        "second",
        "third",
        "2025-11-27T10:02:12Z ERROR launcher: Shard 0 crashed",
        "x" * 300 + "…",
    )
    assert excerpt("\n".join(map(str, range(9)))) == ("4", "5", "6", "7", "8")
    assert excerpt("\n".join(ROUTINE * 9)) == ()


def test_a_request_that_failed_stays() -> None:
    failed = REQUEST.replace(" INFO", "ERROR").replace("Success", "Request failed during generation")
    assert "Request failed during generation" in excerpt(failed)[0]
    refused = ROUTINE[1].replace("200 OK", "500 Internal Server Error")
    assert excerpt(refused) == (refused,)


def test_the_sentence_is_one_line_that_names_the_log() -> None:
    died = ContainerDied("tuned", 137, Path("logs/tuned.log"), "\n".join([REASON, *ROUTINE]), "it was killed")
    assert str(died) == "tuned: it was killed (exit code 137; its log is logs/tuned.log)"
    assert died.excerpt == (TOLD,)
    own = EngineDied("base", 1, Path("logs/base.log"), "loading\nerror: models/x has no config.json; give another")
    assert (str(own), own.excerpt) == ("base: models/x has no config.json; give another", ())
