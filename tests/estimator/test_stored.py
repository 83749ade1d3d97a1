"""What is stored and moved, and whose price it has."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from app.catalog.catalog import Catalog
from app.estimator.case import StorageTerms
from app.estimator.flows import Seller
from app.estimator.hardware import Offer, Source
from app.estimator.market import StoragePrice
from app.estimator.report_plans import BillEntry
from app.estimator.stored import egress_of, storage_of

DAY = date(2026, 11, 23)
SOURCE = Source("a-page", "A page", "somebody", "price_page", "a page", DAY)
BILL = (
    BillEntry("storage.shared", "", 250e9, "bytes", "", "assumption"),
    BillEntry("storage.artefacts", "", 16e9, "bytes", "", "derived"),
)


def price(provider: str, month: float | None, egress: float | None) -> StoragePrice:
    return StoragePrice(provider, f"{provider} disk", month, egress, "quoted", SOURCE, DAY, DAY, "")


PRICES = {
    "big": price("big", 0.02, 0.09),
    "other": price("other", 0.018, 0.087),
    "tuner": price("tuner", 0.10, None),
    "mover": price("mover", None, 0.0),
}


@pytest.fixture
def offer(catalog: Catalog) -> Offer:
    return catalog.offers[0]


def at(offer: Offer, provider: str) -> Offer:
    return dataclasses.replace(offer, provider=provider, provider_name=provider.title())


def test_the_price_is_that_of_who_rents_the_gpus(offer: Offer) -> None:
    found = storage_of(BILL, StorageTerms(PRICES), at(offer, "other"))
    assert (found.gigabytes, found.usd, found.source) == (250.0, 0.018, "a-page")
    assert (found.seller, found.note) == (Seller("other", "", "object storage (other disk)"), "")


def test_without_one_the_highest_of_whole_price_lists_stands_in(offer: Offer) -> None:
    """Not that of a service for tuning, which is no object storage; who is paid stays the same."""
    found = storage_of(BILL, StorageTerms(PRICES), at(offer, "mover"))
    assert (found.usd, found.source) == (0.02, "a-page")
    assert found.seller == Seller("mover", "", "object storage (at the price of big disk)")
    assert found.note == " (at the price of big disk; no price of Mover)"
    moved = egress_of(BILL, StorageTerms(PRICES), at(offer, "tuner"), None, 1)
    assert moved.usd == 0.09
    assert moved.seller == Seller("tuner", "", "traffic out (at the price of big disk)")


def test_traffic_is_another_product_than_storage(offer: Offer) -> None:
    kept = storage_of(BILL, StorageTerms(PRICES), at(offer, "big"))
    moved = egress_of(BILL, StorageTerms(PRICES), at(offer, "big"), None, 1)
    assert kept.seller.provider == moved.seller.provider == "big"
    assert kept.seller.sku != moved.seller.sku


def test_what_was_entered_goes_before_any_price(offer: Offer) -> None:
    terms = StorageTerms(PRICES, 0.05, 0.2)
    found = storage_of(BILL, terms, at(offer, "big"))
    assert (found.usd, found.source, found.inputs) == (0.05, "input", ("storage_usd_per_gb_month",))
    moved = egress_of(BILL, terms, at(offer, "big"), None, 1)
    assert (moved.usd, moved.source, moved.inputs) == (0.2, "input", ("egress_usd_per_gb",))


def test_nothing_is_a_price_that_can_be_entered(offer: Offer) -> None:
    terms = StorageTerms(PRICES, 0.0, 0.0)
    found = storage_of(BILL, terms, at(offer, "big"))
    assert (found.gigabytes, found.usd, found.source) == (250.0, 0.0, "input")
    moved = egress_of(BILL, terms, at(offer, "big"), None, 1)
    assert (moved.gigabytes, moved.usd, moved.source) == (16.0, 0.0, "input")


def test_only_what_leaves_a_provider_is_paid_for(offer: Offer) -> None:
    terms, trained = StorageTerms(PRICES), at(offer, "big")
    assert egress_of(BILL, terms, trained, trained, 3).gigabytes == 0
    away = egress_of(BILL, terms, trained, at(offer, "other"), 3)
    assert (away.gigabytes, away.usd) == (48.0, 0.09)
    assert egress_of(BILL, terms, at(offer, "mover"), None, 1).usd == 0.0


def test_without_any_price_it_costs_nothing_and_names_no_source(offer: Offer) -> None:
    found = storage_of(BILL, StorageTerms({}), offer)
    assert (found.gigabytes, found.usd, found.source) == (250.0, 0.0, "assumption")
