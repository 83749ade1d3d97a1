"""Which uncertain figure moves the net present value most: each alone, at its P10 and its P90."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.estimator.case import Case
from app.estimator.purchase import TERM_MONTHS
from app.estimator.report_risk import TornadoBar
from app.estimator.uncertainty import Factors, present_draws, quantiles
from app.estimator.value import InUse, streams_of
from app.estimator.worked import Worked

Floats = NDArray[np.float64]

FIGURE_LABELS: Mapping[str, str] = {
    "gpu_price": "GPU prices",
    "training_time": "Training time",
    "accuracy": "Accuracy",
    "value": "Worth of an answer",
    "adoption": "Answers a month",
    "forgetting": "What is forgotten on other tasks",
}
"""What is uncertain, in the order in which it is listed where nothing else orders it."""

TIMES, POINTS = "times", "points"


@dataclass(frozen=True, slots=True)
class Held:
    """One method whose figures can be held at one value in every draw, all others as drawn."""

    case: Case
    worked: Worked

    @property
    def npv_usd(self) -> float:
        """Expected. [USD]"""
        return float(self.worked.money.npv.mean())

    def gpu_factor(self, drawn: Floats, at: float) -> float:
        """Expected worth with a factor on GPU time held; a reservation fixes its cost. [USD]"""
        if self.case.fleet.offers[self.worked.choice.offer].purchase_option in TERM_MONTHS:
            return self.npv_usd
        gpu = self.worked.money.present.gpu
        return self.npv_usd + float((gpu * (1.0 - at / drawn)).mean())

    def value_factor(self, at: float) -> float:
        """Expected worth with the factor on what answers are worth held. [USD]"""
        return self._in_use(self.worked.use, at * np.ones(self.case.draws))

    def adoption(self, at: float) -> float:
        """Expected worth with the factor on answers held. [USD]"""
        return self._in_use(replace(self.worked.use, adoption=at), self.worked.value_factor)

    def score(self, over_base: Floats) -> float:
        """Expected worth with other scores, none above 100 points. (draws,) [points] [USD]"""
        possible = np.minimum(over_base, 100.0 - self.worked.base)
        return self._in_use(replace(self.worked.use, score=possible), self.worked.value_factor)

    def forgotten(self, at: float) -> float:
        """Expected worth with what is forgotten on other tasks held. [USD]"""
        points = at * np.ones(self.case.draws)
        return self._in_use(replace(self.worked.use, forgotten=points), self.worked.value_factor)

    def _in_use(self, use: InUse, value_factor: Floats) -> float:
        present = present_draws(
            self.worked.costs,
            streams_of(self.case.value, use, value_factor),
            self.worked.gpu_factor,
            self.case.value.discount_rate_fraction,
        )
        return float(present.npv.mean())


def tornado_of(case: Case, worked: Worked, factors: Factors) -> tuple[TornadoBar, ...]:
    """Bars of one method, the widest first; a figure that moves nothing has none.

    Notes
    -----
    A figure is held at its P10 or P90 in every draw, and the mean is taken over all others as they
    are drawn. What it goes along with is not moved with it.
    """
    held = Held(case, worked)
    time = factors.time[worked.method.key]
    ones = np.ones(case.draws)
    return _widest_first(
        _bar("gpu_price", TIMES, factors.price, lambda at: held.gpu_factor(factors.price, at)),
        _bar("training_time", TIMES, time, lambda at: held.gpu_factor(time, at)),
        _bar("accuracy", POINTS, worked.use.score, lambda at: held.score(at * ones)),
        _bar("value", TIMES, factors.value, held.value_factor),
        _bar("adoption", TIMES, factors.adoption, held.adoption),
        _bar("forgetting", POINTS, worked.use.forgotten, held.forgotten),
    )


def tornado_of_lead(
    case: Case, full: Worked, adapter: Worked, factors: Factors
) -> tuple[TornadoBar, ...]:
    """Bars of the worth of full fine-tuning less that of the adapter.

    Notes
    -----
    A figure of both is held in both at once; training time and what is forgotten at the same
    quantile of each. Accuracy is the gap between them, beside the scores of the adapter as they are
    drawn.
    """
    a, b = Held(case, full), Held(case, adapter)
    times = [factors.time[worked.method.key] for worked in (full, adapter)]
    lost = [worked.use.forgotten for worked in (full, adapter)]
    time_of_adapter = dict(zip(*(_low_high(time) for time in times), strict=True))
    lost_of_adapter = dict(zip(*(_low_high(points) for points in lost), strict=True))

    def time(at: float) -> float:
        return a.gpu_factor(times[0], at) - b.gpu_factor(times[1], time_of_adapter[at])

    def forgotten(at: float) -> float:
        return a.forgotten(at) - b.forgotten(lost_of_adapter[at])

    def price(at: float) -> float:
        return a.gpu_factor(factors.price, at) - b.gpu_factor(factors.price, at)

    def gap(at: float) -> float:
        return a.score(adapter.use.score + at) - b.npv_usd

    return _widest_first(
        _bar("gpu_price", TIMES, factors.price, price),
        _bar("training_time", TIMES, times[0], time),
        _bar("accuracy", POINTS, full.use.score - adapter.use.score, gap),
        _bar("value", TIMES, factors.value, lambda at: a.value_factor(at) - b.value_factor(at)),
        _bar("adoption", TIMES, factors.adoption, lambda at: a.adoption(at) - b.adoption(at)),
        _bar("forgetting", POINTS, lost[0], forgotten),
    )


def _low_high(drawn: Floats) -> tuple[float, float]:
    low, high = quantiles(drawn, (0.1, 0.9)).tolist()
    return low, high


def _bar(key: str, unit: str, drawn: Floats, npv_at: Callable[[float], float]) -> TornadoBar:
    low, high = _low_high(drawn)
    return TornadoBar(key, FIGURE_LABELS[key], unit, low, high, npv_at(low), npv_at(high))


def _widest_first(*bars: TornadoBar) -> tuple[TornadoBar, ...]:
    def width(bar: TornadoBar) -> float:
        return abs(bar.high_usd - bar.low_usd)

    return tuple(sorted((bar for bar in bars if width(bar) > 0), key=width, reverse=True))
