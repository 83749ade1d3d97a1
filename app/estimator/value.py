"""What a model in use is worth by month: right answers, growth, waiting, and what it forgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.estimator.case import Value
from app.estimator.units import MONTHS_PER_YEAR

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

SAME_DISTANCE = 1e-9
"""Years by which distances of months may differ by rounding."""

VOLUME_STREAMS = frozenset({"answers", "growth", "latency"})
"""Streams that are proportional to the answers a month."""


@dataclass(frozen=True, slots=True)
class InUse:
    """One method's model in use.

    Parameters
    ----------
    score : less that of the base model, below 0 where it tests worse. (draws,) [points]
    forgotten : lost on tasks outside. (draws,) [points]
    extra_seconds : that each answer takes longer than with the base model. [s]
    live_by_month : share of each month in which the release is in use. (months + 1,)
    release_month : time to the first release. [months]
    adoption : factor on the answers, mean 1. (draws,) or one number
    ramp_months : from the release until it gives all answers, in a straight line. [months]
    """

    score: Floats
    forgotten: Floats
    extra_seconds: float
    live_by_month: Floats
    release_month: float
    adoption: Floats | float = 1.0
    ramp_months: float = 0.0

    @property
    def released(self) -> Booleans:
        """Whether it tests above the base model; the base stays in use where not. (draws,)"""
        return np.asarray(self.score > 0)

    @property
    def gain(self) -> Floats:
        """What is gained by using it. (draws,) [points]"""
        return np.maximum(self.score, 0.0)

    @property
    def use_by_month(self) -> Floats:
        """Share of the answers of each month that it gives, month 0 none. (months + 1,)

        Notes
        -----
        The mean of min(1, time since the release / ramp) over its part of the month.
        """
        if self.ramp_months == 0:
            return self.live_by_month
        since = np.maximum(np.arange(len(self.live_by_month)) - self.release_month, 0.0)
        ramp = np.minimum(since, self.ramp_months)
        given = ramp**2 / (2 * self.ramp_months) + since - ramp
        return np.asarray(np.diff(given, prepend=0.0))

    @property
    def middle_by_month(self) -> Floats:
        """Middle of the part of each month in which it is in use. (months + 1,) [months]"""
        end = np.arange(len(self.live_by_month), dtype=np.float64)
        return np.asarray(end - self.live_by_month / 2)


@dataclass(frozen=True, slots=True)
class Stream:
    """Money that flows in month m: by_month[m] x by_draw, times what has compounded by then.

    Parameters
    ----------
    by_month : how much of it there is. (months + 1,) [answers] or [months]
    by_draw : what each is worth, below 0 for a loss. (draws,) [USD]
    log_yearly : logarithm of yearly growth; None where nothing compounds. (draws,)
    years : since the first release. (months + 1,) [years]
    """

    key: str
    by_month: Floats
    by_draw: Floats
    log_yearly: Floats | None = None
    years: Floats | None = None

    def powers(self) -> Iterator[Floats]:
        """What has compounded by each month, 1 and the share that was added. (draws,) each

        Notes
        -----
        exp(years x logarithm), in one array that every step overwrites: memory is what takes the
        time. Months follow each other at the same distance but for the first ones, so a month is
        the one before times one factor; an exponential is taken only where the distance is another.
        """
        assert self.log_yearly is not None  # noqa: S101 - asked for only where it compounds
        assert self.years is not None  # noqa: S101 - both or none
        grown, step, distance = np.ones_like(self.log_yearly), np.ones_like(self.log_yearly), 0.0
        for years in np.diff(self.years, prepend=0.0).tolist():
            if years != 0:
                if abs(years - distance) > SAME_DISTANCE:
                    np.multiply(self.log_yearly, years, out=step)
                    np.exp(step, out=step)
                    distance = years
                grown *= step
            yield grown

    def amount(self, weight: Floats) -> Floats | float:
        """Weighted sum of how much of it there is. (draws,), or a number where nothing compounds

        Parameters
        ----------
        weight : of each month, for example its discount factor. (months + 1,)
        """
        weighted = weight * self.by_month
        if self.log_yearly is None:
            return float(weighted.sum())
        total, term, of_none = np.zeros_like(self.by_draw), np.empty_like(self.by_draw), 0.0
        for amount, power in zip(weighted.tolist(), self.powers(), strict=True):
            if amount:
                np.multiply(power, amount, out=term)
                total += term
                of_none += amount
        # In the same order, so that what does not grow adds nothing at all.
        total -= of_none
        return total

    def total(self, weight: Floats) -> Floats:
        """Weighted sum of what flows. (draws,) [USD]"""
        return np.asarray(self.amount(weight) * self.by_draw)


def answers_by_month(value: Value, use: InUse) -> Floats:
    """Answers of the model in use, without those that its accuracy brings. (months + 1,)

    Notes
    -----
    use[m] x answers a month x (1 + growth)^(s / 12), s the middle of the part of month m in which
    it is in use. Assumption: the answers a month that were entered are those of today, month 0.
    """
    years = use.middle_by_month / MONTHS_PER_YEAR
    grown = (1.0 + value.growth_fraction) ** years
    return np.asarray(use.use_by_month * value.answers_per_month * grown)


def streams_of(value: Value, use: InUse, value_factor: Floats) -> tuple[Stream, ...]:
    """All that a model in use earns and loses against the base model, by month and draw.

    Parameters
    ----------
    value_factor : on what a right answer is worth, mean 1. (draws,)

    Notes
    -----
    In month m, with A answers, gain g [points], worth of an error avoided u, margin c of an answer,
    and t years since the first release until the middle of its part in use:

    - answers: A g / 100 u. u holds the worth of a right answer, of a believed error and of an
      incident that does not happen. Assumption: these fall in proportion to wrong answers.
    - growth: A ((1 + k g)^t - 1) (g / 100 u + c - w), k the growth for each point: what the
      answers are worth that come because the product is better. Assumption: k holds all the time.
    - latency: -A w, w the worth of a second x the seconds that an answer takes longer.
    - forgetting: -other answers x points forgotten / 100 x their worth, without growth.

    u and c vary with `value_factor`, A with `InUse.adoption`. A model that tests below the base is
    not released: nothing is gained, forgotten or waited for. Streams that are 0 for certain are
    left out, but for answers.
    """
    volume = answers_by_month(value, use)
    worth_factor = value_factor * use.adoption
    right = use.gain / 100 * value.usd_per_error * worth_factor
    streams = [Stream("answers", volume, right)]
    growth = growth_of(value, use)
    wait = np.where(use.released, use.extra_seconds * value.second_usd, 0.0) * use.adoption
    if growth is not None:
        worth = right + value.margin_usd * worth_factor - wait
        streams.append(replace(growth, by_month=volume, by_draw=worth))
    if use.extra_seconds * value.second_usd != 0:
        streams.append(Stream("latency", volume, -wait))
    if value.other_answers_per_month * value.other_value_usd > 0:
        lost = np.where(use.released, use.forgotten, 0.0) / 100 * value.other_value_usd
        streams.append(
            Stream("forgetting", use.live_by_month * value.other_answers_per_month, -lost)
        )
    return tuple(streams)


def growth_of(value: Value, use: InUse) -> Stream | None:
    """How the answers that accuracy brings compound, without what they are worth; None without."""
    if value.growth_per_point_fraction == 0:
        return None
    years = np.maximum(use.middle_by_month - use.release_month, 0.0) / MONTHS_PER_YEAR
    log_yearly = np.log1p(value.growth_per_point_fraction * use.gain)
    nothing = np.zeros_like(use.gain)
    return Stream("growth", np.zeros_like(years), nothing, log_yearly, years)


def worth_by_gain(value: Value, use: InUse, weight: Floats) -> Callable[[Floats], Floats]:
    """What gains are worth over the horizon, were a model with each of them in use. [USD]

    Parameters
    ----------
    weight : of each month, for example its discount factor. (months + 1,)

    Notes
    -----
    The streams of answers and growth at factors of 1 on worth and answers. Where growth compounds,
    the worth of a point is read off a table of gains between which it is interpolated: good to 1e-5
    of the worth at up to 1% of growth for a point over 36 months. Beyond 0 and 100 it goes straight
    on.
    """
    if value.growth_per_point_fraction == 0:
        point = float(weight @ answers_by_month(value, use)) * value.usd_per_error / 100
        return lambda gain: np.asarray(point * gain)
    table = np.linspace(0.0, 100.0, 1001)
    one = np.ones_like(table)
    of_table = replace(use, score=table, forgotten=0 * one, extra_seconds=0.0, adoption=1.0)
    streams = streams_of(value, of_table, one)
    worth = np.sum([stream.total(weight) for stream in streams], axis=0)
    step = table[1] - table[0]
    first, last = (worth[1] - worth[0]) / step, (worth[-1] - worth[-2]) / step
    # The worth of a point hardly bends where the worth itself does, and has no root at 0.
    point_usd = worth[1:] / table[1:]
    point_usd = np.concatenate([[2 * point_usd[0] - point_usd[1]], point_usd])

    def worth_of(gain: Floats) -> Floats:
        within = np.clip(gain, 0.0, table[-1])
        inside = within * np.interp(within, table, point_usd)
        outside = first * np.minimum(gain, 0.0) + last * np.maximum(gain - table[-1], 0.0)
        return np.asarray(inside + outside)

    return worth_of


def mean_answers_per_month(value: Value) -> float:
    """Answers a month over the horizon, under growth alone. [count]

    Notes
    -----
    Assumption: GPUs for serving are sized for this mean, with the peak over it, throughout.
    """
    middle = (np.arange(value.horizon_months) + 0.5) / MONTHS_PER_YEAR
    grown = (1.0 + value.growth_fraction) ** middle
    return float(value.answers_per_month * grown.mean())
