"""`blindside collect`: ask two servers that run elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from blindside import console
from blindside.words import counted
from eval.cli.collecting.prove_and_collect import print_answer_notes
from eval.cli.options import (
    REPORTS,
    BaseUrl,
    Concurrency,
    EnableThinking,
    MaxTokens,
    MixedPrecision,
    Reports,
    Timeout,
    TunedUrl,
)
from eval.cli.training.model_folder import prompts_named
from eval.errors import RunError
from eval.records import Side


def collect(
    base_url: BaseUrl,
    tuned_url: TunedUrl,
    prompts: Annotated[str, typer.Option(help="A JSONL or CSV file, hub:owner/name, or a recipe's name.")],
    run: Annotated[str, typer.Option(help="The run's name.")],
    max_tokens: MaxTokens = 512,
    enable_thinking: EnableThinking = None,
    concurrency: Concurrency = 16,
    timeout: Timeout = 120.0,
    attempts: Annotated[int, typer.Option(min=1, help="Attempts per prompt before it counts as failed.")] = 5,
    max_answer_mb: Annotated[
        int, typer.Option(min=1, help="Maximum size of one answer in MB; a larger one counts as failed.")
    ] = 32,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask again for prompts that a server refused.")
    ] = False,
    mixed_precision: MixedPrecision = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask only the first N prompts.")] = None,
    reports: Reports = REPORTS,
) -> None:
    """Collect temperature-0 answers from two servers; run it again to collect what is missing.

    TGI and OpenAI-compatible servers are detected; append `#name` to a URL to choose the model.
    Example: `blindside collect --base-url http://127.0.0.1:8080 --tuned-url http://127.0.0.1:8081
    --prompts prompts.jsonl --run first`
    """
    from eval.answers import read_answers
    from eval.collect.collect_options import CollectOptions
    from eval.collect.collector import collect as run_collection
    from eval.collect.engines.http_body import MEGABYTE
    from eval.collect.new_run import start_collected_run
    from eval.collect.prompts.prompt_set import load_prompts
    from eval.collect.prompts.retired import retired_keys
    from eval.run_info import Decoding

    loaded = load_prompts(prompts_named(prompts), retired=retired_keys(reports), limit=limit)
    for message in loaded.messages:
        console.say(message)
    urls: dict[Side, list[str]] = {"base": base_url, "tuned": tuned_url}
    options = CollectOptions(
        concurrency=concurrency,
        timeout=timeout,
        attempts=attempts,
        largest=max_answer_mb * MEGABYTE,
        retry_failed=retry_failed,
        mixed=mixed_precision,
    )
    opened = start_collected_run(
        reports,
        run,
        loaded=loaded,
        decoding=Decoding(max_tokens=max_tokens, enable_thinking=enable_thinking),
        urls=urls,
        seconds=timeout,
        opening=options.backoff,
        mixed=mixed_precision,
    )
    summary = run_collection(opened, urls, options=options, say=console.say)
    print_answer_notes(opened)
    console.say(f"answers in {opened.responses_path}; judge them with `blindside judge {opened.name}`")
    if summary.failed:
        failures = read_answers(opened.responses_path).failures.values()
        refused = sum(failure.refused for failure in failures)
        again = f" (--retry-failed for the {refused} that a server refused)" if refused else ""
        raise RunError(
            f"{counted(summary.failed, 'answer is', 'answers are')} missing: the same command asks for them "
            f"again{again}"
        )


def register(app: typer.Typer) -> None:
    app.command()(collect)
