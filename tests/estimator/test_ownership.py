"""Servers of one's own over horizons beside their life, and the break-even as a property."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.estimator.constants import constant_values
from app.estimator.ownership import Ownership
from tests.estimator.buying import server


def owning(months: float = 36, **changes: float) -> Ownership:
    return Ownership(server(), 1, months, constant_values(changes))


@pytest.mark.parametrize(
    ("months", "purchases", "worth"),
    [
        (12, 1, 1 - 0.7 / 3),
        (36, 1, 0.3),
        # Bought again after 36 months: one sold for 0.3, one a year old.
        (48, 2, (0.3 + 1 - 0.7 / 3) / 2),
        (72, 2, 0.3),
        (120, 4, (3 * 0.3 + 1 - 0.7 / 3) / 4),
    ],
)
def test_worth_at_the_end_by_hand(months: int, purchases: int, worth: float) -> None:
    found = owning(months)
    assert found.purchases == purchases
    assert found.worth_fraction == pytest.approx(worth)


def test_electricity_is_counted_once() -> None:
    """Colocation is without it; without a price it costs nothing, and colocation stays."""
    free = owning(electricity_usd_per_kwh=0.0)
    lines = {line.key: line.usd for line in free.lines(0.6)}
    assert lines["electricity"] == 0
    assert lines["colocation"] == pytest.approx(10.2 * 36 * 200)
    assert free.total_usd(0.1) == free.total_usd(1.0)
    at_home = owning(colocation_usd_per_kw_month=0.0)
    assert {line.key: line.usd for line in at_home.lines(1.0)}["electricity"] == pytest.approx(
        10.2 * 1.54 * 36 * 730.5 * 0.82 * 0.09
    )


def test_several_servers_are_joined() -> None:
    """12.5% of their price, once and for nothing at the end; one alone needs no switch."""
    alone, two = (
        {x.key: x for x in o.lines(0.6)} for o in (owning(), replace(owning(), servers=2))
    )
    assert "network" not in alone
    assert two["network"].usd == pytest.approx(2 * 325_000 * 0.125)
    for key, line in alone.items():
        assert two[key].usd == pytest.approx(2 * line.usd)


def test_assumptions_of_owning_lie_in_the_ranges_of_the_tables(catalog: Catalog) -> None:
    """The middle of what was found, and the newest survey."""
    constants = constant_values()
    for key, table in (
        ("colocation_usd_per_kw_month", "colocation"),
        ("electricity_usd_per_kwh", "electricity"),
        ("server_residual_fraction", "residual-value"),
        ("server_network_fraction", "network-share"),
        ("server_life_years", "depreciation-buyers"),
        ("data_centre_pue", "pue-survey"),
    ):
        found = catalog.ownership[table]
        assert constants[key] == pytest.approx((found.low + found.high) / 2), key


@given(
    rent=st.floats(0.01, 50),
    months=st.integers(1, 120),
    price=st.floats(0, 2),
    idle=st.floats(0, 0.82),
)
def test_at_the_break_even_owning_costs_what_renting_does(
    rent: float, months: int, price: float, idle: float
) -> None:
    found = owning(months, electricity_usd_per_kwh=price, power_idle_fraction=idle)
    use = found.break_even(rent)
    if use is None:
        assert found.total_usd(1.0) >= rent * found.gpu_hours * (1 - 1e-9)
        return
    assert found.total_usd(use) == pytest.approx(rent * use * found.gpu_hours)
    # Dearer rent is left earlier.
    dearer = found.break_even(rent * 1.1)
    assert dearer is not None
    assert dearer <= use
