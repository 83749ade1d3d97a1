"""gpuhunt's catalogues, new and old, as they really are."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from app.catalog.importers import Imported
from app.catalog.importers.collector import (
    FAR_BELOW_LIST,
    NO_ACCELERATOR,
    NO_NAME,
    NO_PRICE,
    NOT_IN_TABLE,
    ODD_FIGURE,
    OUT_OF_RANGE,
    PART_OF_GPU,
    TOO_MANY,
)
from app.catalog.importers.gcp import SEVERAL_HOSTS
from app.catalog.importers.gpuhunt import SOLD_AS_CLUSTER
from app.catalog.tables import CatalogError

Import = Callable[..., Imported]
HEADER = "instance_name,location,price,gpu_count,gpu_name,gpu_memory,spot,flags,provider_data"


def prices(result: Imported) -> dict[tuple[str, str], Decimal]:
    """Price of every row, by instance and purchase option."""
    return {(r.instance, r.purchase_option): r.usd_per_instance_hour for r in result.rows}


def skipped(result: Imported) -> dict[str, int]:
    """Counts by reason."""
    return {item.reason: item.count for item in result.skipped}


def write(folder: Path, *lines: str) -> Path:
    """A catalogue of some rows of AWS."""
    path = folder / "aws.csv"
    path.write_text("\n".join((HEADER, *lines, "")))
    return path


def test_spot_prices_are_rows_of_their_own_and_unknown_flags_say_nothing(
    imported: Import,
) -> None:
    result = imported("gpuhunt", "aws.csv")
    assert result.read == 5
    assert prices(result) == {
        ("p5.48xlarge", "on-demand"): Decimal("55.5"),
        ("p5.48xlarge", "spot"): Decimal("21.04"),  # 21.040000000000003
        ("g6.xlarge", "on-demand"): Decimal("0.82"),
    }
    assert {row.tier for row in result.rows} == {"list", "spot"}
    assert {row.source for row in result.rows} == {"gpuhunt aws.csv"}
    assert skipped(result) == {NO_ACCELERATOR: 1, PART_OF_GPU: 1}


def test_zones_of_google_are_merged_and_calendar_mode_is_a_capacity_block(
    imported: Import,
) -> None:
    result = imported("gpuhunt", "gcp.csv")
    assert prices(result) == {
        ("g4-standard-48", "on-demand"): Decimal("4.6"),
        ("a3-highgpu-8g", "capacity-block"): Decimal("47.9"),
        ("a3-highgpu-8g", "spot"): Decimal("30.1"),
        ("tpu-v6e-8", "on-demand"): Decimal("24.1"),
    }
    assert {row.region for row in result.rows} == {"us-central1", "europe-west4"}
    assert result.merged == 2  # another zone, and the same row for an older reader
    assert skipped(result) == {PART_OF_GPU: 1, FAR_BELOW_LIST: 1, SEVERAL_HOSTS: 1}
    assert {row.tier for row in result.rows if row.purchase_option == "capacity-block"} == {
        "capacity-block"
    }


def test_calendar_mode_is_read_from_the_data_where_there_is_no_flag(
    imported: Import, tmp_path: Path
) -> None:
    lines = (
        'p5.48xlarge,r1,30,8,H100,80.0,False,,"{""is_dws_calendar_mode"": true}"',
        "p5.48xlarge,r2,30,8,H100,80.0,False,,{is_dws_calendar_mode",
        'p5.48xlarge,r3,30,8,H100,80.0,False,,"[""is_dws_calendar_mode""]"',
    )
    result = imported("gpuhunt", write(tmp_path, *lines))
    assert [row.purchase_option for row in result.rows] == [
        "capacity-block",
        "on-demand",
        "on-demand",
    ]


def test_old_files_lack_columns_and_write_tpu_before_names(imported: Import) -> None:
    result = imported("gpuhunt", "old_gcp.csv", provider="gcp")
    assert prices(result) == {
        ("tpu-v5p-8", "on-demand"): Decimal("17.1"),
        ("tpu-v5p-8", "spot"): Decimal("3.5"),
    }
    assert {(row.accelerator, row.gpus_per_instance) for row in result.rows} == {("TPU-v5p", 4)}


def test_lambda_is_called_lambdalabs_and_its_a100_is_told_by_the_instance(
    imported: Import,
) -> None:
    result = imported("gpuhunt", "lambdalabs.csv")
    assert {(row.provider, row.accelerator) for row in result.rows} == {
        ("lambda", "H100-SXM-80GB"),
        ("lambda", "A100-PCIe-40GB"),
    }


def test_runpod_has_one_name_for_any_count_and_countries_for_hosts_of_individuals(
    imported: Import,
) -> None:
    result = imported("gpuhunt", "runpod.csv")
    assert {(r.provider, r.instance, r.accelerator, r.tier) for r in result.rows} == {
        ("runpod", "1x NVIDIA H100 80GB HBM3", "H100-SXM-80GB", "list"),
        ("runpod", "2x NVIDIA H100 80GB HBM3", "H100-SXM-80GB", "list"),
        ("runpod", "1x NVIDIA H100 PCIe", "H100-PCIe-80GB", "list"),
        ("runpod-community", "1x NVIDIA A100-SXM4-80GB", "A100-SXM-80GB", "marketplace"),
    }
    assert skipped(result) == {SOLD_AS_CLUSTER: 1, NO_ACCELERATOR: 1}


def test_a_name_that_is_too_long_with_its_count_is_left_out(
    imported: Import, tmp_path: Path
) -> None:
    path = tmp_path / "runpod.csv"
    path.write_text(f"{HEADER}\n{200 * 'x'},EU-RO-1,5,8,L4,24.0,False,,\n")
    assert skipped(imported("gpuhunt", path)) == {NO_NAME: 1}


def test_nebius_instances_are_called_as_in_the_built_in_offers(imported: Import) -> None:
    (row,) = imported("gpuhunt", "nebius.csv").rows
    assert row.instance == "gpu-h100-sxm_8gpu-128vcpu-1600gb"
    assert row.inter_node_gbit_per_s == 3200


def test_all_files_together_and_twice_give_equal_rows(imported: Import) -> None:
    files = ("aws.csv", "gcp.csv", "lambdalabs.csv", "runpod.csv", "nebius.csv")
    once, again = imported("gpuhunt", *files), imported("gpuhunt", *reversed(files))
    assert once == again
    assert (once.read, len(once.rows)) == (23, 14)


def test_rows_without_price_or_known_name_are_left_out(imported: Import, tmp_path: Path) -> None:
    lines = (
        "p5.48xlarge,r1,0.0,8,H100,80.0,False,,",
        "x.large,r1,1.0,1,,16.0,False,,",
        "g6.xlarge,,0.8,1,L4,24.0,False,,",
    )
    result = imported("gpuhunt", write(tmp_path, *lines))
    assert skipped(result) == {NO_PRICE: 1, NOT_IN_TABLE: 1}
    assert [row.region for row in result.rows] == ["all"]
    names = {item.reason: item.examples for item in result.skipped}[NOT_IN_TABLE]
    assert names == ("(no name): 1, first aws.csv line 3",)


def test_odd_counts_and_prices_are_told_and_doubted(imported: Import, tmp_path: Path) -> None:
    lines = (
        "g6.xlarge,r1,0.8,1,L4,24.0,False,,",
        "g6.xlarge,r2,0.8,1,L4,24.0,False,,",
        "g6.2xlarge,r1,0.9,1e9,L4,24.0,True,,",
        "p5.48xlarge,r1,5504,8,H100,80.0,True,,",
    )
    result = imported("gpuhunt", write(tmp_path, *lines))
    assert skipped(result) == {TOO_MANY: 1, OUT_OF_RANGE: 1}
    assert {place[:2] for place in result.doubted} == {
        ("aws", "g6.2xlarge"),
        ("aws", "p5.48xlarge"),
    }
    assert ("aws", "p5.48xlarge", "r1", "spot") in result.doubted
    assert ("aws", "p5.48xlarge", "r1", "on-demand") not in result.doubted


def test_odd_figures_of_a_machine_are_taken_as_not_known(imported: Import, tmp_path: Path) -> None:
    path = tmp_path / "aws.csv"
    path.write_text(
        f"{HEADER},cpu,memory\n"
        "g6.xlarge,r1,0.8,1,L4,24.0,False,,,100000000,16\n"
        "g6.xlarge,r2,0.8,1,L4,24.0,False,,,4,100000\n"
    )
    result = imported("gpuhunt", path, offers=())
    assert [(row.vcpus, row.host_memory_gib) for row in result.rows] == [(None, 16), (4, None)]
    assert skipped(result) == {ODD_FIGURE: 2}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("p5,r,1,eight,H100,80,False,,", r"aws.csv line 2, gpu_count: 'eight' is not a number"),
        ("p5,r,1,8,H100,80,maybe,,", r"aws.csv line 2, spot: 'maybe' is not True or False"),
        ("p5,r,dear,8,H100,80,False,,", r"aws.csv line 2, price: 'dear' is not a price"),
        ("p5,r,-1,8,H100,80,False,,", r"aws.csv line 2, price: -1 is below 0"),
    ],
)
def test_cells_that_no_such_file_has_are_refused(
    imported: Import, tmp_path: Path, line: str, told: str
) -> None:
    with pytest.raises(CatalogError, match=told):
        imported("gpuhunt", write(tmp_path, line))
