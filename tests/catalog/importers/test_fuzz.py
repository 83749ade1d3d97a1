"""Whatever a file holds, it is imported or refused in words; nothing else happens."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.catalog.importers import (
    CatalogueFormat,
    Imported,
    gpuhunt,
    rates,
    read_catalogue,
    read_discounts,
    read_rates,
    skypilot,
)
from app.catalog.importers.gpu_info import read_gpu_info
from app.catalog.pricing_rows import HIGHEST_USD_PER_GPU_HOUR, LOWEST_USD_PER_GPU_HOUR, offer_key
from app.catalog.tables import CatalogError
from app.services.book_drafts import rates_text

DAY = date(2026, 11, 24)
COLUMNS: dict[str, Sequence[str]] = {
    "skypilot": (
        *skypilot.REQUIRED,
        *("vCPUs", "MemoryGiB", "GpuInfo", "AvailabilityZone", "UpstreamCloudId"),
    ),
    "gpuhunt": (*gpuhunt.REQUIRED, "cpu", "memory", "flags", "provider_data"),
    "csv": (*rates.REQUIRED, *rates.OPTIONAL),
}
LIKELY = (
    *("", "0", "1", "8", "8.0", "0.125", "-1", "nan", "1e9", "55.04", "20", "True", "False", "="),
    *("H100", "A100-80GB", "H100-MIG", "tpu-v6e-8", "tpu-v5p-99999999999", "RTX4090", "T4"),
    *("p5.48xlarge", "a3-highgpu-8g", "a2-highgpu-1g", "Standard_ND96is_MI300X_v5", "*", "us"),
    *("us-central1", "us-central1-a", "on-demand", "spot", "aws", "H100-SXM-80GB", "2026-11-01"),
    *("{'Gpus': [{'MemoryInfo': {'SizeInMiB': 81920}}]}", '{"is_dws_calendar_mode": true}'),
)
CELL = st.one_of(st.sampled_from(LIKELY), st.text(max_size=12))
PROVIDERS = st.sampled_from(["aws", "gcp", "azure", "runpod", "vast", "newcloud"])


def read(catalog: Catalog, content: bytes, format_name: CatalogueFormat, provider: str) -> Imported:
    """Import a file of these bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "file.csv")
        path.write_bytes(content)
        return read_catalogue(
            [path],
            format=format_name,
            accelerators=catalog.accelerators,
            sellers=catalog.providers,
            offers=catalog.listed,
            valid_from=DAY,
            provider="" if format_name == "csv" else provider,
        )


def check(result: Imported, catalog: Catalog) -> None:
    """What holds of every import."""
    assert len({offer_key(*row.place) for row in result.rows if row.region != "*"}) == len(
        [row for row in result.rows if row.region != "*"]
    )
    assert sum(result.taken.values()) == len(result.rows)
    for row in result.rows:
        per_gpu = row.usd_per_instance_hour / row.gpus_per_instance
        assert LOWEST_USD_PER_GPU_HOUR <= per_gpu <= HIGHEST_USD_PER_GPU_HOUR
        assert row.accelerator in catalog.accelerators
        assert row.instance.isprintable()
        assert row.region.isprintable()
        assert row.region
    # They can be shown as text, changed and read again.
    if result.rows:
        read_again = read_rates(
            rates_text(result.rows),
            "Rates",
            accelerators=catalog.accelerators,
            providers=catalog.providers,
            today=DAY,
        )
        assert read_again == result.rows


@pytest.mark.parametrize("format_name", get_args(CatalogueFormat))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), provider=PROVIDERS)
@example(content=b"\xef\xbb\xbf", provider="aws")
@example(content=b"\n\n\n,,,\n", provider="aws")
def test_any_bytes_are_refused_in_words(
    catalog: Catalog, format_name: CatalogueFormat, content: bytes, provider: str
) -> None:
    with pytest.raises(CatalogError):
        read(catalog, content, format_name, provider)


@pytest.mark.parametrize("format_name", get_args(CatalogueFormat))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), provider=PROVIDERS)
def test_any_cells_are_imported_or_refused_in_words(
    catalog: Catalog, format_name: CatalogueFormat, data: st.DataObject, provider: str
) -> None:
    columns = COLUMNS[format_name]
    row = st.lists(CELL, min_size=len(columns), max_size=len(columns))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(data.draw(st.lists(row, max_size=6)))
    content = text.getvalue().encode(errors="surrogatepass")
    with suppress(CatalogError):
        check(read(catalog, content, format_name, provider), catalog)


@given(cell=st.one_of(st.text(), st.text().map(lambda inner: f"{{'Gpus': [{inner}]}}")))
def test_any_gpu_info_says_something_or_nothing(cell: str) -> None:
    read_gpu_info(cell, "vast", 8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(), st.lists(CELL).map(", ".join)))
def test_any_discounts_are_read_or_refused_in_words(catalog: Catalog, text: str) -> None:
    with suppress(CatalogError):
        found = read_discounts(text, "Discounts", catalog.providers)
        assert all(-100 <= discount.percent < 100 for discount in found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text())
def test_any_pasted_text_is_refused_in_words(catalog: Catalog, text: str) -> None:
    with pytest.raises(CatalogError):
        read_rates(
            text,
            "Rates",
            accelerators=catalog.accelerators,
            providers=catalog.providers,
            today=DAY,
        )
