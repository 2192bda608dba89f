"""The embedded engine's command line, with flags named like TGI's launcher's."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from compose.embedded.guard import follow_parent
from compose.embedded.preflight import bind, find, listen
from compose.errors import ComposeError

if TYPE_CHECKING:
    from compose.embedded.routes import Service


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m compose.embedded", description="Serve one model on this machine's CPU with TGI's protocol."
    )
    add = parser.add_argument
    add("--model-id", required=True, help="a model folder, or a Hub id")
    add("--revision", help="a branch, tag or commit of the Hub repository")
    add("--hostname", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    add("--port", "-p", type=int, default=3000, help="the port to listen on; 0 takes a free one")
    add("--dtype", default="float32", choices=("float32", "bfloat16", "float16"))
    add("--max-concurrent-requests", type=int, default=128, help="more than these at once are refused with 429")
    add("--max-input-tokens", "--max-input-length", type=int, help="default: one less than the total")
    add("--max-total-tokens", type=int, help="prompt and answer together (default: the model's, at most 4096)")
    add("--max-batch-size", type=int, default=32, help="requests generated together")
    add("--max-batch-prefill-tokens", type=int, default=4096, help="prompt tokens read together")
    add("--max-batch-total-tokens", type=int, default=65536, help="requests times places of the common cache")
    add("--max-stop-sequences", type=int, default=4)
    add("--max-top-n-tokens", type=int, default=5)
    add("--payload-limit", type=int, default=2_000_000, help="bytes of a request's body")
    add("--enable-prefill-logprobs", action="store_true", help="answer decoder_input_details")
    add("--trust-remote-code", action="store_true", help="run Python code that comes with the model")
    # How a stack talks with the servers it starts.
    add("--ready-fd", type=int, help=argparse.SUPPRESS)
    add("--parent-pid", type=int, help=argparse.SUPPRESS)
    add("--parent-by-kernel", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def build(args: argparse.Namespace) -> tuple[Service, str]:
    """Load the model and put the engine together; also what the engine calls itself."""
    folder = find(args.model_id, args.revision)
    from compose.embedded import VERSION
    from compose.embedded.batcher import Batcher
    from compose.embedded.infer import WORKERS, Inference
    from compose.embedded.load import load
    from compose.embedded.metrics import Metrics
    from compose.embedded.protocol import Limits
    from compose.embedded.routes import Service

    loaded = load(args.model_id, folder, dtype=args.dtype, trust_remote_code=args.trust_remote_code)
    total = args.max_total_tokens or loaded.positions
    limits = Limits(
        max_input_tokens=args.max_input_tokens or total - 1,
        max_total_tokens=total,
        max_concurrent_requests=args.max_concurrent_requests,
        max_stop_sequences=args.max_stop_sequences,
        max_top_n_tokens=args.max_top_n_tokens,
        payload_limit=args.payload_limit,
    )
    metrics = Metrics()
    batcher = Batcher(
        loaded.model,
        loaded.codec,
        metrics,
        max_batch=args.max_batch_size,
        max_tokens=args.max_batch_total_tokens,
        max_prefill=args.max_batch_prefill_tokens,
    )
    info = {
        "model_id": args.model_id,
        "model_sha": loaded.revision,
        "model_pipeline_tag": None,
        "max_concurrent_requests": limits.max_concurrent_requests,
        "max_best_of": 1,
        "max_stop_sequences": limits.max_stop_sequences,
        "max_input_tokens": limits.max_input_tokens,
        "max_total_tokens": limits.max_total_tokens,
        "validation_workers": WORKERS,
        "max_client_batch_size": 1,
        "router": "blindside-embedded",
        "version": VERSION,
        "sha": None,
        "docker_label": None,
    }
    infer = Inference(batcher, loaded.codec, limits, metrics, prefill=args.enable_prefill_logprobs)
    return Service(infer, loaded.template, info, f"{VERSION}-embedded"), loaded.engine


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes. Returns 1 after one sentence on what a person can fix."""
    args = parse(arguments)
    if args.parent_pid is not None:
        follow_parent(args.parent_pid, by_kernel=args.parent_by_kernel)
    try:
        run(args)
    except ComposeError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def run(args: argparse.Namespace) -> None:
    """Load, listen, tell whoever started us the port, and serve."""
    bound = bind(args.hostname, args.port)
    service, engine = build(args)
    listen(bound, args.hostname)
    from compose.embedded.routes import application, serve

    port = bound.getsockname()[1]
    print(f"{args.model_id}: http://{args.hostname}:{port} by {engine}", file=sys.stderr, flush=True)
    if args.ready_fd is not None:
        os.write(args.ready_fd, json.dumps({"port": port, "engine": engine}).encode() + b"\n")
        os.close(args.ready_fd)
    serve(application(service), bound)


if __name__ == "__main__":
    sys.exit(main())
