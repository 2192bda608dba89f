"""`blindside pairs` and `blindside harvest`: check, convert and make preference pairs, also from verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blindside import console
from eval.cli.options import REPORTS, TRAIN_ENV, Browser, Concurrency, Reports, RunArgument, TrainEnv
from eval.cli.training.model_folder import prompts_named

if TYPE_CHECKING:
    from blindside.tables.turns import Fields

Source = Annotated[str, typer.Argument(help="A file of a known format, or hub:owner/name[:split].")]
Out = Annotated[Path, typer.Argument(help="Output file: .jsonl, .jsonl.gz or .parquet; a card is written next to it.")]
Log = Annotated[Path, typer.Argument(help="The log: JSONL, JSON, CSV or Parquet.")]
Format = Annotated[str, typer.Option("--format", help="The format, if it cannot be detected from the first row.")]
Column = Annotated[
    list[str] | None, typer.Option("--field", help="name=column: prompt, system, chosen, rejected, role, content.")
]
Role = Annotated[list[str] | None, typer.Option("--role", help="theirs=ours: human=user, gpt=assistant.")]

Codes = Annotated[
    str,
    typer.Option("--choices", help='What the codes mean, if the file does not say: "0=a,1=b,2=tie" or "1=down,5=up".'),
]

pairs_app = typer.Typer(help="Preference pairs: check, convert, make (docs/pairs.md).", no_args_is_help=True)


@pairs_app.command()
def check(
    source: Source,
    recipe: Annotated[str, typer.Option(help="Count tokens and find the answers as this recipe's training does.")] = "",
    prompts: Annotated[
        str, typer.Option(help="Evaluation prompts, or a recipe's name: no pair may contain them.")
    ] = "",
    format: Format = "",
    field: Column = None,
    role: Role = None,
    fix: Annotated[Path | None, typer.Option(help="Write a cleaned file here.")] = None,
    drop_near: Annotated[bool, typer.Option("--drop-near", help="With --fix: leave out near-duplicates too.")] = False,
    env: TrainEnv = TRAIN_ENV,
) -> None:
    """Report what a pair file would teach and what must be fixed: exit status 0, or 1 with the remedies.

    Example: `blindside pairs check pairs.jsonl --recipe tiny --fix cleaned.jsonl`
    """
    from train.pairs.survey.run import check_pairs
    from train.recipe import find_recipe, read_recipe

    survey = check_pairs(
        source,
        recipe=read_recipe(find_recipe(recipe)) if recipe else None,
        evaluation=_asked(prompts) if prompts else None,
        format=format,
        fields=_fields(field, role),
        fix=fix,
        drop_near=drop_near,
        env=env,
        say=console.say,
    )
    if not survey.ok:
        raise typer.Exit(1)


@pairs_app.command()
def convert(
    source: Source,
    out: Out,
    format: Format = "",
    field: Column = None,
    role: Role = None,
    env: TrainEnv = TRAIN_ENV,
) -> None:
    """Convert pairs of any known format to what Axolotl's chat_template.default reads.

    Example: `blindside pairs convert hub:owner/name pairs.jsonl`
    """
    from train.pairs.convert import convert as write

    write(source, out, format=format, fields=_fields(field, role), env=env, say=console.say)


@pairs_app.command("from-feedback")
def from_feedback(log: Log, out: Out, choices: Codes = "", field: Column = None, role: Role = None) -> None:
    """Make pairs from thumbs up and down on the same prompt, and from edits and their originals.

    Example: `blindside pairs from-feedback thumbs.jsonl pairs.jsonl`
    """
    from blindside.tables.codes import DOWN, NEUTRAL, UP
    from train.pairs.feedback import from_feedback as write

    codes = _choices(choices, (UP, DOWN, NEUTRAL))
    write(log, out, fields=_fields(field, role), choices=codes, say=console.say)


@pairs_app.command("from-choices")
def from_choices(log: Log, out: Out, choices: Codes = "", field: Column = None, role: Role = None) -> None:
    """Make pairs from choices between two answers, including FastChat's vote log.

    Example: `blindside pairs from-choices 2026-01-31-conv.json pairs.jsonl`
    """
    from blindside.tables.codes import BOTH_BAD, NONE, TIE, A, B
    from train.pairs.choices import from_choices as write

    codes = _choices(choices, (A, B, TIE, BOTH_BAD, NONE))
    write(log, out, fields=_fields(field, role), choices=codes, say=console.say)


@pairs_app.command()
def synthesize(
    prompts: Annotated[str, typer.Argument(help="A JSONL or CSV file of prompts, hub:owner/name, or a recipe's name.")],
    out: Out,
    small_url: Annotated[list[str], typer.Option(help="URL of the small model's server; repeatable, for replicas.")],
    strong_url: Annotated[
        list[str], typer.Option(help="URL of the stronger model's server; repeatable, for replicas.")
    ],
    work: Annotated[Path | None, typer.Option(help="Folder of the replies; default: OUT.work.")] = None,
    correction: Annotated[Path | None, typer.Option(help="Correction prompt with {conversation} and {answer}.")] = None,
    budget: Annotated[
        int, typer.Option(min=0, help="Tokens that the stronger model may use over all calls; 0: unlimited.")
    ] = 0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.")] = 512,
    thinking_tokens: Annotated[
        int, typer.Option(min=0, help="Extra tokens for the stronger model to think before it corrects.")
    ] = 4096,
    concurrency: Concurrency = 8,
) -> None:
    """A small model answers, a stronger one corrects: pairs that pass the checks. Run it again to continue.

    Example: `blindside pairs synthesize prompts.jsonl pairs.jsonl --small-url http://127.0.0.1:8080
    --strong-url http://127.0.0.1:8081`
    """
    from eval.collect.collect_options import CollectOptions
    from eval.collect.model_tasks.synthesize import CORRECTION, SynthesizeOptions
    from eval.collect.model_tasks.synthesize import synthesize as run
    from eval.collect.prompts.prompt_set import load_prompts

    loaded = load_prompts(prompts_named(prompts))
    for line in loaded.messages:
        console.say(line)
    asking = CollectOptions(concurrency=concurrency)
    how = SynthesizeOptions(max_tokens=max_tokens, thinking=thinking_tokens, budget=budget, asking=asking)
    folder = work or out.with_name(out.name + ".work")
    run(
        loaded.prompts,
        small_url,
        strong_url,
        out,
        work=folder,
        correction=correction or CORRECTION,
        options=how,
        say=console.say,
    )


@pairs_app.command()
def browse(
    file: Annotated[Path, typer.Argument(help="A pair file of a known format.")],
    port: Annotated[int, typer.Option(help="Port of the page; the next free one if it is taken.")] = 7880,
    browser: Browser = True,
) -> None:
    """Browse a pair file in a page: prompt, chosen, rejected, differences, lengths.

    Example: `blindside pairs browse pairs.jsonl`
    """
    from eval.report.pairs.page import serve

    serve(file, port=port, open_browser=browser, say=console.say)


def harvest(
    run: RunArgument = "",
    out: Annotated[Path | None, typer.Option(help="Where to write the pairs; default: the run's pairs.jsonl.")] = None,
    agreement: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a pair's verdicts that must be for the winner.")
    ] = 0.6,
    reviewers: Annotated[int, typer.Option(min=1, help="Verdicts that a pair needs.")] = 1,
    margin: Annotated[
        float, typer.Option(min=0, max=2, help="Mean grade that its winner needs, in a graded study: 2 is much better.")
    ] = 0.0,
    thumbs: Annotated[
        list[str] | None,
        typer.Option(help="Pair thumbs of these runs instead, liked against disliked; repeatable."),
    ] = None,
    reports: Reports = REPORTS,
) -> None:
    """Turn verdicts into pairs for the next training; their prompts are retired and never used again.

    Example: `blindside harvest tiny-1a2b3c4d --out next.jsonl`
    """
    from eval.release.next_round.harvest import Thresholds
    from eval.release.next_round.harvest import harvest as take
    from eval.release.next_round.thumbs import harvest_thumbs
    from eval.run import open_run

    if thumbs:
        runs = [open_run(reports, name) for name in thumbs]
        harvest_thumbs(runs, out or runs[0].folder / "pairs.jsonl", say=console.say)
        return
    opened = open_run(reports, run)
    asked = Thresholds(agreement=agreement, reviewers=reviewers, margin=margin)
    take(opened, out or opened.folder / "pairs.jsonl", thresholds=asked, say=console.say)


def _asked(prompts: str) -> list[list[dict[str, str]]]:
    from eval.collect.prompts.prompt_set import load_prompts

    asked = load_prompts(prompts_named(prompts)).prompts
    return [[message.model_dump() for message in prompt.messages] for prompt in asked]


def _fields(field: list[str] | None, role: list[str] | None) -> Fields:
    from blindside.tables.turns import Fields
    from eval.errors import InputError

    columns = _split(field, "--field")
    unknown = columns.keys() - {"prompt", "system", "chosen", "rejected", "role", "content"}
    if unknown:
        raise InputError(f"--field {min(unknown)}=…: name prompt, system, chosen, rejected, role or content")
    return Fields(**columns, roles=_split(role, "--role"))


def _choices(text: str, meanings: tuple[str, ...]) -> dict[str, str]:
    from blindside.tables.codes import read_option
    from eval.errors import InputError

    try:
        return read_option(text, meanings)
    except ValueError as error:
        raise InputError(str(error)) from None


def _split(given: list[str] | None, option: str) -> dict[str, str]:
    from eval.errors import InputError

    wrong = [one for one in given or [] if not all(one.partition("=")[::2])]
    if wrong:
        raise InputError(f"{option} {wrong[0]}: write it as name=column")
    return {name: value for name, _, value in (one.partition("=") for one in given or [])}


def register(app: typer.Typer) -> None:
    app.add_typer(pairs_app, name="pairs")
    app.command()(harvest)
