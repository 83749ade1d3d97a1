"""Rent, buy or managed: ways to pay for the same training programme of a chosen plan."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from app.estimator.case import Case
from app.estimator.cost import Run, gpu_bill
from app.estimator.hardware import PURCHASE_OPTIONS, TIERS, Offer
from app.estimator.managed import cheapest_managed
from app.estimator.market import ManagedPrice, Server
from app.estimator.methods import Method
from app.estimator.ownership import Ownership, buying_report, owned, utilisation_of
from app.estimator.planner import Choice, Planned
from app.estimator.purchase import spot_hours
from app.estimator.report import BuyingReport, CostLine, WayReport
from app.estimator.schedule import Campaigns, Schedule, schedule_of
from app.estimator.wording import sentence_start

OWN = "own"
MANAGED = "managed"


@dataclass(frozen=True, slots=True)
class _Bought:
    """What is paid for: the programme of one method on its plan.

    Parameters
    ----------
    offer : that the plan rents.
    gpus, instances : of the plan. [count]
    hours, checkpoint_hours : of a run without interruptions, and to write one checkpoint. [h]
    campaigns : of the plan as it is rented; every way trains the same releases.
    """

    case: Case
    method: Method
    offer: Offer
    gpus: int
    instances: int
    hours: float
    checkpoint_hours: float
    schedule: Schedule
    campaigns: Campaigns

    @property
    def gpu_hours(self) -> float:
        """GPU time of all runs without interruptions. [h]"""
        return float(self.campaigns.runs[0]) * self.hours * self.gpus


def ways_to_pay(
    case: Case, method: Method, planned: Planned, choice: Choice
) -> tuple[tuple[WayReport, ...], BuyingReport | None]:
    """Ways to pay for the programme of a plan, the chosen one first, and owning against renting.

    Notes
    -----
    An option is bought as the same instance in the same region where its provider sells it, else as
    the cheapest firm offer of the same GPU with at least as many in an instance, on which runs are
    taken to last as long. Nothing is said of owning where no server with that GPU is known.
    """
    evaluation, i = planned.evaluation, choice.plan
    schedule = schedule_of(
        case.programme, case.programme.engineer_weeks(method), case.value.horizon_months
    )
    bought = _Bought(
        case=case,
        method=method,
        offer=case.fleet.offers[choice.offer],
        gpus=int(evaluation.plans.gpus[i]),
        instances=int(evaluation.plans.nodes[i]),
        hours=float(evaluation.hours[i]),
        checkpoint_hours=float(evaluation.checkpoint_hours[i]),
        schedule=schedule,
        campaigns=schedule.campaigns(choice.hours),
    )
    rented = [way for option in PURCHASE_OPTIONS if (way := _rented_as(bought, option))]
    rented.sort(key=lambda way: not way.chosen)
    ownership = _ownership(bought)
    ways = list(rented)
    buying = None
    if ownership is not None:
        ways.append(_owned(bought, ownership))
        rent = next((way for way in rented if way.key == "on-demand"), rented[0])
        buying = buying_report(
            ownership, bought.gpu_hours, f"{rent.label}: {rent.seller}, {rent.what}", _rate(rent)
        )
    managed = _managed(bought)
    if managed is not None:
        ways.append(managed)
    return tuple(ways), buying


def _rate(way: WayReport) -> float:
    """What is paid for a GPU-hour, idle ones and interruptions apart. [USD/h]"""
    return next(line.unit_price_usd for line in way.lines if line.key == "release_run")


def _rented_as(bought: _Bought, option: str) -> WayReport | None:
    """The programme under one purchase option; None where nobody sells it."""
    mine = bought.offer
    if option == mine.purchase_option:
        return _rented(bought, mine, same=True)
    offers = [o for o in bought.case.market.offers if o.purchase_option == option]
    for offer in offers:
        if (offer.provider, offer.instance, offer.region) == (
            mine.provider,
            mine.instance,
            mine.region,
        ):
            return _rented(bought, offer, same=True)
    found = [
        way
        for offer in offers
        if _can_replace(bought, offer) and (way := _rented(bought, offer, same=False))
    ]
    return min(found, key=lambda way: way.total_usd, default=None)


def _can_replace(bought: _Bought, offer: Offer) -> bool:
    """Whether the plan would run on another offer: the same GPU, at least as many in an instance,
    and a network where it needs one.
    """
    mine = bought.offer
    return (
        offer.accelerator.key == mine.accelerator.key
        and offer.gpus_per_instance >= mine.gpus_per_instance
        and offer.memory_bytes >= mine.memory_bytes
        and (offer.gpus_per_instance >= bought.gpus or offer.inter_node_bytes_per_s is not None)
    )


def _rented(bought: _Bought, offer: Offer, *, same: bool) -> WayReport | None:
    """The programme on one offer; None where runs on its spot instances would never end."""
    case, option = bought.case, offer.purchase_option
    instances = -(-bought.gpus // offer.gpus_per_instance)
    hours = bought.hours
    if option == "spot":
        hours = float(
            spot_hours(
                np.array([bought.hours]),
                np.array([bought.checkpoint_hours]),
                np.array([instances]),
                case.constants,
            )[0]
        )
        if not isfinite(hours):
            return None
    run = Run(
        hours=hours,
        gpus=instances * offer.gpus_per_instance,
        usd_per_gpu_hour=offer.usd_per_gpu_hour,
        price_source=offer.source.key,
        option=option,
    )
    bill = gpu_bill(run, case.programme, bought.schedule, bought.campaigns)
    notes = []
    if option == "spot":
        notes.append(
            f"Interruptions are expected to make a run {hours / bought.hours - 1:.1%} longer."
        )
    idle = 1 - bill.used_gpu_hours / bill.paid_gpu_hours
    if option not in ("on-demand", "spot"):
        notes.append(f"{idle:.0%} of the hours that are paid for stay idle.")
    if not same:
        notes.append(
            "Not sold so for the plan's own instance: the cheapest firm offer of the same GPU, "
            "with the hours of the plan."
        )
    if offer.tier == "marketplace":
        notes.append(f"A {TIERS[offer.tier]}: its lowest asking price may be gone tomorrow.")
    return _way(
        case,
        option,
        sentence_start(PURCHASE_OPTIONS[option]),
        seller=offer.provider_name,
        what=f"{instances} × {offer.instance}"
        + (f", {offer.region}" if offer.region != "all" else ""),
        chosen=offer is bought.offer,
        gpu_hours=float(bought.campaigns.runs[0]) * hours * bought.gpus,
        paid_gpu_hours=bill.paid_gpu_hours,
        hours_per_run=hours,
        lines=bill.lines,
        priced=offer,
        note=" ".join(notes),
    )


def _ownership(bought: _Bought) -> Ownership | None:
    """The servers that would be bought: those that hold the plan for least."""
    case = bought.case
    found = [
        owned(server, bought.gpus, bought.gpu_hours, case.value.horizon_months, case.constants)
        for server in case.market.servers
        if server.accelerator == bought.offer.accelerator.key
    ]
    return min(found, key=lambda o: o.servers * o.server.usd, default=None)


def _owned(bought: _Bought, ownership: Ownership) -> WayReport:
    """The programme on servers of one's own, at its share of the hours in which they are used."""
    utilisation = utilisation_of(ownership, bought.gpu_hours)
    share = bought.gpu_hours / (ownership.gpu_hours * utilisation)
    return _way(
        bought.case,
        OWN,
        "Servers of your own",
        seller="",
        what=f"{ownership.servers} × {ownership.server.name}",
        chosen=False,
        gpu_hours=bought.gpu_hours,
        paid_gpu_hours=bought.gpu_hours / utilisation,
        hours_per_run=bought.hours,
        lines=ownership.lines(utilisation, share),
        priced=ownership.server,
        note=f"The company uses them in {utilisation:.0%} of all hours, and this programme pays "
        f"for its {share:.1%} of that.",
    )


def _managed(bought: _Bought) -> WayReport | None:
    """The programme as jobs of the cheapest seller of managed fine-tuning."""
    case, architecture = bought.case, bought.case.model.architecture
    found = cheapest_managed(
        case.market.managed,
        architecture.name,
        architecture.parameter_count,
        bought.method,
        case.data.tokens_per_run,
        case.programme,
        int(bought.campaigns.later[0]),
    )
    if found is None:
        return None
    price, lines, sellers = found
    notes = []
    if bought.method.quantized:
        notes.append("A LoRA of the seller stands in for QLoRA.")
    if len(sellers) > 1:
        notes.append(f"The cheapest of {len(sellers)} sellers: {', '.join(sellers)}.")
    notes.append("Failed jobs are taken to be free; serving the tuned model is billed apart.")
    return _way(
        case,
        MANAGED,
        "Managed fine-tuning",
        seller=price.provider_name,
        what=price.label,
        chosen=False,
        gpu_hours=None,
        paid_gpu_hours=None,
        hours_per_run=None,
        lines=lines,
        priced=price,
        note=" ".join(notes),
    )


def _way(
    case: Case,
    key: str,
    label: str,
    *,
    seller: str,
    what: str,
    chosen: bool,
    gpu_hours: float | None,
    paid_gpu_hours: float | None,
    hours_per_run: float | None,
    lines: tuple[CostLine, ...],
    priced: Offer | Server | ManagedPrice,
    note: str,
) -> WayReport:
    """A way with the sums of its lines and the age of its price."""
    total = float(sum(line.usd for line in lines))
    return WayReport(
        key=key,
        label=label,
        seller=seller,
        what=what,
        chosen=chosen,
        gpu_hours=gpu_hours,
        paid_gpu_hours=paid_gpu_hours,
        usd_per_gpu_hour=total / gpu_hours if gpu_hours else None,
        hours_per_run=hours_per_run,
        lines=lines,
        total_usd=total,
        upfront_usd=float(sum(line.usd for line in lines if line.when == "once")),
        price_valid_from=priced.valid_from.isoformat(),
        price_age_days=(case.as_of - priced.valid_from).days,
        source_key=priced.source.key,
        note=note,
    )
