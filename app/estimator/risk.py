"""Risk of the report: histograms, tornadoes, the map of what answers are worth, and information."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from app.estimator.case import Case
from app.estimator.constants import ConstantValues
from app.estimator.correlation import PAIRS, correlation_key
from app.estimator.decision import Contender, perfect_information_usd
from app.estimator.knowing import knowing_one
from app.estimator.report_risk import (
    Histogram,
    InformationReport,
    MethodRisk,
    PilotDesign,
    RiskReport,
    Stretch,
    TornadoBar,
    ValueMap,
)
from app.estimator.tornado import FIGURE_LABELS, tornado_of, tornado_of_lead
from app.estimator.uncertainty import Factors, distribution, quantiles
from app.estimator.worked import Worked

Floats = NDArray[np.float64]

LEAD = "difference"
"""Key of full fine-tuning less the adapter."""

BINS = 40
OUTER = 0.005
"""Share of the draws beyond each outer edge of a histogram: they are counted in its outer bins."""

NEITHER = "neither"
"""Of the choices on the map, to do nothing."""

MAP_STEPS = 15
"""Columns and rows of the map: an odd number, so that the scenario is its middle."""
MAP_REACH = 8.0
"""How many times more and less the map shows."""


def risk_report(
    case: Case,
    worked: Mapping[str, Worked],
    contenders: Mapping[str, Contender],
    factors: Factors,
    adapter: str | None,
    information: InformationReport,
) -> RiskReport:
    """Risk of every feasible method, and of full fine-tuning less the adapter.

    Parameters
    ----------
    contenders : those of them that stand against each other.
    adapter : the method that stands against full fine-tuning; None without both.
    """
    methods = [
        _method_risk(key, w.money.npv, tornado_of(case, w, factors)) for key, w in worked.items()
    ]
    if adapter is not None:
        full, other = worked["full"], worked[adapter]
        lead = full.money.npv - other.money.npv
        methods.append(_method_risk(LEAD, lead, tornado_of_lead(case, full, other, factors)))
    return RiskReport(
        methods=tuple(methods),
        value_map=value_map(case, contenders, adapter),
        information=information,
        correlations=_correlations(case.constants),
    )


def _method_risk(key: str, npv: Floats, tornado: tuple[TornadoBar, ...]) -> MethodRisk:
    return MethodRisk(key, distribution(npv), histogram_of(npv), tornado)


def histogram_of(draws: Floats, bins: int = BINS) -> Histogram:
    """Counts of draws in bins of equal width between the quantiles of `OUTER` and 1 less it.

    Examples
    --------
    >>> histogram_of(np.array([3.0, 3.0])).counts
    (2,)
    """
    low, high = quantiles(draws, (OUTER, 1.0 - OUTER)).tolist()
    width = (high - low) / bins
    if width <= 0 or low + width == low:
        return Histogram((low, high), (len(draws),))
    place = np.clip(np.floor((draws - low) / width), 0, bins - 1).astype(np.intp)
    counts = np.bincount(place, minlength=bins)
    return Histogram(tuple(np.linspace(low, high, bins + 1).tolist()), tuple(counts.tolist()))


def value_map(
    case: Case, contenders: Mapping[str, Contender], adapter: str | None
) -> ValueMap | None:
    """What is worth most where a point is worth more or less, at more or fewer answers.

    Notes
    -----
    Expected worth of a method at u times the worth of an error avoided and n times the answers:
    n (u W + R) + O - C, with W what is proportional to that worth, R what else is to the answers, O
    and C the rest and the cost. Plans, releases, and how the model is served and what that costs
    are held.
    """
    value = case.value
    if value.usd_per_error <= 0 or value.answers_per_month <= 0:
        return None
    factors = np.geomspace(1 / MAP_REACH, MAP_REACH, MAP_STEPS)
    worth: dict[str, Floats] = {}
    by_value, by_answers = {NEITHER: (0.0, 0.0)}, {NEITHER: (0.0, 0.0)}
    for key, contender in contenders.items():
        assert contender.terms is not None  # noqa: S101 - every worked method has them
        of_errors = float(contender.terms.answer_pv.mean())
        of_answers = float(contender.volume_pv.mean()) - of_errors
        rest = contender.expected_npv - of_errors - of_answers
        worth[key] = factors[:, None] * (factors[None, :] * of_errors + of_answers) + rest
        by_value[key] = (of_errors, of_answers + rest)
        by_answers[key] = (of_errors + of_answers, rest)
    names = (NEITHER, *worth)
    every = np.stack([np.zeros((MAP_STEPS, MAP_STEPS)), *worth.values()])
    best = np.argmax(every, axis=0)
    # With one method, its lead over doing nothing.
    lead = worth["full"] - worth[adapter] if adapter is not None else every[1:].max(axis=0)
    per_thousand = 10.0 * value.usd_per_error
    return ValueMap(
        value_per_point_usd=tuple((factors * per_thousand).tolist()),
        answers_per_month=tuple((factors * value.answers_per_month).tolist()),
        best=tuple(tuple(names[place] for place in row) for row in best),
        lead_usd=tuple(tuple(row) for row in lead.tolist()),
        now_value_per_point_usd=per_thousand,
        now_answers_per_month=value.answers_per_month,
        along_value=_stretches(by_value, per_thousand),
        along_answers=_stretches(by_answers, value.answers_per_month),
    )


def _stretches(lines: Mapping[str, tuple[float, float]], now: float) -> tuple[Stretch, ...]:
    """Which line is the highest where, on the reach of the map.

    Parameters
    ----------
    lines : slope and height at 0 of each choice's worth in multiples of what is now. [USD]
    """
    crossed = (
        (b[1] - a[1]) / (a[0] - b[0]) for a, b in combinations(lines.values(), 2) if a[0] != b[0]
    )
    inner = sorted(at for at in crossed if 1 / MAP_REACH < at < MAP_REACH)
    found: list[Stretch] = []
    for start, end in pairwise((1 / MAP_REACH, *inner, MAP_REACH)):
        middle = (start + end) / 2
        best = max(lines, key=lambda key: lines[key][0] * middle + lines[key][1])
        if end > start and (not found or found[-1].best != best):
            found.append(Stretch(best, start * now))
    return tuple(found)


def information_report(
    npvs: Mapping[str, Floats], figures: Mapping[str, Floats], designs: tuple[PilotDesign, ...]
) -> InformationReport:
    """What knowing all, one figure, or what a pilot tells is worth before choosing.

    Parameters
    ----------
    npvs : of the methods that stand against each other. (draws,) [USD]
    figures : as `figures_of` gives them.
    """
    told = max((design.value_usd for design in designs), default=0.0)
    return InformationReport(
        perfect_usd=perfect_information_usd(npvs),
        figures=knowing_one(npvs, figures, FIGURE_LABELS, {"accuracy": told}),
        designs=designs,
    )


def figures_of(worked: Mapping[str, Worked], factors: Factors) -> dict[str, Floats]:
    """Draws of every uncertain figure, by key; of those that differ by method, a column each.

    Parameters
    ----------
    worked : the methods that stand against each other, two at most.
    """
    return {
        "gpu_price": factors.price,
        "training_time": np.stack([factors.time[key] for key in worked], axis=1).squeeze(),
        "accuracy": np.stack([w.use.score for w in worked.values()], axis=1).squeeze(),
        "value": factors.value,
        "adoption": factors.adoption,
        "forgetting": np.stack([w.use.forgotten for w in worked.values()], axis=1).squeeze(),
    }


def _correlations(constants: ConstantValues) -> tuple[tuple[str, str, float], ...]:
    return tuple(
        (first, second, constants[key])
        for first, second in PAIRS
        if constants[key := correlation_key(first, second)] != 0
    )
