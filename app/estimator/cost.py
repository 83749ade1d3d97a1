"""Cost lines of one method over the horizon, and the same money by month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.case import Programme
from app.estimator.finance import live_fraction, release_months
from app.estimator.report import CostLine
from app.estimator.units import HOURS_PER_WEEK, MONTHS_PER_YEAR, WEEKS_PER_MONTH

Floats = NDArray[np.float64]

GPU_LINES = frozenset({"experiments", "release_run", "failed_runs", "retraining"})
"""Lines that follow the price of GPUs and the training time."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one whole run of the chosen plan takes.

    Parameters
    ----------
    hours : wall-clock. [h]
    gpus : [count]
    usd_per_gpu_hour : [USD/h]
    price_source : key of the price's source.
    """

    hours: float
    gpus: int
    usd_per_gpu_hour: float
    price_source: str

    @property
    def gpu_hours(self) -> float:
        """GPU time that is paid for one run. [h]"""
        return self.hours * self.gpus


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost lines and their place in time.

    Parameters
    ----------
    lines : they sum to `total_usd`.
    fixed_by_month : what does not depend on GPU price and training time. (months + 1,) [USD]
    gpu_by_month : GPU cost at the listed price and the estimated time. (months + 1,) [USD]
    live_by_month : share of each month in which the release is in use. (months + 1,)
    release_month : time to the first release. [months]
    """

    lines: tuple[CostLine, ...]
    fixed_by_month: Floats
    gpu_by_month: Floats
    live_by_month: Floats
    release_month: float

    @property
    def total_usd(self) -> float:
        """Cost over the horizon, undiscounted. [USD]"""
        return float(sum(line.usd for line in self.lines))

    @property
    def gpu_usd(self) -> float:
        """What of the total is GPU time. [USD]"""
        return float(self.gpu_by_month.sum())

    @property
    def upfront_usd(self) -> float:
        """Cost before the first release. [USD]"""
        return float(sum(line.usd for line in self.lines if line.when == "once"))


def programme_costs(
    run: Run, programme: Programme, engineer_weeks: float, horizon_months: int
) -> Costs:
    """Cost of the whole programme of one method.

    Notes
    -----
    Time to the first release = engineering + experiments and release run one after the other
    (Assumption: one cluster). Up-front cost falls into month 0; a later release is paid at the end
    of the month that it falls into, with the same share of failed runs. Releases are never more
    frequent than a run takes.
    """
    runs_before = programme.experiments * programme.experiment_fraction
    lost = programme.failed_fraction
    run_months = run.hours * (1 + lost) / (HOURS_PER_WEEK * WEEKS_PER_MONTH)
    release = engineer_weeks / WEEKS_PER_MONTH + run_months * (1 + runs_before)
    possible = MONTHS_PER_YEAR / run_months if run_months > 0 else np.inf
    per_year = min(programme.releases_per_year, possible)
    later = release_months(horizon_months, release, per_year)

    def gpu(key: str, label: str, runs: float, when: str) -> CostLine:
        hours = runs * run.gpu_hours
        usd = hours * run.usd_per_gpu_hour
        return CostLine(
            key, label, hours, "GPU-hours", run.usd_per_gpu_hour, usd, when, run.price_source
        )

    def plain(
        key: str, label: str, quantity: float, unit: str, unit_price: float, when: str
    ) -> CostLine:
        return CostLine(
            key, label, quantity, unit, unit_price, quantity * unit_price, when, "input"
        )

    every: tuple[CostLine, ...] = (
        plain(
            "engineering",
            "Engineering to the first release",
            engineer_weeks,
            "person-weeks",
            programme.engineer_week_usd,
            "once",
        ),
        plain(
            "data_preparation",
            "Data preparation and labelling",
            1,
            "data set",
            programme.data_preparation_usd,
            "once",
        ),
        gpu("experiments", f"Experiments ({programme.experiments} runs)", runs_before, "once"),
        gpu("release_run", "Release run", 1.0, "once"),
        gpu("failed_runs", "Failed runs before the release", lost * (1 + runs_before), "once"),
        plain(
            "release_checks",
            "Evaluation and audit of the first release",
            1,
            "release",
            programme.release_fixed_usd,
            "once",
        ),
        gpu(
            "retraining",
            f"Retraining ({len(later)} later releases, failed runs included)",
            len(later) * (1 + lost),
            "recurring",
        ),
        plain(
            "retraining_checks",
            "Evaluation and audit of later releases",
            len(later),
            "releases",
            programme.release_fixed_usd,
            "recurring",
        ),
    )
    lines = tuple(line for line in every if line.usd > 0 or line.key == "release_run")
    fixed = np.zeros(horizon_months + 1)
    gpus = np.zeros(horizon_months + 1)
    gpus[0] = sum(x.usd for x in lines if x.when == "once" and x.key in GPU_LINES)
    fixed[0] = sum(x.usd for x in lines if x.when == "once" and x.key not in GPU_LINES)
    np.add.at(fixed, later, programme.release_fixed_usd)
    np.add.at(gpus, later, (1 + lost) * run.gpu_hours * run.usd_per_gpu_hour)
    return Costs(lines, fixed, gpus, live_fraction(horizon_months, release), release)
