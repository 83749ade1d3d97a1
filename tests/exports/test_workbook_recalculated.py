"""Workbooks that LibreOffice recalculates: as exported, and after a user has changed a figure.

What is changed there has to come to what a fresh estimate of the changed scenario says, to the
cent.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openpyxl
import pytest

from app.catalog.catalog import Catalog
from app.estimator.report import MethodReport, Report
from app.estimator.report_money import MoneyReport, ServingDrivers
from app.exports.workbook import workbook_bytes
from app.exports.workbook.summary_sheet import FRESH, STALE
from tests.exports.calc import cells, changed, recalculated
from tests.exports.reading import NPV, Reader
from tests.exports.workbook_cases import CASES, CHANGES

CENT = 0.005
ERRORS = ("#", "Err:")


@dataclass(frozen=True)
class Judged:
    """One workbook.

    Parameters
    ----------
    content : as exported, before anything is changed.
    found : as LibreOffice recalculated it.
    told : what Tunecase says of the same; before : what it said when the workbook was exported.
    """

    content: bytes
    found: Reader
    told: Report
    before: Report


@pytest.fixture(scope="module")
def judged(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    """All workbooks, recalculated in one start of LibreOffice."""
    folder = tmp_path_factory.mktemp("calc")
    reports = {name: case.report(catalog) for name, case in CASES.items()}
    exported = {name: workbook_bytes(report) for name, report in reports.items()}
    books = dict(exported)
    for name, change in CHANGES.items():
        books[name] = changed(exported[change.base], change.typed, folder)
    found = recalculated(books, folder)
    result = {
        name: Judged(exported[name], Reader(found[name]), report, report)
        for name, report in reports.items()
    }
    for name, change in CHANGES.items():
        before = reports[change.base]
        told = change.report(catalog, before)
        result[name] = Judged(exported[change.base], Reader(found[name]), told, before)
    return result


def methods(report: Report) -> Iterator[tuple[MethodReport, MoneyReport]]:
    for m in report.methods:
        assert m.money is not None
        yield m, m.money


def near(found: Any, told: float, name: str, within: float = CENT) -> None:
    assert isinstance(found, int | float), (name, found)
    assert abs(found - told) < within, (name, found, told)


def all_near(found: list[float], told: tuple[float, ...], name: str) -> None:
    assert len(found) == len(told), name
    for month, (cell, figure) in enumerate(zip(found, told, strict=True)):
        near(cell, figure, f"{name}, month {month}")


@pytest.mark.parametrize("name", CASES)
def test_every_cell_recalculates_to_the_value_that_it_holds(
    judged: dict[str, Judged], name: str
) -> None:
    case = judged[name]
    held = openpyxl.load_workbook(io.BytesIO(case.content), data_only=True)
    formulas = openpyxl.load_workbook(io.BytesIO(case.content))
    compared = 0
    for sheet, place, formula in cells(formulas):
        if not (isinstance(formula, str) and formula.startswith("=")):
            continue
        ours, theirs = held[sheet][place].value, case.found.book[sheet][place].value
        if isinstance(ours, int | float):
            assert isinstance(theirs, int | float), (sheet, place, formula, ours, theirs)
            assert theirs == pytest.approx(ours, rel=1e-9, abs=1e-9), (sheet, place, formula)
        else:
            assert (theirs or "") == (ours or ""), (sheet, place, formula)
        compared += 1
    assert compared > 1_000


@pytest.mark.parametrize("name", [*CASES, *CHANGES])
def test_no_cell_is_an_error_and_all_sums_agree(judged: dict[str, Judged], name: str) -> None:
    book = judged[name].found
    for sheet, place, value in cells(book.book):
        if isinstance(value, str):
            assert not value.startswith(ERRORS), (sheet, place, value)
    assert book.row("Years and quarters", "All checks together")[1] == 0


@pytest.mark.parametrize("name", [*CASES, *CHANGES])
def test_words_of_the_export_say_once_an_input_is_changed_that_they_are_out_of_date(
    judged: dict[str, Judged], name: str
) -> None:
    book = judged[name].found.book
    said = [row[0] for row in book["Summary"].iter_rows(max_row=12, values_only=True)]
    marked = [str(row[7]) for row in book["Inputs"].iter_rows(values_only=True)].count("changed")
    if name in CASES:
        assert said.count(FRESH) == 1
        assert marked == 0
    else:
        count = len(CHANGES[name].typed)
        assert said.count(f"{STALE[0]}{count}{STALE[1]}") == 1
        assert FRESH not in said
        assert marked == count


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_leaves_plan_and_hardware_as_they_were(
    judged: dict[str, Judged], name: str
) -> None:
    """What the workbook holds, so that the comparison below is one of money alone."""

    def hardware(m: MethodReport, money: MoneyReport) -> tuple[Any, ...]:
        plan, serving = m.plan, money.serving
        assert plan is not None
        return plan.offer_key, plan.gpus, plan.hours, m.time_to_release_months, _held(serving)

    case = judged[name]
    for now, then in zip(methods(case.told), methods(case.before), strict=True):
        assert hardware(*now) == hardware(*then)


def _held(serving: ServingDrivers | None) -> tuple[Any, ...]:
    if serving is None:
        return ()
    return (
        serving.tuned_offer_key,
        serving.base_offer_key,
        serving.tuned_models,
        serving.tuned_answers_per_s,
        serving.base_answers_per_s,
        serving.tuned_replicas_per_instance,
    )


@pytest.mark.parametrize("name", [*CASES, *CHANGES])
def test_lines_come_to_those_of_tunecase(judged: dict[str, Judged], name: str) -> None:
    case = judged[name]
    for m, money in methods(case.told):
        sheet = f"Lines {m.label.split(' (')[0]}"
        assert money.lines
        for line in money.lines:
            after = "Costs, USD" if line.side == "cost" else "Benefits, USD"
            near(case.found.total(sheet, line.label, after), line.usd, line.key)
            all_near(case.found.months(sheet, line.label, after), line.usd_by_month, line.key)


@pytest.mark.parametrize("name", [*CASES, *CHANGES])
def test_cash_flow_and_its_figures_are_those_of_tunecase(
    judged: dict[str, Judged], name: str
) -> None:
    case = judged[name]
    for m, money in methods(case.told):

        def at(label: str, method: str = m.label) -> Any:
            return case.found.total("Cash flow", label, method)

        for label, told in (
            ("Benefit", money.benefit_by_month),
            ("Capital cost (until the first release)", money.capex_by_month),
            ("Running cost", money.opex_by_month),
            ("Depreciation of what is capitalised (no flow of money)", money.depreciation_by_month),
            ("Tax (below 0: saved elsewhere in the company)", money.tax_by_month),
            ("Net cash flow", money.net_by_month),
            ("Present value", money.present_by_month),
        ):
            all_near(case.found.months("Cash flow", label, m.label), told, label)
            near(at(label), sum(told), label)
        near(at(NPV), money.npv_usd, "npv")
        assert m.npv_usd is not None
        for label, moment in (
            ("Payback [months]", m.payback_months),
            ("Discounted payback [months]", m.discounted_payback_months),
        ):
            if moment is None:
                assert at(label) == "none", label
            else:
                near(at(label), moment, label, 1e-6)
        for label, rates in (
            ("Internal rate of return, a year", m.irr_fractions),
            ("Rate of return of the dated flows (XIRR)", money.xirr_fractions),
        ):
            if not rates:
                assert at(label) == "none", label
            else:
                assert at(label) == pytest.approx(rates[0], rel=1e-6), label


@pytest.mark.parametrize("name", [*CASES, *CHANGES])
def test_quarters_and_years_are_those_of_tunecase(judged: dict[str, Judged], name: str) -> None:
    case = judged[name]
    for m, money in methods(case.told):
        for periods in (money.quarters, money.years):
            labels = {period.label for period in periods}
            for row, attribute in (
                ("Benefit", "benefit_usd"),
                ("Capital cost", "capex_usd"),
                ("Running cost", "opex_usd"),
                ("Tax", "tax_usd"),
                ("Net cash flow", "net_usd"),
            ):
                found = case.found.periods(labels, m.label, row)
                assert set(found) == labels
                for period in periods:
                    near(found[period.label], getattr(period, attribute), f"{row} {period.label}")


@pytest.mark.parametrize("name", [n for n in [*CASES, *CHANGES] if n != "reserved, storage"])
def test_full_against_the_adapter_is_as_tunecase_compares_them(
    judged: dict[str, Judged], name: str
) -> None:
    case = judged[name]
    comparison = case.told.comparison
    assert comparison is not None
    assert comparison.incremental is not None
    near(case.found.total("Comparison", NPV), comparison.incremental.npv_usd, "npv")
    rate = case.found.total("Comparison", "Internal rate of return, a year")
    if comparison.incremental.irr_fractions:
        assert rate == pytest.approx(comparison.incremental.irr_fractions[0], rel=1e-6)
    else:
        assert rate == "none"
    label = "Break-even gap: points that full has to add to the gain of the adapter"
    if "growth" in name:
        label += " (value of Tunecase: growth by accuracy bends it)"
    gap = case.found.total("Comparison", label)
    if comparison.break_even_gap_points is None:
        assert gap == "none"
    else:
        near(gap, comparison.break_even_gap_points, "gap", 1e-6)
    full, adapter = (
        next(m for m in case.told.methods if m.method == method)
        for method in ("full", comparison.adapter_method)
    )
    assert full.total_usd is not None
    assert adapter.total_usd is not None
    more = sum(case.found.total("Comparison", kind) for kind in ("Capital cost", "Running cost"))
    near(more, full.total_usd - adapter.total_usd, "extra cost", 2 * CENT)


@pytest.mark.parametrize("name", [name for name, change in CHANGES.items() if change.sensitivity])
def test_a_sensitivity_of_a_tenth_is_what_the_changed_scenario_is_worth(
    judged: dict[str, Judged], name: str
) -> None:
    change = CHANGES[name]
    base = judged[change.base].found
    head = base.row("Sensitivity", "One figure changed by")
    column = next(place for place, step in enumerate(head) if step == 0.1)
    for m, money in methods(judged[name].told):
        row = base.row("Sensitivity", change.sensitivity, m.label)
        near(row[column], money.npv_usd, change.sensitivity)


def test_serving_moves_with_the_volume(judged: dict[str, Judged]) -> None:
    """Else the case of a changed volume would say nothing about serving."""
    for m, money in methods(judged["volume"].told):
        before = next(x for x in judged["volume"].before.methods if x.method == m.method).money
        assert before is not None
        assert _rent(money) != _rent(before), m.method


def _rent(money: MoneyReport) -> float:
    return next((line.unit_price_usd for line in money.lines if line.key == "serving"), 0.0)
