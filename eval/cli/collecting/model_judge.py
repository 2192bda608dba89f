"""`blindside model-judge` and `blindside preferences`: verdicts and likelihoods from models, shown beside people's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from blindside import console
from blindside.words import counted
from eval.cli.options import REPORTS, Concurrency, Reports, RunArgument
from eval.records import Side


def model_judge(
    run: RunArgument = "",
    url: Annotated[
        str, typer.Option(help="URL of the judge, TGI or OpenAI-compatible; append `#name` to choose the model.")
    ] = "",
    max_tokens: Annotated[
        int, typer.Option(min=1, help="Longest reply, in tokens; a judge that thinks needs many.")
    ] = 2048,
    concurrency: Concurrency = 16,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that one request may take.")] = 120.0,
    reports: Reports = REPORTS,
) -> None:
    """Have a model judge every pair, in both orders, into model_verdicts.csv. It decides nothing by itself.

    Run it again to collect what is missing.
    Example: `blindside model-judge tiny-1a2b3c4d --url http://127.0.0.1:8090`
    """
    from eval.collect.collect_options import CollectOptions
    from eval.collect.model_tasks.model_judge import ask_model
    from eval.collect.model_tasks.rows import verdicts_path
    from eval.errors import InputError
    from eval.run import open_run

    if not url:
        raise InputError("no judge is given: name its address with --url")
    opened = open_run(reports, run)
    options = CollectOptions(concurrency=concurrency, timeout=timeout)
    verdicts = ask_model(opened, url, options=options, max_tokens=max_tokens, say=console.say)
    counts = Counter(verdict.outcome for verdict in verdicts)
    summary = ", ".join(f"{name} {counts[name]}" for name in ("tuned", "base", "tie", "both_bad", "none"))
    console.say(f"{verdicts[0].model} judged {counted(len(verdicts), 'pair')}: {summary}")
    agreed = sum(verdict.consistent for verdict in verdicts)
    console.say(f"the same in both orders: {agreed} of {len(verdicts)}; written to {verdicts_path(opened)}")


def preferences(
    run: RunArgument = "",
    pairs: Annotated[
        Path | None, typer.Option(help="JSONL of pairs kept out of training: messages, chosen, rejected.")
    ] = None,
    base_url: Annotated[str, typer.Option(help="URL of the base model's server.")] = "",
    tuned_url: Annotated[str, typer.Option(help="URL of the tuned model's server.")] = "",
    reports: Reports = REPORTS,
) -> None:
    """Score held-out pairs on both servers: how often each model finds the chosen answer more likely.

    Example: `blindside preferences --pairs heldout.jsonl --base-url http://127.0.0.1:8080
    --tuned-url http://127.0.0.1:8081`
    """
    from eval.collect.model_tasks.held_out import read_held_out, score_preferences
    from eval.collect.model_tasks.rows import preferences_path
    from eval.errors import InputError
    from eval.evidence.estimates.metric import with_interval
    from eval.evidence.signals.held_out import held_out_accuracy
    from eval.run import open_run

    if pairs is None or not base_url or not tuned_url:
        raise InputError("give --pairs, --base-url and --tuned-url: a file of pairs and the two servers")
    opened = open_run(reports, run)
    urls: dict[Side, str] = {"base": base_url, "tuned": tuned_url}
    found = held_out_accuracy(score_preferences(opened, read_held_out(pairs), urls, say=console.say))
    for name, share in (("base", found.base), ("tuned", found.tuned), ("reward", found.reward)):
        console.say(f"{name}: {with_interval(share)}")
    console.say(f"written to {preferences_path(opened)}")


def register(app: typer.Typer) -> None:
    app.command(name="model-judge")(model_judge)
    app.command()(preferences)
