"""The built-in tables: how much they hold, and that every row is dated, sourced and plausible."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from app.catalog.catalog import CATALOG_DIR, Catalog, load_catalog
from app.catalog.config_json import architecture_from_config
from app.estimator.evidence import TaskGroup

ROOT = Path(__file__).parents[2]
PRICING = ROOT / "pricing"
TABLES = (
    *sorted(PRICING.glob("*.csv")),
    *sorted(CATALOG_DIR.glob("*/*.csv")),
)
CONFIGS = json.loads((ROOT / "tests/reference/configs.json").read_text())

# Cheapest and dearest USD a GPU and hour that was seen for each accelerator in the United States
# or at a world price, one listing a provider (read up to 2026-11-09).
SPREAD = {
    "L4-24GB": (0.13, 0.85),
    "A10-24GB": (0.20, 3.20),
    "L40S-48GB": (0.40, 3.50),
    "RTX-4090-24GB": (0.31, 0.67),
    "RTX-5090-32GB": (0.44, 0.69),
    "RTX-A6000-48GB": (0.33, 1.09),
    "RTX-6000-Ada-48GB": (0.52, 1.57),
    "RTX-PRO-6000-BSE-96GB": (1.69, 4.50),
    "A100-SXM-40GB": (0.72, 3.67),
    "A100-SXM-80GB": (0.60, 5.07),
    "H100-PCIe-80GB": (1.97, 3.29),
    "H100-NVL-94GB": (2.59, 6.98),
    "H100-SXM-80GB": (1.49, 12.29),
    "H200-SXM-141GB": (2.35, 10.60),
    "GH200-96GB": (1.99, 2.29),
    "B200-SXM-180GB": (4.40, 14.24),
    "B300-SXM-270GB": (6.00, 17.80),
    "GB200-186GB": (10.50, 27.04),
    "MI300X-192GB": (1.99, 6.00),
    "MI355X-288GB": (8.60, 8.60),
}
HOME_REGIONS = ("us-", "eastus", "all", "North America")
# The spread keeps the cheapest size of a provider; its larger sizes cost up to this much more a GPU
# (AWS g6.48xlarge has four times the CPU of the cheapest size).
DEARER_SIZE = 2.0
# A dearer region: Azure Japan and AWS Mumbai ask 1.41 to 1.45 times the American price.
DEARER_REGION = 1.5


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(PRICING)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_there_is_enough_to_choose_from(catalog: Catalog) -> None:
    listed = [offer for offer in catalog.offers if offer.tier == "list"]
    assert len(catalog.models) >= 80
    assert len(catalog.accelerators) >= 20
    assert len(listed) >= 60
    assert len({offer.provider for offer in listed}) >= 8
    assert len(rows(PRICING / "offers.csv")) >= 150
    assert len(catalog.studies) >= 16
    assert len(catalog.head_to_heads) >= 340


def test_every_accelerator_can_be_rented_or_was_measured_on(catalog: Catalog) -> None:
    rented = {offer.accelerator.key for offer in catalog.listed}
    assert set(catalog.accelerators) - rented == {
        "A40-48GB",
        "Gaudi-2-96GB",
        "Gaudi-3-128GB",
        "H200-NVL-141GB",
        "L40-48GB",
        "MI250X-128GB",
        "MI325X-256GB",
        "MI350X-288GB",
        "RTX-3090-24GB",
        "RTX-5060-Ti-16GB",
        "RTX-A5000-24GB",
        "Trainium2-96GB",
        "V100-SXM-16GB",
    }


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_a_spreadsheet_can_open_and_save_the_table(path: Path) -> None:
    content = path.read_bytes()
    assert b"\r" not in content
    assert content.endswith(b"\n")
    assert not content.startswith(b"\xef\xbb\xbf")
    if path.name == "runs.csv":
        return  # its lists of modules and its shapes hold commas, in double quotes
    lines = content.decode("utf-8").splitlines()
    assert len({line.count(",") for line in lines}) == 1, "a comma stands inside a cell"


def test_every_fact_has_source_and_dates_and_every_source_is_used() -> None:
    used = set()
    apart = {"sources.csv", "providers.csv", "corrections.csv"}
    facts = [path for path in PRICING.glob("*.csv") if path.name not in apart]
    for path in (*facts, CATALOG_DIR / "models/architectures.csv"):
        for row in rows(path):
            assert row["source"]
            assert date(2026, 1, 1) <= date.fromisoformat(row["retrieved"])
            used |= {row[column] for column in row if column.endswith("source")} - {""}
    assert used == {row["source"] for row in rows(PRICING / "sources.csv")}


def test_the_documentation_counts_the_rows() -> None:
    text = (ROOT / "docs/facts.md").read_text(encoding="utf-8")
    for path in TABLES:
        name = path.relative_to(ROOT).as_posix()
        line = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert line.endswith(f"| {len(rows(path))} |"), name


def test_every_provider_sells_something() -> None:
    tables = ("offers.csv", "managed.csv", "storage.csv")
    used = {row["provider"] for table in tables for row in rows(PRICING / table)}
    imported = {
        row["provider"]
        for row in rows(PRICING / "providers.csv")
        if row["note"].startswith("known from imported catalogues alone; ")
    }
    assert not used & imported
    assert used | imported == {row["provider"] for row in rows(PRICING / "providers.csv")}


def test_every_study_has_a_result_and_every_group_is_filled(catalog: Catalog) -> None:
    assert {row.study for row in catalog.head_to_heads} == set(catalog.studies)
    assert {row.group for row in catalog.head_to_heads} == set(get_args(TaskGroup))


def test_list_prices_lie_within_the_spread_that_was_seen(catalog: Catalog) -> None:
    odd = {}
    for offer in catalog.offers:
        if offer.purchase_option not in ("on-demand", "capacity-block"):
            continue  # what the spread is made of
        low, high = SPREAD.get(offer.accelerator.key, (0.5, 20.0))
        at_home = offer.region.startswith(HOME_REGIONS)
        ceiling = high * DEARER_SIZE if at_home else high * DEARER_SIZE * DEARER_REGION
        if not low <= offer.usd_per_gpu_hour <= ceiling:
            odd[offer.key] = offer.usd_per_gpu_hour
    assert odd == {}


def test_cheapest_list_price_of_the_large_clouds_is_known(catalog: Catalog) -> None:
    cheapest: dict[tuple[str, str], float] = defaultdict(lambda: float("inf"))
    for offer in catalog.offers:
        if offer.tier == "list" and offer.purchase_option == "on-demand":
            key = (offer.provider, offer.accelerator.key)
            cheapest[key] = min(cheapest[key], offer.usd_per_gpu_hour)
    assert cheapest["aws", "H100-SXM-80GB"] == pytest.approx(6.88)
    assert cheapest["azure", "H100-SXM-80GB"] == pytest.approx(12.29)
    assert cheapest["gcp", "H100-SXM-80GB"] == pytest.approx(11.06, abs=0.01)
    assert cheapest["oci", "MI300X-192GB"] == pytest.approx(6.0)
    assert cheapest["lambda", "H100-SXM-80GB"] == pytest.approx(3.99)


def test_links_are_of_one_direction(catalog: Catalog) -> None:
    gb_per_s = {key: row.link_bytes_per_s / 1e9 for key, row in catalog.accelerators.items()}
    assert gb_per_s["A100-SXM-80GB"] == 300
    assert gb_per_s["H100-SXM-80GB"] == 450
    assert gb_per_s["B200-SXM-180GB"] == 900
    assert gb_per_s["MI300X-192GB"] == 448
    assert gb_per_s["GH200-96GB"] == gb_per_s["H100-PCIe-80GB"] - 300 + 63


def test_dense_rates_not_sparse_ones(catalog: Catalog) -> None:
    rate = {key: row.bf16_flop_per_s / 1e12 for key, row in catalog.accelerators.items()}
    assert rate["H100-SXM-80GB"] == rate["H200-SXM-141GB"] == 989
    assert rate["H100-NVL-94GB"] == 835
    assert rate["A10G-24GB"] == 70


def test_a_bridge_joins_two_cards_only(catalog: Catalog) -> None:
    by_key = {offer.key: offer for offer in catalog.offers}
    two = by_key["azure.standard-nc48ads-a100-v4.eastus.on-demand"]
    four = by_key["azure.standard-nc96ads-a100-v4.eastus.on-demand"]
    one = by_key["azure.standard-nc24ads-a100-v4.eastus.on-demand"]
    assert two.intra_node_bytes_per_s == 300e9
    assert four.intra_node_bytes_per_s == 31.5e9
    assert one.intra_node_bytes_per_s == 0


def test_network_is_shared_by_the_gpus_of_an_instance(catalog: Catalog) -> None:
    by_key = {offer.key: offer for offer in catalog.offers}
    assert by_key["aws.p5-48xlarge.us-east-1.on-demand"].inter_node_bytes_per_s == 50e9
    assert by_key["lambda.gpu-8x-h100-sxm5.all.on-demand"].inter_node_bytes_per_s is None


def test_nothing_that_cannot_train_is_offered(catalog: Catalog) -> None:
    providers = {offer.provider for offer in catalog.offers}
    assert providers.isdisjoint({"fireworks", "modal", "thunder-compute", "together"})


def test_only_marketplaces_sell_as_marketplaces(catalog: Catalog) -> None:
    places = {offer.provider for offer in catalog.offers if offer.tier == "marketplace"}
    assert places == {"vast", "akash", "novita", "runpod-community", "hotaisle"}


def test_offers_are_sorted_and_the_hash_is_stable(catalog: Catalog) -> None:
    keys = [offer.key for offer in catalog.offers]
    assert keys == sorted(keys)
    assert catalog.content_hash == load_catalog(PRICING).content_hash
    assert len(catalog.content_hash) == 64
    assert catalog.prices_as_of == date(2026, 11, 9)


def test_facts_cannot_be_changed(catalog: Catalog) -> None:
    with pytest.raises(TypeError):
        catalog.models["new"] = None  # type: ignore[index]


def test_built_in_models_and_their_configurations_are_the_same(catalog: Catalog) -> None:
    """`test_parameters.py` holds these configurations against transformers and peft."""
    assert set(CONFIGS) <= set(catalog.models)
    for model, config in CONFIGS.items():
        assert catalog.models[model].architecture == architecture_from_config(model, config)


def test_every_family_that_people_train_is_built_in(catalog: Catalog) -> None:
    families = {entry.architecture.model_type for entry in catalog.models.values()}
    assert {"llama", "qwen3_moe", "gpt_oss", "deepseek_v3", "gemma3_text", "mixtral"} <= families
    assert len(families) >= 25


def test_known_scores_are_in_points(catalog: Catalog) -> None:
    by_key = {row.key: row for row in catalog.head_to_heads}
    row = by_key["bid-mift-r16-e2"]
    assert (row.base, row.full, row.adapter, row.rank) == (14.5, 64.1, 52.8, 16)
    assert row.group == "skill"
    assert row.base_same_harness
    forgetting = by_key["bid-mift-forget-r256-e4"]
    assert forgetting.retention
    assert forgetting.base is None
    assert not forgetting.base_same_harness
    assert by_key["mgpo-mt-bench-dora-r-8"].full == 53
