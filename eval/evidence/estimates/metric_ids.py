"""The stable ids of summary.csv: labels may be reworded, ids may not.

A figure of a new sentence needs a line here; tests/evidence/test_metric_ids.py finds one that has none.
"""

from __future__ import annotations

import re

IDS = {
    "win rate (ties as half)": "win_rate",
    "win rate without ties": "win_rate_without_ties",
    "win rate with identical answers as ties": "win_rate_with_identical",
    "share of both bad": "both_bad",
    "sign test p-value (exact, two-sided)": "sign_test_p",
    "prompts asked": "prompts_asked",
    "answers that failed": "answers_failed",
    "pairs answered by both": "pairs",
    "identical answers (ties by themselves, not asked)": "identical",
    "judgements": "judgements",
    "prompts judged": "prompts_judged",
    "reviewers": "reviewers",
    "units: clusters, and prompts without one": "units",
    "tuned wins": "tuned_wins",
    "base wins": "base_wins",
    "ties": "ties",
    "both bad": "both_bad_judgements",
    "prompts won by tuned (majority)": "prompts_won_by_tuned",
    "prompts won by base (majority)": "prompts_won_by_base",
    "win rate (bootstrap over prompts)": "win_rate_bootstrap",
    "win rate without ties (bootstrap over prompts)": "win_rate_without_ties_bootstrap",
    "net wins (prompts won by tuned minus by base)": "net_wins",
    "share of ties": "tie_share",
    "sign-flip test p-value (clustered by prompt, two-sided)": "sign_flip_p",
    "base answers found bad (both bad, or a tag)": "bad_base",
    "tuned answers found bad (both bad, or a tag)": "bad_tuned",
    "answers found bad: tuned minus base": "bad_difference",
    "win rate for reviewers like these in general (two-way clustered)": "win_rate_like_these",
    "win rate, at any look (confidence sequence)": "win_rate_any_look",
    "superiority p-value, at any look": "superiority_p_any_look",
    "win rate corrected for stopping early": "win_rate_corrected",
    "win rate of late minus early prompts": "late_minus_early_prompts",
    "prompts skipped and still open": "prompts_skipped",
    "win rate if every skipped prompt went to base": "win_rate_worst",
    "win rate if every skipped prompt went to tuned": "win_rate_best",
    "equal verdicts of two reviewers": "agreement_raw",
    "Krippendorff's alpha": "krippendorff_alpha",
    "Fleiss' kappa": "fleiss_kappa",
    "Gwet's AC1": "gwet_ac1",
    "left answer preferred": "left_preferred",
    "win rate with the tuned answer left": "win_rate_tuned_left",
    "win rate with the tuned answer right": "win_rate_tuned_right",
    "longer answer preferred": "longer_preferred",
    "win rate at equal length (logistic model)": "win_rate_equal_length",
    "win rate late minus early in the session": "late_minus_early_session",
    "win rate of fast minus slow judgements": "fast_minus_slow",
    "base answers cut at the token limit": "truncated_base",
    "tuned answers cut at the token limit": "truncated_tuned",
    "base answers empty": "empty_base",
    "tuned answers empty": "empty_tuned",
    "base answers repeating themselves": "repetition_base",
    "tuned answers repeating themselves": "repetition_tuned",
    "base answers refusing": "refusals_base",
    "tuned answers refusing": "refusals_tuned",
    "answers that training left unchanged": "unchanged",
    "length of tuned answers over the base's": "length_ratio",
    "smallest true win rate that this many prompts can show (power 0.8, one look)": "detectable_win_rate",
    "must-pass prompts passed by base": "must_pass_base",
    "must-pass prompts passed by tuned": "must_pass_tuned",
    "must-pass prompts broken": "must_pass_broken",
    "must-pass prompts repaired": "must_pass_repaired",
    "held-out pairs: base prefers chosen": "held_out_base",
    "held-out pairs: tuned prefers chosen": "held_out_tuned",
    "held-out pairs: tuned minus base": "held_out_gain",
    "held-out pairs: margin of the implicit reward (nats)": "held_out_margin",
    "answers liked (thumbs up)": "liked",
    "thumbs up": "thumbs_up",
    "thumbs down": "thumbs_down",
    "people who gave thumbs": "thumbs_reviewers",
    "excluded: replaced or withdrawn": "excluded_replaced",
    "excluded: gold pairs (the answer is known)": "excluded_gold",
    "excluded: repeated pairs (asked again, sides swapped)": "excluded_repeats",
    "excluded: on a prompt that this run has no pair for": "excluded_no_pair",
    "excluded: with an id that a spreadsheet changed": "excluded_changed_id",
    "excluded: on answers that have changed since": "excluded_changed_answers",
}

#: Figures named by the study or by a model; the name is kept in the id as it was given.
PATTERNS = (
    (r"model judge (.+): agrees with human preference", r"model_judge_agreement[\1]"),
    (r"model judge (.+): the same in both orders", r"model_judge_consistent[\1]"),
    (r"human win rate with the help of (.+) \(PPI\+\+\)", r"win_rate_ppi[\1]"),
    (r"prompts of people's work that (.+) saved", r"prompts_saved[\1]"),
    (r"tag (.+): (base|tuned)", r"tag_\2[\1]"),
    (r"(.+): win rate", r"criterion_win_rate[\1]"),
    (r"(.+): mean of (base|tuned)", r"criterion_mean_\2[\1]"),
    (r"(.+): tuned minus base", r"criterion_difference[\1]"),
    (r"(.+): (base|tuned)", r"criterion_share_\2[\1]"),
)


def metric_id(name: str) -> str:
    """The id of the figure that summary.csv describes by `name`; made from the sentence itself where none is given."""
    if name in IDS:
        return IDS[name]
    for pattern, form in PATTERNS:
        if match := re.fullmatch(pattern, name, re.DOTALL):
            return match.expand(form)
    return re.sub(r"\W+", "_", name.lower()).strip("_")
