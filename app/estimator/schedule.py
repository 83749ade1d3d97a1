"""When a programme trains: the runs before the first release, and those of every later one.

The planner, the cost lines and the ways to pay all read the schedule here, so that the price of one
run and the cost of the programme agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from app.estimator.case import Programme
from app.estimator.finance import later_releases
from app.estimator.fleet import Floats, Integers
from app.estimator.units import HOURS_PER_MONTH, MONTHS_PER_YEAR, WEEKS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Campaigns:
    """Runs that follow one another without a break, under plans of different hours. (n,)

    Parameters
    ----------
    first_runs, later_runs : runs of the first campaign and of each later one, failed ones included.
        [whole runs]
    later : later campaigns. (n,) [count]
    run_months : one run with its share of failed ones. (n,) [months]
    release_month : time to the first release. (n,) [months]
    releases_per_year : later releases, never more frequent than a run takes. (n,)
    span_months : from the start of the first run to the end of the last one. (n,) [months]
    """

    first_runs: float
    later_runs: float
    later: Integers
    run_months: Floats
    release_month: Floats
    releases_per_year: Floats
    span_months: Floats

    @property
    def runs(self) -> Floats:
        """All runs of the programme. (n,) [whole runs]"""
        return np.asarray(self.first_runs + self.later * self.later_runs, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is trained over the horizon, before it is known how long a run takes.

    Parameters
    ----------
    runs_before : experiments before the first release. [whole runs]
    lost : extra share for failed runs.
    engineering_months : work before the first run. [months]
    releases_per_year : releases after the first.
    horizon_months : [months]
    """

    runs_before: float
    lost: float
    engineering_months: float
    releases_per_year: float
    horizon_months: int

    def campaigns(self, hours: ArrayLike) -> Campaigns:
        """The campaigns of plans whose runs take so many hours. (n,)

        Notes
        -----
        Assumption: one cluster, so that experiments, failed runs and the release run follow one
        another. They and every later release are a campaign each.
        """
        of_run = np.atleast_1d(np.asarray(hours, dtype=np.float64))
        run_months = of_run * (1 + self.lost) / HOURS_PER_MONTH
        first_months = run_months * (1 + self.runs_before)
        release = self.engineering_months + first_months
        with np.errstate(divide="ignore"):
            possible = MONTHS_PER_YEAR / run_months
        per_year = np.minimum(self.releases_per_year, possible)
        later = later_releases(self.horizon_months, release, per_year)
        with np.errstate(divide="ignore", invalid="ignore"):
            between = np.where(later > 0, later * MONTHS_PER_YEAR / per_year, 0.0)
        return Campaigns(
            first_runs=(1 + self.lost) * (1 + self.runs_before),
            later_runs=1 + self.lost,
            later=later,
            run_months=run_months,
            release_month=release,
            releases_per_year=per_year,
            span_months=first_months + between,
        )


ONE_RUN = Schedule(0.0, 0.0, 0.0, 0.0, 1)
"""A single run and nothing else."""


def schedule_of(programme: Programme, engineer_weeks: float, horizon_months: int) -> Schedule:
    """The schedule of one method.

    Parameters
    ----------
    engineer_weeks : of the method, until its first release. [weeks]
    """
    return Schedule(
        runs_before=programme.experiments * programme.experiment_fraction,
        lost=programme.failed_fraction,
        engineering_months=engineer_weeks / WEEKS_PER_MONTH,
        releases_per_year=programme.releases_per_year,
        horizon_months=horizon_months,
    )
