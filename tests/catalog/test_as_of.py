"""Which row is in force on a day, and that history is kept."""

from __future__ import annotations

import dataclasses
import random
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.catalog import Catalog, load_catalog
from app.catalog.market_rows import ExchangeRateRow
from app.catalog.offers import in_force, price_list_hash
from app.catalog.tables import CatalogError

PRICING = Path(__file__).parents[2] / "pricing"
P5 = "aws.p5-48xlarge.us-east-1.on-demand"
DAY = date(2026, 1, 1)


@pytest.fixture(scope="module")
def on_day() -> dict[date, Catalog]:
    days = (date(2024, 1, 1), date(2025, 7, 1), date(2026, 6, 30), date(2026, 9, 30))
    return {day: load_catalog(PRICING, as_of=day) for day in days}


def usd(catalog: Catalog, key: str) -> float | None:
    return next((o.usd_per_instance_hour for o in catalog.listed if o.key == key), None)


# ------------------------------------------------------------------ the rule


def rate(code: str, day: int, read: int) -> ExchangeRateRow:
    valid_from = DAY + timedelta(day)
    return ExchangeRateRow.model_validate(
        {
            "code": code,
            "name": f"{code} {day} {read}",
            "digits": "2",
            "per_usd": "1",
            "evidence": "derived",
            "valid_from": valid_from,
            "retrieved": valid_from + timedelta(read),
            "source": "a-list",
            "note": None,
        }
    )


rates = st.lists(
    st.tuples(st.sampled_from(["EUR", "GBP", "JPY"]), st.integers(0, 9), st.integers(0, 3)),
    min_size=1,
    unique=True,
)


@given(rates, st.integers(-1, 10), st.randoms())
def test_in_force_is_the_newest_row_that_is_not_after_the_day(
    cells: list[tuple[str, int, int]], day: int, shuffle: random.Random
) -> None:
    rows = [rate(*cell) for cell in cells]
    shuffle.shuffle(rows)
    found = {row.fact: row for row in in_force(rows, DAY + timedelta(day))}
    for code in {code for code, _, _ in cells}:
        known = sorted((d, d + r) for c, d, r in cells if c == code and d <= day)
        row = found.pop(code, None)
        assert (row is None) == (not known)
        if row is not None:
            said = ((row.valid_from - DAY).days, (row.retrieved - DAY).days)
            assert said == known[-1]
    assert not found


@given(rates)
def test_without_a_day_the_newest_of_all_are_in_force(cells: list[tuple[str, int, int]]) -> None:
    rows = [rate(*cell) for cell in cells]
    assert in_force(rows) == in_force(rows, DAY + timedelta(1000))


# ------------------------------------------------------------------ the real tables


def test_a_price_over_time(on_day: dict[date, Catalog], catalog: Catalog) -> None:
    assert [usd(found, P5) for found in on_day.values()] == [98.32, 55.04, 55.04, 55.04]
    assert usd(catalog, P5) == 55.04
    h100 = "nebius.gpu-h100-sxm-8gpu-128vcpu-1600gb.all.on-demand"
    assert [usd(found, h100) for found in on_day.values()] == [None, None, 23.6, 30.8]
    assert usd(catalog, h100) == 36
    nc80 = "azure.standard-nc80adis-h100-v5.eastus.on-demand"
    assert [usd(found, nc80) for found in on_day.values()] == [None, None, 13.96, 13.96]
    assert usd(catalog, nc80) == 17.64


def test_what_is_retired_was_in_force_before(on_day: dict[date, Catalog], catalog: Catalog) -> None:
    for key in (
        "nebius.gpu-h100-sxm-8gpu-128vcpu-1600gb.all.spot",
        "verda.1x-h100-sxm-80gb.all.on-demand",
    ):
        assert usd(on_day[date(2026, 6, 30)], key) is not None
        assert usd(catalog, key) is None
        last = [past for past in catalog.history if past.key == key][-1]
        assert last.usd_per_instance_hour is None


def test_more_is_known_the_later_it_is(on_day: dict[date, Catalog], catalog: Catalog) -> None:
    counts = [len(found.listed) for found in (*on_day.values(), catalog)]
    assert counts == sorted(counts)
    assert counts[0] == 3
    for day, found in on_day.items():
        assert max(offer.valid_from for offer in found.listed) <= day
        assert found.prices_as_of <= day


def test_other_facts_follow_the_day_too(on_day: dict[date, Catalog], catalog: Catalog) -> None:
    early, late = on_day[date(2025, 7, 1)], on_day[date(2026, 9, 30)]
    assert not early.exchange_rates
    assert late.exchange_rates["EUR"].valid_from == date(2026, 6, 30)
    assert catalog.exchange_rates["EUR"].valid_from == date(2026, 10, 30)
    assert catalog.exchange_rates["EUR"].per_usd == pytest.approx(1 / 1.1172, rel=1e-5)
    together = {m.key: m for m in on_day[date(2026, 6, 30)].managed}["together.17b-69b.lora"]
    assert together.minimum_usd == 0
    assert {m.key: m for m in catalog.managed}["together.17b-69b.lora"].minimum_usd == 4
    assert catalog.ownership["pue-survey"].low == 1.54
    assert early.ownership["pue-survey"].low == 1.56


def test_a_region_has_its_carbon_on_every_day(on_day: dict[date, Catalog]) -> None:
    grid = on_day[date(2026, 6, 30)].grid_of("gcp", "europe-west4")
    assert grid is not None
    assert grid.g_co2e_per_kwh == 236


def test_a_day_before_all_prices() -> None:
    with pytest.raises(CatalogError, match="no list price was in force on 2020-01-01; take a late"):
        load_catalog(PRICING, as_of=date(2020, 1, 1))


def test_history_holds_every_row_of_the_table(catalog: Catalog) -> None:
    lines = (PRICING / "offers.csv").read_text(encoding="utf-8").splitlines()
    assert len(catalog.history) == len(lines) - 1
    order = [(past.key, past.valid_from, past.retrieved) for past in catalog.history]
    assert order == sorted(order)
    newest = {past.key: past.usd_per_instance_hour for past in catalog.history}
    assert {o.key: o.usd_per_instance_hour for o in catalog.listed} == {
        key: price for key, price in newest.items() if price is not None
    }


# ------------------------------------------------------------------ the name of a price list


def test_a_price_list_is_named_by_its_prices(on_day: dict[date, Catalog], catalog: Catalog) -> None:
    names = {found.price_list_hash for found in (*on_day.values(), catalog)}
    assert len(names) == 5
    assert catalog.price_list_hash == price_list_hash(reversed(catalog.listed))
    assert catalog.price_list_hash != price_list_hash(catalog.listed[1:])
    assert load_catalog(PRICING).price_list_hash == catalog.price_list_hash


@pytest.mark.parametrize(
    "changed",
    [
        {"usd_per_instance_hour": 1.5},
        {"valid_from": date(2020, 1, 1)},
        {"tier": "capacity-block"},
        {"purchase_option": "capacity-block"},
        {"trainable": False},
    ],
    ids=lambda changed: str(*changed),
)
def test_all_that_is_kept_of_a_price_list_names_it(
    catalog: Catalog, changed: dict[str, Any]
) -> None:
    """Else a scenario would be held against the list of another that was saved before it."""
    first, *rest = catalog.offers
    other = (dataclasses.replace(first, **changed), *rest)
    assert price_list_hash(other) != price_list_hash(catalog.offers)


def test_a_new_price_makes_a_new_list_and_a_note_does_not(tmp_path: Path, catalog: Catalog) -> None:
    folder = tmp_path / "pricing"
    shutil.copytree(PRICING, folder)
    path = folder / "offers.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(f"{P5},") and ",2026-11-09," in line)

    path.write_text("\n".join((*lines, "")).replace(row, row + " and a note"), encoding="utf-8")
    noted = load_catalog(folder)
    assert noted.content_hash != catalog.content_hash
    assert noted.price_list_hash == catalog.price_list_hash

    cheaper = row.replace("2026-11-09,2026-11-23", "2026-12-01,2026-12-02")
    path.write_text("\n".join((*lines, cheaper.replace(",55.04,", ",49.5,"), "")))
    changed = load_catalog(folder)
    assert usd(changed, P5) == 49.5
    assert changed.price_list_hash != catalog.price_list_hash
    assert len(changed.listed) == len(catalog.listed)
    before = load_catalog(folder, as_of=date(2026, 11, 30))
    assert usd(before, P5) == 55.04
    assert before.price_list_hash == catalog.price_list_hash
