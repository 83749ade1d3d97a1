"""What is stored and moved, and at which price: from the plan's bill of infrastructure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from app.estimator.case import StorageTerms
from app.estimator.cost import Stored
from app.estimator.flows import Seller
from app.estimator.hardware import Offer
from app.estimator.market import StoragePrice
from app.estimator.report_plans import BillEntry
from app.estimator.units import GB


def storage_of(
    bill: Sequence[BillEntry], terms: StorageTerms, offer: Offer, copies: int = 1
) -> Stored:
    """Data, weights and checkpoints in object storage, from the start to the end of the horizon.

    Parameters
    ----------
    copies : artefacts of one release, of which the bill holds one. [count]

    Notes
    -----
    Kept beyond the release, for the next one and for audit. Where the provider of the GPUs
    publishes no price, the highest of those stands in that publish prices of both storage and
    traffic.
    """
    more = (copies - 1) * _bytes(bill, "storage.artefacts")
    gigabytes = (_bytes(bill, "storage.shared") + more) / GB
    if terms.usd_per_gb_month is not None:
        return Stored(gigabytes, terms.usd_per_gb_month, "input", ("storage_usd_per_gb_month",))
    prices = {p: price for p, price in terms.prices.items() if price.usd_per_gb_month is not None}
    price, note = _price(prices, offer, lambda found: found.usd_per_gb_month or 0.0)
    if price is None:
        return Stored(gigabytes)
    return Stored(
        gigabytes,
        price.usd_per_gb_month or 0.0,
        price.source.key,
        seller=_seller(offer, price, "object storage"),
        note=note,
    )


def egress_of(
    bill: Sequence[BillEntry], terms: StorageTerms, offer: Offer, serving: Offer | None, copies: int
) -> Stored:
    """Released artefacts on their way out of the provider that trains them, at every release.

    Parameters
    ----------
    serving : where they answer; None where serving is left out.
    copies : artefacts of one release. [count]

    Notes
    -----
    Assumption: nothing is charged within one provider. Where serving is left out, they are taken to
    be moved out.
    """
    if serving is not None and serving.provider == offer.provider:
        return Stored()
    gigabytes = copies * _bytes(bill, "storage.artefacts") / GB
    if terms.egress_usd_per_gb is not None:
        return Stored(gigabytes, terms.egress_usd_per_gb, "input", ("egress_usd_per_gb",))
    prices = {p: price for p, price in terms.prices.items() if price.egress_usd_per_gb is not None}
    price, note = _price(prices, offer, lambda found: found.egress_usd_per_gb or 0.0)
    if price is None:
        return Stored(gigabytes)
    return Stored(
        gigabytes,
        price.egress_usd_per_gb or 0.0,
        price.source.key,
        seller=_seller(offer, price, "traffic out"),
        note=note,
    )


def _seller(offer: Offer, price: StoragePrice, product: str) -> Seller:
    """The provider of the GPUs, whosever price stands in: nobody else sends a bill."""
    of = "" if price.provider == offer.provider else "at the price of "
    return Seller(offer.provider, "", f"{product} ({of}{price.product})")


def _price(
    prices: Mapping[str, StoragePrice], offer: Offer, usd: Callable[[StoragePrice], float]
) -> tuple[StoragePrice | None, str]:
    """The price of the provider of an offer, else the highest, with a note that says so."""
    if offer.provider in prices:
        return prices[offer.provider], ""
    whole = [
        price
        for price in prices.values()
        if price.usd_per_gb_month is not None and price.egress_usd_per_gb is not None
    ]
    if not whole:
        return None, ""
    highest = max(whole, key=lambda price: (usd(price), price.provider))
    return highest, f" (at the price of {highest.product}; no price of {offer.provider_name})"


def _bytes(bill: Sequence[BillEntry], key: str) -> float:
    return float(sum(entry.quantity for entry in bill if entry.key == key))
