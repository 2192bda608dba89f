"""The model card: metadata that the Hub validates, how the model was judged, and what that does not show.

The text is card.md.jinja. Whatever is put into it goes through blindside.markdown, so that no name can become markup.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from blindside.markdown import as_code, as_text, one_line
from blindside.words import confidence_words
from eval.policy import Policy
from eval.release.gate.decision import Decision, Headline
from eval.release.hub.lineage import Licence, Origin
from eval.release.hub.redact import last_part
from eval.run_info import Decoding, ModelInfo, RunInfo
from train.artifact import Artifact

#: Of report/, as far as it was published: what each picture shows.
PICTURES = {
    "report/picture-time.svg": "Win rate as verdicts came in, with its confidence sequence",
    "report/picture-prompts.svg": "Verdicts, prompt by prompt",
    "report/picture-categories.svg": "Win rate by category",
}
TEMPLATE = Path(__file__).with_name("card.md.jinja")


@dataclass(frozen=True)
class Facts:
    """Everything that a card is made of. `info` and `decision` are those that are published."""

    repo: str
    info: RunInfo
    decision: Decision
    policy: Policy
    artifact: Artifact | None
    origin: Origin
    licence: Licence
    #: What run.json says of parity and determinism, in sentences; and whether a failed parity was passed over.
    proved: Sequence[str]
    forced: bool
    #: Whether training.svg goes along.
    picture: bool
    comments: bool
    #: The training method as the recipe names it (`rl`), or "".
    method: str
    #: What lies under eval/, by name.
    evidence: Sequence[str]

    @property
    def name(self) -> str:
        """The repository's name, without its owner."""
        return self.repo.rpartition("/")[2]


def card(facts: Facts) -> ModelCard:
    """The card as README.md will hold it."""
    environment = Environment(
        autoescape=False, finalize=_finalize, undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters |= {
        "side": _side,
        "percent": _percent,
        "alpha": lambda value: "undefined" if value is None else f"{value:.2f}",
        "count": lambda value: f"{value:,}",
        "code": _code,
        "last": last_part,
        "whole": lambda text: Markup(as_text(text, longest=None)),
    }
    body = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(_values(facts))
    return ModelCard(f"---\n{_metadata(facts).to_yaml()}\n---\n\n{body}")


def _code(text: str) -> Markup:
    return Markup(as_code(str(text)))


def _finalize(value: Any) -> str:
    return str(value) if isinstance(value, Markup) else as_text(str(value))


def _values(facts: Facts) -> dict[str, Any]:
    models = facts.info.models
    return {
        **vars(facts),
        "name": facts.name,
        "head": facts.decision.headline,
        "base": models["base"],
        "tuned": models["tuned"],
        "interval": _interval(facts.decision.headline),
        "pictures": [(Markup(f"eval/{name}"), words) for name, words in PICTURES.items() if name in facts.evidence],
        "claim": _claim(facts.policy),
        "decoding": _decoding(facts.info.decoding),
    }


def _side(model: ModelInfo) -> Markup:
    pin = model.revision or model.weights_sha256
    return Markup(as_text(model.name) + (f" ({_code(pin[:12])})" if pin else " (not pinned)"))


def _percent(share: float | None) -> str:
    return "undefined" if share is None else f"{share:.1%}"


def _interval(head: Headline) -> str:
    if head.low is None or head.high is None:
        return "no interval"
    return f"{confidence_words(head.confidence)} interval {head.low:.1%} to {head.high:.1%}"


def _claim(policy: Policy) -> str:
    wanted = policy.preference
    if wanted.rule == "superiority":
        return f"superiority at {confidence_words(wanted.confidence)} confidence"
    return f"non-inferiority within {wanted.margin:.0%} at {confidence_words(wanted.confidence)} confidence"


def _decoding(decoding: Decoding | None) -> str:
    return "decoding unknown" if decoding is None else f"greedy decoding, {decoding.words()}"


def _metadata(facts: Facts) -> ModelCardData:
    licence, origin = facts.licence, facts.origin
    method = [facts.method] if re.fullmatch(r"[a-z]{2,12}", facts.method) else []
    return ModelCardData(
        model_name=facts.name,
        base_model=origin.hub,
        base_model_relation="finetune" if origin.hub else None,
        datasets=list(origin.datasets) or None,
        license=licence.identifier,
        license_name=licence.name or None,
        license_link=licence.link or None,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["blindside", "human-evaluation", *method],
        eval_results=_results(facts),
    )


def _results(facts: Facts) -> list[EvalResult]:
    """The headline's figures, those that are defined, as metrics on one data set."""
    prompts = facts.info.prompt_set
    hub = re.fullmatch(r"hub:(?P<id>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<commit>[0-9a-f]+))?(?::.*)?", prompts.source)
    return [
        EvalResult(
            task_type="text-generation",
            task_name="Text Generation",
            dataset_type=hub["id"] if hub else "blindside-prompts",
            dataset_name=one_line(prompts.source) or "prompts",
            dataset_revision=hub["commit"] if hub else None,
            dataset_args={"sha256": prompts.sha256, "prompts": prompts.asked},
            metric_type=kind,
            metric_name=name,
            metric_value=round(value, 4),
        )
        for kind, name, value in _metrics(facts.decision.headline)
        if value is not None and math.isfinite(value)
    ]


def _metrics(head: Headline) -> list[tuple[str, str, float | None]]:
    percent = confidence_words(head.confidence)
    return [
        ("human_win_rate", "Human win rate against the base, ties as a half", head.win_rate),
        ("human_win_rate_low", f"Human win rate, lower end of the {percent} interval", head.low),
        ("human_win_rate_high", f"Human win rate, upper end of the {percent} interval", head.high),
        ("judged_prompts", "Prompts judged", head.prompts),
        ("judgements", "Human judgements", head.judgements),
        ("reviewers", "Reviewers", head.reviewers),
        ("krippendorff_alpha", "Agreement of the reviewers (Krippendorff's alpha)", head.agreement),
        ("both_bad", "Share of judgements that found both answers bad", head.both_bad),
    ]
