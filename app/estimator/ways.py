"""Rent, buy or managed: ways to pay for the same training programme of a chosen plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np

from app.estimator.case import Case
from app.estimator.gpu_bill import Run, gpu_bill
from app.estimator.hardware import PURCHASE_OPTIONS, TIERS, Offer, Source
from app.estimator.managed import cheapest_managed
from app.estimator.market import ManagedPrice, Server
from app.estimator.methods import Method
from app.estimator.ownership import Ownership, Rent, buying_report, owned, utilisation_of
from app.estimator.planner import Choice, Planned
from app.estimator.purchase import ROUNDING, TERM_MONTHS, spot_hours
from app.estimator.report import BuyingReport, CostLine, WayReport
from app.estimator.schedule import Campaigns, Schedule, schedule_of
from app.estimator.wording import sentence_start

OWN_ALONE = "own-alone"
OWN = "own"
MANAGED = "managed"
ENTERED = "input"
"""Source of a price that the scenario itself states."""

LEAST_SHOWN = 0.001
"""Share below which a note does not say how small it is."""

GPUS_OF_A_SERVER = 8
"""GPUs of a server whose price for each GPU was entered: boards with eight are what is sold."""


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
    The plan's own option is bought as it is planned. Another one is bought where it costs least:
    as the very same instance in the same region, or as a firm offer of the same GPU with at least
    as many in an instance, on which runs are taken to last as long. Nothing is said of owning where
    no price of a server with that GPU is known.
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
    sold = _sold(bought)
    rented = [way for option in PURCHASE_OPTIONS if (way := _rented_as(bought, option, sold))]
    rented.sort(key=lambda way: not way.chosen)
    ownership = _ownership(bought)
    ways = list(rented)
    buying = None
    if ownership is not None:
        ways.extend(_owned(bought, ownership))
        rent = next((way for way in rented if way.key == "on-demand"), rented[0])
        chosen = rented[0]
        buying = buying_report(
            ownership,
            bought.gpu_hours,
            Rent(_name(rent), _rate(rent)),
            Rent(_name(chosen), chosen.total_usd / (chosen.gpu_hours or bought.gpu_hours)),
        )
    managed = _managed(bought)
    if managed is not None:
        ways.append(managed)
    return tuple(ways), buying


def _rate(way: WayReport) -> float:
    """What is paid for a GPU-hour, idle ones and interruptions apart. [USD/h]"""
    return next(line.unit_price_usd for line in way.lines if line.key == "release_run")


def _name(way: WayReport) -> str:
    """A way to rent, for a reader."""
    return f"{way.label}: {way.seller}, {way.what}"


def _sold(bought: _Bought) -> dict[str, list[Offer]]:
    """Firm offers on which the plan would run, by purchase option, the cheapest of each size.

    Notes
    -----
    On instances of one size every bill is the price times the same hours.
    """
    found: dict[str, dict[int, Offer]] = defaultdict(dict)
    for offer in bought.case.market.offers:
        if not (_is_same(bought, offer) or _can_replace(bought, offer)):
            continue
        sizes = found[offer.purchase_option]
        best = sizes.get(offer.gpus_per_instance)
        if best is None or _price(bought, offer) < _price(bought, best):
            sizes[offer.gpus_per_instance] = offer
    return {option: list(sizes.values()) for option, sizes in found.items()}


def _price(bought: _Bought, offer: Offer) -> tuple[float, bool]:
    """What to order offers of one size by: of two at one price, the plan's own goes first."""
    return offer.usd_per_instance_hour, not _is_same(bought, offer)


def _rented_as(bought: _Bought, option: str, sold: Mapping[str, list[Offer]]) -> WayReport | None:
    """The programme under one purchase option; None where nobody sells it."""
    if option == bought.offer.purchase_option:
        return _rented(bought, bought.offer)
    offers = sorted(sold.get(option, ()), key=lambda offer: not _is_same(bought, offer))
    found = [way for offer in offers if (way := _rented(bought, offer))]
    return min(found, key=lambda way: way.total_usd, default=None)


def _is_same(bought: _Bought, offer: Offer) -> bool:
    """Whether it is the plan's own instance in its own region, however it is paid for."""
    mine = bought.offer
    return (offer.provider, offer.instance, offer.region) == (
        mine.provider,
        mine.instance,
        mine.region,
    )


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


def _rented(bought: _Bought, offer: Offer) -> WayReport | None:
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
    upfront = None
    if option in TERM_MONTHS:
        release = ceil(float(bought.campaigns.release_month[0]) - ROUNDING)
        upfront = float(bill.by_month[: release + 1].sum())
    if not _is_same(bought, offer):
        notes.append(
            "Not the plan's own instance and region: the cheapest firm offer of the same GPU, with "
            "the hours of the plan."
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
        upfront_usd=upfront,
        priced=offer,
        note=" ".join(notes),
    )


def _ownership(bought: _Bought) -> Ownership | None:
    """The servers that would be bought: those that hold the plan for least."""
    case = bought.case
    found = [
        owned(server, bought.gpus, bought.gpu_hours, case.value.horizon_months, case.constants)
        for server in _servers(bought)
    ]
    return min(found, key=lambda o: o.servers * o.server.usd, default=None)


def _servers(bought: _Bought) -> tuple[Server, ...]:
    """Servers with the GPU of the plan: at the price that was entered, else those of the table."""
    case, accelerator = bought.case, bought.offer.accelerator
    price = case.constants["server_usd_per_gpu"]
    if price <= 0:
        return tuple(s for s in case.market.servers if s.accelerator == accelerator.key)
    # Smaller instances are parts of a server of eight.
    gpus = max(GPUS_OF_A_SERVER, bought.offer.gpus_per_instance)
    host = 1 + case.constants["host_power_per_gpu_power"]
    entered = Server(
        key=ENTERED,
        name=f"server with {gpus} × {accelerator.name}",
        accelerator=accelerator.key,
        gpus=gpus,
        low_usd=gpus * price,
        high_usd=gpus * price,
        power_w=gpus * accelerator.tdp_w * host,
        inter_node_bytes_per_s=bought.offer.inter_node_bytes_per_s,
        evidence=ENTERED,
        source=Source(ENTERED, "Price of servers of your own", "", "note", "", case.as_of),
        valid_from=case.as_of,
        retrieved=case.as_of,
        note="",
    )
    return (entered,)


def _owned(bought: _Bought, ownership: Ownership) -> tuple[WayReport, ...]:
    """The programme on servers of one's own: with all of their cost, as a reservation is paid for,
    and with its share of it where other work uses them too.
    """
    alone = bought.gpu_hours / ownership.gpu_hours
    utilisation = utilisation_of(ownership, bought.gpu_hours)
    share = alone / utilisation

    def way(key: str, label: str, used: float, charged: float, note: str) -> WayReport:
        return _way(
            bought.case,
            key,
            label,
            seller="",
            what=f"{ownership.servers} × {ownership.server.name}",
            chosen=False,
            gpu_hours=bought.gpu_hours,
            paid_gpu_hours=ownership.gpu_hours * charged,
            hours_per_run=bought.hours,
            lines=ownership.lines(used, charged),
            upfront_usd=ownership.upfront_usd,
            priced=ownership.server,
            note=note,
        )

    if share >= 1:
        note = f"This programme alone uses them in {alone:.0%} of all hours."
        return (way(OWN, "Servers of your own", alone, 1.0, note),)
    part = f"{share:.1%}" if share >= LEAST_SHOWN else f"less than {LEAST_SHOWN:.1%}"
    busy = f"{alone:.1%}" if alone >= LEAST_SHOWN else f"less than {LEAST_SHOWN:.1%}"
    return (
        way(
            OWN_ALONE,
            "Servers of your own, for this alone",
            alone,
            1.0,
            f"This programme uses them in {busy} of all hours; the rest of the time they wait.",
        ),
        way(
            OWN,
            "Servers of your own, shared",
            utilisation,
            share,
            f"Holds only where other work uses them: in {utilisation:.0%} of all hours, of which "
            f"this programme takes {part} and pays for as much; their whole price is paid "
            "before the first release.",
        ),
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
    upfront_usd: float | None = None,
) -> WayReport:
    """A way with the sums of its lines and the age of its price.

    Parameters
    ----------
    upfront_usd : where it is more than the lines before the first release. [USD]
    """
    total = float(sum(line.usd for line in lines))
    entered = priced.source.key == ENTERED
    if upfront_usd is None:
        upfront_usd = float(sum(line.usd for line in lines if line.when == "once"))
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
        upfront_usd=upfront_usd,
        price_valid_from="" if entered else priced.valid_from.isoformat(),
        price_age_days=(case.as_of - priced.valid_from).days,
        source_key=priced.source.key,
        note=note,
    )
