"""What reviewers, plans and orders do in life, through the commands: the gate, and the report that says the same."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import pytest

from eval.answers import read_answers
from eval.judge.setup.begin import begin_judging
from eval.judge.setup.policy_check import notes
from eval.judge.store.side_files import Skip, append_skip
from eval.judge.study.study import Overlap, Study
from eval.policy import freeze_policy
from eval.records import SIDES, utc_now
from eval.release.gate.decision import read_decision
from eval.release.gate.gate import decide
from eval.run import Run, open_run
from tests.cli.command import blindside
from tests.judge.verdicts import verdict_store
from tests.release.studies import judge, study
from tests.release.test_gate import gate
from tests.support import judged

POLICY = "prompts: 30\nreviewers: 2\noverlap: null\n"


def single(folder: Path, n: int, policy: str = POLICY) -> Run:
    """A study with one reviewer per pair."""
    run = study(folder, n=n, policy=policy)
    (run.folder / "study.json").write_text(Study(overlap=Overlap()).model_dump_json())
    return run


def squeezed(text: str) -> str:
    """Printed text without what a table puts around it."""
    return " ".join(text.replace("│", " ").split())


def said_by_all(run: Run) -> str:
    """The sentence of the decision, which the gate, its summary, the report, the page and the terminal share."""
    sentence = read_decision(run.folder).headline.sentence
    done = blindside("report", run.name, "--reports", str(run.folder.parent), cwd=run.folder.parent.parent)
    assert sentence in squeezed(done.stdout), done.stdout + done.stderr
    for name in ("report.md", "report.html", "gate.md"):
        assert sentence in unescape((run.report_folder / name).read_text()), name
    return sentence


def test_a_model_that_is_liked_less_in_the_end_is_held_back_by_all_in_the_same_words(tmp_path: Path) -> None:
    run = judge(single(tmp_path, 150), [1.0] * 40 + [0.25] * 110)
    done = gate(run)
    assert done.returncode == 1, done.stdout
    rules = {rule.name: rule for rule in read_decision(run.folder).rules}
    assert (rules["superiority"].status, rules["early against late"].status) == ("fail", "fail")
    assert rules["superiority"].found.endswith(", contradicted since")
    sentence = said_by_all(run)
    assert ", contradicted since" in sentence
    assert sentence in squeezed(done.stdout)
    assert "prefer" not in sentence


def test_a_plan_changed_after_the_verdicts_changes_no_decision_and_an_edited_one_is_no_decision(tmp_path: Path) -> None:
    run = judge(study(tmp_path, n=60, policy=POLICY), 0.5)
    assert gate(run).returncode == 1
    before = read_decision(run.folder)
    begin_judging(run, Study(overlap=Overlap(reviewers=2, share=0.9)))
    assert gate(run).returncode == 1
    after = read_decision(run.folder)
    assert after.headline == before.headline
    (rule,) = (rule for rule in after.rules if rule.name == "plan")
    assert "overlap 2 on 90% of the pairs (before: 2 on 20%); all figures use the frozen plan" in rule.found
    path = run.folder / "plan.json"
    path.write_text(path.read_text().replace('"reviewers": 2', '"reviewers": 1', 1))
    done = gate(run)
    assert (done.returncode, "is not the plan that was frozen at the first verdict" in done.stderr) == (3, True)


def test_skipping_what_the_tuned_model_loses_releases_nothing(tmp_path: Path) -> None:
    """Half of the prompts are won; two in three of the lost ones are skipped, and a few of these bob judges."""
    run = single(tmp_path, 120)
    begin_judging(run)
    run = open_run(run.folder.parent, run.name)
    store = verdict_store(run)
    for number, pair in enumerate(read_answers(run.responses_path).pairs(run.prompts())):
        won, skipped = number % 2 == 0, number % 6 in (1, 3)
        if skipped:
            skip = Skip(run=run.name, item=pair.prompt_id, reviewer="ann", kind="judgement", skipped_at=utc_now())
            append_skip(run, skip)
        if not skipped or number % 12 == 1:
            row = judged(run, pair, outcome="tuned" if won or skipped else "base")
            name = "bob" if skipped or number % 5 == 0 else "ann"
            store.append(row.model_copy(update={"reviewer": name, "seconds": 4.0, "left": SIDES[number % 4 // 2]}))
    assert gate(run).returncode in (1, 2)
    decision = read_decision(run.folder)
    (rule,) = (rule for rule in decision.rules if rule.name == "skips")
    assert rule.found.startswith("40 prompts, of which 30 lack a verdict: 50.0%")
    assert "but not if the 40 skipped prompts went to base" in said_by_all(run)
    summary = (run.report_folder / "summary.csv").read_text()
    assert "prompts skipped and still open,,,,30,prompts" in summary
    assert "win rate if every skipped prompt went to base,0.5" in summary


def test_a_study_that_stopped_early_quotes_what_holds_after_that(tmp_path: Path) -> None:
    run = judge(single(tmp_path, 200), 0.85)
    lines = run.verdicts_path.read_bytes().splitlines(keepends=True)
    run.verdicts_path.write_bytes(b"".join(lines[:31]))
    for copy in run.folder.glob(".*acknowledged*"):
        copy.unlink()
    done = gate(run)
    assert done.returncode == 0, done.stdout + done.stderr
    head = read_decision(run.folder).headline
    assert head.stopped_at is not None
    assert head.win_rate is not None
    assert head.as_counted is not None
    assert head.win_rate < head.as_counted
    assert head.stopped_at == 30
    assert head.sentence.startswith("Stopped early at prompt 30: the tuned model's win rate is ")
    assert "confidence sequence" in said_by_all(run)


def test_before_the_plan_is_complete_the_words_come_from_the_test_for_every_look(tmp_path: Path) -> None:
    run = judge(single(tmp_path, 120, policy="prompts: 10\nreviewers: 2\noverlap: null\n"), 0.62, seed=5)
    lines = run.verdicts_path.read_bytes().splitlines(keepends=True)
    run.verdicts_path.write_bytes(b"".join(lines[:41]))
    for copy in run.folder.glob(".*acknowledged*"):
        copy.unlink()
    assert gate(run).returncode == 2
    sentence = said_by_all(run)
    assert sentence.startswith("Interim, 80 planned judgements are missing: the tuned model's win rate is ")
    assert "prefer" not in sentence


def test_people_who_click_are_not_people_who_prefer(tmp_path: Path) -> None:
    """Verdicts within 0.2 s, a third of the known answers right: no sentence says that anybody prefers anything."""
    run = judge(single(tmp_path, 60), 0.9)
    store = verdict_store(run)
    first = store.rows[0]
    for number in range(6):
        outcome = "tuned" if number < 2 else "base"
        changes = {"verdict_id": f"g{number}", "item": f"gold:{number}", "kind": "gold", "outcome": outcome, "seal": ""}
        store.append(first.model_copy(update=changes))
    quick = [row.model_copy(update={"seconds": 0.2, "seal": ""}) for row in store.rows]
    run.verdicts_path.unlink()
    for copy in run.folder.glob(".*acknowledged*"):
        copy.unlink()
    again = verdict_store(run)
    for row in quick:
        again.append(row)
    assert gate(run).returncode == 1
    failed = [rule.name for rule in read_decision(run.folder).rules if rule.status == "fail"]
    assert failed == ["known answers right", "speed"]
    sentence = said_by_all(run)
    assert "but only 33% of 6 known answers were judged right; half of the verdicts were given within 0.2 s" in sentence
    assert "prefer" not in sentence


def test_people_like_these_are_another_claim(tmp_path: Path) -> None:
    run = judge(study(tmp_path, n=80, policy=f"{POLICY}population: like_these\n"), 0.75)
    assert gate(run).returncode == 1
    decision = read_decision(run.folder)
    (rule,) = (rule for rule in decision.rules if rule.name == "superiority")
    assert ", for reviewers like these in general, at one look" in rule.asked
    assert (decision.headline.population, rule.status) == ("like_these", "fail")


def test_the_default_study_can_give_what_the_default_policy_asks_for(tmp_path: Path) -> None:
    run = study(tmp_path, n=100)
    (run.folder / "study.json").unlink()
    bare = run.info.model_copy(update={"policy_sha256": "", "policy_fixed_at": ""})
    (run.folder / "run.json").write_text(bare.model_dump_json())
    (run.folder / "gate.yml").unlink()
    run = freeze_policy(open_run(run.folder.parent, run.name))
    assert notes(begin_judging(run)) == []
    assert [rule.status for rule in decide(run).rules if rule.name == "study"] == ["pass"]


@pytest.mark.parametrize(
    ("policy", "settings", "words"),
    [
        ("prompts: 100", {}, "put `prompts: 20` into gate.yml"),
        ("prompts: 10\noverlap: {share: 0.3}", {}, "judge with `--overlap 2 --overlap-share 0.6`"),
        ("prompts: 10\nagreement: 0.2\noverlap: null", {"overlap": 1}, "no pair is judged by two reviewers"),
        ("prompts: 10\npreference: {predicted: true}", {}, "put `sample: 0.5` into study.yml"),
        ("prompts: 10\nmax_share_per_reviewer: 0.3", {}, "put `reviewers: 4` into gate.yml"),
    ],
)
def test_what_the_study_cannot_give_is_said_before_anybody_judges(
    policy: str, settings: dict[str, object], words: str, tmp_path: Path
) -> None:
    run = study(tmp_path, n=20, policy=policy)
    (run.folder / "study.json").unlink()
    (line,) = notes(begin_judging(run, Study.model_validate(settings)))
    assert words in line
    (run.folder / "study.json").write_text(json.dumps(settings))
    if "predicted" not in policy:
        assert line in decide(run).reasons[0]


def test_where_every_answer_is_bad_nothing_contradicts_itself(tmp_path: Path) -> None:
    run = single(tmp_path, 30)
    begin_judging(run)
    store = verdict_store(run)
    for n, pair in enumerate(read_answers(run.responses_path).pairs(run.prompts())[:20]):
        store.append(judged(run, pair, outcome="both_bad").model_copy(update={"reviewer": "ab"[n % 2]}))
    assert gate(run).returncode == 2
    assert said_by_all(run) == "All 20 verdicts found both answers bad: nothing can be said of preference."
    text = (run.report_folder / "report.md").read_text()
    assert "nothing to decide by, since no verdict prefers a side or ties" in text
    assert [word for word in ("too early", "contradicted", "% over", "prefer the", "prefers the") if word in text] == []


@pytest.mark.parametrize(("word", "status"), [("", "fail"), ("imported: true\n", "pass")])
def test_verdicts_given_elsewhere_need_the_policys_word(word: str, status: str, tmp_path: Path) -> None:
    run = single(tmp_path, 40, POLICY + word)
    table = tmp_path / "sheet.csv"
    rows = [f"p{i},{'ann' if i % 2 else 'bob'},{'tuned' if i % 8 else 'base'}\n" for i in range(40)]
    table.write_text("id,reviewer,outcome\n" + "".join(rows))
    done = blindside("import-verdicts", run.name, str(table), "--reports", str(run.folder.parent), cwd=tmp_path)
    assert "`outcome` is read as: tuned = tuned (35), base = base (5)" in done.stdout, done.stdout + done.stderr
    assert "40 rows: 40 verdicts (40 new, 0 there before), 0 not usable" in done.stdout
    done = gate(run)
    decision = read_decision(run.folder)
    rules = {rule.name: rule for rule in decision.rules}
    assert (rules["imported"].status, done.returncode) == (status, 1 if status == "fail" else 0), done.stdout
    assert rules["imported"].found == "40 of 40 judgements come from another tool and have no seal"
    assert rules["plan"].found == "none: the verdicts come from another tool"
    assert said_by_all(run)
    assert "imported judgements (from another tool),,,,40,judgements" in (run.report_folder / "summary.csv").read_text()
