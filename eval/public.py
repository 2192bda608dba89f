"""The public names of `import blindside`: runs as pandas frames, and the figures of the report.

Frames of judgements have the columns `item`, `reviewer` and `outcome` (base, tuned, tie, both_bad), one row per
judgement; with a column `cluster`, clusters are the unit instead of items.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from io import StringIO
from pathlib import Path

import pandas as pd

from blindside.errors import BlindsideError
from eval.answers import read_answers
from eval.errors import InputError
from eval.evidence.build_judgements import read_table
from eval.evidence.estimates import winrate
from eval.evidence.judgements import Judgements, of_arrays
from eval.evidence.reviewers import agreement as agreements
from eval.judge.store.verdict_files import in_force
from eval.judge.store.verdict_files import read_verdicts as read_rows
from eval.records import OUTCOMES, Verdict
from eval.release.gate.decision import Decision
from eval.run import Run as RunFolder
from eval.run import open_run as open_folder

__all__ = [
    "Agreement",
    "BlindsideError",
    "Decision",
    "Estimate",
    "Run",
    "agreement",
    "decide",
    "open_run",
    "read_verdicts",
    "report",
    "win_rate",
]

_COLUMNS = ("item", "reviewer", "outcome")


@dataclass(frozen=True)
class Estimate:
    """A figure over `n` prompts with its 95% interval; `value` or `interval` is None where the data carries none.

    >>> Estimate(0.625, (0.54, 0.70), 80)
    62.5%, 54.0% to 70.0% (n=80)
    """

    value: float | None
    interval: tuple[float, float] | None
    n: int
    #: Whether `value` is a share of prompts; a coefficient such as alpha is none.
    share: bool = True

    def __repr__(self) -> str:
        return f"{self._said(self.value)}, {self._between()} (n={self.n})"

    def _repr_html_(self) -> str:
        return f"<b>{self._said(self.value)}</b> (95% interval: {self._between()}; n = {self.n})"

    def _said(self, value: float | None) -> str:
        if value is None:
            return "insufficient"
        return f"{value:.1%}" if self.share else f"{value:.2f}"

    def _between(self) -> str:
        return " to ".join(map(self._said, self.interval)) if self.interval else "no interval"


@dataclass(frozen=True)
class Agreement:
    """Agreement on the prompts that two or more reviewers judged; the coefficients are 0 for what chance gives."""

    #: Share of equal verdicts of two reviewers.
    raw: Estimate
    krippendorff_alpha: Estimate
    fleiss_kappa: Estimate
    gwet_ac1: Estimate

    def _repr_html_(self) -> str:
        rows = (
            ("Equal verdicts", self.raw),
            ("Krippendorff's alpha", self.krippendorff_alpha),
            ("Fleiss' kappa", self.fleiss_kappa),
            ("Gwet's AC1", self.gwet_ac1),
        )
        return _html_table((name, found._repr_html_()) for name, found in rows)


@dataclass(frozen=True)
class Run:
    """A run folder, read again by every method."""

    folder: Path

    @property
    def name(self) -> str:
        return self._run.name

    @property
    def _run(self) -> RunFolder:
        return open_folder(self.folder.parent, self.folder.name)

    def judgements(self) -> pd.DataFrame:
        """The judgements that count, a row each, in the order in which they were given.

        Left out as in the report: rows that were replaced or withdrawn, repeats, pairs with a known answer. Columns:
        item, cluster, category, reviewer, outcome, left, seconds, judged_at (UTC), comment. Raises InputError for
        files that cannot be trusted.
        """
        table, verdicts = read_table(self._run)
        frame = _frame(verdicts)
        clusters = [table.clusters.get(verdict.item, verdict.item) for verdict in verdicts]
        frame.insert(1, "cluster", pd.Series(clusters, dtype=object))
        return frame

    def answers(self) -> pd.DataFrame:
        """The answers, a row each: item, side, prompt (the last message), text, finish_reason, tokens."""
        found = read_answers(self._run.responses_path).responses.values()
        rows = [
            (r.prompt_id, r.side, r.messages[-1].content, r.text, r.finish_reason, r.completion_tokens) for r in found
        ]
        return pd.DataFrame(rows, columns=["item", "side", "prompt", "text", "finish_reason", "tokens"])

    def summary(self) -> pd.DataFrame:
        """Every figure of the report as in summary.csv, by its stable id: metric, value, low95, high95, n, n_counts."""
        from eval.evidence.analysis import all_figures, analyse_run
        from eval.report.tables.csv_tables import summary_csv

        text = summary_csv(all_figures(analyse_run(self._run)))
        frame: pd.DataFrame = pd.read_csv(StringIO(text), keep_default_na=False, na_values=[""]).set_index("id")
        return frame

    def _repr_html_(self) -> str:
        info = self._run.info
        rows = [(side, escape(model.name)) for side, model in info.models.items()]
        return _html_table([("run", escape(info.run)), *rows, ("engine", escape(info.engine))])


def open_run(folder: str | Path) -> Run:
    """The run in `folder`, such as "reports/first". Raises RunError naming the runs that are there."""
    path = Path(folder).resolve()
    open_folder(path.parent, path.name)
    return Run(path)


def read_verdicts(path: str | Path) -> pd.DataFrame:
    """The judgements in force of a verdicts.csv outside of a run folder.

    As `Run.judgements`, without clusters. Raises InputError with file and line for a row that cannot be trusted.
    """
    rows = [row for row in in_force(read_rows(Path(path))) if row.kind == "judgement"]
    return _frame(rows)


def win_rate(judgements: pd.DataFrame, *, ties: bool = True) -> Estimate:
    """How often the tuned model was preferred: per prompt tuned 1, tie ½, base 0, then the mean over prompts.

    The interval is Wilson's (1927) at the effective number of prompts; both_bad says nothing of preference and does not
    enter. With `ties=False` ties are left out too. Raises InputError for a missing column, an unknown outcome or two
    judgements of one reviewer on one item.

    >>> frame = pd.DataFrame({"item": list("aabc"), "reviewer": ["ann", "bob", "ann", "ann"],
    ...                       "outcome": ["tuned", "tie", "tuned", "base"]})
    >>> found = win_rate(frame)
    >>> found.value, found.n
    (0.5833333333333334, 3)
    >>> found
    58.3%, 4.4% to 97.7% (n=3)
    """
    return _public(winrate.win_rate(winrate.prompt_scores(_table(judgements, cluster=True), ties=ties)))


def agreement(judgements: pd.DataFrame) -> Agreement:
    """How far reviewers agree beyond chance, over the items that two or more of them judged.

    >>> frame = pd.DataFrame({"item": list("aabbcc"), "reviewer": ["ann", "bob"] * 3,
    ...                       "outcome": ["tuned", "tuned", "base", "base", "tie", "base"]})
    >>> agreement(frame).raw.value
    0.6666666666666666
    """
    found = agreements.agreement(_table(judgements, cluster=False)).coefficients
    return Agreement(
        raw=_public(found.raw),
        krippendorff_alpha=_public(found.alpha, share=False),
        fleiss_kappa=_public(found.fleiss, share=False),
        gwet_ac1=_public(found.ac1, share=False),
    )


def decide(run: Run) -> Decision:
    """Apply the run's policy as `blindside gate` does: release, hold or insufficient. Writes decision.json.

    Raises StaleInputs where a model, the policy or a verdict is not what it was when people judged.
    """
    from eval.release.gate.gate import decide as apply_policy

    return apply_policy(run._run)


def report(run: Run, out: str | Path | None = None) -> Path:
    """Write the report as `blindside report` does; the folder that has it (default: report/ in the run's folder)."""
    from eval.report.write_report import write_report

    folder = run.folder / "report" if out is None else Path(out)
    write_report(run._run, folder)
    return folder


def _frame(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    columns = ["item", "category", "reviewer", "outcome", "left", "seconds", "judged_at", "comment"]
    frame = pd.DataFrame([[getattr(row, name) for name in columns] for row in verdicts], columns=columns)
    frame["judged_at"] = pd.to_datetime(frame["judged_at"], utc=True, format="ISO8601")
    return frame.astype({"seconds": "float64"})


def _table(frame: pd.DataFrame, *, cluster: bool) -> Judgements:
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise InputError(f"the frame has no column {', '.join(missing)}: give one row per judgement with {_COLUMNS}")
    outcome = frame["outcome"].map({name: code for code, name in enumerate(OUTCOMES[:4])})
    if outcome.isna().any():
        at = int(outcome.isna().to_numpy().argmax())
        known = ", ".join(OUTCOMES[:4])
        raise InputError(f"row {at}: outcome {frame['outcome'].iloc[at]!r} is none of {known}: correct or drop the row")
    if frame[["item", "reviewer"]].isna().any(axis=None):
        raise InputError("a row has no item or no reviewer: fill it in, or drop the row")
    if (twice := frame.duplicated(["item", "reviewer"])).any():
        row = frame.loc[twice].iloc[0]
        raise InputError(f"{row['reviewer']} judged {row['item']} twice: keep the judgement that counts")
    unit = frame["cluster"] if cluster and "cluster" in frame.columns else frame["item"]
    return of_arrays(pd.factorize(unit)[0], outcome, reviewer=pd.factorize(frame["reviewer"])[0])


def _public(found: winrate.Estimate, *, share: bool = True) -> Estimate:
    interval = None if found.low is None or found.high is None else (found.low, found.high)
    return Estimate(found.value, interval, found.n, share)


def _html_table(rows: Iterable[tuple[str, str]]) -> str:
    """`rows` of a name and HTML."""
    return "<table>" + "".join(f"<tr><th>{name}</th><td>{cell}</td></tr>" for name, cell in rows) + "</table>"
