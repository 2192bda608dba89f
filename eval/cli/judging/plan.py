"""`blindside plan`: how many judgements a study needs, computed before judging begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from blindside import console

if TYPE_CHECKING:
    from eval.evidence.sequential.power import Need


def plan(
    ties: Annotated[float, typer.Option(min=0, max=1, help="Share of verdicts that are ties.")] = 0.2,
    both_bad: Annotated[
        float, typer.Option(min=0, max=0.99, help="Share of verdicts that call both answers bad.")
    ] = 0.0,
    agreement: Annotated[
        float, typer.Option(min=0, max=1, help="How often two reviewers of one prompt give the same verdict.")
    ] = 0.65,
    reviewers: Annotated[
        int, typer.Option(min=1, max=20, help="Reviewers per prompt, compared with one per prompt.")
    ] = 3,
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the prompts that get this many reviewers.")
    ] = 1.0,
    win_rate: Annotated[list[float] | None, typer.Option(help="True win rate to show; repeatable.")] = None,
    margin: Annotated[list[float] | None, typer.Option(help="Margin of non-inferiority; repeatable.")] = None,
    power: Annotated[list[float] | None, typer.Option(help="Power, the chance of showing it; repeatable.")] = None,
    prompts: Annotated[int | None, typer.Option(min=2, help="Show what this many prompts can detect.")] = None,
) -> None:
    """Print how many prompts and judgements it takes to show that the tuned model is better, or no worse.

    Example: `blindside plan --ties 0.3 --reviewers 2 --share 0.2 --win-rate 0.6`
    """
    from rich.table import Table

    from eval.evidence.sequential import power as needs
    from eval.evidence.sequential.expected_verdicts import Design, People, worth

    people, overlapped = People(ties, both_bad, agreement), Design(reviewers, share)
    designs = [Design(1)] if overlapped.per_prompt == 1 else [Design(1), overlapped]
    rates, levels = tuple(win_rate or (0.55, 0.6, 0.65)), tuple(power or (0.8, 0.9))
    margins = tuple(margin or ()) if win_rate else tuple(margin or (0.05, 0.1))
    rows = needs.plan(people, win_rates=rates, margins=margins, powers=levels, designs=designs)
    grid = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
    for heading in (
        "rate",
        "to show",
        "power",
        "reviewers",
        "prompts",
        "verdicts",
        "prompts*",
        "verdicts*",
        "half*",
    ):
        grid.add_column(heading, no_wrap=True, justify="left" if heading == "to show" else "right")
    for need in rows:
        grid.add_row(*_cells(need))
    out = console.terminal()
    out.print(grid)
    out.print("* if you look after every prompt; half of such studies stop by the last number.")
    if reviewers > 1:
        out.print(
            f"{reviewers} verdicts on one prompt are worth as much as {worth(people, rates[0], reviewers):.1f} on "
            "separate prompts: overlap is for measuring agreement, new prompts are for precision."
        )
    if prompts is not None:
        for design in designs:
            found = needs.detectable(prompts, people, design)
            shown = "nothing" if found is None else f"a true win rate of {found:.1%} or more"
            out.print(f"{prompts} prompts, {design.in_words}: show {shown} in 80% of studies.")


def _cells(need: Need) -> tuple[str, ...]:
    claim = f"no worse by {need.margin:.0%}" if need.margin else "better"
    design = need.design
    reviewers = str(design.reviewers) if design.share in (0, 1) else f"{design.reviewers} on {design.share:.0%}"
    counts = (
        need.prompts,
        need.judgements,
        need.prompts_any_time,
        need.judgements_any_time,
        need.judgements_half,
    )
    return f"{need.win_rate:.0%}", claim, f"{need.power:.0%}", reviewers, *(f"{count:,}" for count in counts)


def register(app: typer.Typer) -> None:
    app.command()(plan)
