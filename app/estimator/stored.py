"""What is stored and moved, and at which price: from the plan's bill of infrastructure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    return _priced(
        _bytes(bill, "storage.shared") + more,
        terms,
        offer,
        "object storage",
        terms.usd_per_gb_month,
        "storage_usd_per_gb_month",
        lambda price: price.usd_per_gb_month,
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
    return _priced(
        copies * _bytes(bill, "storage.artefacts"),
        terms,
        offer,
        "traffic out",
        terms.egress_usd_per_gb,
        "egress_usd_per_gb",
        lambda price: price.egress_usd_per_gb,
    )


def _priced(
    size_bytes: float,
    terms: StorageTerms,
    offer: Offer,
    product: str,
    entered_usd: float | None,
    field: str,
    usd: Callable[[StoragePrice], float | None],
) -> Stored:
    """So much at the price that was entered, else at that of the provider of an offer, else at the
    highest of whole price lists; the label says whose price it is, or that none is known.

    Parameters
    ----------
    usd : of a gigabyte, by a price list; None where it does not say.
    """
    gigabytes = size_bytes / GB
    if entered_usd is not None:
        return Stored(gigabytes, entered_usd, "input", (field,))
    prices = {
        key: found for key, price in terms.prices.items() if (found := usd(price)) is not None
    }
    if offer.provider in prices:
        price, note, of = terms.prices[offer.provider], "", ""
    else:
        whole = [
            key
            for key in prices
            if terms.prices[key].usd_per_gb_month is not None
            and terms.prices[key].egress_usd_per_gb is not None
        ]
        if not whole:
            return Stored(gigabytes, note=" (no price is known)")
        price = terms.prices[max(whole, key=lambda key: (prices[key], key))]
        of = "at the price of "
        note = f" ({of}{price.product}; no price of {offer.provider_name})"
    # The provider of the GPUs, whosever price stands in: nobody else sends a bill.
    seller = Seller(offer.provider, "", f"{product} ({of}{price.product})")
    return Stored(gigabytes, prices[price.provider], price.source.key, seller=seller, note=note)


def _bytes(bill: Sequence[BillEntry], key: str) -> float:
    return float(sum(entry.quantity for entry in bill if entry.key == key))
