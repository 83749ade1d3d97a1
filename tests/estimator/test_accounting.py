"""Inflation, tax and what is written off, against plain loops."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.accounting import PLAIN, REAL, Accounting
from app.estimator.benefits import benefit_flows, use_drivers
from app.estimator.case import Programme, Value
from app.estimator.cost import Upkeep, programme_costs
from app.estimator.gpu_bill import Run
from app.estimator.ledger import Ledger, ledger_of
from app.estimator.uncertainty import money_draws
from app.estimator.value import InUse, streams_of

PROGRAMME = Programme(8, 0.3, 0.1, 6, 4, 3500, 1000, 3, 500, 0.4, 1200, 300)
accountings = st.builds(
    Accounting,
    start=st.just(date(2027, 1, 1)),
    terms=st.sampled_from(["nominal", "real"]),
    inflation_fraction=st.sampled_from([0.0, 0.03, -0.01, 0.4]),
    tax_fraction=st.sampled_from([0.0, 0.21, 0.5]),
    capitalised_fraction=st.sampled_from([0.0, 0.6, 1.0]),
    write_off_months=st.integers(1, 70),
)


def ledger(
    accounting: Accounting,
    *,
    months: int = 36,
    weeks: float = 6.0,
    rate: float = 0.1,
    option: str = "on-demand",
) -> tuple[Ledger, InUse, Value, np.ndarray]:
    costs = programme_costs(
        Run(20.0, 8, 2.5, "a", option),
        PROGRAMME,
        weeks,
        months,
        Upkeep(serving_usd_per_month=150.0),
        accounting,
    )
    value = Value(60, 500, 1_000, 2.0, months, rate, 0.3, 0.1, growth_per_point_fraction=0.01)
    random = np.random.default_rng(3)
    gains = 5 + 4 * random.standard_normal(500)
    factor = np.exp(0.2 * random.standard_normal(500))
    factor /= factor.mean()
    use = InUse(gains, 0 * gains, 0.0, costs.live_by_month, costs.release_month)
    flows = benefit_flows(value, use, use_drivers(value, use, factor))
    return ledger_of(costs, flows, rate), use, value, factor


def by_loop(found: Ledger, accounting: Accounting) -> list[float]:
    """Net flows, month by month, with tax as it is defined."""
    flows = []
    months = len(found.net) - 1
    capital = float(found.capex.sum())
    first = int(np.ceil(found.costs.release_month)) + 1
    for m in range(months + 1):
        written = 0.0
        if first <= m < first + accounting.write_off_months and first <= months:
            written = accounting.capitalised_fraction * capital / accounting.write_off_months
            if accounting.terms == "real":
                written /= (1 + accounting.inflation_fraction) ** (m / 12)
        expensed = found.capex[m] * (1 - accounting.capitalised_fraction)
        profit = found.benefit[m] - found.opex[m] - expensed - written
        tax = accounting.tax_fraction * profit
        flows.append(float(found.benefit[m] - found.opex[m] - found.capex[m] - tax))
    return flows


@given(
    accounting=accountings,
    months=st.integers(1, 60),
    weeks=st.floats(0, 90),
    option=st.sampled_from(["on-demand", "reserved-1y", "capacity-block"]),
)
@hypothesis_settings(max_examples=60)
def test_net_flows_are_those_of_a_plain_loop(
    accounting: Accounting, months: int, weeks: float, option: str
) -> None:
    found, _, _, _ = ledger(accounting, months=months, weeks=weeks, option=option)
    size = float(np.abs(found.net).sum())
    assert found.net.tolist() == pytest.approx(by_loop(found, accounting), abs=1e-12 * size)
    # Lines to months to the whole, exactly.
    lines = [*found.costs.amounts, *found.benefit_amounts]
    assert sum(float(line.sum()) for line in lines) == float(
        found.capex.sum() + found.opex.sum() + found.benefit.sum()
    )
    assert float(found.net.sum()) == found.benefit_usd - found.costs.total_usd - float(
        found.tax.sum()
    )
    assert float((found.capex + found.opex).sum()) == found.costs.total_usd
    assert found.npv_usd == sum(found.present.tolist())


@given(accounting=accountings, months=st.integers(1, 48), option=st.sampled_from(["on-demand"]))
@hypothesis_settings(max_examples=30)
def test_the_mean_of_the_draws_is_the_ledger(
    accounting: Accounting, months: int, option: str
) -> None:
    found, use, value, factor = ledger(accounting, months=months, option=option)
    one = np.ones(500)
    money = money_draws(found.costs, streams_of(value, use, factor), one, 0.1)
    size = float(np.abs(found.net).sum())
    assert money.npv.mean() == pytest.approx(found.npv_usd, abs=1e-10 * size)
    assert money.total_cost.mean() == pytest.approx(found.costs.total_usd, rel=1e-12)


@given(
    accounting=accountings,
    months=st.integers(1, 48),
    option=st.sampled_from(["on-demand", "reserved-3y", "capacity-block"]),
)
@hypothesis_settings(max_examples=30)
def test_real_and_nominal_terms_agree(accounting: Accounting, months: int, option: str) -> None:
    """Fisher 1930: flows that rise with prices, at a rate that does too, are worth as much; and so
    is a contract whose payments do not rise."""
    inflation, rate = accounting.inflation_fraction, 0.07
    real = dataclasses.replace(accounting, terms=REAL)
    nominal = dataclasses.replace(accounting, terms="nominal")
    in_real, *_ = ledger(real, months=months, rate=rate, option=option)
    in_nominal, *_ = ledger(
        nominal, months=months, rate=(1 + rate) * (1 + inflation) - 1, option=option
    )
    size = float(np.abs(in_real.net).sum())
    assert in_nominal.npv_usd == pytest.approx(in_real.npv_usd, abs=1e-9 * size)


def test_tax_takes_its_share_of_the_worth_where_all_is_expensed() -> None:
    plain, *_ = ledger(PLAIN)
    taxed, *_ = ledger(dataclasses.replace(PLAIN, tax_fraction=0.25))
    assert taxed.npv_usd == pytest.approx(0.75 * plain.npv_usd)
    assert taxed.costs.total_usd == pytest.approx(plain.costs.total_usd, rel=1e-12)


def test_writing_off_later_saves_tax_later() -> None:
    npvs = [
        ledger(Accounting(tax_fraction=0.3, capitalised_fraction=1.0, write_off_months=m))[
            0
        ].npv_usd
        for m in (1, 12, 24, 36, 60)
    ]
    expensed = ledger(Accounting(tax_fraction=0.3))[0].npv_usd
    assert sorted([expensed, *npvs], reverse=True) == [expensed, *npvs]


def test_what_is_written_off_is_what_was_capitalised() -> None:
    found, *_ = ledger(Accounting(tax_fraction=0.3, capitalised_fraction=0.5, write_off_months=12))
    assert found.depreciation.sum() == pytest.approx(0.5 * found.capex.sum())
    assert np.count_nonzero(found.depreciation) == 12
    # Released within month 2: the first whole month in use is the third.
    assert 1 < found.costs.release_month < 2
    assert found.depreciation[:3].tolist() == [0, 0, 0]
    assert found.depreciation[3] > 0


def test_prices_rise_by_the_year() -> None:
    found, *_ = ledger(Accounting(inflation_fraction=0.2))
    plain, *_ = ledger(PLAIN)
    assert found.opex[12] == pytest.approx(1.2 * plain.opex[12])
    assert found.benefit[24] == pytest.approx(1.44 * plain.benefit[24])
    assert found.capex[0] == pytest.approx(plain.capex[0])
    # A line says the price that is paid on average.
    line = next(line for line in found.costs.lines if line.key == "serving")
    assert line.unit_price_usd > 150
    assert line.quantity * line.unit_price_usd == pytest.approx(line.usd)


def test_payments_of_a_reservation_do_not_rise() -> None:
    """Twelve equal instalments whatever inflation does, and running cost rather than capital."""
    rising, *_ = ledger(Accounting(inflation_fraction=0.2), months=12, option="reserved-1y")
    plain, *_ = ledger(PLAIN, months=12, option="reserved-1y")
    assert rising.costs.gpu_by_month == pytest.approx(plain.costs.gpu_by_month)
    assert rising.costs.fixed_by_month[12] > plain.costs.fixed_by_month[12]
    assert np.flatnonzero(rising.capex).tolist() == [0]
    real, *_ = ledger(
        Accounting(terms=REAL, inflation_fraction=0.2), months=12, option="reserved-1y"
    )
    paid = np.flatnonzero(plain.costs.gpu_by_month)
    assert len(paid) > 1
    for m in paid:
        deflated = plain.costs.gpu_by_month[m] / 1.2 ** (m / 12)
        assert real.costs.gpu_by_month[m] == pytest.approx(deflated)
