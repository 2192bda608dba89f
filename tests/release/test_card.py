"""The card: what it says, what the Hub's rules say of it, and that no name becomes markup."""

from __future__ import annotations

import re
import shutil
from base64 import b64decode
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from blindside.markdown import as_code, as_text
from eval.release.gate.decision import Headline, read_decision, write_decision
from eval.release.hub.bundle import build_bundle
from eval.release.hub.release import release
from eval.report.write_report import write_report
from eval.run import Run, write_run_json
from eval.run_info import RunChecks, SweepMember
from tests.release.card_rules import errors_of
from tests.release.judged import Project, decision, make_project
from train.files import sha256_file

_IMAGE = re.compile(r"data:image/svg\+xml;base64,([^\"]+)")
HOSTILE = (
    '"><script>alert(1)</script> [x](http://evil.example) | ![](//p) `{{ 7*7 }}` **b** www.evil.example @all\n# H\x07'
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "home")


def card_of(project: Project, repo: str = "our/tuned") -> str:
    return release(project.run, repo, dry_run=True, say=lambda line: None).card


def with_headline(project: Project, **changes: float | None) -> None:
    said = decision(project.run)
    write_decision(project.run.folder, said.model_copy(update={"headline": said.headline.model_copy(update=changes)}))


def test_the_metadata_keeps_the_hubs_rules_and_comes_back_the_same(project: Project) -> None:
    text = card_of(project)
    assert errors_of(text) == []
    card = ModelCard(text)
    assert card.data.get("model_name") == "tuned"
    assert card.data.get("base_model") is None
    data = yaml.safe_load(text.split("---\n")[1])
    name, results = model_index_to_eval_results(data["model-index"])
    assert name == "tuned"
    assert {result.metric_type: result.metric_value for result in results}["human_win_rate"] == 0.625
    assert {result.dataset_name for result in results} == {"asked.jsonl"}
    assert data["model-index"][0]["results"][0]["dataset"]["args"] == {"sha256": "d" * 64, "prompts": 8}


@pytest.mark.usefixtures("offline")
def test_a_base_of_the_hub_is_named(tmp_path: Path) -> None:
    project = make_project(tmp_path / "home", base_on_hub=True)
    text = card_of(project)
    assert errors_of(text) == []
    data = ModelCard(text).data
    assert (data.get("base_model"), data.get("base_model_relation")) == ("owner/big-base", "finetune")
    assert (data.get("license"), data.get("license_name")) == ("other", "not-stated")
    assert f"owner/big-base at `{'a' * 40}`" in text


def test_figures_that_are_not_defined_are_left_out_of_the_metadata(project: Project) -> None:
    with_headline(project, agreement=None, low=None, high=None, both_bad=None)
    text = card_of(project)
    assert errors_of(text) == []
    kinds = [result.metric_type for result in ModelCard(text).data.get("eval_results")]
    assert kinds == ["human_win_rate", "judged_prompts", "judgements", "reviewers"]
    assert "no interval" in text
    assert "The reviewers' agreement is undefined" in text


def test_it_says_what_was_found_and_how(project: Project) -> None:
    text = card_of(project)
    assert "| human win rate, ties as a half | 62.5% (95% interval 54.3% to 70.0%) | 8 prompts |" in text
    assert "required superiority at 95% confidence" in text
    assert "Reviewers agreed little" in text
    assert "greedy decoding, at most 512 tokens, engine embedded" in text
    assert f"- Recipe: ours.yml, sha256 `{sha256_file(project.home / 'recipes' / 'ours.yml')}`" in text
    assert "![How the training went]" not in text
    (project.tuned / "training.svg").write_text("<svg/>")
    assert "step by step: ![How the training went](training.svg)" in card_of(project)
    assert "- Tokens: trained tokens = served tokens, 1,230 of 1,234 pairs." in text
    assert "In `eval/`: `decision.json`, `gate.yml`, `recipe.yml`, `report/by_category.csv`" in text


def test_the_trainings_of_both_rounds_are_shown_and_go_along(project: Project, tmp_path: Path) -> None:
    for path, words in ((project.run.picture_path, "second"), (project.run.base_picture_path, "first")):
        path.write_text(f"<svg xmlns='http://www.w3.org/2000/svg'><title>{words}</title></svg>")
    shutil.copy(project.run.picture_path, project.tuned)
    write_report(project.run)
    bundle = build_bundle(project.run, decision(project.run), "our/tuned", tmp_path / "staging", comments=False)
    files = {file.path: file.source for file in bundle.files}
    for name, words in (("training.svg", "second"), ("eval/training-base.svg", "first")):
        assert words in files[name].read_text()
    base, tuned = (bundle.card.index(f"({name})") for name in ("eval/training-base.svg", "training.svg"))
    assert base < tuned
    # The published report has both too, and the first round's first.
    page = files["eval/report/report.html"].read_text()
    assert [
        b64decode(one).decode().count(words)
        for one, words in zip(_IMAGE.findall(page), ("first", "second"), strict=True)
    ] == [1, 1]
    assert page.index('id="training-base"') < page.index('id="training-tuned"')


def test_a_policy_fixed_late_and_a_failed_parity_are_told(project: Project) -> None:
    forced = {
        "parity": {"tuned": {"forced": True, "dtype": "bfloat16", "checks": [{"name": "logits", "passed": False}]}}
    }
    run = project.run.update(policy_fixed_at="after judging began", checks=RunChecks.model_validate(forced))
    text = card_of(Project(project.home, run))
    assert "**The policy was not fixed before judging began**" in text
    assert "**It is not proved that the servers ran these weights**" in text


def test_a_model_that_was_chosen_among_candidates_says_among_how_many(project: Project) -> None:
    run = project.run.update(sweep=SweepMember(sweep="rates", candidate=HOSTILE, of=8))
    text = card_of(Project(project.home, run))
    assert "This model was chosen from 8 candidates by these verdicts" in text
    assert "superiority at 99.38% confidence" in text
    assert "<script>" not in text


def rendered(text: str) -> str:
    page: str = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(
        re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    )
    return page


def test_hostile_names_stay_text(project: Project) -> None:
    info = project.run.info
    models = {side: model.model_copy(update={"name": HOSTILE}) for side, model in info.models.items()}
    prompts = info.prompt_set.model_copy(update={"source": HOSTILE})
    run = Run(project.run.folder, info.model_copy(update={"models": models, "prompt_set": prompts, "engine": HOSTILE}))
    write_run_json(run.folder, run.info)
    text = card_of(Project(project.home, run))
    assert errors_of(text) == []
    page, before = rendered(text), rendered(card_of(project))
    for tag in ("<script", "<a ", "<img", "<h1", "<td", "<strong", "<code"):
        assert page.count(tag) == before.count(tag), tag
    assert "{{ 7*7 }}" in page.replace("&quot;", '"')


@given(st.text(max_size=80))
def test_any_text_stays_text(text: str) -> None:
    page = MarkdownIt("gfm-like", {"html": True, "linkify": False}).renderInline(f"x{as_text(text)}x")
    assert "<" not in page
    assert MarkdownIt().renderInline(f"a {as_code(text)} b").count("<code>") == 1


def test_the_recipe_is_left_out_once_it_has_changed(project: Project) -> None:
    recipe = project.home / "recipes" / "ours.yml"
    assert "eval/recipe.yml" in {
        file.path for file in release(project.run, "our/tuned", dry_run=True, say=lambda line: None).files
    }
    recipe.write_text(recipe.read_text() + "seed: 1\n")
    lines: list[str] = []
    done = release(project.run, "our/tuned", dry_run=True, say=lines.append)
    assert "eval/recipe.yml" not in {file.path for file in done.files}
    assert any("is missing or has changed since the training: it is left out" in line for line in lines)


def test_the_recipe_goes_out_without_this_machines_folders(project: Project, tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    staging.mkdir()
    build_bundle(project.run, read_decision(project.run.folder), "our/tuned", staging, comments=False)
    assert (staging / "eval" / "recipe.yml").read_text() == "base_model: base\nrl: dpo\noutput_dir: out\n"


def test_a_headline_without_anything_still_makes_a_card(project: Project) -> None:
    write_decision(project.run.folder, decision(project.run).model_copy(update={"headline": Headline()}))
    assert errors_of(card_of(project)) == []
