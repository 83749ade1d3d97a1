"""What a few runs of one's own say about the estimates for one's own cluster.

One factor for step time and one for memory, each the published runs' and the own runs' say, weighed
by what each of them can know.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.estimator.measured import SPEED_METRIC

TIME: Final = "time"
MEMORY: Final = "memory"
KINDS: Final = (TIME, MEMORY)
Z80: Final = 1.2815515655446004
"""Half width of the central 80% of a normal distribution, in standard deviations."""
PRIOR_RUNS: Final = 4.0
"""Runs that the published scatter within a source counts for, beside the own runs' own scatter.
Assumption: enough that two runs that agree by luck do not look certain."""
LEAST_SPREAD: Final = 0.03
"""No two clusters are taken to agree better than this. Assumption: the same card differs by 10 to
18% in speed between sites, and drivers and versions by some per cent in memory."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A measured value and its prediction, both greater than 0, in the unit of the metric.

    Parameters
    ----------
    run : rows of one run share their error, so they count as one.
    source : where the run was published; needed for `spread_of` only.
    """

    measured: float
    predicted: float
    metric: str
    method: str
    run: str = ""
    source: str = ""

    @property
    def kind(self) -> str:
        """Time or memory."""
        return TIME if self.metric == SPEED_METRIC else MEMORY

    @property
    def log_ratio(self) -> float:
        """Logarithm of what the estimate of time, or of memory, has to be multiplied by."""
        ratio = math.log(self.measured / self.predicted)
        return -ratio if self.kind == TIME else ratio


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of log ratios: between sources, and of runs within one."""

    between: float
    within: float


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A factor on the estimate of time or of memory.

    Parameters
    ----------
    factor, low, high : the estimate times this is expected; 80% interval. [ratio]
    log_error : standard error of the logarithm of the factor.
    raw : geometric mean of the own ratios, before it is shrunk. [ratio]
    weight : share of the raw logarithm that is kept; the rest is the published runs' 1. [fraction]
    rows, runs : what it was made from. [count]
    before, after : median absolute relative error of the prediction as it is, and with the factor
        that the other runs give (each run left out in turn); None for fewer than two runs.
    """

    kind: str
    factor: float
    low: float
    high: float
    log_error: float
    raw: float
    weight: float
    rows: int
    runs: int
    before: float
    after: float | None


def recalibrate(pairs: Sequence[Pair], spreads: dict[str, Spread]) -> dict[str, Multiplier]:
    """Factors for time and memory, as far as there are pairs of that kind.

    Parameters
    ----------
    spreads : by kind, of published runs: see `spread_of`.

    Notes
    -----
    The logarithm of the factor of a cluster is normal around 0 (the estimate is right on average)
    with the spread between sources as its standard deviation; runs scatter around it. With the
    mean y of n runs,

        weight = between^2 / (between^2 + within^2 / n)
        factor = exp(weight y),  standard error = between sqrt(1 - weight).

    The scatter within is the published one and that of the own runs, pooled: a scaled inverse
    chi-square prior worth `PRIOR_RUNS` runs.

    References
    ----------
    [1] Gelman et al., *Bayesian Data Analysis*, 3rd ed. (2013), sections 2.5, 2.6, 3.3 and 5.4.
    [2] Efron and Morris, "Stein's estimation rule and its competitors: an empirical Bayes
        approach", JASA 68 (1973).

    Examples
    --------
    >>> slow = [Pair(1000, 1200, "tokens_per_s_per_gpu", "lora", run=str(n)) for n in range(6)]
    >>> found = recalibrate(slow, {"time": Spread(0.15, 0.1)})["time"]
    >>> round(found.raw, 3), round(found.factor, 3), round(found.weight, 3)
    (1.2, 1.193, 0.968)
    """
    found: dict[str, Multiplier] = {}
    for kind in KINDS:
        own = [pair for pair in pairs if pair.kind == kind]
        if own and kind in spreads:
            found[kind] = _multiplier(kind, own, spreads[kind])
    return found


def spread_of(pairs: Iterable[Pair]) -> dict[str, Spread]:
    """How much published sources differ in their errors, and runs within a source.

    Notes
    -----
    Random effects by the method of moments: the variance of the sources' means, less what the
    scatter within them adds to it. Kinds with fewer than two sources are left out.

    References
    ----------
    DerSimonian and Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7 (1986).
    """
    kept = list(pairs)
    spreads: dict[str, Spread] = {}
    for kind in KINDS:
        sources: dict[str, list[Pair]] = {}
        for pair in kept:
            if pair.kind == kind:
                sources.setdefault(pair.source, []).append(pair)
        if len(sources) < 2:
            continue
        logs = [_by_run(of_source) for of_source in sources.values()]
        freedom = sum(len(values) - 1 for values in logs)
        squares = sum(float(np.sum((values - values.mean()) ** 2)) for values in logs)
        within = squares / freedom if freedom else 0.0
        means = np.array([values.mean() for values in logs])
        noise = float(np.mean([within / len(values) for values in logs]))
        between = float(np.var(means, ddof=1)) - noise
        spreads[kind] = Spread(
            between=max(math.sqrt(max(between, 0.0)), LEAST_SPREAD),
            within=max(math.sqrt(within), LEAST_SPREAD),
        )
    return spreads


def _by_run(pairs: Sequence[Pair]) -> np.ndarray:
    """Mean log ratio of each run. (runs,)"""
    runs: dict[str, list[float]] = {}
    for pair in pairs:
        runs.setdefault(pair.run, []).append(pair.log_ratio)
    return np.array([float(np.mean(values)) for values in runs.values()])


def _shrunk(logs: np.ndarray, spread: Spread) -> tuple[float, float, float]:
    """Logarithm of the factor, its standard error, and the weight of the own runs."""
    count = len(logs)
    squares = float(np.sum((logs - logs.mean()) ** 2))
    variance = (PRIOR_RUNS * spread.within**2 + squares) / (PRIOR_RUNS + count - 1)
    weight = spread.between**2 / (spread.between**2 + variance / count)
    return weight * float(logs.mean()), spread.between * math.sqrt(1 - weight), weight


def _multiplier(kind: str, pairs: Sequence[Pair], spread: Spread) -> Multiplier:
    logs = _by_run(pairs)
    log_factor, log_error, weight = _shrunk(logs, spread)
    return Multiplier(
        kind=kind,
        factor=math.exp(log_factor),
        low=math.exp(log_factor - Z80 * log_error),
        high=math.exp(log_factor + Z80 * log_error),
        log_error=log_error,
        raw=math.exp(float(logs.mean())),
        weight=weight,
        rows=len(pairs),
        runs=len(logs),
        before=_median_error(pairs, dict.fromkeys((pair.run for pair in pairs), 0.0)),
        after=_left_out(pairs, spread) if len(logs) > 1 else None,
    )


def _left_out(pairs: Sequence[Pair], spread: Spread) -> float:
    """Median error with the factor that the other runs give. [fraction]"""
    names = list(dict.fromkeys(pair.run for pair in pairs))
    logs = _by_run(pairs)
    others = {
        name: _shrunk(np.delete(logs, position), spread)[0] for position, name in enumerate(names)
    }
    return _median_error(pairs, others)


def _median_error(pairs: Sequence[Pair], log_factors: dict[str, float]) -> float:
    """Median absolute relative error after a factor for each run. [fraction]"""
    errors = []
    for pair in pairs:
        log_factor = log_factors[pair.run]
        sign = -1 if pair.kind == TIME else 1  # more time is fewer tokens a second
        errors.append(abs(pair.predicted * math.exp(sign * log_factor) / pair.measured - 1))
    return float(np.median(errors))
