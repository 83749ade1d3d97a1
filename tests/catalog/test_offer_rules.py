"""What offers must agree on with each other, over time and over purchase options."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.catalog.catalog import _load
from app.catalog.offers import HIGHEST_SPOT_SHARE, LOWEST_SPOT_SHARE
from app.catalog.pricing_rows import offer_key, tier_of
from tests.catalog.one_cell import append, change, line_of, told

Folders = tuple[Path, Path, Path]
P5 = "aws.p5-48xlarge.us-east-1"


@pytest.mark.parametrize(
    ("option", "usd", "share", "against"),
    [
        ("spot", "2.51", "0.05", "on-demand"),  # the price of one GPU of eight
        ("spot", "160", "2.91", "on-demand"),
        ("reserved-1y", "55.05", "1.00", "on-demand"),
        ("reserved-3y", "38.54", "1.00", "reserved-1y"),
        ("reserved-3y", "4.4", "0.11", "reserved-1y"),
    ],
)
def test_a_price_in_the_wrong_unit_beside_the_others(
    folders: Folders, option: str, usd: str, share: str, against: str
) -> None:
    path = folders[0] / "offers.csv"
    line = line_of(path, f"{P5}.{option},")
    change(path, line, "usd_per_instance_hour", usd)
    found = [text for text in told(folders) if f", {share} of the {against} price" in text]
    assert len(found) == 1
    assert found[0].startswith(f"offers.csv line {line}, usd_per_instance_hour: is {usd}, ")
    assert found[0].endswith(" is expected")


def test_an_hour_of_dear_spot_is_believed(folders: Folders) -> None:
    """AWS p5 in the dearest zone cost 71.6 when on demand was 55.04."""
    path = folders[0] / "offers.csv"
    change(path, line_of(path, f"{P5}.spot,"), "usd_per_instance_hour", "71.6")
    catalog = _load(*folders)
    assert {o.key: o.usd_per_instance_hour for o in catalog.listed}[f"{P5}.spot"] == 71.6


def test_a_spot_price_is_held_against_the_price_of_its_day(folders: Folders) -> None:
    """The two-card machine rose by 26%: its spot price is older than that."""
    path = folders[0] / "offers.csv"
    key = "azure.standard-nc80adis-h100-v5.eastus"
    line = append(
        path,
        line_of(path, f"{key}.on-demand,", ",2026-06-18,"),
        offer=f"{key}.reserved-1y",
        purchase_option="reserved-1y",
        usd_per_instance_hour="13.97",
    )
    assert told(folders) == (
        f"offers.csv line {line}, usd_per_instance_hour: is 13.97, 1.00 of the on-demand price on "
        f"line {line_of(path, f'{key}.on-demand,', ',2026-06-18,')} (13.96); 0.12 to 1 is expected",
    )


def test_the_bounds_hold_a_price_of_one_gpu_of_eight_apart() -> None:
    dearest_seen = 0.91  # AWS p5en in eu-north-1, 2026-05-20
    assert dearest_seen / 8 < LOWEST_SPOT_SHARE < 0.156 < HIGHEST_SPOT_SHARE


def test_every_option_is_inside_the_bounds(folders: Folders) -> None:
    offers = {o.key: o for o in _load(*folders).listed}
    shares = {
        key: offer.usd_per_instance_hour / offers[base].usd_per_instance_hour
        for key, offer in offers.items()
        if (base := key.removesuffix(".spot") + ".on-demand") in offers and key.endswith(".spot")
    }
    assert len(shares) > 100
    assert 0.15 < min(shares.values()) < max(shares.values()) < 0.95


@pytest.mark.parametrize(
    ("column", "value", "told_at", "expected"),
    [
        ("region", "us-east-9", "offer", "'aws.p5-48xlarge.us-east-1.spot' must be 'aws.p5-48"),
        ("purchase_option", "on-demand", "offer", "'aws.p5-48xlarge.us-east-1.spot' must be"),
        ("evidence", "retired", "usd_per_instance_hour", "must be blank where evidence is ret"),
        ("tier", "list", "tier", "is list; Amazon Web Services sells spot as spot"),
    ],
)
def test_cells_that_do_not_agree(
    folders: Folders, column: str, value: str, told_at: str, expected: str
) -> None:
    path = folders[0] / "offers.csv"
    line = line_of(path, f"{P5}.spot,")
    change(path, line, column, value)
    start = f"offers.csv line {line}, {told_at}: {expected}"
    assert any(found.startswith(start) for found in told(folders))


def test_all_rows_of_an_offer_are_about_one_instance(folders: Folders) -> None:
    path = folders[0] / "offers.csv"
    first = line_of(path, f"{P5}.on-demand,")
    last = append(path, first, valid_from="2026-12-01", retrieved="2026-12-01", vcpus="96")
    assert _load(*folders).listed  # a machine may change; what it is called may not
    change(path, last, "gpus_per_instance", "4")
    assert told(folders) == (
        f"offers.csv line {last}, gpus_per_instance: is 4; line {first} has 8 for the same offer",
    )


def test_two_names_that_look_the_same_are_told_apart(folders: Folders) -> None:
    path = folders[0] / "offers.csv"
    first = line_of(path, f"{P5}.on-demand,")
    last = append(path, first, instance="p5-48xlarge", valid_from="2026-11-10")
    assert told(folders) == (
        f"offers.csv line {last}, instance: is p5-48xlarge; line {first} has p5.48xlarge for the "
        "same offer",
    )


def test_the_same_price_of_one_day_twice(folders: Folders) -> None:
    path = folders[0] / "offers.csv"
    first = line_of(path, f"{P5}.on-demand,")
    last = append(path, first, usd_per_instance_hour="54")
    assert told(folders)[0].startswith(
        f"offers.csv line {last}, offer: '{P5}.on-demand of 2026-11-09, retrieved 2026-11-23' is "
        f"already on line {first}; a newer figure has its own valid_from"
    )


def test_an_offer_can_be_retired_and_come_back(folders: Folders) -> None:
    path = folders[0] / "offers.csv"
    key = f"{P5}.on-demand"
    first = line_of(path, f"{key},")
    later = {"retrieved": "2026-12-03", "evidence": "retired", "usd_per_instance_hour": ""}
    append(path, first, valid_from="2026-12-01", **later)
    assert key not in {offer.key for offer in _load(*folders).listed}
    append(path, first, valid_from="2026-12-02", retrieved="2026-12-03")
    assert key in {offer.key for offer in _load(*folders).listed}


def test_names_and_tiers() -> None:
    assert offer_key("aws", "p5.48xlarge", "us-east-1", "spot") == f"{P5}.spot"
    assert offer_key("vast", "8x-H100 (SXM)", "", "spot") == "vast.8x-h100-sxm.all.spot"
    assert tier_of("on-demand", firm=True) == tier_of("reserved-1y", firm=True) == "list"
    assert tier_of("capacity-block", firm=True) == "capacity-block"
    assert tier_of("capacity-block", firm=False) == "marketplace"
