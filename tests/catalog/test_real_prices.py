"""The price tables as they are: how much they hold, and that every figure is sane."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from app.catalog.catalog import Catalog
from app.estimator.hardware import PURCHASE_OPTIONS, TIERS, Accelerator
from app.estimator.market import Server
from app.estimator.units import GB, GIB, TERA

PRICING = Path(__file__).parents[2] / "pricing"


def rows(name: str) -> list[dict[str, str]]:
    with (PRICING / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ------------------------------------------------------------------ offers


def test_there_are_as_many_as_were_asked_for(catalog: Catalog) -> None:
    able = [offer for offer in catalog.listed if offer.trainable]
    assert len(able) >= 290
    assert len({offer.provider for offer in able}) >= 20
    assert len(catalog.accelerators) >= 40
    planned = [o for o in catalog.offers if o.tier == "list" and o.purchase_option == "on-demand"]
    assert len(planned) >= 190
    assert len({offer.provider for offer in planned}) >= 15


def test_the_documentation_counts_the_offers(catalog: Catalog) -> None:
    text = " ".join((PRICING.parent / "docs/facts.md").read_text(encoding="utf-8").split())
    able = [offer for offer in catalog.listed if offer.trainable]
    tiers = Counter(offer.tier for offer in able)
    commitments = sum(offer.purchase_option.startswith("reserved") for offer in able)
    assert (
        f"Of the {len(catalog.history)} rows of offers, {len(catalog.listed)} prices of "
        f"{len({offer.provider for offer in catalog.listed})} providers are in force; the others "
        f"are history or retired. {len(able)} of them, of {len({o.provider for o in able})} "
        f"providers, can be trained on: {tiers['list']} list prices ({commitments} of them "
        f"commitments), {tiers['spot']} spot prices, {tiers['marketplace']} prices of marketplaces "
        f"and {tiers['capacity-block']} capacity blocks. Plans are made on {len(catalog.offers)}:"
    ) in text


@pytest.mark.parametrize("path", sorted(PRICING.glob("*.csv")), ids=lambda path: path.name)
def test_the_guide_names_every_table_and_every_column(path: Path) -> None:
    guide = (PRICING / "README.md").read_text(encoding="utf-8")
    assert f"`{path.name}`" in guide
    header = path.read_text(encoding="utf-8").split("\n")[0].split(",")
    assert [column for column in header if f"`{column}`" not in guide] == []


def test_every_row_says_what_it_is() -> None:
    for row in rows("offers.csv"):
        for column in (
            "source",
            "tier",
            "trainable",
            "minimum_instances",
            "evidence",
            "valid_from",
        ):
            assert row[column], (row["offer"], column)


def test_every_way_to_pay_and_every_tier_is_there(catalog: Catalog) -> None:
    assert {offer.purchase_option for offer in catalog.listed} == set(PURCHASE_OPTIONS)
    assert {offer.tier for offer in catalog.listed} == set(TIERS)
    options = Counter(offer.purchase_option for offer in catalog.listed)
    assert options["spot"] >= 125
    assert options["reserved-1y"] == options["reserved-3y"] == 4
    assert options["capacity-block"] == 5


def test_what_is_planned_on_is_in_the_list(catalog: Catalog) -> None:
    assert catalog.offers == tuple(offer for offer in catalog.listed if offer.can_be_planned)
    left_out = {offer.accelerator.key for offer in catalog.listed if not offer.can_be_planned}
    assert {"T4-16GB", "TPU-v5e", "TPU-v5p", "TPU-v6e", "Trainium1-32GB"} <= left_out
    keys = [offer.key for offer in catalog.listed]
    assert keys == sorted(set(keys))


def test_a_shape_that_is_sold_as_spot_only_has_no_on_demand_price(catalog: Catalog) -> None:
    shapes = {offer.key for offer in catalog.listed if offer.instance == "a3-highgpu-1g"}
    assert shapes == {
        f"gcp.a3-highgpu-1g.{region}.spot"
        for region in ("us-central1", "europe-west4", "asia-southeast1")
    }


def test_a_commitment_of_a_large_cloud(catalog: Catalog) -> None:
    by_key = {offer.key: offer for offer in catalog.listed}
    on_demand, year, three = (
        by_key[f"aws.p5-48xlarge.us-east-1.{option}"]
        for option in ("on-demand", "reserved-1y", "reserved-3y")
    )
    assert (year.usd_per_instance_hour, three.usd_per_instance_hour) == (38.53, 23.777)
    assert year.inter_node_bytes_per_s == on_demand.inter_node_bytes_per_s == 50e9
    assert year.tier == three.tier == "list"
    assert 1 - three.usd_per_instance_hour / on_demand.usd_per_instance_hour == pytest.approx(
        0.57, abs=0.005
    )


def test_no_price_is_older_than_a_year(catalog: Catalog) -> None:
    """On the day on which the tables were read; `tunecase prices check` says it of today. The one
    exception is the only price of a server with B200 that was found.
    """
    read = date(2026, 11, 24)
    dated = (*catalog.listed, *catalog.managed, *catalog.servers, *catalog.storage.values())
    old = [fact for fact in dated if (read - fact.valid_from).days > 365]
    assert [fact.key for fact in old if isinstance(fact, Server)] == ["dgx-b200"]
    assert len(old) == 1


# ------------------------------------------------------------------ accelerators


@pytest.fixture(scope="module")
def chips(catalog: Catalog) -> dict[str, Accelerator]:
    return dict(catalog.accelerators)


def test_every_rate_is_dense_and_in_proportion(chips: dict[str, Accelerator]) -> None:
    """Half the bits, at most about twice the rate: a sparse figure would be twice that."""
    for key, chip in chips.items():
        half = chip.fp16_flop_per_s or chip.bf16_flop_per_s
        assert half is not None
        if chip.bf16_flop_per_s and chip.fp16_flop_per_s:
            assert chip.bf16_flop_per_s == chip.fp16_flop_per_s, key
        if chip.fp8_flop_per_s:
            assert 0.9 <= chip.fp8_flop_per_s / half <= 2.1, key
        if chip.tf32_flop_per_s:
            assert 0.4 <= chip.tf32_flop_per_s / half <= 1.01, key
        if chip.fp32_flop_per_s:
            assert chip.fp32_flop_per_s < half, key


def test_every_figure_is_of_its_unit(chips: dict[str, Accelerator]) -> None:
    for key, chip in chips.items():
        assert 16 <= chip.memory_bytes / GIB <= 288, key
        assert 300 <= chip.memory_bytes_per_s / GB <= 8000, key
        assert 47 <= (chip.bf16_flop_per_s or chip.fp16_flop_per_s or 0) / TERA <= 2500, key
        assert 15 <= chip.link_bytes_per_s / GB <= 900, key
        assert chip.pcie_bytes_per_s / GB in (0, 15.75, 31.5, 63, 121), key
        assert chip.tdp_w == 0 or 70 <= chip.tdp_w <= 1400, key
        if chip.link == "pcie":
            assert chip.link_bytes_per_s == chip.pcie_bytes_per_s, key
        # Operations for a byte of memory: a factor of 1000 in either stands out.
        rate = chip.bf16_flop_per_s or chip.fp16_flop_per_s or 0
        assert 50 <= rate / chip.memory_bytes_per_s <= 600, key


def test_chips_that_are_not_planned_on(chips: dict[str, Accelerator]) -> None:
    assert {key for key, chip in chips.items() if not chip.can_be_planned} == {
        "T4-16GB",
        "V100-SXM-16GB",
        "TPU-v5e",
        "TPU-v5p",
        "TPU-v6e",
        "Trainium1-32GB",
        "Trainium2-96GB",
        "Gaudi-2-96GB",
        "Gaudi-3-128GB",
    }
    assert chips["T4-16GB"].bf16_flop_per_s == 0
    assert chips["T4-16GB"].fp16_flop_per_s == 65 * TERA


def test_the_two_cards_of_one_name(chips: dict[str, Accelerator]) -> None:
    server, workstation = (chips[f"RTX-PRO-6000-{form}-96GB"] for form in ("BSE", "WS"))
    assert (server.memory_bytes_per_s, workstation.memory_bytes_per_s) == (1597 * GB, 1792 * GB)
    assert server.bf16_flop_per_s == workstation.bf16_flop_per_s


# ------------------------------------------------------------------ the other tables


def test_managed_prices(catalog: Catalog) -> None:
    assert len(rows("managed.csv")) >= 84
    by_key = {price.key: price for price in catalog.managed}
    assert len(by_key) >= 60
    together = by_key["together.70b-100b.full"]
    assert (together.usd_per_million_tokens, together.minimum_usd) == (3.2, 4)
    assert (together.low_billions, together.high_billions) == (69, 100)
    azure = by_key["azure.gpt-oss-20b-global.lora"]
    assert (azure.model, azure.usd_per_million_tokens) == ("openai/gpt-oss-20b", 3.6)
    assert azure.hosting_usd_per_hour == 0.3
    assert {price.provider for price in catalog.managed if not price.open_to_new} == {
        "openai",
        "predibase",
    }


def test_classes_of_sizes_leave_no_gap(catalog: Catalog) -> None:
    for provider, top in (("fireworks", None), ("together", 100)):
        for method in ("full", "lora"):
            classes = sorted(
                (price.low_billions, price.high_billions)
                for price in catalog.managed
                if price.provider == provider and price.method == method and not price.model
            )
            assert classes[0][0] == 0
            assert classes[-1][1] == top
            assert [high for _, high in classes[:-1]] == [low for low, _ in classes[1:]]


def test_one_model_has_a_built_in_name_where_there_is_one(catalog: Catalog) -> None:
    last_words = {name.split("/")[-1]: name for name in catalog.models}
    for price in catalog.managed:
        assert price.model not in last_words, price.key
        if "/" in price.model:
            assert price.model in catalog.models, price.key


def test_electricity_of_regions(catalog: Catalog) -> None:
    def grams(provider: str, region: str) -> float | None:
        grid = catalog.grid_of(provider, region)
        return grid and grid.g_co2e_per_kwh

    assert grams("gcp", "us-central1") == 430
    assert grams("azure", "swedencentral") == 41
    assert grams("verda", "FIN") == 79
    assert grams("oci", "all") is None
    assert grams("nobody", "nowhere") is None
    for offer in catalog.listed:
        placed = offer.region != "all"
        assert (offer.grid is not None) == placed, offer.key


def test_every_region_that_has_a_grid_has_an_offer(catalog: Catalog) -> None:
    sold = {(row["provider"], row["region"]) for row in rows("offers.csv")}
    own = {("gcp", "us-west1"), ("gcp", "europe-north1")}  # figures of regions without an offer
    assert set(catalog.regions) - sold == own
    assert set(catalog.regions.values()) <= set(catalog.grids)


def test_servers_have_a_range_and_the_power_of_a_whole_machine(catalog: Catalog) -> None:
    assert {server.accelerator for server in catalog.servers} == {
        "H100-SXM-80GB",
        "H200-SXM-141GB",
        "B200-SXM-180GB",
    }
    for server in catalog.servers:
        # One quote has no range.
        alone = server.key == "dgx-b200"
        assert server.low_usd <= server.usd <= server.high_usd
        assert (server.low_usd == server.high_usd) == alone
        gpus_w = server.gpus * catalog.accelerators[server.accelerator].tdp_w
        assert gpus_w < server.power_w < 2.5 * gpus_w


def test_exchange_rates_are_those_of_the_central_bank(catalog: Catalog) -> None:
    rates = catalog.exchange_rates
    assert len(rates) == 30
    assert rates["USD"].per_usd == 1
    assert {code: rates[code].digits for code in ("EUR", "JPY", "KRW", "ISK", "HUF")} == {
        "EUR": 2,
        "JPY": 0,
        "KRW": 0,
        "ISK": 0,
        "HUF": 2,
    }
    # Rates of 2026-10-30 for one euro: 1.1172 USD, 0.8338 GBP, 175.68 JPY.
    assert rates["GBP"].per_usd == pytest.approx(0.8338 / 1.1172, rel=1e-5)
    assert rates["JPY"].per_usd == pytest.approx(175.68 / 1.1172, rel=1e-5)


def test_wages_and_ranges(catalog: Catalog) -> None:
    assert catalog.labour["data-scientist"].usd_per_year == 112590
    residual = catalog.ownership["residual-value"]
    assert (residual.unit, residual.low, residual.high) == ("fraction", 0.25, 0.35)
    assert {row.unit for row in catalog.ownership.values()} == {
        "usd_per_kw_month",
        "usd_per_kwh",
        "fraction",
        "years",
        "pue",
    }


# ------------------------------------------------------------------ corrections


def test_every_correction_names_its_row_and_why() -> None:
    offers = {row["offer"] for row in rows("offers.csv")}
    chips = {row["accelerator"] for row in rows("accelerators.csv")}
    corrections = rows("corrections.csv")
    assert len(corrections) > 250
    for row in corrections:
        assert all(row.values()), row
        known = {"offers": offers, "accelerators": chips}.get(row["table"])
        if known is None:
            assert row["table"] == "managed"
        elif row["is"] != "(no row)":
            assert row["row"] in known, row


def test_corrected_cells_say_what_the_table_says() -> None:
    keys = {"offers": "offer", "accelerators": "accelerator"}
    for table, key in keys.items():
        cells = {(row[key], column, row[column]) for row in rows(f"{table}.csv") for column in row}
        for row in rows("corrections.csv"):
            if row["table"] != table or row["is"].startswith(
                ("(", "retired", "two sizes", "not a")
            ):
                continue
            if row["row"] not in {name for name, _, _ in cells} or row["column"] == table[:-1]:
                continue
            assert (row["row"], row["column"], row["is"].split(" (")[0]) in cells, row
