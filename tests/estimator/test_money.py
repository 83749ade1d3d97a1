"""The money of a report: its lines, months, quarters and years are one and the same, exactly."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import pyxirr

from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.estimates import estimate
from app.services.situations import SITUATIONS

TODAY = date(2026, 11, 23)
FEW = {"draws": 1_000}
SCENARIOS = {
    "plain": ScenarioInput(draws=1_000),
    "taxed": ScenarioInput(
        draws=1_000,
        start_month="2027-05",
        fiscal_year_start=4,
        tax_percent=25,
        capitalised_percent=80,
        write_off_months=20,
        inflation_percent=3,
        horizon_months=50,
        adoption_ramp_months=6,
        growth_percent=12,
        growth_per_point_percent=0.5,
        margin_per_answer_usd=0.02,
        other_answers_per_month=20_000,
        other_value_usd=0.1,
    ),
    "real": ScenarioInput(
        draws=1_000, money_terms="real", inflation_percent=4, tax_percent=30, capitalised_percent=50
    ),
    "reserved": ScenarioInput(draws=1_000, include_reserved=True, include_capacity_blocks=True),
    "late": ScenarioInput(draws=1_000, horizon_months=1, engineer_weeks_full=30),
    **{s.key: s.scenario.model_copy(update=FEW) for s in SITUATIONS},
}


@pytest.fixture(scope="module", params=SCENARIOS)
def report(request: pytest.FixtureRequest, catalog: Catalog) -> Report:
    return estimate(SCENARIOS[request.param], catalog, TODAY)


def columns(rows: list[tuple[float, ...]], months: int) -> list[float]:
    """Sums by month, in plain Python and in any order."""
    return [sum(row[m] for row in rows) for m in range(months + 1)]


def test_lines_to_months_to_quarters_to_years_to_totals(report: Report) -> None:
    timeline, months = report.timeline, report.horizon_months
    assert timeline is not None
    for m in report.methods:
        money = m.money
        assert money is not None
        costs = [line for line in money.lines if line.side == "cost"]
        benefits = [line for line in money.lines if line.side == "benefit"]
        assert [*costs, *benefits] == list(money.lines)
        for line in money.lines:
            assert line.usd == sum(line.usd_by_month)
            for quantity, usd, index in zip(
                line.quantity_by_month, line.usd_by_month, timeline.price_index, strict=True
            ):
                assert usd == pytest.approx(
                    quantity * line.unit_price_usd * index,
                    rel=1e-9,
                    abs=1e-9 * (1 + abs(line.usd)),
                )
        by_month = {
            "capex": [x.usd_by_month for x in costs if x.nature == "capex"],
            "opex": [x.usd_by_month for x in costs if x.nature == "opex"],
            "cost": [x.usd_by_month for x in costs],
            "benefit": [x.usd_by_month for x in benefits],
        }
        for name, rows in by_month.items():
            assert columns(rows, months) == list(getattr(money, f"{name}_by_month")), name
        net = [
            b - c - o - t
            for b, c, o, t in zip(
                money.benefit_by_month,
                money.capex_by_month,
                money.opex_by_month,
                money.tax_by_month,
                strict=True,
            )
        ]
        assert net == list(money.net_by_month)
        for name in ("capex", "opex", "benefit", "tax", "net"):
            total = sum(getattr(money, f"{name}_by_month"))
            for periods in (money.quarters, money.years):
                assert sum(getattr(p, f"{name}_usd") for p in periods) == total
        for year in money.years:
            quarters = [q for q in money.quarters if q.label.startswith(f"{year.label} ")]
            assert year.net_usd == sum(q.net_usd for q in quarters)
        # And the rest of the report is of the same money.
        assert m.total_usd == sum(x.usd for x in costs) == sum(x.usd for x in m.cost_lines)
        assert m.cash_flow is not None
        assert m.cash_flow.monthly_usd == money.net_by_month
        assert m.cash_flow.cumulative_usd[-1] == sum(net)
        assert money.npv_usd == sum(money.present_by_month)
        assert m.npv_usd is not None
        size = sum(map(abs, money.net_by_month))
        assert m.npv_usd.mean == pytest.approx(money.npv_usd, abs=1e-9 * size)


def test_npv_is_that_of_a_workbook(report: Report) -> None:
    """=C0+NPV(i, C1:Cn), flow by flow."""
    assert report.timeline is not None
    i = report.timeline.monthly_rate_fraction
    assert (1 + i) ** 12 - 1 == pytest.approx(report.discount_rate_fraction)
    for m in report.methods:
        assert m.money is not None
        npv = 0.0
        for flow in reversed(m.money.net_by_month):
            npv = npv / (1 + i) + flow
        size = sum(map(abs, m.money.net_by_month))
        assert m.money.npv_usd == pytest.approx(npv, abs=1e-9 * size)


def test_dated_rates_are_those_of_pyxirr(report: Report) -> None:
    timeline = report.timeline
    assert timeline is not None
    days = [date.fromisoformat(day) for day in timeline.flow_dates]
    assert days[0].isoformat() == timeline.start == timeline.months[0].start
    for m in report.methods:
        assert m.money is not None
        flows = list(m.money.net_by_month)
        if min(flows) >= 0 or max(flows) <= 0:
            assert not m.money.xirr_fractions
            assert m.money.xirr_note
            continue
        theirs = pyxirr.xirr(days, flows)
        if theirs is not None and np.isfinite(theirs) and theirs > -0.999:
            nearest = min(m.money.xirr_fractions, key=lambda rate: abs(rate - theirs))
            assert nearest == pytest.approx(theirs, rel=1e-6)
        for rate in m.money.xirr_fractions:
            present = [
                flow / (1 + rate) ** ((day - days[0]).days / 365)
                for flow, day in zip(flows, days, strict=True)
            ]
            assert abs(sum(present)) <= 1e-9 * sum(map(abs, present))


def test_the_same_seed_gives_the_same_bits(catalog: Catalog) -> None:
    first, again = (estimate(SCENARIOS["taxed"], catalog, TODAY) for _ in range(2))
    assert first == again
    other = estimate(SCENARIOS["taxed"].model_copy(update={"seed": 2}), catalog, TODAY)
    assert other.methods[0].npv_usd != first.methods[0].npv_usd
    assert [x.usd for x in other.methods[0].cost_lines] == [
        x.usd for x in first.methods[0].cost_lines
    ]


def test_a_ramp_delays_what_is_earned(catalog: Catalog) -> None:
    """Two months of a straight line are one month of all answers."""
    asked = ScenarioInput(draws=1_000, methods=("lora",), growth_percent=0)
    plain = estimate(asked, catalog, TODAY).methods[0].money
    ramped = (
        estimate(asked.model_copy(update={"adoption_ramp_months": 2.0}), catalog, TODAY)
        .methods[0]
        .money
    )
    assert plain is not None
    assert ramped is not None
    assert sum(plain.drivers.use_by_month) - sum(ramped.drivers.use_by_month) == pytest.approx(1)
    assert ramped.drivers.use_by_month[-1] == 1


def test_what_is_entered_by_a_provider_is_on_its_lines(report: Report, catalog: Catalog) -> None:
    for m in report.methods:
        assert m.money is not None
        assert m.plan is not None
        for line in m.money.lines:
            if line.unit == "GPU-hours":
                assert line.sku == m.plan.offer_key
                assert line.provider in catalog.providers
            if line.source == "input":
                assert line.inputs
                assert set(line.inputs) <= set(ScenarioInput.model_fields)
