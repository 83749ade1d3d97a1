"""What would change the verdict, as sentences."""

from __future__ import annotations

from app.estimator.decision import choice_of
from app.estimator.report import Turn
from app.estimator.turns import Contenders, Crossing, crossings, effective_gain, levers_of
from app.estimator.verdict_setting import Setting, method_said
from app.estimator.wording import amount, count, outward, points, signed_points, with_unit

FIGURES = 3
"""Significant figures of a stated value."""

LABELS = {
    "answers_per_month": ("Answers a month", "count"),
    "gpu_price": ("Price of GPU time, times that of the estimate", "times"),
    "hallucination_cost_usd": ("Cost of one believed error", "USD"),
    "incident_cost_usd": ("Cost of an incident", "USD"),
    "engineer_weeks_full": ("Engineering for full fine-tuning", "weeks"),
    "engineer_weeks_adapter": ("Engineering for an adapter", "weeks"),
    "gap": ("Accuracy of full fine-tuning over the adapter", "points"),
}


def turns_of(contenders: Contenders, adapter: str | None, setting: Setting) -> tuple[Turn, ...]:
    """The changes of one figure alone that change the verdict, the most reachable first.

    Parameters
    ----------
    adapter : the adapter method that stands against full fine-tuning; None without both.
    """
    levers = levers_of(contenders, adapter, setting.value, setting.programme)
    found = crossings(levers, setting.constants, setting.pilot)
    return tuple(turn_of(crossing, contenders, adapter, setting) for crossing in found)


def turn_of(
    crossing: Crossing, contenders: Contenders, adapter: str | None, setting: Setting
) -> Turn:
    """One of them."""
    lever = crossing.lever
    label, unit = LABELS[lever.field]
    becomes = setting.choice_said(crossing.becomes, len(contenders))
    if lever.shift:
        assert adapter is not None  # noqa: S101 - only the gap is shifted
        now, needed = (_gap(contenders, adapter, x) for x in (0.0, crossing.value))
        sentence = _gap_sentence(now, needed, crossing.up, adapter, becomes)
        return Turn(lever.field, label, now, needed, unit, crossing.becomes, sentence)
    decimals = 1 if unit == "weeks" else None
    needed = outward(crossing.value, crossing.up, FIGURES, decimals)
    if choice_of(lever.moved(needed), setting.constants, setting.pilot) != crossing.becomes:
        needed = crossing.value
    sentence = _sentence(crossing, needed, becomes, setting)
    return Turn(lever.field, label, lever.now, needed, unit, crossing.becomes, sentence)


def _gap(contenders: Contenders, adapter: str, more: float) -> float:
    """Expected gap, if full fine-tuning scored so many points higher. [points]"""
    gap = effective_gain(contenders["full"], more) - effective_gain(contenders[adapter])
    return float(gap.mean())


def _gap_sentence(now: float, needed: float, up: bool, adapter: str, becomes: str) -> str:
    stated = outward(needed, up, decimals=1)
    if points(stated) == points(now):
        side = "more" if up else "less"
        return (
            f"If full fine-tuning had only slightly {side} than the {signed_points(now)} points "
            f"over {method_said(adapter)} that are expected on average, the verdict would be "
            f"{becomes}."
        )
    side = "better" if stated >= 0 else "worse"
    return (
        f"If full fine-tuning were {points(abs(stated))} points {side} than "
        f"{method_said(adapter)} on average (expected: {signed_points(now)}), the verdict would be "
        f"{becomes}."
    )


def _sentence(crossing: Crossing, needed: float, becomes: str, setting: Setting) -> str:
    field, now, up = crossing.lever.field, crossing.lever.now, crossing.up
    if field == "gpu_price":
        times = f"about {needed:.3g} times as much" if up else f"about {needed:.0%} of what it does"
        if not up and needed < 0.1:
            times = f"about {needed:.1%} of what it does"
        return f"If GPU time cost {times}, the verdict would be {becomes}."
    side = "Above about" if up else "Below about"

    def money(usd: float) -> str:
        return amount(usd, setting.currency)

    if field.startswith("engineer_weeks"):
        method = "full fine-tuning" if field == "engineer_weeks_full" else "an adapter"
        said = f"{with_unit(count(needed), 'weeks')} of engineering for {method} (now {count(now)})"
    elif field == "answers_per_month":
        # Other traffic may be served on other servers, which a new estimate plans.
        answers = with_unit(count(needed), "answers")
        said = f"{answers} a month (now {count(now)}), all else as now planned,"
    elif field == "incident_cost_usd":
        said = f"{money(needed)} for an incident (now {money(now)})"
    else:
        said = f"{money(needed)} for a believed error (now {money(now)})"
    return f"{side} {said} the verdict becomes {becomes}."
