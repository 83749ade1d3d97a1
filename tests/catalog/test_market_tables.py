"""What each kind of wrong row of the market tables is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.catalog.catalog import _load
from tests.catalog.one_cell import append, change, line_of, told

Folders = tuple[Path, Path, Path]


@pytest.mark.parametrize(
    ("table", "column", "value", "expected"),
    [
        ("managed.csv", "usd_per_million_tokens", "0.000025", "0.000025 is out of range; 0.01"),
        ("managed.csv", "usd_per_million_tokens", "", "give a price by the token or by the hour"),
        ("managed.csv", "minimum_usd", "none", "'none' is not a plain decimal number"),
        ("managed.csv", "method", "prefix", "'prefix' is not one of 'full'"),
        ("managed.csv", "model", "", "give either one model or low_billions"),
        ("managed.csv", "managed", "gpt", "'gpt' must begin with 'openai.' and end with '.undis"),
        ("managed.csv", "open_to_new", "", "is blank; this column needs a value"),
        ("storage.csv", "usd_per_gb_month", "23", "23 is out of range; 0 to 1 USD/GB"),
        ("storage.csv", "provider", "acme", "'acme' is not in providers.csv; add it there"),
        ("grid.csv", "g_co2e_per_kwh", "369473", "369473 is out of range; 0 to 1500 g/kWh"),
        ("grid.csv", "usd_per_kwh", "14.6", "14.6 is out of range; 0.005 to 1 USD/kWh"),
        ("grid.csv", "source", "hearsay", "'hearsay' is not in sources.csv; add it there"),
        ("regions.csv", "grid", "mars", "'mars' is not in grid.csv; add it there"),
        ("servers.csv", "low_usd", "300", "300 is out of range; 50000 to 5000000 USD"),
        ("servers.csv", "high_usd", "299000", "is 299000, below low_usd (300000)"),
        ("servers.csv", "power_w", "10.2", "10.2 is out of range; 500 to 150000 W"),
        ("servers.csv", "accelerator", "H100", "'H100' is not in accelerators.csv; add it there"),
        ("servers.csv", "power_source", "hearsay", "'hearsay' is not in sources.csv"),
        ("labour.csv", "usd_per_year", "112.59", "112.59 is out of range; 5000 to 1000000"),
        ("ownership.csv", "high_usd_per_kw_month", "100", "is 100, below low_usd_per_kw_month"),
        ("ownership.csv", "high_usd_per_kw_month", "", "and low_usd_per_kw_month are given"),
        ("exchange_rates.csv", "code", "usd", "'usd' is not a code of three capitals such"),
        ("exchange_rates.csv", "per_usd", "1.1", "is 1.1; one US dollar is 1"),
        ("exchange_rates.csv", "per_usd", "-1", "-1 is below 0;"),
        ("exchange_rates.csv", "digits", "two", "'two' is not a plain whole number"),
        ("exchange_rates.csv", "valid_from", "2026-12-24", "2026-12-24 is after retrieved"),
        ("exchange_rates.csv", "name", "=NOW()", "'=NOW()' would be read as a formula"),
    ],
)
def test_wrong_cells(folders: Folders, table: str, column: str, value: str, expected: str) -> None:
    change(folders[0] / table, 2, column, value)
    assert any(found.startswith(f"{table} line 2, {column}: {expected}") for found in told(folders))


@pytest.mark.parametrize(
    ("table", "column", "value", "expected"),
    [
        ("managed.csv", "usd_per_training_hour", "5", "usd_per_million_tokens: give a price by"),
        ("managed.csv", "high_billions", "7", "low_billions: is blank where high_billions is not"),
        ("managed.csv", "low_billions", "7", "model: give either one model or low_billions"),
        ("managed.csv", "objective", "hosting", "usd_per_million_tokens: must be blank in a"),
        ("managed.csv", "evidence", "retired", "usd_per_million_tokens: must be blank in a ret"),
        ("grid.csv", "usd_per_kwh", "0.1", "usd_per_kwh_source: is given exactly where"),
        ("ownership.csv", "low_pue", "1.2", "label: has ranges in these units: usd_per_kw_month"),
    ],
)
def test_cells_that_do_not_agree(
    folders: Folders, table: str, column: str, value: str, expected: str
) -> None:
    change(folders[0] / table, 2, column, value)
    assert any(found.startswith(f"{table} line 2, {expected}") for found in told(folders))


def test_a_seller_that_is_not_in_its_table(folders: Folders) -> None:
    line = append(folders[0] / "managed.csv", 2, managed="acme.one.undisclosed", provider="acme")
    assert told(folders) == (
        f"managed.csv line {line}, provider: 'acme' is not in providers.csv; add it there",
    )


def test_a_row_for_hosting_needs_its_price(folders: Folders) -> None:
    path = folders[0] / "managed.csv"
    change(path, 2, "objective", "hosting")
    change(path, 2, "usd_per_million_tokens", "")
    change(path, 2, "hosting_usd_per_hour", "")
    assert told(folders) == (
        "managed.csv line 2, hosting_usd_per_hour: is blank; a row for hosting needs a value",
    )


def test_a_class_of_sizes_is_in_order(folders: Folders) -> None:
    path = folders[0] / "managed.csv"
    line = line_of(path, "together.17b-69b.lora,", "2026-07-01")
    change(path, line, "high_billions", "16")
    assert told(folders) == (
        f"managed.csv line {line}, high_billions: is 16, not above low_billions (16)",
    )


def test_a_price_of_storage_without_any_figure(folders: Folders) -> None:
    path = folders[0] / "storage.csv"
    line = line_of(path, "backblaze,")
    change(path, line, "usd_per_gb_month", "")
    assert told(folders)[0].endswith("as egress_usd_per_gb is; one of them needs a value")


def test_a_range_of_nothing(folders: Folders) -> None:
    path = folders[0] / "ownership.csv"
    for column in ("low_usd_per_kw_month", "high_usd_per_kw_month"):
        change(path, 2, column, "")
    assert told(folders) == (
        "ownership.csv line 2, label: has ranges in these units: none; a row has one",
    )


def test_history_is_appended_and_the_same_day_twice_is_not(folders: Folders) -> None:
    path = folders[0] / "exchange_rates.csv"
    like = line_of(path, "EUR,", "2026-10-30")
    append(path, like, valid_from="2026-11-20", per_usd="0.9")
    assert _load(*folders).exchange_rates["EUR"].per_usd == 0.9
    line = append(path, like, per_usd="0.8")
    assert told(folders) == (
        f"exchange_rates.csv line {line}, code: 'EUR of 2026-10-30, retrieved 2026-11-24' is "
        f"already on line {like}; a newer figure has its own valid_from, a corrected one its own "
        "retrieved",
    )


def test_a_figure_that_was_read_wrongly_is_corrected_by_a_later_reading(folders: Folders) -> None:
    path = folders[0] / "exchange_rates.csv"
    append(path, line_of(path, "EUR,", "2026-10-30"), retrieved="2026-11-25", per_usd="0.91")
    assert _load(*folders).exchange_rates["EUR"].per_usd == 0.91


def test_a_managed_price_can_be_retired(folders: Folders) -> None:
    path = folders[0] / "managed.csv"
    key = "fireworks.up-to-16b.full"
    assert key in {price.key for price in _load(*folders).managed}
    append(
        path,
        line_of(path, f"{key},"),
        valid_from="2026-11-01",
        evidence="retired",
        usd_per_million_tokens="",
    )
    assert key not in {price.key for price in _load(*folders).managed}
