"""Electricity and carbon of a run, worked by hand."""

from __future__ import annotations

from datetime import date

import pytest

from app.estimator.constants import constant_values
from app.estimator.energy import energy_report
from app.estimator.hardware import Grid, Source

DAY = date(2026, 11, 1)
SOURCE = Source("a-grid", "A grid", "Somebody", "dataset", "example.org", DAY)
GRID = Grid("se", "Sweden", 2023, 41.0, 0.05, SOURCE, "dataset", SOURCE, DAY, DAY)


def test_a_node_of_8_h100_by_hand() -> None:
    """700 W x 1.8 x 0.82 = 1,033.2 W a GPU: 8.27 kW a node, where 8.4 kW was measured. 10 h with
    PUE 1.54: 127.29 kWh, at 41 g 5.22 kg.
    """
    found = energy_report(8, 10.0, 700.0, GRID, constant_values())
    assert found.power_w_per_gpu == pytest.approx(1033.2)
    assert found.kwh == pytest.approx(127.290, abs=1e-3)
    assert found.kg_co2e == pytest.approx(5.2189, abs=1e-4)
    assert (found.grid_label, found.g_co2e_per_kwh, found.grid_source_key) == (
        "Sweden",
        41.0,
        "a-grid",
    )
    assert found.pue == 1.54


def test_no_carbon_where_the_grid_is_not_known() -> None:
    found = energy_report(1, 1.0, 700.0, None, constant_values())
    assert found.kg_co2e is None
    assert found.g_co2e_per_kwh is None
    assert found.kwh > 0


def test_assumptions_of_energy_can_be_changed() -> None:
    plain = energy_report(1, 1.0, 500.0, None, constant_values())
    bare = constant_values(
        {"power_load_fraction": 1.0, "host_power_per_gpu_power": 0.0, "data_centre_pue": 1.0}
    )
    assert energy_report(1, 1.0, 500.0, None, bare).kwh == pytest.approx(0.5)
    assert plain.kwh == pytest.approx(0.5 * 1.8 * 0.82 * 1.54)
