"""Which offers a scenario may be planned on, and what else its programme can be bought with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from app.catalog.catalog import Catalog
from app.estimator.case import Market
from app.estimator.fleet import Fleet, fleet_of
from app.estimator.hardware import STALE_PRICE_DAYS, Offer
from app.estimator.market import ManagedPrice
from app.inputs import ScenarioInput
from app.services.problems import Problem

OWN_RATES = "price-book"
"""Key of the source of rates that were entered in a price book; those of imported files name the
file behind it, and a discounted offer keeps the source of its list price."""


def allowed_fleet(
    scenario: ScenarioInput, catalog: Catalog, today: date, problems: list[Problem]
) -> tuple[Fleet, int]:
    """The offers that the scenario allows, and how many more it would with old prices. [count]"""
    known = len(problems)
    providers = {offer.provider for offer in catalog.offers}
    _check_known("accelerators", "GPU", scenario.accelerators, catalog.accelerators, problems)
    _check_known("providers", "provider", scenario.providers, providers, problems)
    allowed = [
        o
        for o in catalog.offers
        if allows(scenario, o.tier, o.purchase_option, o.provider, o.accelerator.key)
    ]
    offers = allowed if scenario.include_old_prices else current(allowed, today)
    if not offers and len(problems) == known:
        problems.append(
            Problem(
                "/accelerators" if scenario.accelerators else "/providers",
                "None of the chosen providers has an offer with one of the chosen GPUs; choose "
                "more of either, or include spot instances, reservations, capacity blocks or "
                "marketplaces.",
            )
        )
    return fleet_of(offers), len(allowed) - len(offers)


def usual_fleet(catalog: Catalog, today: date) -> Fleet:
    """List prices on demand, which is what counts unless more is asked for."""
    usual = [o for o in catalog.offers if (o.tier, o.purchase_option) == ("list", "on-demand")]
    return fleet_of(current(usual, today))


def market_of(scenario: ScenarioInput, catalog: Catalog, today: date) -> Market:
    """Firm offers of the chosen providers however they are paid for, and what can be bought."""
    firm = [
        offer
        for offer in catalog.offers
        if offer.tier != "marketplace"
        and (not scenario.providers or offer.provider in scenario.providers)
    ]
    new = tuple(price for price in catalog.managed if _is_new(price, today))
    return Market(
        offers=tuple(firm if scenario.include_old_prices else current(firm, today)),
        managed=catalog.managed if scenario.include_old_prices else new or catalog.managed,
        servers=catalog.servers,
    )


def allows(
    scenario: ScenarioInput, tier: str, purchase_option: str, provider: str, accelerator: str
) -> bool:
    """Whether a scenario may be planned on an offer: list prices on demand, and what it opts into.

    Parameters
    ----------
    tier, purchase_option, provider, accelerator : of the offer, by key.
    """
    opted_into = {
        "on-demand": True,
        "spot": scenario.include_spot,
        "reserved-1y": scenario.include_reserved,
        "reserved-3y": scenario.include_reserved,
        "capacity-block": scenario.include_capacity_blocks,
    }
    return (
        opted_into[purchase_option]
        and (tier != "marketplace" or scenario.include_marketplace)
        and (not scenario.accelerators or accelerator in scenario.accelerators)
        and (not scenario.providers or provider in scenario.providers)
    )


def current(offers: Iterable[Offer], today: date) -> list[Offer]:
    """Without the old prices, as long as there are newer ones of the same kind.

    Notes
    -----
    Prices have risen since mid 2026, so the cheapest of all would often be one that nobody offers
    any more. Kinds are tier and purchase option: new spot prices do not make an old list price go.
    Where all of a kind are old they are all kept: an old price with its warning beats no answer. A
    company's own rate holds until the company changes it, and makes no other price go.
    """
    offers = list(offers)
    new: defaultdict[tuple[str, str], bool] = defaultdict(bool)
    for offer in offers:
        if not _is_own_rate(offer):
            new[offer.tier, offer.purchase_option] |= _is_new(offer, today)
    return [
        offer
        for offer in offers
        if _is_own_rate(offer)
        or _is_new(offer, today)
        or not new[offer.tier, offer.purchase_option]
    ]


def _is_new(price: Offer | ManagedPrice, today: date) -> bool:
    return (today - price.valid_from).days <= STALE_PRICE_DAYS


def _is_own_rate(offer: Offer) -> bool:
    """Whether its price was entered in a price book, and not imported or discounted."""
    return offer.source.key == OWN_RATES


def _check_known(
    field: str, what: str, names: Iterable[str], known: Iterable[str], problems: list[Problem]
) -> None:
    known = set(known)
    for position, name in enumerate(names):
        if name not in known:
            problems.append(
                Problem(
                    f"/{field}/{position}",
                    f"{name!r} is not a known {what}; use {', '.join(sorted(known))}.",
                )
            )
