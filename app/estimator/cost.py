"""Cost lines of one method over the horizon, and the same money by month."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.estimator.case import Programme
from app.estimator.finance import live_fraction, release_months, waiting_fraction
from app.estimator.purchase import (
    BILLED_HOURS_PER_MONTH,
    TERM_MONTHS,
    block_hours,
    programme_hours,
    terms_paid,
)
from app.estimator.report import CostLine
from app.estimator.schedule import Campaigns, Schedule, schedule_of
from app.estimator.units import MONTHS_PER_YEAR

Floats = NDArray[np.float64]

GPU_LINES = frozenset({"experiments", "release_run", "failed_runs", "retraining"})
"""Lines of the GPU time that runs use."""

IDLE_LINES = frozenset({"idle_commitment", "idle_retraining"})
"""Lines of the GPU time that is paid for and stays idle."""

SMALLEST_IDLE = 1e-9
"""Share of the paid hours below which idle ones are rounding."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one whole run of the chosen plan takes.

    Parameters
    ----------
    hours : wall-clock. [h]
    gpus : that are paid for. [count]
    usd_per_gpu_hour : [USD/h]
    price_source : key of the price's source.
    option : how the GPUs are bought, one of `app.estimator.hardware.PURCHASE_OPTIONS`.
    """

    hours: float
    gpus: int
    usd_per_gpu_hour: float
    price_source: str
    option: str = "on-demand"

    @property
    def gpu_hours(self) -> float:
        """GPU time of one run. [h]"""
        return self.hours * self.gpus


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a method's model takes once it is released, beyond retraining.

    Parameters
    ----------
    release_fraction : checks of a release, as a share of `Programme.release_fixed_usd`.
    artefacts : models and adapters to govern. [count]
    serving_usd_per_month : beyond serving the base model. [USD]
    serving_source : key of the source of that price.
    """

    release_fraction: float = 1.0
    artefacts: int = 1
    serving_usd_per_month: float = 0.0
    serving_source: str = "assumption"


PLAIN_UPKEEP = Upkeep()


@dataclass(frozen=True, slots=True)
class GpuBill:
    """The GPU time of a programme: what runs use, and what is paid for and stays idle.

    Parameters
    ----------
    once, later : lines before the first release, and of later ones.
    by_month : the same money when it is paid. (months + 1,) [USD]
    """

    once: tuple[CostLine, ...]
    later: tuple[CostLine, ...]
    by_month: Floats

    @property
    def lines(self) -> tuple[CostLine, ...]:
        """All lines. [USD]"""
        return (*self.once, *self.later)

    @property
    def paid_gpu_hours(self) -> float:
        """GPU time that is paid for. [h]"""
        return float(sum(line.quantity for line in self.lines))


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost lines and their place in time.

    Parameters
    ----------
    lines : they sum to `total_usd`.
    fixed_by_month : what does not depend on GPU price and training time. (months + 1,) [USD]
    gpu_by_month : GPU cost at the listed price and the estimated time, when it is paid.
        (months + 1,) [USD]
    live_by_month : share of each month in which the release is in use. (months + 1,)
    release_month : time to the first release. [months]
    later_releases : after the first, within the horizon. [count]
    """

    lines: tuple[CostLine, ...]
    fixed_by_month: Floats
    gpu_by_month: Floats
    live_by_month: Floats
    release_month: float
    later_releases: int

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


def gpu_bill(
    run: Run, programme: Programme, schedule: Schedule, campaigns: Campaigns | None = None
) -> GpuBill:
    """The GPU time of a whole programme, by line and by month.

    Parameters
    ----------
    campaigns : of one plan, where they are not those of this run: another way to pay for the same
        releases.

    Notes
    -----
    On demand, on spot and in blocks, what runs before the first release is paid in month 0, and a
    later release at the end of the month that it falls into. A reservation is paid month by month
    from its start, without an upfront payment; what is still owed at the horizon's end counts in
    its last month.
    """
    campaigns = campaigns or schedule.campaigns(run.hours)
    count, lost, runs_before = int(campaigns.later[0]), schedule.lost, schedule.runs_before

    def line(key: str, label: str, hours: float, when: str) -> CostLine:
        usd = hours * run.usd_per_gpu_hour
        return CostLine(
            key, label, hours, "GPU-hours", run.usd_per_gpu_hour, usd, when, run.price_source
        )

    def used(key: str, label: str, runs: float, when: str) -> CostLine:
        return line(key, label, runs * run.gpu_hours, when)

    once = [
        used("experiments", f"Experiments ({programme.experiments} runs)", runs_before, "once"),
        used("release_run", "Release run", 1.0, "once"),
        used("failed_runs", "Failed runs before the release", lost * (1 + runs_before), "once"),
    ]
    later = [
        used(
            "retraining",
            f"Retraining ({count} later releases, failed runs included)",
            count * (1 + lost),
            "recurring",
        )
    ]
    hours = np.array([run.hours])
    paid = float(programme_hours(run.option, hours, campaigns)[0])

    def idle(paid: float, used: float) -> float:
        rest = paid - used
        return rest * run.gpus if rest > SMALLEST_IDLE * paid else 0.0

    if run.option in TERM_MONTHS:
        terms = int(terms_paid(run.option, hours, campaigns)[0])
        rest = idle(paid, float(campaigns.runs[0]) * run.hours)
        of = f"{terms} term{'s' if terms > 1 else ''} of {TERM_MONTHS[run.option]} months"
        later.append(
            line("idle_commitment", f"Reserved hours that stay idle ({of})", rest, "recurring")
        )
    elif run.option == "capacity-block":
        first, again = (runs * run.hours for runs in (campaigns.first_runs, campaigns.later_runs))
        rest = idle(float(block_hours(first)), first)
        once.append(
            line(
                "idle_commitment",
                "Rest of the last day of blocks, before the release",
                rest,
                "once",
            )
        )
        rest = count * idle(float(block_hours(again)), again)
        later.append(
            line("idle_retraining", "Rest of the last day of later blocks", rest, "recurring")
        )

    months = schedule.horizon_months
    by_month = np.zeros(months + 1)
    if run.option in TERM_MONTHS:
        payments = round(paid / BILLED_HOURS_PER_MONTH)
        ends = np.ceil(schedule.engineering_months + np.arange(1.0, months + 1) - 1e-9)
        due = ends[: min(payments, months)]
        due = due[due <= months].astype(np.int64)
        monthly = BILLED_HOURS_PER_MONTH * run.gpus * run.usd_per_gpu_hour
        by_month[due] = monthly
        by_month[months] += (payments - len(due)) * monthly
    else:
        by_month[0] = sum(x.usd for x in once)
        release, per_year = campaigns.release_month[0], campaigns.releases_per_year[0]
        each = (1 + lost) * run.gpu_hours * run.usd_per_gpu_hour
        if count and later[-1].key == "idle_retraining":
            each += later[-1].usd / count
        np.add.at(by_month, release_months(months, float(release), float(per_year)), each)

    def kept(lines: list[CostLine]) -> tuple[CostLine, ...]:
        return tuple(x for x in lines if x.usd > 0 or x.key == "release_run")

    return GpuBill(kept(once), kept(later), by_month)


def programme_costs(
    run: Run,
    programme: Programme,
    engineer_weeks: float,
    horizon_months: int,
    upkeep: Upkeep = PLAIN_UPKEEP,
) -> Costs:
    """Cost of the whole programme of one method.

    Notes
    -----
    Time to the first release = engineering + experiments and release run one after the other
    (Assumption: one cluster). Up-front cost falls into month 0; a later release is paid at the end
    of the month that it falls into, with the same share of failed runs. Releases are never more
    frequent than a run takes. `gpu_bill` says when GPU time is paid. Serving and the governance of
    artefacts are paid for as long as a release is in use; a delay costs from the start until the
    first release, within the horizon. Assumption: all three are paid whether or not the model turns
    out to be better than the base.
    """
    schedule = schedule_of(programme, engineer_weeks, horizon_months)
    campaigns = schedule.campaigns(run.hours)
    release, per_year = float(campaigns.release_month[0]), float(campaigns.releases_per_year[0])
    later = release_months(horizon_months, release, per_year)
    gpus = gpu_bill(run, programme, schedule)
    live = live_fraction(horizon_months, release)
    waiting = waiting_fraction(horizon_months, release)
    checks_usd = programme.release_fixed_usd * upkeep.release_fraction
    artefacts_usd_per_month = upkeep.artefacts * programme.artefact_year_usd / MONTHS_PER_YEAR

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
        *gpus.once,
        plain(
            "release_checks",
            "Evaluation and audit of the first release",
            1,
            "release",
            checks_usd,
            "once",
        ),
        *gpus.later,
        plain(
            "retraining_checks",
            "Evaluation and audit of later releases",
            len(later),
            "releases",
            checks_usd,
            "recurring",
        ),
        plain(
            "governance",
            f"Governance of model artefacts ({upkeep.artefacts})",
            upkeep.artefacts * float(live.sum()) / MONTHS_PER_YEAR,
            "artefact-years",
            programme.artefact_year_usd,
            "recurring",
        ),
        plain(
            "delay",
            "Cost of delay until the first release",
            float(waiting.sum()),
            "months",
            programme.delay_usd_per_month,
            "recurring",
        ),
        replace(
            plain(
                "serving",
                "Serving beyond the base model",
                float(live.sum()),
                "months",
                upkeep.serving_usd_per_month,
                "recurring",
            ),
            source=upkeep.serving_source,
        ),
    )
    lines = tuple(line for line in every if line.usd > 0 or line.key == "release_run")
    paid_hourly = GPU_LINES | IDLE_LINES
    fixed = np.zeros(horizon_months + 1)
    fixed[0] = sum(x.usd for x in lines if x.when == "once" and x.key not in paid_hourly)
    np.add.at(fixed, later, checks_usd)
    fixed += live * (artefacts_usd_per_month + upkeep.serving_usd_per_month)
    fixed += waiting * programme.delay_usd_per_month
    return Costs(lines, fixed, gpus.by_month, live, release, len(later))
