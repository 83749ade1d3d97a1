"""SkyPilot's catalogues as they really are: eight clouds and more, each with its traps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from app.catalog.catalog import Catalog
from app.catalog.importers import (
    Imported,
    collector,
    gcp,
    gpuhunt,
    live,
    read_catalogue,
    read_rates,
)
from app.catalog.importers.collector import (
    AMBIGUOUS,
    CONTRADICTION,
    FAR_BELOW_LIST,
    FAR_FROM_LIST,
    NO_ACCELERATOR,
    NO_NAME,
    NO_PRICE,
    NOT_IN_TABLE,
    ODD_FIGURE,
    OTHER_MEMORY,
    OTHER_SHAPE,
    OUT_OF_RANGE,
    PART_OF_GPU,
    SPOT_ABOVE,
    TOO_MANY,
)
from app.catalog.importers.gcp import (
    ACCELERATOR_WITHOUT_HOST,
    HOST_WITHOUT_ACCELERATOR,
    MIXED_FIGURE,
    SEVERAL_HOSTS,
    UNKNOWN_SLICE,
)
from app.catalog.price_books import BookRow
from app.catalog.pricing_rows import offer_key
from app.catalog.tables import CatalogError
from app.estimator.hardware import PURCHASE_OPTIONS
from app.services.book_drafts import rates_text

Import = Callable[..., Imported]
CLOUDS = (
    *("aws", "azure", "gcp", "oci", "lambda", "nebius", "runpod", "do", "verda", "vast"),
    *("hyperstack", "primeintellect"),
)
REASONS = {
    *(
        "NO_ACCELERATOR",
        "NO_NAME",
        "NO_PRICE",
        "NOT_IN_TABLE",
        "AMBIGUOUS",
        "PART_OF_GPU",
        "OTHER_MEMORY",
    ),
    *("OUT_OF_RANGE", "SPOT_ABOVE", "CONTRADICTION", "OTHER_SHAPE", "TOO_MANY", "ODD_FIGURE"),
    *("FAR_BELOW_LIST", "HOST_WITHOUT_ACCELERATOR", "ACCELERATOR_WITHOUT_HOST", "SEVERAL_HOSTS"),
    *("UNKNOWN_SLICE", "MIXED_FIGURE", "SOLD_AS_CLUSTER", "NOT_FETCHED"),
}
HEADER = (
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,"
    "AvailabilityZone"
)


def prices(result: Imported, option: str = "on-demand") -> dict[str, Decimal]:
    """Instance and price of the rows of one purchase option."""
    return {
        row.instance: row.usd_per_instance_hour
        for row in result.rows
        if row.purchase_option == option
    }


def accelerators(result: Imported) -> dict[str, str]:
    """Instance and what it has."""
    return {row.instance: f"{row.gpus_per_instance}x {row.accelerator}" for row in result.rows}


def skipped(result: Imported) -> dict[str, int]:
    """Counts by reason."""
    return {item.reason: item.count for item in result.skipped}


def row(result: Imported, instance: str, option: str = "on-demand") -> BookRow:
    """The row of an instance."""
    (found,) = (
        row for row in result.rows if (row.instance, row.purchase_option) == (instance, option)
    )
    return found


def read_back(result: Imported, catalog: Catalog) -> tuple[BookRow, ...]:
    """The rows after their text was read as rates."""
    return read_rates(
        rates_text(result.rows),
        "Rates",
        accelerators=catalog.accelerators,
        providers=catalog.providers,
        today=date(2026, 11, 20),
    )


def write(folder: Path, *lines: str, cloud: str = "aws") -> Path:
    """A catalogue of some rows."""
    path = folder / cloud / "vms.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join((HEADER, *lines, "")))
    return path


# ------------------------------------------------------------------------------- counts


@pytest.mark.parametrize(
    ("cloud", "read", "taken", "left_out"),
    [
        ("aws", 11, {("aws", "on-demand"): 4, ("aws", "spot"): 4}, 4),
        ("azure", 11, {("azure", "on-demand"): 8, ("azure", "spot"): 7}, 3),
        ("gcp", 21, {("gcp", "on-demand"): 4, ("gcp", "spot"): 7}, 10),
        ("oci", 9, {("oci", "on-demand"): 6}, 2),
        ("lambda", 8, {("lambda", "on-demand"): 6}, 2),
        ("nebius", 4, {("nebius", "on-demand"): 3, ("nebius", "spot"): 2}, 1),
        (
            "runpod",
            9,
            {
                ("runpod", "on-demand"): 5,
                ("runpod", "spot"): 4,
                ("runpod-community", "on-demand"): 1,
                ("runpod-community", "spot"): 1,
            },
            2,
        ),
        ("do", 3, {("digitalocean", "on-demand"): 2}, 1),
        ("verda", 7, {("verda", "on-demand"): 5, ("verda", "spot"): 4}, 1),
        ("vast", 8, {("vast", "on-demand"): 6}, 2),
        ("hyperstack", 2, {("hyperstack", "on-demand"): 2}, 0),
        ("primeintellect", 3, {("prime-intellect", "on-demand"): 1}, 1),
    ],
)
def test_the_rows_of_each_cloud_are_counted(
    imported: Import,
    cloud: str,
    read: int,
    taken: dict[tuple[str, str], int],
    left_out: int,
) -> None:
    result = imported("skypilot", f"{cloud}/vms.csv")
    assert result.read == read
    assert dict(result.taken) == taken
    assert sum(item.count for item in result.skipped) == left_out
    assert len(result.rows) == sum(taken.values())


def test_all_clouds_at_once_in_any_order_and_twice_give_equal_rows(
    imported: Import, catalog: Catalog
) -> None:
    files = [f"{cloud}/vms.csv" for cloud in CLOUDS]
    once = imported("skypilot", *files)
    again = imported("skypilot", *reversed(files))
    assert once == again
    assert once.read == 96
    assert len(once.rows) == sum(once.taken.values()) == 82
    assert [row.place for row in once.rows] == sorted({row.place for row in once.rows})
    keys = [offer_key(*row.place) for row in once.rows]
    assert len(set(keys)) == len(keys)
    assert {row.accelerator for row in once.rows} <= set(catalog.accelerators)


def test_every_row_names_its_file_its_day_and_what_it_is_worth(imported: Import) -> None:
    result = imported("skypilot", "aws/vms.csv", "vast/vms.csv")
    assert {row.source for row in result.rows} == {"skypilot aws/vms.csv", "skypilot vast/vms.csv"}
    assert {row.valid_from for row in result.rows} == {date(2026, 11, 20)}
    assert {(row.provider, row.purchase_option, row.tier) for row in result.rows} == {
        ("aws", "on-demand", "list"),
        ("aws", "spot", "spot"),
        ("vast", "on-demand", "marketplace"),
    }
    assert result.providers == ("aws", "vast")


# ------------------------------------------------------------------------------- AWS


def test_zones_of_a_region_are_one_row_with_the_cheapest_spot_price(imported: Import) -> None:
    result = imported("skypilot", "aws/vms.csv")
    assert prices(result)["p4d.24xlarge"] == Decimal("22.12345")
    spot = row(result, "p4d.24xlarge", "spot")
    assert spot.usd_per_instance_hour == Decimal("11.25")
    assert spot.note == "lowest of 2 offers, up to 13.5"
    assert result.merged == 3


def test_a_spot_price_like_the_one_on_demand_is_none(imported: Import, tmp_path: Path) -> None:
    path = write(tmp_path, "p5.48xlarge,H100,8,192,2048,,22.12345,22.1234,us-east-1,a")
    assert dict(imported("skypilot", path).taken) == {("aws", "on-demand"): 1}


def test_a_spot_price_above_the_one_on_demand_is_left_out(imported: Import, tmp_path: Path) -> None:
    path = write(tmp_path, "p5.48xlarge,H100,8,192,2048,,55.5,71.6,us-east-1,a")
    result = imported("skypilot", path)
    assert dict(result.taken) == {("aws", "on-demand"): 1}
    assert skipped(result) == {SPOT_ABOVE: 1}


def test_spot_only_rows_have_a_spot_price_alone(imported: Import) -> None:
    result = imported("skypilot", "aws/vms.csv")
    assert "p5e.48xlarge" not in prices(result)
    assert prices(result, "spot")["p5e.48xlarge"] == Decimal("25.1")


def test_rows_without_any_price_parts_of_gpus_and_unknown_ones_are_counted_by_name(
    imported: Import,
) -> None:
    result = imported("skypilot", "aws/vms.csv")
    assert skipped(result) == {NO_ACCELERATOR: 1, NO_PRICE: 1, PART_OF_GPU: 1, NOT_IN_TABLE: 1}
    examples = {item.reason: item.examples for item in result.skipped}
    assert examples[NOT_IN_TABLE] == ("V100-32GB: 1, first aws/vms.csv line 11",)
    assert examples[PART_OF_GPU] == ("aws/vms.csv line 10: g6f.xlarge, L4: 0.125 of it",)


def test_what_an_instance_is_joined_by_is_taken_from_the_built_in_offers(
    imported: Import,
) -> None:
    known = row(imported("skypilot", "aws/vms.csv"), "p5.48xlarge")
    assert known.inter_node_gbit_per_s == 3200
    assert (known.vcpus, known.host_memory_gib) == (192, 2048)
    alone = row(imported("skypilot", "aws/vms.csv", offers=()), "p5.48xlarge")
    assert alone.inter_node_gbit_per_s is None


# ------------------------------------------------------------------------------- Azure


def test_azure_has_a_comma_too_many_bare_gpu_names_and_zero_for_no_price(
    imported: Import,
) -> None:
    result = imported("skypilot", "azure/vms.csv")
    assert accelerators(result) == {
        "Standard_NC24ads_A100_v4": "1x A100-PCIe-80GB",
        "Standard_ND96asr_v4": "8x A100-SXM-40GB",
        "Standard_ND96amsr_A100_v4": "8x A100-SXM-80GB",
        "Standard_NC40ads_H100_v5": "1x H100-NVL-94GB",
        "Standard_ND96isr_H100_v5": "8x H100-SXM-80GB",
        "Standard_NC4as_T4_v3": "1x T4-16GB",
        "Standard_ND128isr_NDR_GB200_v6": "4x GB200-186GB",
        "Standard_ND96is_MI300X_v5": "8x MI300X-192GB",
    }
    assert skipped(result) == {NO_ACCELERATOR: 1, NO_PRICE: 1, PART_OF_GPU: 1}


def test_azure_lists_some_gpu_machines_without_their_gpus(imported: Import) -> None:
    result = imported("skypilot", "azure/vms.csv")
    found = row(result, "Standard_ND96is_MI300X_v5")
    assert found.usd_per_instance_hour == Decimal("48.5")
    assert found.note == "the catalogue does not name its accelerators"
    assert "Standard_ND128isr_NDR_GB200_v6" not in prices(result, "spot")


# ------------------------------------------------------------------------------- Google


def test_google_machines_and_accelerators_are_summed_by_zone(imported: Import) -> None:
    result = imported("skypilot", "gcp/vms.csv")
    assert prices(result) == {
        "a2-highgpu-1g": Decimal("3.7"),  # 0.75 + 2.95
        "a3-highgpu-8g": Decimal(116),  # 26.5 + 89.5, Singapore alone
        "tpu-v5litepod-8": Decimal("9.8"),
        "tpu-v5p-8": Decimal(17),
    }
    spot = row(result, "a2-highgpu-1g", "spot")
    assert spot.usd_per_instance_hour == Decimal("1.8")  # 0.35 + 1.45, the cheaper zone
    assert spot.note == "machine and accelerators; lowest of 2 offers, up to 1.82"
    assert spot.region == "us-central1"


def test_a_google_machine_or_accelerator_without_the_other_is_left_out(imported: Import) -> None:
    counts = skipped(imported("skypilot", "gcp/vms.csv"))
    assert counts[HOST_WITHOUT_ACCELERATOR] == 1  # g2-standard-8 in a zone without L4
    assert counts[ACCELERATOR_WITHOUT_HOST] == 2  # the L4 of another zone, and T4


def test_google_machines_with_gpus_that_have_no_row_of_their_own_are_told(
    imported: Import, catalog: Catalog, tmp_path: Path
) -> None:
    lines = (
        "a3-edgegpu-8g,,,208,1872,,9.5,3.9,us-central1,us-central1-a",
        "a4-highgpu-8g,,,224,3968,,30,10,us-central1,us-central1-a",
        ",B200,8,,,B200,75,,us-central1,us-central1-a",
    )
    without = {key: one for key, one in catalog.accelerators.items() if "B200" not in key}
    path = write(tmp_path, *lines, cloud="gcp")
    result = imported("skypilot", path, accelerators=without, offers=())
    assert skipped(result) == {HOST_WITHOUT_ACCELERATOR: 1, NOT_IN_TABLE: 1}


def test_flex_start_figures_are_not_taken_for_prices_on_demand(imported: Import) -> None:
    result = imported("skypilot", "gcp/vms.csv")
    regions = {r.region for r in result.rows if r.instance == "a3-highgpu-8g"}
    assert regions == {"us-central1", "asia-southeast1"}
    assert "us-central1" not in {
        r.region
        for r in result.rows
        if r.instance == "a3-highgpu-8g" and r.purchase_option == "on-demand"
    }
    (found,) = (item for item in result.skipped if item.reason == FAR_BELOW_LIST)
    assert found.count == 2
    assert found.examples[0].endswith("a3-highgpu-8g in us-central1: 43.7, list price 88.49")
    # One of a shape without a list price is compared with that of one GPU.
    assert "a3-highgpu-1g in us-central1: 5.5, list price 11.06" in found.examples[1]


def test_an_accelerator_not_dearer_than_its_spot_price_is_a_mixed_figure(
    imported: Import,
) -> None:
    result = imported("skypilot", "gcp/vms.csv", offers=())
    assert skipped(result)[MIXED_FIGURE] == 1
    assert prices(result, "spot")["a2-ultragpu-1g"] == Decimal("2.55")
    assert "a2-ultragpu-1g" not in prices(result)


def test_tpu_slices_of_one_host_are_instances_and_larger_ones_are_not(imported: Import) -> None:
    result = imported("skypilot", "gcp/vms.csv")
    assert accelerators(result)["tpu-v5litepod-8"] == "8x TPU-v5e"
    assert accelerators(result)["tpu-v5p-8"] == "4x TPU-v5p"  # 8 cores
    counts = skipped(result)
    assert counts[SEVERAL_HOSTS] == 1
    assert counts[NOT_IN_TABLE] == 1  # v3
    assert counts[OUT_OF_RANGE] == 1  # 700 USD stands for no price


def test_a_tpu_name_that_is_not_understood_is_left_out(imported: Import, tmp_path: Path) -> None:
    lines = (
        ",tpu-huge,1,,,tpu-huge,1.0,0.5,us-central1,a",
        ",tpu-v6e-4,1,,,,11,4,us-central1,a",
    )
    result = imported("skypilot", write(tmp_path, *lines, cloud="gcp"))
    assert skipped(result) == {UNKNOWN_SLICE: 1}
    assert accelerators(result) == {"tpu-v6e-4": "4x TPU-v6e"}


def test_two_prices_for_the_same_google_accelerators_are_told(
    imported: Import, tmp_path: Path
) -> None:
    info = "{'Gpus': [{'MemoryInfo': {'SizeInMiB': 40960}}]}"
    lines = (
        "a2-highgpu-1g,,,12,85,,0.75,0.37,us-central1,us-central1-a",
        f",A100,1,,,{info},2.95,1.45,us-central1,us-central1-a",
        f",A100,1,,,{info},2.99,1.45,us-central1,us-central1-a",
        f",A100,1,,,{info},2.95,1.45,us-central1,us-central1-a",
    )
    result = imported("skypilot", write(tmp_path, *lines, cloud="gcp"))
    assert skipped(result) == {CONTRADICTION: 1}
    assert prices(result) == {"a2-highgpu-1g": Decimal("3.7")}


def test_a_google_machine_and_its_accelerators_without_common_price_have_none(
    imported: Import, tmp_path: Path
) -> None:
    info = "{'Gpus': [{'MemoryInfo': {'SizeInMiB': 40960}}]}"
    lines = (
        "a2-highgpu-1g,,,12,85,,0.75,,us-central1,us-central1-a",
        f",A100,1,,,{info},,1.45,us-central1,us-central1-a",
    )
    result = imported("skypilot", write(tmp_path, *lines, cloud="gcp"))
    assert skipped(result) == {NO_PRICE: 1}


def test_google_accelerators_with_another_memory_are_left_out(
    imported: Import, tmp_path: Path
) -> None:
    info = "{{'Gpus': [{{'MemoryInfo': {{'SizeInMiB': {}}}}}]}}"
    lines = (
        "a3-highgpu-8g,,,208,1872,,9.5,3.9,us-central1,us-central1-a",
        f",H100,8,,,{info.format(40960)},90,30,us-central1,us-central1-a",
        "a2-highgpu-1g,,,12,85,,0.75,0.4,us-central1,us-central1-a",
        f",A100,1,,,{info.format(90000)},3,1.5,us-central1,us-central1-a",
        "a4-highgpu-8g,,,224,3968,,30,10,us-central1,us-central1-a",
        ",B200,8,,,B200,75,,us-central1,us-central1-a",
    )
    result = imported("skypilot", write(tmp_path, *lines, cloud="gcp"), offers=())
    assert skipped(result) == {PART_OF_GPU: 1, OTHER_MEMORY: 1}
    assert prices(result) == {"a4-highgpu-8g": Decimal(105)}


# ------------------------------------------------------------------------------- others


def test_oracle_has_one_row_for_all_availability_domains(imported: Import) -> None:
    result = imported("skypilot", "oci/vms.csv")
    assert accelerators(result) == {
        "BM.GPU4.8": "8x A100-SXM-40GB",
        "BM.GPU.A100-v2.8": "8x A100-SXM-80GB",
        "BM.GPU.B300.8": "8x B300-SXM-270GB",
        "BM.GPU.GB200.4": "4x GB200-186GB",
        "BM.GPU.RTXPRO.8": "8x RTX-PRO-6000-BSE-96GB",
        "BM.GPU.MI300X.8": "8x MI300X-192GB",
    }
    assert result.merged == 1
    # 262.5 GiB of 270 are less than rounding explains; 192 GB of 186 GiB are the same memory.
    assert row(result, "BM.GPU.B300.8").gpu_memory_gib == Decimal("262.5")
    assert row(result, "BM.GPU.GB200.4").gpu_memory_gib is None


def test_lambda_gives_the_total_memory_of_one_gpu(imported: Import) -> None:
    result = imported("skypilot", "lambda/vms.csv")
    assert accelerators(result) == {
        "gpu_8x_a100": "8x A100-SXM-40GB",
        "gpu_2x_a100": "2x A100-PCIe-40GB",
        "gpu_1x_a100_sxm4": "1x A100-SXM-40GB",
        "gpu_8x_a100_80gb_sxm4": "8x A100-SXM-80GB",
        "gpu_1x_h100_pcie": "1x H100-PCIe-80GB",
        "gpu_8x_h100_sxm5": "8x H100-SXM-80GB",
    }
    assert {row.gpu_memory_gib for row in result.rows} == {None}
    # The RTX 6000 of 24 GB is a Quadro, not a card of ours.
    assert skipped(result) == {NO_ACCELERATOR: 1, NOT_IN_TABLE: 1}


def test_runpod_writes_gigabytes_as_mib_and_tells_sxm_by_the_name(imported: Import) -> None:
    result = imported("skypilot", "runpod/vms.csv")
    assert accelerators(result) == {
        "1x_A100-80GB_SECURE": "1x A100-PCIe-80GB",
        "8x_A100-80GB-SXM_SECURE": "8x A100-SXM-80GB",
        "2x_H100_SECURE": "2x H100-PCIe-80GB",
        "1x_H100-SXM_SECURE": "1x H100-SXM-80GB",
        "1x_H100-NVL_SECURE": "1x H100-NVL-94GB",
        "1x_RTX4090_COMMUNITY": "1x RTX-4090-24GB",
    }
    assert {row.gpu_memory_gib for row in result.rows} == {None}
    assert "1x_A100-80GB_SECURE" not in prices(result, "spot")  # equal to the price on demand


def test_runpod_secure_is_firm_and_community_is_not(imported: Import) -> None:
    result = imported("skypilot", "runpod/vms.csv")
    tiers = {row.provider: set() for row in result.rows}
    for found in result.rows:
        tiers[found.provider].add(found.tier)
    assert tiers == {"runpod": {"list", "spot"}, "runpod-community": {"marketplace"}}
    assert result.providers == ("runpod", "runpod-community")


def test_digitalocean_writes_lower_case_keys(imported: Import) -> None:
    result = imported("skypilot", "do/vms.csv")
    assert accelerators(result) == {
        "gpu-h100x1-80gb": "1x H100-SXM-80GB",
        "gpu-h100x8-640gb": "8x H100-SXM-80GB",
    }
    assert {row.provider for row in result.rows} == {"digitalocean"}


def test_verda_writes_json(imported: Import) -> None:
    result = imported("skypilot", "verda/vms.csv")
    assert accelerators(result) == {
        "1B300.30V": "1x B300-SXM-270GB",
        "8B200.240V": "8x B200-SXM-180GB",
        "1H100.80S.32V": "1x H100-SXM-80GB",
        "4A100.88V": "4x A100-SXM-80GB",
        "1RTXPRO6000.30V": "1x RTX-PRO-6000-BSE-96GB",
        "1RTX6000ADA.10V": "1x RTX-6000-Ada-48GB",
    }
    assert row(result, "1B300.30V").gpu_memory_gib == 262
    assert "8B200.240V" not in prices(result)


def test_vast_gives_all_memory_zero_for_no_spot_and_regions_with_commas(
    imported: Import,
) -> None:
    result = imported("skypilot", "vast/vms.csv")
    assert accelerators(result) == {
        "1x-RTX_4090-32-65536": "1x RTX-4090-24GB",
        "2x-RTX_4090-32-65536": "2x RTX-4090-24GB",
        "2x-A100_SXM4-32-65536": "2x A100-SXM-40GB",  # 80 GiB together
        "1x-A100_PCIE-32-65536": "1x A100-PCIe-80GB",
        "1x-H100_NVL-32-65536": "1x H100-NVL-94GB",
        "8x-H200-32-65536": "8x H200-SXM-141GB",
    }
    assert {row.region for row in result.rows} >= {"CA, NA", "Hafnarfjarðarkaupstaður, IS, EU"}
    assert skipped(result) == {
        OTHER_MEMORY: 1,  # a 4090 with 48 GB
        NOT_IN_TABLE: 1,  # a 3090 Ti without its Ti
    }


def test_hyperstack_writes_null_into_a_python_literal(imported: Import) -> None:
    result = imported("skypilot", "hyperstack/vms.csv")
    assert accelerators(result) == {
        "n3-H100x8-NVLink": "8x H100-PCIe-80GB",
        "n3-H100-SXM5x8": "8x H100-SXM-80GB",
    }


def test_an_ambiguous_name_is_left_out_unless_the_cloud_behind_a_broker_tells(
    imported: Import,
) -> None:
    result = imported("skypilot", "primeintellect/vms.csv")
    found = row(result, "lambdalabs__8xH100_80GB__208__1800")
    assert found.accelerator == "H100-SXM-80GB"
    # Nobody vouches for a broker: the lowest of its offers, as one of a marketplace.
    assert (found.tier, found.usd_per_instance_hour) == ("marketplace", Decimal("23.9"))
    assert skipped(result) == {AMBIGUOUS: 1}
    assert "H100-PCIe-80GB or H100-SXM-80GB" in result.skipped[0].examples[0]


# ------------------------------------------------------------------------------- any cloud


def test_two_prices_on_demand_of_a_firm_provider_contradict_each_other(
    imported: Import, tmp_path: Path
) -> None:
    lines = (
        "p5.48xlarge,H100,8,192,2048,,55.5,,us-east-1,a",
        "p5.48xlarge,H100,8,192,2048,,56.5,,us-east-1,b",
        "p5.48xlarge,H100,8,192,2048,,55.5,,us-east-2,a",
    )
    result = imported("skypilot", write(tmp_path, *lines))
    assert [found.region for found in result.rows] == ["us-east-2"]
    assert skipped(result) == {CONTRADICTION: 2}


def test_one_name_for_different_machines_is_left_out(imported: Import, tmp_path: Path) -> None:
    lines = (
        "p5.48xlarge,H100,8,192,2048,,55.5,,us-east-1,a",
        "p5.48xlarge,H100,4,192,2048,,55.5,,us-east-1,b",
        "p5.4xlarge,H100,1,16,256,,6.9,,us-east-1,b",
        "p5.96xlarge,H100,999,16,256,,6.9,,us-east-1,b",
    )
    result = imported("skypilot", write(tmp_path, *lines))
    assert accelerators(result) == {"p5.4xlarge": "1x H100-SXM-80GB"}
    assert skipped(result) == {OTHER_SHAPE: 2, TOO_MANY: 1}


def test_one_name_for_different_machines_in_two_regions_is_left_out_of_a_price_list(
    imported: Import, tmp_path: Path
) -> None:
    lines = (
        "g6.xlarge,L4,1,4,16,,0.8,,us-east-1,a",
        "g6.xlarge,L4,2,4,16,,0.8,,us-east-2,a",
        "g6.2xlarge,L4,1,8,32,,0.9,,us-east-1,a",
    )
    result = imported("skypilot", write(tmp_path, *lines))
    assert list(accelerators(result)) == ["g6.2xlarge"]
    assert skipped(result) == {OTHER_SHAPE: 2}
    assert result.skipped[0].examples[1].endswith("g6.xlarge in us-east-2: 2 L4-24GB")
    # Hosts of a marketplace are called alike.
    assert len(imported("skypilot", write(tmp_path, *lines, cloud="vast")).rows) == 3


@pytest.mark.parametrize("count", ["999", "1e9", "1e300"])
def test_too_many_accelerators_are_told_as_that(
    imported: Import, tmp_path: Path, count: str
) -> None:
    line = f"p5.96xlarge,H100,{count},16,256,,6.9,,us-east-1,b"
    result = imported("skypilot", write(tmp_path, line))
    assert skipped(result) == {TOO_MANY: 1}


@pytest.mark.parametrize(
    ("vcpus", "memory", "told"),
    [
        ("1e8", "2048", "100000000 vCPUs"),
        ("192", "1e8", "100000000 GiB"),
        ("192", "0.5", "0.5 GiB"),
        ("1e300", "65537", "1000000000 vCPUs and 65537 GiB"),
    ],
)
def test_odd_figures_of_a_machine_are_taken_as_not_known(
    imported: Import, tmp_path: Path, vcpus: str, memory: str, told: str
) -> None:
    path = write(tmp_path, f"p5.48xlarge,H100,8,{vcpus},{memory},,55.5,,us-east-1,a")
    result = imported("skypilot", path, offers=())
    (found,) = result.rows
    assert found.vcpus == (192 if vcpus == "192" else None)
    assert found.host_memory_gib == (2048 if memory == "2048" else None)
    assert skipped(result) == {ODD_FIGURE: 1}
    assert result.skipped[0].examples == (f"aws/vms.csv line 2: p5.48xlarge: {told}",)
    # A built-in offer of the instance knows better.
    assert imported("skypilot", path).rows[0].vcpus == 192


# ------------------------------------------------------------------------------- doubts


GOOD = "g6.xlarge,L4,1,4,16,,0.8,,us-east-1,a"
P5_EAST = ("aws", "p5.48xlarge", "us-east-1")
A100 = "{'Gpus': [{'MemoryInfo': {'SizeInMiB': 40960}}]}"


@pytest.mark.parametrize(
    ("cloud", "lines", "doubted"),
    [
        ("aws", ["p5.48xlarge,H100,8,192,2048,,5504,,us-east-1,a"], {(*P5_EAST, "on-demand")}),
        ("aws", ["p5.48xlarge,H100,8,192,2048,,55,71,us-east-1,a"], {(*P5_EAST, "spot")}),
        (
            "aws",
            [
                "p5.48xlarge,H100,8,192,2048,,55,,us-east-1,a",
                "p5.48xlarge,H100,8,192,2048,,56,,us-east-1,b",
            ],
            {(*P5_EAST, "on-demand")},
        ),
        (
            "aws",
            [
                "p5.48xlarge,H100,8,192,2048,,55,20,us-east-1,a",
                "p5.48xlarge,H100,4,192,2048,,55,20,us-east-1,b",
            ],
            {(*P5_EAST, "on-demand"), (*P5_EAST, "spot")},
        ),
        (
            "aws",
            ["p5.48xlarge,H100,1e9,192,2048,,55,20,us-east-1,a"],
            {(*P5_EAST, option) for option in PURCHASE_OPTIONS},
        ),
        (
            "gcp",
            [
                "a3-highgpu-8g,,,208,1872,,9.5,3.9,us-central1,us-central1-a",
                ",H100,8,,,,34.2,26.1,us-central1,us-central1-a",
            ],
            {("gcp", "a3-highgpu-8g", "us-central1", "on-demand")},  # flex-start
        ),
        (
            "gcp",
            [
                "a2-highgpu-1g,,,12,85,,0.75,0.37,us-central1,us-central1-a",
                f",A100,1,,,{A100},1.2,1.45,us-central1,us-central1-a",
            ],
            {("gcp", "a2-highgpu-1g", "us-central1", "on-demand")},
        ),
        # No price and an unknown card are no doubts.
        ("aws", ["p5.48xlarge,H100,8,192,2048,,0,,us-east-1,a"], set()),
        ("aws", ["p9.48xlarge,X100,8,192,2048,,55,,us-east-1,a"], set()),
        # Nor is a place of which another zone has a good price.
        (
            "aws",
            [
                "p5.48xlarge,H100,8,192,2048,,,5504,us-east-1,a",
                "p5.48xlarge,H100,8,192,2048,,,20,us-east-1,b",
            ],
            set(),
        ),
    ],
)
def test_places_whose_new_price_is_not_believed_are_told(
    imported: Import,
    tmp_path: Path,
    cloud: str,
    lines: list[str],
    doubted: set[tuple[str, str, str, str]],
) -> None:
    good = GOOD if cloud == "aws" else ",tpu-v6e-4,1,,,,11,4,us-central1,a"
    result = imported("skypilot", write(tmp_path, good, good, *lines, cloud=cloud))
    assert result.doubted == doubted


# ------------------------------------------------------------------------------- back and forth


def test_imported_rates_can_be_edited_as_text(imported: Import, catalog: Catalog) -> None:
    result = imported("skypilot", *(f"{cloud}/vms.csv" for cloud in CLOUDS))
    assert read_back(result, catalog) == result.rows


def test_odd_imported_rates_can_be_edited_as_text(
    imported: Import, catalog: Catalog, tmp_path: Path
) -> None:
    lines = (
        "p5.48xlarge,H100-SXM,8,1e8,1e8,,55.5,20.1,us-east-1,a",
        "p5.48xlarge,H100-SXM,4,0.5,0.5,,55.5,,us-east-2,a",
        "g6.xlarge,L4,1,10000,65536,,0.8,,us-east-1,a",
        "g6.2xlarge,L4,1,8,32.06,,0.123456789,,us-east-1,a",
        "one,RTX4090,1,8,32,\"{'Gpus': [{'MemoryInfo': {'SizeInMiB': 22160}}]}\",0.4,,us-east-1,a",
    )
    for cloud, rows in (("aws", 3), ("vast", 6)):
        result = imported("skypilot", write(tmp_path, *lines, cloud=cloud))
        assert len(result.rows) == rows
        assert read_back(result, catalog) == result.rows


def test_an_instance_without_a_name_is_left_out(imported: Import, tmp_path: Path) -> None:
    lines = (",H100-SXM,8,192,2048,,55.5,,us-east-1,a", "g6.xlarge,L4,1,4,16,,0.8,,us-east-1,a")
    result = imported("skypilot", write(tmp_path, *lines))
    assert list(accelerators(result)) == ["g6.xlarge"]
    assert skipped(result) == {NO_NAME: 1}


def test_a_region_that_a_spreadsheet_would_compute_is_refused(
    imported: Import, tmp_path: Path
) -> None:
    path = write(tmp_path, 'g6.xlarge,L4,1,4,16,,0.8,,", -us",a')
    with pytest.raises(CatalogError, match="Region: '-us' would be read as a formula"):
        imported("skypilot", path)


def test_every_reason_reads_well_before_its_count() -> None:
    reasons = [
        text
        for module in (collector, gcp, gpuhunt, live)
        for name, text in vars(module).items()
        if name in REASONS
    ]
    assert len(set(reasons)) == len(REASONS)
    assert not [text for text in reasons if ":" in text or text[-1] in ".,;" or len(text) > 90]


def test_slices_of_gpus_are_left_out(imported: Import, tmp_path: Path) -> None:
    lines = (
        "x.mig,H100-MIG-1g.10gb,1,4,16,,1.1,,us-east-1,a",
        "x.2g,A100,1,4,16,\"{'Gpus': [{'Name': 'A100 2g.20gb'}]}\",1.1,,us-east-1,a",
        "x.half,L4,1,4,16,\"{'Gpus': [{'GpuPartitionSize': 0.5}]}\",1.1,,us-east-1,a",
        "x.small,L4,1,4,16,\"{'Gpus': [{'MemoryInfo': {'SizeInMiB': 6144}}]}\",1.1,,us-east-1,a",
        "g6.xlarge,L4,1,4,16,,0.8,,us-east-1,a",
    )
    result = imported("skypilot", write(tmp_path, *lines))
    assert list(accelerators(result)) == ["g6.xlarge"]
    assert skipped(result) == {PART_OF_GPU: 4}


def test_a_few_prices_out_of_range_are_left_out_and_most_are_refused(
    imported: Import, tmp_path: Path
) -> None:
    good = "g6.xlarge,L4,1,4,16,,0.8,,us-east-{},a"
    wrong = "g6.2xlarge,L4,1,8,32,,{},,us-east-1,a"
    some = write(tmp_path, good.format(1), good.format(2), wrong.format(80))
    assert skipped(imported("skypilot", some)) == {OUT_OF_RANGE: 1}
    cents = write(tmp_path, good.format(1), *(f"g6.{i}xlarge,L4,1,4,16,,90,,r,a" for i in (4, 8)))
    with pytest.raises(CatalogError, match=r"2 of 3 prices are outside 0\.05 to 60 USD"):
        imported("skypilot", cents)


def test_columns_may_stand_in_any_order_and_old_files_lack_some(
    imported: Import, tmp_path: Path
) -> None:
    path = tmp_path / "aws.csv"
    path.write_text(
        "SpotPrice,Price,Region,AcceleratorCount,AcceleratorName,InstanceType\n"
        ",56.1,us-east-1,8.0,H100,p5.48xlarge\n"
    )
    found = row(imported("skypilot", path, offers=()), "p5.48xlarge")
    assert (found.usd_per_instance_hour, found.vcpus) == (Decimal("56.1"), None)


def test_a_byte_order_mark_crlf_and_blank_lines_do_not_matter(
    imported: Import, samples: Path, tmp_path: Path
) -> None:
    plain = samples / "skypilot/aws/vms.csv"
    windows = tmp_path / "aws" / "vms.csv"
    windows.parent.mkdir()
    content = plain.read_text().replace("\n", "\r\n") + "\r\n,,,,,,,,,,,,,,,\r\n"
    windows.write_bytes(b"\xef\xbb\xbf" + content.encode())
    assert imported("skypilot", windows) == imported("skypilot", plain)


def test_the_provider_comes_from_the_option_first(imported: Import, samples: Path) -> None:
    result = imported("skypilot", "aws/vms.csv", provider="newcloud")
    assert {(row.provider, row.tier) for row in result.rows} == {("newcloud", "marketplace")}
    # What AWS's instances are called says nothing of another cloud.
    assert skipped(result)[AMBIGUOUS] > 0


def test_a_file_whose_rows_are_all_left_out_gives_an_account_and_no_row(
    imported: Import, tmp_path: Path
) -> None:
    result = imported("skypilot", write(tmp_path, "m7i.large,,,2,8,,0.1,,us-east-1,a"))
    assert (result.rows, result.read, skipped(result)) == ((), 1, {NO_ACCELERATOR: 1})


def test_an_unknown_format_and_no_file_are_refused(catalog: Catalog) -> None:
    options = {
        "accelerators": catalog.accelerators,
        "sellers": catalog.providers,
        "valid_from": date(2026, 11, 20),
    }
    with pytest.raises(CatalogError, match="No file"):
        read_catalogue([], format="skypilot", **options)
    with pytest.raises(CatalogError, match="is not a format"):
        read_catalogue([Path("x")], format="excel", **options)  # type: ignore[arg-type]


def test_a_price_far_from_the_built_in_one_is_not_believed(
    imported: Import, tmp_path: Path
) -> None:
    # An eighth of 55.04, which is the price of one GPU, and seven times of it.
    for usd in ("6.88", "390"):
        line = f"p5.48xlarge,H100,8,192,2048,,{usd},,us-east-1,a"
        result = imported("skypilot", write(tmp_path, line))
        assert skipped(result) == {FAR_FROM_LIST: 1}
        assert result.doubted == {("aws", "p5.48xlarge", "us-east-1", "on-demand")}
