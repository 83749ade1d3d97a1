"""How GPU time is billed by purchase option, and which hours of it are paid for one run.

On demand, the hours that a run takes are paid. On spot too, but interruptions make the run longer.
A capacity block is prepaid for a whole campaign in whole days. A reservation is paid for its whole
term, used or idle. Instances are always bought whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from app.estimator.constants import ConstantValues
from app.estimator.fleet import Floats, Integers
from app.estimator.hardware import PURCHASE_OPTIONS
from app.estimator.schedule import Campaigns, Schedule
from app.estimator.units import HOURS_PER_DAY, MONTHS_PER_YEAR
from app.estimator.wall_clock import CHECKPOINTS_PER_RUN

OPTIONS = tuple(PURCHASE_OPTIONS)
"""Purchase options in the order of their index."""

BILLED_HOURS_PER_MONTH = 730
"""Hours of one month of a reservation: 8,760 in a year (AWS, Azure and Google Cloud alike)."""

TERM_MONTHS = {"reserved-1y": MONTHS_PER_YEAR, "reserved-3y": 3 * MONTHS_PER_YEAR}

BLOCK_DAILY_DAYS = 14
BLOCK_STEP_DAYS = 7
BLOCK_LONGEST_DAYS = 182
"""Capacity blocks are sold in steps of a day up to 14 days, then in steps of 7 days up to 182, paid
up front: AWS EC2 User Guide, "Find and purchase Capacity Blocks" and "Capacity Blocks pricing and
billing". Assumption: other providers' blocks alike."""

ROUNDING = 1e-9
"""Share of a day or term by which arithmetic may pass it without starting another."""


def checkpoint_interval_hours(
    hours: Floats, checkpoint_hours: Floats, instances: Integers, constants: ConstantValues
) -> Floats:
    """Hours between two checkpoints of a run on spot instances. (n,) [h]

    Parameters
    ----------
    hours, checkpoint_hours, instances : see `spot_hours`. (n,)

    References
    ----------
    Young, "A first order approximation to the optimum checkpoint interval", CACM 17(9), 1974.
    """
    rate = constants["spot_interruptions_per_instance_day"] / HOURS_PER_DAY * instances
    # A rate of next to nothing has an interval without end.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        best = np.where(rate > 0, np.sqrt(2 * checkpoint_hours / rate), np.inf)
    return np.minimum(best, hours / (CHECKPOINTS_PER_RUN + 1))


def spot_hours(
    hours: Floats, checkpoint_hours: Floats, instances: Integers, constants: ConstantValues
) -> Floats:
    """Hours of one run on spot instances; infinite where it would never end. (n,) [h]

    Parameters
    ----------
    hours : of the run without interruptions. (n,) [h]
    checkpoint_hours : to write one checkpoint. (n,) [h]
    instances : each one that is taken away stops the whole run. (n,) [count]

    Notes
    -----
    With a rate of interruptions r for each instance and hour, a run on n instances is interrupted
    r n times an hour. Each time half the hours between two checkpoints and a restart are lost, and
    interruptions come while those are made up for too: T = (h + c) / (1 - r n (i / 2 + restart)).
    Checkpoints are written every i = sqrt(2 w / (r n)) hours, w being the hours to write one, where
    that is more often than usual; c is the writing on top. The lost hours are billed.

    Examples
    --------
    >>> daily = {"spot_interruptions_per_instance_day": 1.0, "restart_hours": 0.5}
    >>> spot_hours(np.array([24.0]), np.array([0.03]), np.array([1]), daily).round(3).tolist()
    [25.656]
    """
    rate = constants["spot_interruptions_per_instance_day"] / HOURS_PER_DAY * instances
    interval = checkpoint_interval_hours(hours, checkpoint_hours, instances, constants)
    lost = rate * (interval / 2 + constants["restart_hours"])
    with np.errstate(divide="ignore", invalid="ignore"):
        more = np.maximum(hours / interval - (CHECKPOINTS_PER_RUN + 1), 0.0)
        written = np.where(checkpoint_hours > 0, more * checkpoint_hours, 0.0)
        return np.where(lost < 1, (hours + written) / (1 - lost), np.inf)


def block_hours(hours: ArrayLike) -> Floats:
    """Hours that are paid for capacity blocks over one campaign. [h]

    Parameters
    ----------
    hours : of the campaign. Scalar or (n,) [h]

    Examples
    --------
    >>> (block_hours([1.0, 24.0, 24.1, 15 * 24.0, 183 * 24.0]) / 24).tolist()
    [1.0, 1.0, 2.0, 21.0, 183.0]
    """
    days = np.ceil(np.asarray(hours, dtype=np.float64) / HOURS_PER_DAY - ROUNDING)
    whole = np.floor(days / BLOCK_LONGEST_DAYS) * BLOCK_LONGEST_DAYS
    rest = days - whole
    weeks = np.ceil(rest / BLOCK_STEP_DAYS) * BLOCK_STEP_DAYS
    return np.asarray((whole + np.where(rest > BLOCK_DAILY_DAYS, weeks, rest)) * HOURS_PER_DAY)


def terms_paid(option: str, hours: Floats, campaigns: Campaigns) -> Floats:
    """Terms of a reservation, from the start of the first run to the end of the last. (n,) [count]

    Notes
    -----
    Assumption: one reservation after the other, each begun when the one before has ended; the last
    one is paid to its end. Months are compared with months, so that a programme of twelve fits into
    a year; hours only with the hours that a term pays for.
    """
    term = TERM_MONTHS[option]
    needed = np.maximum(
        campaigns.span_months / term, campaigns.runs * hours / (term * BILLED_HOURS_PER_MONTH)
    )
    return np.maximum(np.ceil(needed - ROUNDING), 1.0)


def programme_hours(option: str, hours: Floats, campaigns: Campaigns) -> Floats:
    """Hours of each instance that are paid for over the programme, idle ones included. (n,) [h]"""
    if option in TERM_MONTHS:
        term = TERM_MONTHS[option] * BILLED_HOURS_PER_MONTH
        return terms_paid(option, hours, campaigns) * term
    if option == "capacity-block":
        later = campaigns.later * block_hours(campaigns.later_runs * hours)
        return np.asarray(block_hours(campaigns.first_runs * hours) + later)
    return campaigns.runs * hours


def billed(
    option: Integers,
    hours: Floats,
    checkpoint_hours: Floats,
    instances: Integers,
    schedule: Schedule,
    constants: ConstantValues,
) -> tuple[Floats, Floats]:
    """Hours that a run takes, and hours that are paid for it, on one instance. (n,), (n,) [h]

    Parameters
    ----------
    option : index into `OPTIONS`. (n,)
    hours, checkpoint_hours, instances : see `spot_hours`. (n,)

    Notes
    -----
    What is paid for a run is its share of all hours that are paid over the programme, so that a
    reservation that stays idle never looks cheap.
    """
    taken, paid = hours, hours
    for index, key in enumerate(OPTIONS):
        if key == "on-demand":
            continue
        mine = np.flatnonzero(option == index)
        if len(mine) == 0:
            continue
        if taken is hours:
            taken, paid = hours.copy(), hours.copy()
        if key == "spot":
            taken[mine] = spot_hours(
                hours[mine], checkpoint_hours[mine], instances[mine], constants
            )
            paid[mine] = taken[mine]
        else:
            campaigns = schedule.campaigns(hours[mine])
            paid[mine] = programme_hours(key, hours[mine], campaigns) / campaigns.runs
    return taken, paid
