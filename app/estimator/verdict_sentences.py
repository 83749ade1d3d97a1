"""The sentences that a verdict is made of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app.estimator.decision import Choice, Contender
from app.estimator.pilot import SURPRISING_SD
from app.estimator.report import Comparison
from app.estimator.verdict_setting import Setting
from app.estimator.wording import (
    amount,
    amounts_and_difference,
    count,
    percent,
    plural,
    points,
    sentence_start,
    signed_points,
    with_unit,
)

NOTABLE_LEAD = 0.1
"""Assumption: a lead below this share of the spread of the difference is not worth naming."""

FEW_STUDIES = 2
"""Assumption: up to so many studies of a kind of task, the evidence is called thin."""

WORTH_NAMING = 0.1
"""Assumption: what makes less than this share of a difference in cost is not named."""

COSTS_SAID = {
    "people": "people",
    "compliance": "checks",
    "network": "traffic",
    "retraining": "later releases",
    "delay": "the cost of delay",
    "idle": "idle time",
}
"""Categories of costs within a sentence, where they are not said as they are called."""

ERRORS_ON_THE_EDGE = 2.0
"""Standard errors of a share of the draws within which it may be on either side of a limit."""

UNNOTICED_POINTS = 0.05
"""A gap that is written 0.0."""


def condition(adapter: Contender, threshold: float | None) -> str:
    """What accuracy full fine-tuning needs against the adapter, for both to be worth the same."""
    if threshold is None:
        return "Full fine-tuning would earn nothing within the horizon"
    if threshold > 100:  # points of 100
        return f"No accuracy that full fine-tuning could add over {adapter.name} would pay for it"
    if abs(threshold) < UNNOTICED_POINTS:
        return f"Full fine-tuning and {adapter.name} cost about the same, so any lead decides"
    if threshold > 0:
        return (
            f"Full fine-tuning would have to add {points(threshold)} accuracy points over "
            f"{adapter.name} to pay for itself"
        )
    return (
        f"Full fine-tuning may fall {points(-threshold)} accuracy points short of {adapter.name} "
        "and still pay for itself"
    )


def expected_gap(comparison: Comparison) -> str:
    """The gap that is expected, with its range."""
    gap = comparison.gap_points
    return (
        f"{signed_points(gap.mean)} (80% range {signed_points(gap.p10)} to "
        f"{signed_points(gap.p90)})"
    )


def evidence(adapter: Contender, comparison: Comparison, setting: Setting) -> str:
    """What is expected of full over the adapter."""
    gap = comparison.gap_points
    return (
        f"{sentence_start(setting.evidence_expects)} {signed_points(gap.mean)} points of full "
        f"fine-tuning over {adapter.name} (80% range {signed_points(gap.p10)} to "
        f"{signed_points(gap.p90)})."
    )


def chance(adapter: Contender, comparison: Comparison) -> str:
    """How likely full fine-tuning is worth more than the adapter."""
    return (
        f"Chance that full fine-tuning is worth more than {adapter.name}: "
        f"{percent(comparison.probability_full_beats_adapter)}."
    )


def lead(best: Contender, behind: Contender, setting: Setting) -> str:
    """Which method leads, and that it is too close to call, without a stop."""
    said = leads(best, behind, setting)
    return f"{said}, too close to call" if _notable(best, behind) else said


def leads(best: Contender, behind: Contender, setting: Setting) -> str:
    """Which method leads by how much, without a stop; nobody where it is within the noise."""
    if not _notable(best, behind):
        return f"{sentence_start(best.name)} and {behind.name} are expected to be worth the same"
    apart = setting.said(float((best.npv - behind.npv).mean()))
    return f"{sentence_start(best.name)} leads {behind.name} by {apart} on average"


def too_dear(choice: Choice, setting: Setting) -> str:
    """That a pilot is worth less than it costs, within a sentence."""
    what = "another pilot" if setting.measured else "a pilot"
    return (
        f"{what} at {setting.said_cost(choice.pilot_usd)} would be worth "
        f"{setting.said(choice.pilot_value_usd)}, less than it costs"
    )


def wins_less_often(best: Contender, behind: Contender) -> str:
    """That the one with the higher mean wins less than half of the time; empty where not."""
    wins = float(np.mean(best.npv > behind.npv))
    if wins >= 0.5 or not _notable(best, behind):
        return ""
    return (
        f"{sentence_start(best.name)} wins less often ({percent(wins)}), but by more when it does."
    )


def _notable(best: Contender, behind: Contender) -> bool:
    difference = best.npv - behind.npv
    return float(difference.mean()) >= NOTABLE_LEAD * float(difference.std())


def surprising(setting: Setting) -> str:
    """That the pilot does not fit what the studies say; empty where it does."""
    if setting.surprise_sd <= SURPRISING_SD:
        return ""
    return (
        f"The scores of your pilot lie {setting.surprise_sd:.0f} standard deviations from what the "
        "studies let one expect: before you rely on this verdict, check that they are points of 0 "
        "to 100, of one test set that nothing was trained on."
    )


def on_the_edge(contenders: Mapping[str, Contender], choice: Choice, setting: Setting) -> str:
    """That other random numbers may say otherwise; empty where they hardly will."""
    if choice.rival is None or choice.why not in ("decided", "too-close"):
        return ""
    best, rival = contenders[choice.best].npv, contenders[choice.rival].npv
    limit = setting.constants["decisive_probability"]
    wins = float(np.mean(best > rival))
    if abs(wins - limit) > ERRORS_ON_THE_EDGE * np.sqrt(limit * (1 - limit) / len(best)):
        return ""
    return (
        f"This is on the edge of the rule, {percent(limit)}: other simulated cases may say "
        "otherwise."
    )


def costs(full: Contender, adapter: Contender, setting: Setting) -> str:
    """What both cost, and what of the difference is GPU time."""
    more, gpu = full.total_usd - adapter.total_usd, full.gpu_usd - adapter.gpu_usd
    one, other, apart = amounts_and_difference(full.total_usd, adapter.total_usd, setting.currency)
    gpu_full, gpu_other = (amount(usd, setting.currency) for usd in (full.gpu_usd, adapter.gpu_usd))
    rest = _rest(full, adapter, more)
    return (
        f"Over the horizon full fine-tuning costs {one} and {adapter.name} {other}: {apart} "
        f"{'more' if more >= 0 else 'less'} for full. GPU time for training is {gpu_full} against "
        f"{gpu_other}" + (rest if abs(gpu) < abs(more) / 2 else ".")
    )


def _rest(full: Contender, adapter: Contender, more: float) -> str:
    """The end of the sentence: what the difference is made of beside GPU time."""
    apart = {
        key: full.other_usd.get(key, 0.0) - adapter.other_usd.get(key, 0.0)
        for key in {**full.other_usd, **adapter.other_usd}
    }
    named = [
        key
        for key in sorted(apart, key=lambda key: -abs(apart[key]))
        if apart[key] * more > 0 and abs(apart[key]) >= WORTH_NAMING * abs(more)
    ][:3]
    if not named:
        return "."
    said = [COSTS_SAID.get(key, key) for key in named]
    listed = " and ".join(part for part in (", ".join(said[:-1]), said[-1]) if part)
    all_of_it = abs(sum(apart[key] for key in named)) > (1 - WORTH_NAMING / 2) * abs(
        sum(apart.values())
    )
    return f"; the rest is {'' if all_of_it else 'mostly '}{listed}."


def worth(contender: Contender, setting: Setting) -> str:
    """What a method is expected to be worth, and how often it pays."""
    usd = contender.expected_npv
    expected = "be worth" if usd >= 0 else "lose"
    return (
        f"{sentence_start(contender.name)} is expected to {expected} {setting.said(abs(usd))} "
        f"after all cost and pays in {percent(contender.probability_pays)} of cases."
    )


def unfitting(infeasible: Mapping[str, str], setting: Setting) -> tuple[str, ...]:
    """Which methods have no plan."""
    gpus = plural(setting.max_gpus, "GPU")
    return tuple(f"{label} fits on no offer with up to {gpus}." for label in infeasible.values())


def thin(setting: Setting) -> str:
    """That there is little evidence of this kind of task; empty where there is more."""
    if setting.studies > FEW_STUDIES:
        return ""
    of = ("is no study", "is one study", "are two studies")[setting.studies]
    return f"The evidence is thin: there {of} of this kind of task."


def information(choice: Choice, setting: Setting) -> str:
    """What a pilot costs and is worth, beside what knowing all would be worth."""
    size = percent(setting.constants["pilot_data_fraction"])
    what = "another pilot" if setting.measured else "a pilot"
    both = " of both" if choice.rival is not None else ""
    asked = setting.pilot.test_questions
    by = "" if asked is None else f", scored on {with_unit(count(asked), 'questions')},"
    pilot = f"{sentence_start(what)}{both} on {size} of the data{by}"
    most = (
        f"knowing the outcome before choosing would be worth {setting.said(choice.information_usd)}"
    )
    worth = f"would be worth {setting.said(choice.pilot_value_usd)}"
    if choice.pilot_usd <= 0:
        return f"{pilot} {worth}; {most}, and a pilot that costs more than that cannot pay."
    gpu = "" if setting.pilot.other_cost_usd > 0 else " of GPU time"
    taxed = " after tax" if setting.taxed else ""
    return f"{pilot} takes about {setting.said(choice.pilot_usd)}{gpu}{taxed} and {worth}; {most}."
