"""The table of accelerator names, and who the sellers in catalogues are."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from app.catalog.catalog import Catalog
from app.catalog.importers.cells import gib_of_gpu, number, usd, whole
from app.catalog.importers.gpu_info import MAX_CHARACTERS, GpuInfo, read_gpu_info
from app.catalog.importers.live import ASKED, PUBLISHED
from app.catalog.importers.names import FILE_NAME, AcceleratorNames, NameRow, load_names
from app.catalog.importers.providers import ALSO_LISTS, KEYS, provider_key, provider_of_path
from app.catalog.tables import CatalogError, read_table

TABLE = Path(__file__).parents[3] / "pricing" / FILE_NAME
HEADER = "alias,name,provider,instance,gpu_memory_gib,gpus,accelerator,source,retrieved,note"


def test_every_name_leads_to_an_accelerator_and_has_a_source(catalog: Catalog) -> None:
    rows = [row for _, row in read_table(TABLE, NameRow)]
    assert {row.accelerator for row in rows} - {""} <= set(catalog.accelerators)
    assert {row.source for row in rows} <= set(catalog.sources)
    # Apart from cards that no catalogue lists, each accelerator has a name.
    unnamed = set(catalog.accelerators) - {row.accelerator for row in rows}
    assert len(unnamed) <= 3, unnamed


def test_a_name_without_conditions_means_one_accelerator() -> None:
    for rows in load_names().by_name.values():
        plain = [row.accelerator for row in rows if row.name and not row.conditions]
        assert len(plain) <= 1, plain


@pytest.mark.parametrize(
    ("name", "provider", "instance", "memory", "meant"),
    [
        ("RTX 6000 Ada", "any", "x", None, "RTX-6000-Ada-48GB"),
        ("rtx-6000-ada", "any", "x", None, "RTX-6000-Ada-48GB"),
        ("H100", "any", "x", 94, "H100-NVL-94GB"),
        ("H100", "azure", "Standard_NC80adis_H100_v5", None, "H100-NVL-94GB"),
        ("H100NVL", "azure", "Standard_NC80adis_H100_v5", 94, "H100-NVL-94GB"),
        ("A100", "crusoe", "a100-80gb.4x", 80, "A100-PCIe-80GB"),
        ("A100", "crusoe", "a100-80gb-sxm-ib.8x", 80, "A100-SXM-80GB"),
        ("H200", "vast", "2x-H200_NVL-32-65536", 141, "H200-NVL-141GB"),
        ("H200", "any", "x", 141, "H200-SXM-141GB"),
        ("RTX6000", "nebius", "gpu-rtx6000", 96, "RTX-PRO-6000-BSE-96GB"),
        ("RTX3090", "vast", "1x-RTX_3090-32", 24, "RTX-3090-24GB"),
        ("RTX5060", "vast", "1x-RTX_5060_Ti-32", 16, "RTX-5060-Ti-16GB"),
    ],
)
def test_what_a_name_means(
    name: str, provider: str, instance: str, memory: int | None, meant: str
) -> None:
    gib = None if memory is None else Decimal(memory)
    assert load_names().keys(name, provider, instance, gib) == {meant}


@pytest.mark.parametrize(
    ("name", "provider", "instance", "memory", "may_be"),
    [
        ("H100", "any", "x", 80, {"H100-SXM-80GB", "H100-PCIe-80GB"}),
        ("H100", "any", "x", None, {"H100-SXM-80GB", "H100-PCIe-80GB", "H100-NVL-94GB"}),
        ("A100", "any", "x", 80, {"A100-SXM-80GB", "A100-PCIe-80GB"}),
        ("RTX6000", "any", "x", None, {"RTX-PRO-6000-BSE-96GB"}),  # or the Quadro
        ("RTX6000", "lambda", "gpu_1x_rtx6000", 24, set()),
        ("RTX5060Ti", "any", "x", None, {"RTX-5060-Ti-16GB"}),  # or that of 8 GB
        ("RTX3090", "vast", "1x-RTX_3090_Ti-32", 24, set()),
        ("RTX5060", "vast", "1x-RTX_5060-32", 8, set()),
        ("K80", "gcp", "x", 12, set()),
        ("", "aws", "p5.48xlarge", 80, set()),
    ],
)
def test_a_name_that_does_not_say_which_it_is_means_none(
    name: str, provider: str, instance: str, memory: int | None, may_be: set[str]
) -> None:
    gib = None if memory is None else Decimal(memory)
    assert load_names().keys(name, provider, instance, gib) == set()
    assert load_names().possible(name, provider, instance, gib) == may_be


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("a,,aws,p5.*,,,H100-SXM-80GB,s,2026-11-24,", "line 2, name: is blank; then provider"),
        ("a,H100,,,,8,H100-SXM-80GB,s,2026-11-24,", "line 2, gpus: is only for instances"),
        ("a,H100,,,8000,,H100-SXM-80GB,s,2026-11-24,", "line 2, gpu_memory_gib: 8000 is out of"),
    ],
)
def test_a_wrong_row_of_the_table_is_told(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(f"{HEADER}\n{line}\n")
    with pytest.raises(CatalogError, match=told):
        AcceleratorNames.load(path)


def test_every_seller_of_a_catalogue_is_in_the_table_of_providers(catalog: Catalog) -> None:
    sellers = {*KEYS.values(), *PUBLISHED, *ASKED}
    sellers |= {also for listed in ALSO_LISTS.values() for also in listed}
    sellers |= {row.provider for _, row in read_table(TABLE, NameRow)} - {""}
    assert sellers <= set(catalog.providers)


def test_a_name_of_a_seller_is_not_that_of_another(catalog: Catalog) -> None:
    assert not set(KEYS) & set(catalog.providers)
    same = {key.replace("-", "") for key in catalog.providers}
    assert len(same) == len(catalog.providers)


@pytest.mark.parametrize(
    ("path", "provider"),
    [
        ("catalogs/v8/aws/vms.csv", "aws"),
        ("aws/vms.csv", "aws"),
        ("aws.csv", "aws"),
        ("AWS.CSV", "aws"),
        ("skypilot_aws_vms.csv", "aws"),
        ("gpuhunt-lambdalabs.csv", "lambda"),
        ("gcp_v3.csv", "gcp"),
        ("do/vms.csv", "digitalocean"),
        ("newcloud/vms.csv", "newcloud"),
        ("ori.csv", "ori"),
        ("primeintellect.csv", "prime-intellect"),
        ("skypilot_prime-intellect_vms.csv", "prime-intellect"),
        ("seeweb/vms.csv", "seeweb"),
    ],
)
def test_the_provider_is_in_the_path(catalog: Catalog, path: str, provider: str) -> None:
    assert provider_of_path(Path(path), catalog.providers) == provider


@pytest.mark.parametrize("path", ["prices.csv", "vms.csv", "newcloud.csv", "a b/vms.csv"])
def test_a_path_that_names_no_provider_is_refused(catalog: Catalog, path: str) -> None:
    with pytest.raises(CatalogError, match="does not say whose prices it holds"):
        provider_of_path(Path(path), catalog.providers)


def test_a_key_is_made_of_letters_and_digits() -> None:
    assert provider_key(" VastAI ") == "vast"
    with pytest.raises(CatalogError, match="may hold only"):
        provider_key("../etc")


@pytest.mark.parametrize(
    ("cell", "provider", "gpus", "found"),
    [
        ("{'Gpus': [{'MemoryInfo': {'SizeInMiB': 81920}}]}", "x", 8, GpuInfo("", Decimal(80))),
        ("{'Gpus': [{'MemoryInfo': {'SizeInMiB': 80}}]}", "x", 8, GpuInfo("", Decimal(80))),
        ("{'Gpus': [{'MemoryInfo': {'SizeInMiB': 655360}}]}", "vast", 8, GpuInfo("", Decimal(80))),
        (
            '{"Gpus": [{"Name": "H100", "GpuPartitionSize": 0.5}]}',
            "x",
            1,
            GpuInfo("H100", None, True),
        ),
        ("{'Gpus': [{'Name': None, 'MemoryInfo': 7}]}", "x", 1, GpuInfo()),
        ("{'Gpus': [7]}", "x", 1, GpuInfo()),
        ("{'Gpus': []}", "x", 1, GpuInfo()),
        ("{'Gpus': 'H100'}", "x", 1, GpuInfo()),
        ("{'a', 'b'}", "x", 1, GpuInfo()),
        ("{[]: 1}", "x", 1, GpuInfo()),
        ("{'Gpus'", "x", 1, GpuInfo()),
        ('{"Gpus": ', "x", 1, GpuInfo()),
        ("{'\\d': 1}", "x", 1, GpuInfo()),
        ("{" + 3_000 * "[", "x", 1, GpuInfo()),
        ("{'Gpus': " + MAX_CHARACTERS * " " + "[]}", "x", 1, GpuInfo()),
        ("H100", "x", 1, GpuInfo()),
        ("", "x", 1, GpuInfo()),
    ],
)
def test_gpu_info_in_any_dialect(cell: str, provider: str, gpus: int, found: GpuInfo) -> None:
    assert read_gpu_info(cell, provider, gpus) == found


def test_numbers_in_cells() -> None:
    assert usd("5.8854999999999995") == Decimal("5.8855")
    assert usd(" nan ") is usd("None") is usd("0.0000001") is None
    assert number("nan") is number("inf") is number("-1") is number("x") is None
    assert (whole("8.0"), whole("0.125"), whole("")) == (8, None, None)
    assert gib_of_gpu(Decimal(22888)) == Decimal("22.4")
