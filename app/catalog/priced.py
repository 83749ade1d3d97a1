"""The catalogue with the prices of a price book in force."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from app.catalog.catalog import Catalog, Provider
from app.catalog.importers.rates import ENTERED
from app.catalog.offers import offer_of, price_list_hash
from app.catalog.price_books import EVERY_REGION, BookRow, Discount, Place, PriceBook
from app.estimator.hardware import Offer, Source
from app.estimator.units import BITS_PER_BYTE, GB, GIB

WHOLE_WORLD = "all"
"""Region of an offer that has one price everywhere."""


def priced(catalog: Catalog, book: PriceBook) -> Catalog:
    """The same facts with the prices of a book.

    Notes
    -----
    The built-in prices less the discounts of the book, if it is based on them; then its rows, which
    replace the price of the same provider, instance, region and purchase option, or add an offer.
    A row is a net price: no discount is taken off it. A row for every region stands back behind one
    for a single region; where nothing of the kind is built in, it makes one offer in region
    ``all``. A row with a GPU that the catalogue does not hold is left out.

    What a row does not say of its instance is taken from the built-in offers of that instance, if
    they have the same GPUs.
    """
    discounts = {(d.provider, d.purchase_option): d for d in book.discounts}
    single = {row.place: row for row in book.rows if row.region != EVERY_REGION}
    everywhere = {row.place: row for row in book.rows if row.region == EVERY_REGION}
    sources = _sources(book)
    used: set[Place] = set()
    listed: list[Offer] = []
    for offer in catalog.listed if book.base == "built-in" else ():
        here = (offer.provider, offer.instance, offer.region, offer.purchase_option)
        anywhere = (offer.provider, offer.instance, EVERY_REGION, offer.purchase_option)
        row = single.get(here) or everywhere.get(anywhere)
        if here in single and anywhere in everywhere:
            used.add(anywhere)
        if row is None:
            listed.append(_discounted(offer, discounts, book))
        elif _same_gpus(row, offer):
            used.add(row.place)
            listed.append(_replaced(offer, row, book, sources))
        # Else the row is about another instance of the same name, and is added below.
    providers = {**_named_providers(book.rows), **catalog.providers}
    alike = {(offer.provider, offer.instance): offer for offer in catalog.listed}
    listed += [
        _added(row, alike.get((row.provider, row.instance)), catalog, providers, book, sources)
        for row in book.rows
        if row.place not in used and row.accelerator in catalog.accelerators
    ]
    offers = _by_key(listed)
    plannable = tuple(offer for offer in offers if offer.can_be_planned)
    prices = price_list_hash(offers)
    named = f"{catalog.content_hash} {book.token}@{book.version} {prices}"
    return replace(
        catalog,
        providers=MappingProxyType(providers),
        offers=plannable,
        listed=offers,
        content_hash=hashlib.sha256(named.encode()).hexdigest(),
        price_list_hash=prices,
        prices_as_of=max(
            (offer.valid_from for offer in plannable if offer.tier == "list"),
            default=catalog.prices_as_of,
        ),
        price_book=book.label,
    )


def _discounted(
    offer: Offer, discounts: Mapping[tuple[str, str], Discount], book: PriceBook
) -> Offer:
    """An offer less its discount; one for its purchase option beats one for all of its provider."""
    discount = discounts.get(
        (offer.provider, offer.purchase_option), discounts.get((offer.provider, ""))
    )
    if discount is None or not discount.percent:
        return offer
    # In decimals, so that 12% off 98.32 is 86.5216 and not a neighbour of it.
    usd = Decimal(str(offer.usd_per_instance_hour)) * (100 - discount.percent) / 100
    return replace(
        offer,
        usd_per_instance_hour=float(usd),
        list_usd_per_instance_hour=offer.usd_per_instance_hour,
        discount_fraction=float(discount.percent / 100),
        price_book=book.label,
    )


def _replaced(offer: Offer, row: BookRow, book: PriceBook, sources: Mapping[str, Source]) -> Offer:
    """A built-in offer at the price of a row."""
    usd = float(row.usd_per_instance_hour)
    network = row.inter_node_gbit_per_s
    host_memory = row.host_memory_gib
    return replace(
        offer,
        memory_bytes=offer.memory_bytes
        if row.gpu_memory_gib is None
        else float(row.gpu_memory_gib) * GIB,
        vcpus=offer.vcpus if row.vcpus is None else row.vcpus,
        host_memory_bytes=offer.host_memory_bytes
        if host_memory is None
        else float(host_memory) * GIB,
        inter_node_bytes_per_s=offer.inter_node_bytes_per_s
        if network is None
        else float(network) * GB / BITS_PER_BYTE / row.gpus_per_instance,
        usd_per_instance_hour=usd,
        list_usd_per_instance_hour=offer.usd_per_instance_hour,
        discount_fraction=1 - usd / offer.usd_per_instance_hour,
        price_book=book.label,
        tier=row.tier,
        evidence=_evidence(row),
        source=sources[row.source],
        valid_from=row.valid_from,
        retrieved=row.valid_from,
    )


def _added(
    row: BookRow,
    alike: Offer | None,
    catalog: Catalog,
    providers: Mapping[str, Provider],
    book: PriceBook,
    sources: Mapping[str, Source],
) -> Offer:
    """A row without a built-in price as an offer.

    Parameters
    ----------
    alike : a built-in offer of the same instance in another region or purchase option.
    """
    region = WHOLE_WORLD if row.region == EVERY_REGION else row.region
    made = offer_of(
        provider=row.provider,
        provider_name=providers[row.provider].name,
        instance=row.instance,
        accelerator=catalog.accelerators[row.accelerator],
        gpus_per_instance=row.gpus_per_instance,
        region=region,
        purchase_option=row.purchase_option,
        usd_per_instance_hour=row.usd_per_instance_hour,
        tier=row.tier,
        evidence=_evidence(row),
        source=sources[row.source],
        valid_from=row.valid_from,
        retrieved=row.valid_from,
        gpu_memory_gib=row.gpu_memory_gib,
        vcpus=row.vcpus,
        host_memory_gib=row.host_memory_gib,
        inter_node_gbit_per_s=row.inter_node_gbit_per_s,
        grid=catalog.grid_of(row.provider, region),
    )
    made = replace(made, price_book=book.label)
    if alike is None or not _same_gpus(row, alike):
        return made
    return replace(
        made,
        memory_bytes=alike.memory_bytes if row.gpu_memory_gib is None else made.memory_bytes,
        vcpus=made.vcpus if made.vcpus is not None else alike.vcpus,
        host_memory_bytes=made.host_memory_bytes or alike.host_memory_bytes,
        intra_node_link=alike.intra_node_link,
        intra_node_bytes_per_s=alike.intra_node_bytes_per_s,
        inter_node_bytes_per_s=made.inter_node_bytes_per_s or alike.inter_node_bytes_per_s,
        trainable=alike.trainable,
    )


def _same_gpus(row: BookRow, offer: Offer) -> bool:
    return (row.accelerator, row.gpus_per_instance) == (
        offer.accelerator.key,
        offer.gpus_per_instance,
    )


def _evidence(row: BookRow) -> str:
    return "quoted" if row.source == ENTERED else "dataset"


def _sources(book: PriceBook) -> dict[str, Source]:
    """One source for what was entered, and one for each imported file."""
    newest: dict[str, date] = {}
    for row in book.rows:
        newest[row.source] = max(row.valid_from, newest.get(row.source, row.valid_from))
    return {
        read: Source(
            key="price-book" if read == ENTERED else f"price-book {read}",
            title=f"Price book: {book.label}",
            publisher="",
            kind="note" if read == ENTERED else "dataset",
            locator=read,
            retrieved=day,
        )
        for read, day in newest.items()
    }


def _named_providers(rows: Iterable[BookRow]) -> dict[str, Provider]:
    """Providers as far as rows tell of them."""
    firm: dict[str, bool] = {}
    for row in rows:
        firm[row.provider] = firm.get(row.provider, False) or row.tier != "marketplace"
    return {
        key: Provider(key, key, is_firm, "known from a price book alone")
        for key, is_firm in firm.items()
    }


def _by_key(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """Sorted by key, each key once: names that differ only in their signs get a number."""
    found: dict[str, Offer] = {}
    for offer in offers:
        key, number = offer.key, 1
        while key in found:
            number += 1
            key = f"{offer.key}-{number}"
        found[key] = offer if number == 1 else replace(offer, key=key)
    return tuple(found[key] for key in sorted(found))
