"""The table of a sweep's trainings: a row each, with figures from the file that grows; a line each elsewhere."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

from blindside.console import terminal
from train.sweep.stage import last_figures
from train.sweep.table import Table


def logged(path: Path, *, held_out: bool) -> Path:
    lines = [
        {"pairs": [90, 10 if held_out else 0]},
        {"step": 1, "loss": 0.6, "rewards/margins": 0.1, "rewards/accuracies": 0.6, "logps/chosen": -30.0},
        {"step": 2, "loss": 0.5, "rewards/margins": 0.4, "rewards/accuracies": 0.8, "logps/chosen": -28.0},
    ]
    if held_out:
        lines += [
            {"step": 0, "eval_loss": 0.7, "eval_rewards/margins": 0.0, "eval_rewards/accuracies": 0.0},
            {
                "step": 2, "eval_loss": 0.5, "eval_rewards/margins": 0.3, "eval_rewards/accuracies": 0.7,
                "eval_logps/chosen": -29.0,
            },
        ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_held_out_pairs_are_told_where_some_were_scored(tmp_path: Path) -> None:
    assert last_figures(tmp_path / "nothing") == {}
    own = last_figures(logged(tmp_path / "own", held_out=False))
    assert own == {"training_accuracy": 0.8, "training_margin": 0.4, "training_logps_chosen": -28.0, "step": 2.0}
    held = last_figures(logged(tmp_path / "held", held_out=True))
    assert (held["held_out_accuracy"], held["held_out_margin"], held["held_out_logps_chosen"]) == (0.7, 0.3, -29.0)


def test_the_table_moves_on_a_terminal(tmp_path: Path) -> None:
    out, said = StringIO(), list[str]()
    console = terminal(file=out, force_terminal=True, width=120)
    with Table(["low", "high"], said.append, console) as table:
        progress = table.begin("low", logged(tmp_path / "figures", held_out=True))("low")
        progress.feed(" 20%|##   | 2/10 [00:02<00:08,  1.00it/s]")
        console.print(table.grid())
        table.set("low", "trained")
        table.set("high", "failed")
        console.print(table.grid())
    shown = out.getvalue()
    assert said == []
    assert "training" in shown
    assert "00:08" in shown
    assert all(text in shown for text in ("held-out accuracy", "70%", "0.3", "-29", "trained", "failed"))


def test_elsewhere_each_change_is_a_line(tmp_path: Path) -> None:
    said: list[str] = []
    with Table(["low"], said.append, terminal(file=StringIO(), force_terminal=False)) as table:
        table.begin("low", tmp_path / "figures")
        table.set("low", "trained", last_figures(logged(tmp_path / "own", held_out=False)))
    assert said == ["low: trained; held-out accuracy 80% (own pairs), margin 0.4, chosen log-prob. -28"]
