"""What the whole programme of one method costs, line by line and month by month."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from app.estimator.accounting import PLAIN, Accounting
from app.estimator.case import Programme
from app.estimator.finance import live_fraction, release_months, waiting_fraction
from app.estimator.flows import NOBODY, ROUNDING, Costs, Flow, Seller, costs_of
from app.estimator.gpu_bill import Run, gpu_bill
from app.estimator.schedule import schedule_of
from app.estimator.units import MONTHS_PER_YEAR


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept in object storage all the time, or moved out of it with every release.

    Parameters
    ----------
    gigabytes : [GB]; usd : of one, for a month or each time. [USD]
    source : key of the price's source, or `input`; inputs : fields that it was entered in.
    note : what to know of the price; may be empty.
    """

    gigabytes: float = 0.0
    usd: float = 0.0
    source: str = "assumption"
    inputs: tuple[str, ...] = ()
    seller: Seller = NOBODY
    note: str = ""


NOTHING_STORED = Stored()


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a method's model takes beyond engineering and training.

    Parameters
    ----------
    is_full : whether it is fully fine-tuned, without adapters.
    release_fraction : checks of a release, as a share of `Programme.release_fixed_usd`.
    artefacts : models and adapters to govern. [count]
    serving_usd_per_month : beyond serving the base model. [USD]
    serving_source : key of the source of that price; serving_seller : who is paid.
    storage : of data, weights and checkpoints; egress : of released models, each time.
    """

    is_full: bool = True
    release_fraction: float = 1.0
    artefacts: int = 1
    serving_usd_per_month: float = 0.0
    serving_source: str = "assumption"
    serving_seller: Seller = NOBODY
    storage: Stored = NOTHING_STORED
    egress: Stored = NOTHING_STORED


PLAIN_UPKEEP = Upkeep()


def programme_costs(
    run: Run,
    programme: Programme,
    engineer_weeks: float,
    horizon_months: int,
    upkeep: Upkeep = PLAIN_UPKEEP,
    accounting: Accounting = PLAIN,
) -> Costs:
    """Cost of the whole programme of one method.

    Notes
    -----
    Time to the first release = engineering + experiments and release run one after the other
    (Assumption: one cluster). The work until the first release is paid in month 0, also where it
    takes longer than the horizon; a later release is paid at the end of the month that it falls
    into, with the same share of failed runs. Releases are never more frequent than a run takes.
    `gpu_bill` says when GPU time is paid. Serving and the governance of artefacts are paid for as
    long as a release is in use, storage from the start to the end of the horizon, traffic with
    every release; a delay costs from the start until the first release, within the horizon.
    Assumption: all of it is paid whether or not the model turns out to be better than the base.
    """
    schedule = schedule_of(programme, engineer_weeks, horizon_months)
    campaigns = schedule.campaigns(run.hours)
    release, per_year = float(campaigns.release_month[0]), float(campaigns.releases_per_year[0])
    later = release_months(horizon_months, release, per_year)
    gpus = gpu_bill(run, programme, schedule)
    live = live_fraction(horizon_months, release)
    weeks_input = "engineer_weeks_full" if upkeep.is_full else "engineer_weeks_adapter"
    checks = ("release_fixed_usd", *(() if upkeep.is_full else ("adapter_release_percent",)))
    once = np.zeros(horizon_months + 1)
    once[0] = 1.0
    again = np.zeros(horizon_months + 1)
    np.add.at(again, later, 1.0)
    first = np.zeros(horizon_months + 1)
    if release <= horizon_months:
        first[ceil(release - ROUNDING)] = 1.0
    always = 1.0 - once
    checks_usd = programme.release_fixed_usd * upkeep.release_fraction
    flows = (
        Flow(
            "engineering",
            "Engineering to the first release",
            "people",
            engineer_weeks * once,
            "person-weeks",
            programme.engineer_week_usd,
            "once",
            "input",
            ("engineer_week_usd", weeks_input),
        ),
        Flow(
            "data_preparation",
            "Data preparation and labelling",
            "data",
            once,
            "data set",
            programme.data_preparation_usd,
            "once",
            "input",
            ("data_preparation_usd",),
        ),
        *(flow for flow in gpus.flows if flow.when == "once"),
        Flow(
            "release_checks",
            "Evaluation and audit of the first release",
            "evaluation",
            once,
            "release",
            checks_usd,
            "once",
            "input",
            checks,
        ),
        *(flow for flow in gpus.flows if flow.when != "once"),
        Flow(
            "retraining_checks",
            "Evaluation and audit of later releases",
            "evaluation",
            again,
            "releases",
            checks_usd,
            "recurring",
            "input",
            checks,
        ),
        Flow(
            "governance",
            f"Governance of model artefacts ({upkeep.artefacts})",
            "compliance",
            upkeep.artefacts * live / MONTHS_PER_YEAR,
            "artefact-years",
            programme.artefact_year_usd,
            "recurring",
            "input",
            ("artefact_year_usd",),
        ),
        Flow(
            "storage",
            f"Storage of data, weights and checkpoints{upkeep.storage.note}",
            "storage",
            upkeep.storage.gigabytes * always,
            "GB-months",
            upkeep.storage.usd,
            "recurring",
            upkeep.storage.source,
            upkeep.storage.inputs,
            upkeep.storage.seller,
        ),
        Flow(
            "egress",
            f"Moving released models to where they serve{upkeep.egress.note}",
            "network",
            upkeep.egress.gigabytes * (first + again),
            "GB",
            upkeep.egress.usd,
            "recurring",
            upkeep.egress.source,
            upkeep.egress.inputs,
            upkeep.egress.seller,
        ),
        Flow(
            "delay",
            "Cost of delay until the first release",
            "delay",
            waiting_fraction(horizon_months, release),
            "months",
            programme.delay_usd_per_month,
            "recurring",
            "input",
            ("delay_cost_usd_per_month",),
        ),
        Flow(
            "serving",
            "Serving beyond the base model",
            "serving",
            live,
            "months",
            upkeep.serving_usd_per_month,
            "recurring",
            upkeep.serving_source,
            seller=upkeep.serving_seller,
        ),
    )
    return costs_of(flows, live, release, len(later), accounting)
