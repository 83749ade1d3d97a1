"""Costs, benefits and cash flow of a result page: the numbers of the report, and they add up."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.estimator.report_money import Period
from app.inputs import ScenarioInput
from app.services.estimates import estimate
from app.web import result_costs, result_money, result_table, results, show_numbers
from app.web.figure_cash_flow import cash_flow
from app.web.figures import Frame
from app.web.result_money import CashFlowView, FlowGroup, nested
from app.web.show_numbers import whole_to_sum
from tests.web.conftest import TODAY
from tests.web.markup import Document


def _number(text: str) -> float:
    digits = re.sub(r"[^\d.]", "", text)
    return float(digits) * (-1 if "−" in text else 1)


def _numbers(cells: tuple[str, ...]) -> list[float]:
    return [_number(cell) for cell in cells if cell]


@pytest.fixture(scope="module")
def taxed(catalog: Catalog) -> Report:
    """Taxed, in euro, with inflation and a fiscal year that begins in July."""
    scenario = ScenarioInput(
        title="Taxed",
        currency="EUR",
        start_month="2027-03",
        fiscal_year_start=7,
        tax_percent=25,
        capitalised_percent=60,
        write_off_months=24,
        inflation_percent=2,
        release_fixed_usd=9_000,
        other_answers_per_month=5_000,
        other_value_usd=0.5,
    )
    return estimate(scenario, catalog, TODAY)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_whole_numbers_add_up_and_none_is_off_by_one(values: list[float]) -> None:
    total = round(math.fsum(values))
    found = whole_to_sum(values, total)
    assert sum(found) == total
    assert all(abs(a - b) < 1 for a, b in zip(found, values, strict=True))


@settings(max_examples=60)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=61),
    st.integers(1, 3),
    st.integers(1, 4),
)
def test_months_add_up_to_quarters_and_quarters_to_years(
    by_month: list[float], first_quarter: int, first_year: int
) -> None:
    last = len(by_month) - 1
    starts = [1, *range(1 + first_quarter, last + 1, 3)]
    quarters = [
        Period("", a, b, "", "")
        for a, b in zip(starts, [*(s - 1 for s in starts[1:]), last], strict=True)
    ]
    firsts = [0, *range(first_year, len(quarters), 4)]
    years = [
        Period("", quarters[a].first_month, quarters[b - 1].last_month, "", "")
        for a, b in zip(firsts, [*firsts[1:], len(quarters)], strict=True)
    ]
    found = nested(by_month, quarters, years)
    assert found.total == sum(found.years) == sum(found.quarters) == sum(found.months)
    assert found.total == round(math.fsum(by_month))
    for quarter, shown in zip(quarters, found.quarters, strict=True):
        begin = 0 if quarter.first_month == 1 else quarter.first_month
        assert shown == sum(found.months[begin : quarter.last_month + 1])
        assert abs(shown - math.fsum(by_month[begin : quarter.last_month + 1])) < 1 + 1e-6
    for (a, b), shown in zip(
        zip(firsts, [*firsts[1:], len(quarters)], strict=True), found.years, strict=True
    ):
        assert shown == sum(found.quarters[a:b])
    assert all(abs(a - b) < 1 + 1e-6 for a, b in zip(found.months, by_month, strict=True))


def _view(report: Report) -> CashFlowView:
    found = result_money.view(report)
    assert found is not None
    return found


def _rows(group: FlowGroup) -> dict[str, list[float]]:
    return {row.label: _numbers(row.cells) for row in group.rows}


@pytest.mark.parametrize("name", ["report", "taxed"])
def test_the_years_are_those_of_the_report_and_add_up(
    name: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(name)
    view = _view(report)
    rate = report.currency.per_usd
    for m, group in zip(report.methods, view.by_year, strict=True):
        assert m.money is not None
        rows = _rows(group)
        parts = ["Capex", "Opex", "Benefits", *(["Tax"] if name == "taxed" else [])]
        assert list(rows) == [*parts, "Net", "Cumulative", "Present value"]
        for column in range(len(view.years) + 1):
            assert rows["Net"][column] == sum(rows[part][column] for part in parts)
        for label in (*parts, "Net", "Present value"):
            assert rows[label][-1] == sum(rows[label][:-1])
        assert rows["Cumulative"] == pytest.approx(np.cumsum(rows["Net"][:-1]))
        assert rows["Present value"][-1] == pytest.approx(m.money.npv_usd * rate, abs=0.51)
        for i, year in enumerate(m.money.years):
            assert rows["Capex"][i] == pytest.approx(-year.capex_usd * rate, abs=1)
            assert rows["Opex"][i] == pytest.approx(-year.opex_usd * rate, abs=1)
            assert rows["Benefits"][i] == pytest.approx(year.benefit_usd * rate, abs=1)
            assert rows["Net"][i] == pytest.approx(year.net_usd * rate, abs=4)
            if name == "taxed":
                assert rows["Tax"][i] == pytest.approx(-year.tax_usd * rate, abs=1)


def test_quarters_and_months_add_up_to_the_same_totals(taxed: Report) -> None:
    view = _view(taxed)
    for yearly, *others in zip(view.by_year, view.by_quarter, view.by_month, strict=True):
        totals = {label: values[-1] for label, values in _rows(yearly).items()}
        for group in others:
            assert group.total is not None
            shown = _numbers(group.total.cells)
            assert shown == [totals[column] for column in view.columns[:-1]]
            sums = np.sum([_numbers(row.cells)[:-1] for row in group.rows], axis=0)
            assert shown == sums.tolist()
            assert _numbers(group.rows[-1].cells)[-1] == shown[-1]
    assert [len(group.rows) for group in view.by_month] == [37] * 3


def test_small_amounts_keep_their_cents(report: Report) -> None:
    rate = dataclasses.replace(report.currency, per_usd=0.001)
    view = _view(dataclasses.replace(report, currency=rate))
    assert all("." in cell for row in view.by_year[0].rows for cell in row.cells if cell)


@pytest.mark.parametrize("name", ["report", "taxed"])
def test_lines_add_up_to_the_totals_that_are_shown(
    name: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(name)

    def cents(text: str) -> int:
        return round(_number(text) * 100)

    for table, m in zip(results.view(report).costs, report.methods, strict=True):
        assert m.money is not None
        lines = [x for x in m.money.lines if x.usd or x.key in ("release_run", "right_answers")]
        assert len(table.rows) == sum(line.side == "cost" for line in lines)
        totals = {group.key: cents(group.total) for group in table.groups}
        for group in table.groups:
            assert sum(cents(row.amount) for row in group.rows) == totals[group.key]
        ends = [cents(end.value) for end in table.ends]
        assert ends[0] == totals["capex"] + totals["opex"] == cents(table.total)
        tax = ends[1] if name == "taxed" else 0
        assert ends[-2] == totals["benefit"] - ends[0] - tax
        assert ends[-1] == pytest.approx(m.money.npv_usd * report.currency.per_usd * 100, abs=0.51)
        assert (table.ends[1].label == "Tax") == (name == "taxed")
        shown = sum(len(group.rows) for group in table.groups)
        assert shown == len(lines)


def test_one_method_is_open(report: Report) -> None:
    tables = results.view(report).costs
    assert [table.opened for table in tables].count(True) == 1
    assert next(table for table in tables if table.opened).method == report.verdict.choice


def test_inflation_is_said_with_the_unit_prices(report: Report, taxed: Report) -> None:
    assert "inflation of 2% a year" in result_costs.note(taxed)
    assert "inflation" not in result_costs.note(report)


def _terms(report: Report) -> dict[str, str]:
    return {detail.label: detail.value for detail in _view(report).terms}


@pytest.mark.parametrize("terms", ["real", "nominal"])
def test_that_a_reservation_keeps_its_price_is_said(terms: str, catalog: Catalog) -> None:
    asked = ScenarioInput.model_validate(
        {
            "examples": 10**7,
            "methods": ("full",),
            "providers": ("aws",),
            "max_gpus": 8,
            "include_reserved": True,
            "objective": "cheapest",
            "releases_per_year": 366,
            "experiments": 20,
            "inflation_percent": 10,
            "money_terms": terms,
            "draws": 1_000,
        }
    )
    report = estimate(asked, catalog, TODAY)
    assert report.methods[0].money is not None
    assert any(line.fixed_price for line in report.methods[0].money.lines)
    assert "reservation" in result_costs.note(report)
    assert "reservation" in _terms(report)["Prices"]


def test_the_terms_say_how_it_is_counted(report: Report, taxed: Report) -> None:
    said = _terms(taxed)
    assert said["Months"].startswith("What is paid at the start, 1 March 2027, is month 0.")
    assert said["Months"].endswith("up to 28 February 2030.")
    assert "=C0 + NPV(i, C1:C36)" in said["Discounting"]
    assert "10% a year" in said["Discounting"]
    assert said["Prices"] == "Nominal: all prices and worths rise by 2% a year from month 0."
    assert said["Tax"].startswith("25% of profit")
    assert "60% of capex is written off in equal parts over 24 months" in said["Tax"]
    assert said["Fiscal years"] == "They begin on 1 July; FY2028 ends on 30 June 2028."
    assert [label for label, _ in _view(taxed).years] == ["FY2027", "FY2028", "FY2029", "FY2030"]
    plain = _terms(report)
    assert plain["Tax"] == "None is counted: all amounts are before tax."
    assert "no inflation" in plain["Prices"]


def test_real_money_is_said(report: Report) -> None:
    assert report.timeline is not None
    real = dataclasses.replace(report.timeline, money_terms="real", inflation_fraction=0.02)
    said = _terms(dataclasses.replace(report, timeline=real))["Prices"]
    assert said.startswith("Real: all amounts are in money of month 0")
    assert said.endswith("shrinks what is written off for tax.")


def _returning(report: Report, irr: tuple[float, ...], note: str) -> str:
    (first, *others) = report.methods
    assert first.money is not None
    money = dataclasses.replace(first.money, xirr_fractions=irr, xirr_note=note)
    first = dataclasses.replace(first, money=money, irr_fractions=irr, irr_note=note)
    return _terms(dataclasses.replace(report, methods=(first, *others)))["Rates of return"]


def test_no_rate_of_return_and_several_are_said(report: Report) -> None:
    assert _returning(report, (), "nothing comes back").startswith(
        "Full fine-tuning: none, since nothing comes back."
    )
    several = _returning(report, (-0.5, 3.0), "")
    assert several.startswith(
        "Full fine-tuning: IRR −50% or 300% a year, XIRR −50% or 300%. At several rates"
    )


def test_a_report_without_money_keeps_its_cost_lines(report: Report) -> None:
    methods = tuple(dataclasses.replace(m, money=None) for m in report.methods)
    old = dataclasses.replace(report, methods=methods, timeline=None, risk=None)
    view = results.view(old)
    assert view.money is None
    assert view.costs_label == "Cost lines"
    assert all(not table.ends for table in view.costs)
    assert "expected, over" not in view.costs_note
    assert [anchor for anchor, _ in view.contents if anchor in {"cash-flow", "risk"}] == []


def test_the_page_shows_the_numbers_of_the_report(reader: TestClient) -> None:
    scenario = {"tax_percent": 20, "currency": "GBP", "methods": ["full", "lora"]}
    report = reader.post("/api/v1/estimates", json=scenario).json()
    page = reader.get("/result?tax_percent=20&currency=GBP&methods=full&methods=lora").text
    text = " ".join(Document(page).text.split())
    rate = report["currency"]["per_usd"]
    for method in report["methods"]:
        money = method["money"]
        for line in money["lines"]:
            assert not line["usd"] or line["label"] in text
        assert f"£{money['npv_usd'] * rate:,.2f}".replace("£-", "−£") in text
        for year in money["years"]:
            assert year["label"] in text
        present = f"{round(money['npv_usd'] * rate):,}".replace("-", "−")
        assert f">{present}</td>" in page


def test_a_return_before_tax_says_so_beside_those_after_it(report: Report, taxed: Report) -> None:
    for found, note in (
        (taxed, "before tax; benefit less cost, over cost"),
        (report, "benefit less cost, over cost"),
    ):
        [row] = [r for r in result_table.rows(found) if r.label.startswith("Return on investment")]
        assert {cell.note for cell in row.cells if cell.value != show_numbers.NONE} == {note}


def test_storage_before_the_first_release_is_not_called_later(report: Report) -> None:
    full = next(m for m in report.methods if m.method == "full")
    assert full.money is not None
    assert full.time_to_release_months is not None
    [storage] = [line for line in full.money.lines if line.key == "storage"]
    first = next(month for month, usd in enumerate(storage.usd_by_month) if usd)
    assert (storage.nature, first < full.time_to_release_months) == ("opex", True)
    groups = {group.key: group.label for group in result_costs.table(report, full).groups}
    assert groups["opex"] == "Opex: running costs"
    figure = cash_flow(report, Frame(760, 262, 76, 620, 14, 210))
    assert figure is not None
    assert "month 0 is what is paid at the start" in figure.caption
