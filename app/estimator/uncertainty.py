"""Seeded Monte Carlo: price, time, value and accuracy together give cost and value draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.constants import ConstantValues
from app.estimator.correlation import DRAWN, together
from app.estimator.finance import npv_usd
from app.estimator.flows import Costs
from app.estimator.methods import LABELS
from app.estimator.purchase import TERM_MONTHS
from app.estimator.report_values import Distribution
from app.estimator.value import VOLUME_STREAMS, Stream

Floats = NDArray[np.float64]

Z80 = 1.2815515655446004
"""Standard normal quantile of 0.9: half an 80% range in standard deviations."""


MONTHS_AT_ONCE = 4
"""Months of a cash flow that are drawn together: a few megabytes at 100,000 draws."""


def quantiles(draws: Floats, probabilities: Sequence[float]) -> Floats:
    """Quantiles of draws, a line between neighbours: those of `np.quantile`, to the bit. (k,)

    Notes
    -----
    Each by a selection of its own in what lies above the one before: numpy selects one place in
    vector instructions, several times faster than it sorts, and slowly where asked for several.

    References
    ----------
    Hyndman and Fan, "Sample quantiles in statistical packages", Am. Stat. 50, 1996, type 7.

    Examples
    --------
    >>> quantiles(np.array([3.0, 1.0, 2.0]), (0.0, 0.5, 0.75)).tolist()
    [1.0, 2.0, 2.5]
    """
    return _selected(draws.copy(), probabilities)


def _selected(rest: Floats, probabilities: Sequence[float]) -> Floats:
    """Quantiles of draws, whose order is lost."""
    last, found = len(rest) - 1, np.empty(len(probabilities))
    passed = 0
    for i in np.argsort(probabilities).tolist():
        place = last * float(probabilities[i])
        below = int(place) - passed
        rest.partition(below)
        low = high = float(rest[below])
        if below + 1 < len(rest):
            high = float(rest[below + 1 :].min())
        part = place - int(place)
        # From the nearer end, so that equal neighbours give themselves.
        found[i] = low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)
        rest, passed = rest[below:], passed + below
    return found


def distribution(draws: Floats) -> Distribution:
    """Mean, P10, P50 and P90 of draws."""
    p10, p50, p90 = quantiles(draws, (0.1, 0.5, 0.9))
    return Distribution(float(draws.mean()), float(p10), float(p50), float(p90))


def log_sd(half_width_fraction: float) -> float:
    """Standard deviation of the logarithm whose 80% range reaches up by this fraction.

    Examples
    --------
    >>> log_sd(0.0)
    0.0
    """
    return float(np.log1p(half_width_fraction) / Z80)


def lognormal(normal: Floats, sd: float) -> Floats:
    """Positive factors around 1 with exactly mean 1 over the draws, so that the mean of a cost is
    the cost that is listed."""
    factor = np.exp(sd * normal)
    return np.asarray(factor / factor.mean())


@dataclass(frozen=True, slots=True)
class Factors:
    """Draws of the factors on listed figures; each has mean 1. (draws,)

    Parameters
    ----------
    price, value, adoption : common to all methods; adoption is that of the answers.
    time : by method key; correlated between methods.
    """

    price: Floats
    value: Floats
    adoption: Floats
    time: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Ranges:
    """How far factors reach: half widths of their 80% ranges.

    Parameters
    ----------
    price, value, adoption : [fraction]
    time : by method key, of a step time. [natural logarithm]
    """

    price: float
    value: float
    adoption: float
    time: Mapping[str, float]


def draw_factors(
    generator: np.random.Generator,
    ranges: Ranges,
    gain: Floats,
    constants: ConstantValues,
) -> Factors:
    """Draw price, value, adoption and time factors; those of every method, so that one more method
    in a scenario leaves the others as they were.

    Parameters
    ----------
    gain : draws of the gain of full fine-tuning, compared or not, which stands for accuracy: what
        is believed of adapters alone then moves nothing else. (draws,) [points]

    Notes
    -----
    Factors are lognormal, with normal logarithms that go together as the constants
    `correlation_*` say (a Gaussian copula). Accuracy is drawn already, so the others are drawn
    given its normal scores.

    References
    ----------
    Iman and Conover, "A distribution-free approach to inducing rank correlation among input
    variables", Commun. Stat. Simul. Comput. 11, 1982 (normal scores).
    """
    draws = len(gain)
    own_share = np.sqrt(1.0 - constants["time_correlation"])
    fresh = generator.standard_normal((len(DRAWN), draws))
    normal = dict(zip(DRAWN, together(fresh, gain, constants), strict=True))
    shared = np.sqrt(constants["time_correlation"]) * normal["time"]
    time = {
        key: lognormal(
            shared + own_share * generator.standard_normal(draws), ranges.time[key] / Z80
        )
        for key in LABELS
    }
    return Factors(
        lognormal(normal["price"], log_sd(ranges.price)),
        lognormal(normal["value"], log_sd(ranges.value)),
        lognormal(normal["adoption"], log_sd(ranges.adoption)),
        time,
    )


def gpu_factor(factors: Factors, method: str, option: str) -> Floats:
    """Draws of what GPU time costs over its listed amount, with mean 1. (draws,)

    Notes
    -----
    On demand, on spot and in blocks, every run is paid at the price of its day and for as long as
    it takes. Assumption: a block follows in proportion, though it is paid in whole days. A
    reservation fixes the price, and a run that takes longer uses hours that are paid for anyway;
    that it might need one more term is left out.
    """
    if option in TERM_MONTHS:
        return np.ones_like(factors.price)
    gpu = factors.price * factors.time[method]
    return np.asarray(gpu / gpu.mean())


@dataclass(frozen=True, slots=True)
class PresentDraws:
    """Present value of what one method earns and costs.

    Parameters
    ----------
    volume : worth that is proportional to the answers a month. (draws,) [USD]
    other : worth that is not: what is forgotten outside the task. (draws,) [USD]
    gpu : cost of GPU time for training, less the tax that it saves. (draws,) [USD]
    fixed : all other cost, likewise. [USD]
    """

    volume: Floats
    other: Floats
    gpu: Floats
    fixed: float

    @property
    def npv(self) -> Floats:
        """Net present value. (draws,) [USD]"""
        return np.asarray(self.volume + self.other - self.gpu - self.fixed)


@dataclass(frozen=True, slots=True)
class MoneyDraws:
    """Draws of one method's money.

    Parameters
    ----------
    present : what its net present value is made of, after tax.
    npv, total_cost : the cost before tax. (draws,) [USD]
    cumulative_p10, cumulative_p90 : of the cumulative cash flow. (months + 1,) [USD]
    """

    present: PresentDraws
    npv: Floats
    total_cost: Floats
    cumulative_p10: Floats
    cumulative_p90: Floats


def present_draws(
    costs: Costs, streams: Sequence[Stream], gpu_factor: Floats, annual_rate: float
) -> PresentDraws:
    """Present value of what a method earns and costs, over all draws, after tax."""
    kept = costs.accounting.kept(len(costs.live_by_month) - 1, annual_rate)
    none = np.zeros_like(gpu_factor)
    volume, other = none, none
    for stream in streams:
        if stream.key in VOLUME_STREAMS:
            volume = volume + stream.total(kept)
        else:
            other = other + stream.total(kept)
    return PresentDraws(
        volume=volume,
        other=other,
        gpu=np.asarray(npv_usd(costs.gpu_net_by_month, annual_rate) * gpu_factor),
        fixed=npv_usd(costs.fixed_net_by_month, annual_rate),
    )


def money_draws(
    costs: Costs, streams: Sequence[Stream], gpu_factor: Floats, annual_rate: float
) -> MoneyDraws:
    """Net present value, cost and cash flow of one method over all draws.

    Parameters
    ----------
    streams : what the model in use is worth, of `app.estimator.value.streams_of`.

    Notes
    -----
    flow[m] = -fixed[m] - gpu[m] x factor + what the streams bring in month m, each after tax. All
    flows of a month fall at its end.
    """
    months = len(costs.live_by_month) - 1
    kept = costs.accounting.kept(months, 0.0)
    fixed, gpu = np.cumsum(costs.fixed_net_by_month), np.cumsum(costs.gpu_net_by_month)
    # What does not compound is one factor a draw times one amount a month; what does is a factor
    # times the sum of powers so far, less the sum of 1 in their place.
    steady = [stream for stream in streams if stream.log_yearly is None]
    growing = [stream for stream in streams if stream.log_yearly is not None]
    by_draw = np.stack([gpu_factor, *(stream.by_draw for stream in (*steady, *growing))])
    summed = [np.cumsum(stream.by_month * kept) for stream in (*steady, *growing)]
    signs = [*(1.0 for _ in steady), *(-1.0 for _ in growing)]
    amounts = np.stack([-gpu, *(sign * of for sign, of in zip(signs, summed, strict=True))])
    powers = [stream.powers() for stream in growing]
    so_far = np.zeros((len(growing), len(gpu_factor)))
    term = np.empty_like(gpu_factor)
    band = np.empty((2, months + 1))
    # A few months at a time: all at once would take draws x months of memory.
    for first in range(0, months + 1, MONTHS_AT_ONCE):
        earned = amounts[:, first : first + MONTHS_AT_ONCE].T @ by_draw
        for m, of_month in enumerate(earned, start=first):
            for stream, power, total in zip(growing, powers, so_far, strict=True):
                np.multiply(next(power), stream.by_month[m] * kept[m], out=term)
                total += term
                np.multiply(total, stream.by_draw, out=term)
                of_month += term
            band[:, m] = _selected(of_month, (0.1, 0.9)) - fixed[m]
    present = present_draws(costs, streams, gpu_factor, annual_rate)
    return MoneyDraws(
        present=present,
        npv=present.npv,
        total_cost=costs.fixed_by_month.sum() + costs.gpu_by_month.sum() * gpu_factor,
        cumulative_p10=band[0],
        cumulative_p90=band[1],
    )
