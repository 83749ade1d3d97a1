"""The GPU time of a programme: what runs use, what stays idle, and when it is paid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.estimator.case import Programme
from app.estimator.finance import release_months
from app.estimator.flows import NOBODY, Floats, Flow, Seller, cost_line
from app.estimator.purchase import (
    BILLED_HOURS_PER_MONTH,
    TERM_MONTHS,
    block_hours,
    programme_hours,
    terms_paid,
)
from app.estimator.report import CostLine
from app.estimator.schedule import Campaigns, Schedule
from app.estimator.wording import plural

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
    seller : of the GPU time.
    """

    hours: float
    gpus: int
    usd_per_gpu_hour: float
    price_source: str
    option: str = "on-demand"
    seller: Seller = NOBODY

    @property
    def gpu_hours(self) -> float:
        """GPU time of one run. [h]"""
        return self.hours * self.gpus


@dataclass(frozen=True, slots=True)
class GpuBill:
    """The GPU time of a programme: what runs use, and what is paid for and stays idle.

    Parameters
    ----------
    flows : before the first release, and of later ones.
    """

    flows: tuple[Flow, ...]

    @property
    def lines(self) -> tuple[CostLine, ...]:
        """All lines, in prices of month 0. [USD]"""
        return tuple(cost_line(flow, flow.quantity * flow.unit_price_usd) for flow in self.flows)

    @property
    def by_month(self) -> Floats:
        """The same money when it is paid, in prices of month 0. (months + 1,) [USD]"""
        return np.asarray(
            np.sum([flow.quantity_by_month * flow.unit_price_usd for flow in self.flows], axis=0)
        )

    @property
    def paid_gpu_hours(self) -> float:
        """GPU time that is paid for. [h]"""
        return float(sum(flow.quantity for flow in self.flows))


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
    from its start, without an upfront payment, each payment for all lines in proportion; what is
    still owed at the horizon's end counts in its last month.
    """
    campaigns = campaigns or schedule.campaigns(run.hours)
    count, lost, runs_before = int(campaigns.later[0]), schedule.lost, schedule.runs_before
    months = schedule.horizon_months
    hours = np.array([run.hours])
    paid = float(programme_hours(run.option, hours, campaigns)[0])
    at_first = np.zeros(months + 1)
    at_first[0] = 1.0
    at_later = np.zeros(months + 1)
    release, per_year = float(campaigns.release_month[0]), float(campaigns.releases_per_year[0])
    if count:
        np.add.at(at_later, release_months(months, release, per_year), 1.0 / count)
    if run.option in TERM_MONTHS:
        at_first = at_later = _payments(paid, schedule)

    def flow(key: str, label: str, category: str, gpu_hours: float, when: str) -> Flow:
        return Flow(
            key,
            label,
            category,
            gpu_hours * (at_first if when == "once" else at_later),
            "GPU-hours",
            run.usd_per_gpu_hour,
            when,
            run.price_source,
            seller=run.seller,
            fixed_price=run.option in TERM_MONTHS,
        )

    def idle(paid: float, used: float) -> float:
        rest = paid - used
        return rest * run.gpus if rest > SMALLEST_IDLE * paid else 0.0

    def whole(runs: float) -> float:
        return runs * run.gpu_hours

    experiments = f"Experiments ({plural(programme.experiments, 'run')})"
    failed = lost * (1 + runs_before)
    again = f"Retraining ({plural(count, 'later release')}, failed runs included)"
    flows = [
        flow("experiments", experiments, "experiments", whole(runs_before), "once"),
        flow("release_run", "Release run", "training", whole(1.0), "once"),
        flow("failed_runs", "Failed runs before the release", "experiments", whole(failed), "once"),
    ]
    retraining = flow("retraining", again, "retraining", whole(count * (1 + lost)), "recurring")
    if run.option in TERM_MONTHS:
        terms = int(terms_paid(run.option, hours, campaigns)[0])
        rest = idle(paid, float(campaigns.runs[0]) * run.hours)
        of = f"{plural(terms, 'term')} of {plural(TERM_MONTHS[run.option], 'month')}"
        stays = f"Reserved hours that stay idle ({of})"
        flows += [retraining, flow("idle_commitment", stays, "idle", rest, "recurring")]
    elif run.option == "capacity-block":
        first, later = (runs * run.hours for runs in (campaigns.first_runs, campaigns.later_runs))
        before = idle(float(block_hours(first)), first)
        after = count * idle(float(block_hours(later)), later)
        rest_before = "Rest of the last day of blocks, before the release"
        rest_after = "Rest of the last day of later blocks"
        flows += [
            flow("idle_commitment", rest_before, "idle", before, "once"),
            retraining,
            flow("idle_retraining", rest_after, "idle", after, "recurring"),
        ]
    else:
        flows.append(retraining)
    return GpuBill(tuple(f for f in flows if f.quantity > 0 or f.key == "release_run"))


def _payments(paid_hours: float, schedule: Schedule) -> Floats:
    """Share of a reservation that is paid in each month. (months + 1,)"""
    months = schedule.horizon_months
    payments = round(paid_hours / BILLED_HOURS_PER_MONTH)
    ends = np.ceil(schedule.engineering_months + np.arange(1.0, months + 1) - 1e-9)
    due = ends[: min(payments, months)]
    due = due[due <= months].astype(np.int64)
    share = np.zeros(months + 1)
    share[due] = 1.0 / payments
    share[months] += (payments - len(due)) / payments
    return share
