"""The catalogue with the prices of a book: discounts, own rates, whole catalogues."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.book_rows import (
    discounts_from_json,
    discounts_to_json,
    row_from_json,
    row_key,
    row_to_json,
    same_but_for_its_day,
)
from app.catalog.catalog import Catalog
from app.catalog.price_books import BookRow, Discount, PriceBook
from app.catalog.priced import priced
from app.estimator.hardware import Offer
from app.estimator.units import GIB

P5 = "aws.p5-48xlarge.us-east-1.on-demand"


def row(usd: str = "40", **changed: object) -> BookRow:
    """A net rate of AWS's instance with 8 H100."""
    values: dict[str, object] = {
        "provider": "aws",
        "instance": "p5.48xlarge",
        "accelerator": "H100-SXM-80GB",
        "gpus_per_instance": 8,
        "gpu_memory_gib": None,
        "vcpus": None,
        "host_memory_gib": None,
        "inter_node_gbit_per_s": None,
        "region": "us-east-1",
        "purchase_option": "on-demand",
        "usd_per_instance_hour": Decimal(usd),
        "tier": "list",
        "valid_from": date(2026, 10, 1),
        "source": "entered",
    }
    return BookRow(**{**values, **changed})  # type: ignore[arg-type]


def book(
    *rows: BookRow, discounts: tuple[Discount, ...] = (), base: str = "built-in", version: int = 3
) -> PriceBook:
    return PriceBook("t" * 32, version, "Ours", base, discounts, rows)


def by_key(catalog: Catalog) -> dict[str, Offer]:
    return {offer.key: offer for offer in catalog.listed}


def off(provider: str, percent: str, option: str = "") -> Discount:
    return Discount(provider, option, Decimal(percent))


def test_a_discount_is_taken_off_every_price_of_its_provider(catalog: Catalog) -> None:
    found, before = by_key(priced(catalog, book(discounts=(off("aws", "12"),)))), by_key(catalog)
    # 55.04 x 0.88
    assert found[P5].usd_per_instance_hour == 48.4352
    assert found[P5].list_usd_per_instance_hour == 55.04
    assert found[P5].discount_fraction == 0.12
    assert found[P5].price_book == "Ours, version 3"
    for key, offer in found.items():
        if offer.provider == "aws":
            assert offer.usd_per_instance_hour == pytest.approx(
                before[key].usd_per_instance_hour * 0.88
            )
        else:
            assert offer == before[key]
    assert found.keys() == before.keys()


def test_a_discount_for_one_option_beats_the_one_for_all(catalog: Catalog) -> None:
    discounts = (off("aws", "12"), off("aws", "0", "spot"), off("aws", "-5", "capacity-block"))
    before = by_key(catalog)
    for key, offer in by_key(priced(catalog, book(discounts=discounts))).items():
        if offer.provider != "aws":
            continue
        factor = {"spot": 1.0, "capacity-block": 1.05}.get(offer.purchase_option, 0.88)
        assert offer.usd_per_instance_hour == pytest.approx(
            before[key].usd_per_instance_hour * factor
        )
        assert offer.discount_fraction == pytest.approx(1 - factor)
        assert bool(offer.price_book) == (factor != 1)


def test_a_rate_replaces_the_price_and_is_net(catalog: Catalog) -> None:
    found = by_key(priced(catalog, book(row("40"), discounts=(off("aws", "12"),))))[P5]
    before = by_key(catalog)[P5]
    assert found.usd_per_instance_hour == 40
    assert found.list_usd_per_instance_hour == 55.04
    assert found.discount_fraction == pytest.approx(1 - 40 / 55.04)
    assert (found.valid_from, found.retrieved) == (date(2026, 10, 1), date(2026, 10, 1))
    assert found.source.key == "price-book"
    assert found.source.title == "Price book: Ours, version 3"
    assert found.evidence == "quoted"
    for name in ("memory_bytes", "inter_node_bytes_per_s", "intra_node_bytes_per_s", "grid"):
        assert getattr(found, name) == getattr(before, name)


def test_a_rate_for_every_region_stands_back_behind_one_for_a_region(catalog: Catalog) -> None:
    found = priced(catalog, book(row("50", region="*"), row("40")))
    for offer in found.listed:
        if (offer.instance, offer.purchase_option) == ("p5.48xlarge", "on-demand"):
            assert offer.usd_per_instance_hour == (40 if offer.region == "us-east-1" else 50)
    assert by_key(found).keys() == by_key(catalog).keys()


def test_a_rate_without_a_built_in_price_is_a_new_offer(catalog: Catalog) -> None:
    found = priced(catalog, book(row("40", region="ap-nowhere-1")))
    [new] = [offer for offer in found.listed if offer.region == "ap-nowhere-1"]
    assert new.key == "aws.p5-48xlarge.ap-nowhere-1.on-demand"
    assert new in found.offers
    assert (new.list_usd_per_instance_hour, new.discount_fraction) == (None, 0.0)
    assert new.grid is None
    # What the row does not say is known of the instance elsewhere.
    known = by_key(catalog)[P5]
    assert new.inter_node_bytes_per_s == known.inter_node_bytes_per_s
    assert new.host_memory_bytes == known.host_memory_bytes
    assert new.provider_name == "Amazon Web Services"
    keys = [offer.key for offer in found.listed]
    assert keys == sorted(keys)


def test_a_rate_of_an_unknown_instance_for_every_region(catalog: Catalog) -> None:
    rate = row(
        "20",
        provider="acme",
        instance="hgx",
        region="*",
        inter_node_gbit_per_s=Decimal(3200),
        host_memory_gib=Decimal(1000),
        vcpus=96,
        gpu_memory_gib=Decimal(80),
    )
    found = priced(catalog, book(rate))
    [new] = [offer for offer in found.offers if offer.provider == "acme"]
    assert (new.key, new.region, new.provider_name) == ("acme.hgx.all.on-demand", "all", "acme")
    assert found.providers["acme"].firm
    # 3,200 Gbit/s for 8 GPUs
    assert new.inter_node_bytes_per_s == 50e9
    assert (new.vcpus, new.host_memory_bytes, new.memory_bytes) == (96, 1000 * GIB, 80 * GIB)
    assert new.intra_node_link == "nvlink"


def test_what_a_rate_says_of_a_known_instance_counts(catalog: Catalog) -> None:
    rate = row(vcpus=96, host_memory_gib=Decimal(500), inter_node_gbit_per_s=Decimal(400))
    found = by_key(priced(catalog, book(rate)))[P5]
    assert (found.vcpus, found.host_memory_bytes) == (96, 500 * GIB)
    assert found.inter_node_bytes_per_s == 6.25e9


@pytest.mark.parametrize(
    "place",
    [{}, {"region": "*"}, {"region": "mars-1"}, {"purchase_option": "reserved-3y"}],
    ids=lambda place: str(*place.values()),
)
def test_the_memory_that_a_rate_says_counts(catalog: Catalog, place: dict[str, str]) -> None:
    """Whether it replaces a price or adds one beside those of the same instance."""
    said = row(gpu_memory_gib=Decimal(72), **place)
    own = [o for o in priced(catalog, book(said)).listed if o.price_book]
    assert own
    assert {offer.memory_bytes for offer in own} == {72 * GIB}
    unsaid = [o for o in priced(catalog, book(row(**place))).listed if o.price_book]
    assert {offer.memory_bytes for offer in unsaid} == {by_key(catalog)[P5].memory_bytes}


def test_another_machine_of_the_same_name_is_not_the_built_in_one(catalog: Catalog) -> None:
    found = priced(catalog, book(row("30", gpus_per_instance=4)))
    [new] = [o for o in found.listed if o.key == P5]
    assert new.gpus_per_instance == 4
    assert new.list_usd_per_instance_hour is None


def test_rates_alone(catalog: Catalog) -> None:
    found = priced(catalog, book(row("40"), base="none"))
    [only] = found.listed
    assert only.usd_per_instance_hour == 40
    assert only.list_usd_per_instance_hour is None
    assert only.inter_node_bytes_per_s == by_key(catalog)[P5].inter_node_bytes_per_s
    assert found.prices_as_of == date(2026, 10, 1)


def test_rates_of_marketplaces_alone_leave_the_day_of_the_prices(catalog: Catalog) -> None:
    found = priced(catalog, book(row("40", tier="marketplace"), base="none"))
    assert found.prices_as_of == catalog.prices_as_of


def test_a_gpu_that_is_not_known_any_more_is_left_out(catalog: Catalog) -> None:
    found = priced(catalog, book(row(accelerator="NEXT-GPU", instance="x")))
    assert by_key(found).keys() == by_key(catalog).keys()


def test_an_inference_deployment_stays_one(catalog: Catalog) -> None:
    known = next(offer for offer in catalog.listed if not offer.trainable)
    rate = row(
        provider=known.provider,
        instance=known.instance,
        accelerator=known.accelerator.key,
        gpus_per_instance=known.gpus_per_instance,
        region="elsewhere",
    )
    found = priced(catalog, book(rate))
    [new] = [offer for offer in found.listed if offer.region == "elsewhere"]
    assert not new.trainable
    assert new not in found.offers


def test_imported_rows_name_their_file_as_source(catalog: Catalog) -> None:
    found = by_key(priced(catalog, book(row(source="skypilot aws/vms.csv"))))[P5]
    assert found.source.key == "price-book skypilot aws/vms.csv"
    assert found.source.locator == "skypilot aws/vms.csv"
    assert found.evidence == "dataset"


def test_names_that_differ_in_signs_alone_get_keys_of_their_own(catalog: Catalog) -> None:
    found = priced(catalog, book(row("30", instance="a.b"), row("31", instance="a-b")))
    keys = [offer.key for offer in found.listed]
    assert len(keys) == len(set(keys))
    assert {"aws.a-b.us-east-1.on-demand", "aws.a-b.us-east-1.on-demand-2"} <= set(keys)


def test_the_facts_are_named_anew(catalog: Catalog) -> None:
    one, other = (priced(catalog, book(row("40"), version=v)) for v in (1, 2))
    assert len({found.content_hash for found in (catalog, one, other)}) == 3
    assert one.price_list_hash == other.price_list_hash != catalog.price_list_hash
    assert one.price_book == "Ours, version 1"
    assert priced(catalog, book()).price_list_hash == catalog.price_list_hash
    assert priced(catalog, book()).offers == catalog.offers


@given(st.decimals("-100", "99.99", places=2))
def test_a_discount_never_makes_a_price_that_is_none(catalog: Catalog, percent: Decimal) -> None:
    small = catalog.listed[:20]
    provider = small[0].provider
    found = priced(catalog, book(discounts=(off(provider, str(percent)),)))
    before = by_key(catalog)
    for offer in found.listed:
        assert offer.usd_per_instance_hour > 0
        if offer.provider == provider and percent:
            ratio = offer.usd_per_instance_hour / before[offer.key].usd_per_instance_hour
            assert ratio == pytest.approx(1 - float(percent) / 100)


ROWS = st.builds(
    row,
    st.decimals("0.01", "10000", places=6).map(str),
    instance=st.text(min_size=1, max_size=20),
    region=st.text(min_size=1, max_size=20),
    note=st.text(max_size=20),
    gpu_memory_gib=st.none() | st.decimals("1", "1000", places=2),
    vcpus=st.none() | st.integers(1, 1000),
    valid_from=st.dates(),
)


@given(ROWS)
def test_a_row_survives_being_stored(found: BookRow) -> None:
    assert row_from_json(row_to_json(found)) == found


def test_equal_rows_are_stored_as_equal_texts() -> None:
    assert row_to_json(row("40.50")) == row_to_json(row("40.5"))
    assert row_to_json(row("100")) == row_to_json(row("1E+2"))
    assert row_key(row()) == "aws\np5.48xlarge\nus-east-1\non-demand"


def test_a_price_is_confirmed_by_a_later_day_alone() -> None:
    before = row_to_json(row("40", note='"valid_from":"2026-10-01"'))
    later = row("40", valid_from=date(2026, 11, 1), note='"valid_from":"2026-10-01"')
    assert same_but_for_its_day(before, row_to_json(later))
    assert not same_but_for_its_day(before, row_to_json(row("41")))
    other = row("40", note='"valid_from":"2026-10-02"')
    assert not same_but_for_its_day(before, row_to_json(other))


def test_discounts_survive_being_stored() -> None:
    discounts = (off("aws", "12.50"), off("gcp", "-3", "spot"))
    assert discounts_from_json(discounts_to_json(discounts)) == discounts
