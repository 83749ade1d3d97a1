"""What a model in use brings, expected, as lines of quantity x unit price by month."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.estimator.case import Value
from app.estimator.flows import Flow
from app.estimator.report_money import UseDrivers
from app.estimator.units import MONTHS_PER_YEAR
from app.estimator.value import InUse, answers_by_month, growth_of

Floats = NDArray[np.float64]

WORTH = (
    "value_per_correct_answer_usd",
    "hallucination_percent",
    "hallucination_cost_usd",
    "violation_percent",
    "incident_percent",
    "incident_cost_usd",
)
"""Inputs that make `Value.usd_per_error`."""


def use_drivers(value: Value, use: InUse, value_factor: Floats) -> UseDrivers:
    """Means over the draws that the expected benefits are made of.

    Parameters
    ----------
    value_factor : on what a right answer is worth, mean 1. (draws,)

    Notes
    -----
    With gain g, growth c by accuracy, factors f on worth and a on answers, and r whether the model
    is put to use: E[g f a], E[r a], E[c g f a] / 100, E[c f a] and E[c r a]. Sums of products of
    these with the inputs are the means of `app.estimator.value.streams_of`, exactly.
    """
    count = len(use.score)
    answers = use.adoption * np.ones(count)
    worth = answers * value_factor
    right, used = use.gain / 100 * worth, use.released * answers
    months = len(use.live_by_month)
    won = np.zeros((3, months))
    growth = growth_of(value, use)
    if growth is not None:
        moments = np.stack([right, worth, used]) / count
        for month, power in enumerate(growth.powers()):
            won[:, month] = moments @ (power - 1.0)
    return UseDrivers(
        use_by_month=tuple(use.use_by_month.tolist()),
        growth_years_by_month=tuple((use.middle_by_month / MONTHS_PER_YEAR).tolist()),
        gain_points=float((use.gain * worth).mean()),
        released_fraction=float(used.mean()),
        extra_seconds=use.extra_seconds,
        won_right_by_month=tuple(won[0].tolist()),
        won_by_month=tuple(won[1].tolist()),
        won_released_by_month=tuple(won[2].tolist()),
        live_by_month=tuple(use.live_by_month.tolist()),
        forgotten_points=float((use.forgotten * use.released).mean()),
        worth_mean=float(worth.mean()),
    )


def benefit_flows(value: Value, use: InUse, drivers: UseDrivers) -> tuple[Flow, ...]:
    """Every line that is not 0; right answers always.

    Notes
    -----
    Quantities count what turns out worth more as more: they are weighed with the factors on worth
    and answers, whose means are 1.
    """
    answers = answers_by_month(value, use)
    right = answers * drivers.gain_points / 100
    won_right, won, won_used = (
        answers * np.array(share)
        for share in (
            drivers.won_right_by_month,
            drivers.won_by_month,
            drivers.won_released_by_month,
        )
    )
    waited = -drivers.extra_seconds * (answers * drivers.released_fraction + won_used)
    forgotten = (
        -value.other_answers_per_month
        * np.array(drivers.live_by_month)
        * drivers.forgotten_points
        / 100
    )

    def flow(
        key: str,
        label: str,
        category: str,
        quantity: Floats,
        unit: str,
        usd: float,
        *inputs: str,
    ) -> Flow:
        return Flow(key, label, category, quantity, unit, usd, "use", "input", inputs)

    flows = (
        flow(
            "right_answers",
            "Answers that are right more",
            "accuracy",
            right,
            "answers",
            value.value_per_correct_answer_usd,
            "value_per_correct_answer_usd",
            "answers_per_month",
        ),
        flow(
            "believed_errors",
            "Believed errors that do not happen",
            "errors",
            right * value.hallucination_fraction,
            "errors",
            value.hallucination_usd,
            "hallucination_cost_usd",
            "hallucination_percent",
        ),
        flow(
            "incidents",
            "Incidents that do not happen",
            "incidents",
            right * value.violation_fraction * value.incident_fraction,
            "incidents",
            value.incident_usd,
            "incident_cost_usd",
            "violation_percent",
            "incident_percent",
        ),
        flow(
            "won_answers",
            "Answers that being better brings: margin",
            "growth",
            won,
            "answers",
            value.margin_usd,
            "margin_per_answer_usd",
            "growth_per_point_percent",
        ),
        flow(
            "won_right_answers",
            "Answers that being better brings: right more",
            "growth",
            won_right,
            "answers",
            value.usd_per_error,
            *WORTH,
        ),
        flow(
            "waiting",
            "Seconds that answers take longer",
            "latency",
            waited,
            "seconds",
            value.second_usd,
            "latency_value_usd_per_second",
        ),
        flow(
            "forgotten",
            "Right answers that are lost on other tasks",
            "retention",
            forgotten,
            "answers",
            value.other_value_usd,
            "other_value_usd",
            "other_answers_per_month",
        ),
    )
    return tuple(
        found
        for found in flows
        if found.key == "right_answers"
        or (found.unit_price_usd != 0 and found.quantity_by_month.any())
    )
