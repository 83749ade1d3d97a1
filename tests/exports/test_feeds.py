"""Feeds: stable columns, exact sums, typed cells, and no formula whatever a line is called."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import astuple, fields, replace
from math import fsum
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.estimator.report import MethodReport, Report
from app.exports.feed_source import NoMoney
from app.exports.feeds import FEEDS
from tests.exports.money_reports import money, rich, timeline, with_lines

DOCS = Path(__file__).resolve().parents[2] / "docs" / "feeds.md"

PANDAS_TYPES = {"whole": "iu", "number": "f", "text": "OUT", "true or false": "b", "date": "M"}


def documented(name: str) -> list[tuple[str, str]]:
    """Columns and their types as the documentation lists them."""
    section = DOCS.read_text().split(f"\n## {name}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| ([a-z0-9_]+) \| ([a-z ]+) \|", section, re.MULTILINE)


def frame(name: str, report: Report) -> pd.DataFrame:
    """A feed as pandas reads it."""
    text = FEEDS[name].csv(report)
    dates = [column for column, kind in documented(name) if kind == "date"]
    return pd.read_csv(io.StringIO(text, newline=""), parse_dates=dates)


def methods() -> Iterable[MethodReport]:
    return (method for method in rich().methods if method.money is not None)


def test_the_scenario_has_every_kind_of_line() -> None:
    kinds = {line.category for method in methods() for line in money(method).lines}
    assert {"data", "training", "people", "compliance", "delay", "storage", "accuracy"} <= kinds


@pytest.mark.parametrize("name", list(FEEDS))
def test_the_columns_are_those_that_are_documented(name: str) -> None:
    header = next(csv.reader(io.StringIO(FEEDS[name].csv(rich()))))
    assert header == [column for column, _ in documented(name)]
    assert tuple(header) == FEEDS[name].columns


def test_columns_never_move() -> None:
    """What stands here may grow at its end, and never changes otherwise."""
    assert {name: ",".join(feed.columns[:9]) for name, feed in FEEDS.items()} == {
        "cash-flow": "method,month,date,period_start,period_end,fiscal_year,fiscal_quarter,"
        "capex_usd,opex_usd",
        "lines": "method,line,label,side,category,nature,month,date,fiscal_year",
        "totals": "method,line,label,side,category,nature,quantity,unit,unit_price_usd",
        "periods": "method,kind,period,period_start,period_end,first_month,last_month,capex_usd,"
        "opex_usd",
        "summary": "method,label,feasible,choice,cost_usd,benefit_usd,tax_usd,net_usd,npv_usd",
    }


@pytest.mark.parametrize("name", list(FEEDS))
def test_every_column_has_its_type(name: str) -> None:
    read = frame(name, rich())
    assert len(read) > 0
    for column, kind in documented(name):
        found = read[column]
        if found.isna().all():
            continue  # such as the region of what nobody sells
        assert found.dtype.kind in PANDAS_TYPES[kind], (column, found.dtype)
        if kind in {"whole", "true or false"}:
            assert not found.isna().any(), column


@pytest.mark.parametrize("name", list(FEEDS))
def test_numbers_are_read_as_they_are_in_the_report(name: str) -> None:
    rows = FEEDS[name].rows(rich())
    read = frame(name, rich())
    for field in fields(FEEDS[name].row):
        if str(field.type).startswith("float"):
            values = [getattr(row, field.name) for row in rows]
            found = [None if pd.isna(value) else value for value in read[field.name]]
            assert found == values, field.name


def test_lines_add_up_to_totals_and_to_months() -> None:
    lines, totals, flow = (frame(name, rich()) for name in ("lines", "totals", "cash-flow"))
    by_line = lines.groupby(["method", "line"])["amount_usd"].agg(sum)
    nothing = 0
    for row in totals.itertuples():
        if (row.method, row.line) not in by_line.index:
            assert row.amount_usd == 0
            nothing += 1
            continue
        assert by_line[row.method, row.line] == row.amount_usd
    assert nothing < len(totals) / 2
    costs = lines[lines["side"] == "cost"].groupby(["method", "month"])["amount_usd"].agg(sum)
    benefits = lines[lines["side"] == "benefit"].groupby(["method", "month"])["amount_usd"].agg(sum)
    for row in flow.itertuples():
        assert costs.get((row.method, row.month), 0.0) == row.cost_usd
        assert benefits.get((row.method, row.month), 0.0) == row.benefit_usd
        assert row.capex_usd + row.opex_usd == row.cost_usd


def test_months_add_up_to_quarters_and_years() -> None:
    flow, periods = frame("cash-flow", rich()), frame("periods", rich())
    columns = ("capex_usd", "opex_usd", "cost_usd", "benefit_usd", "tax_usd", "net_usd")
    for kind, label in (("quarter", "fiscal_quarter"), ("year", "fiscal_year")):
        of_kind = periods[periods["kind"] == kind]
        summed = flow.groupby(["method", label])[list(columns)].agg(sum)
        assert len(summed) == len(of_kind) > 3
        for row in of_kind.itertuples():
            for column in columns:
                assert summed.loc[(row.method, row.period), column] == getattr(row, column)
    years = periods[periods["kind"] == "year"].groupby("method")["net_usd"].agg(sum)
    quarters = periods[periods["kind"] == "quarter"].groupby("method")["net_usd"].agg(sum)
    assert (years == quarters).all()


def test_quarters_and_years_are_those_of_the_report() -> None:
    periods = frame("periods", rich()).set_index(["method", "kind", "period"])
    for method in methods():
        for kind, all_sums in (("quarter", money(method).quarters), ("year", money(method).years)):
            for sums in all_sums:
                row = periods.loc[(method.method, kind, sums.label)]
                for name in ("capex_usd", "opex_usd", "benefit_usd", "tax_usd", "net_usd"):
                    assert row[name] == getattr(sums, name)


def test_the_cash_flow_comes_to_what_the_page_shows() -> None:
    flow, summary = frame("cash-flow", rich()), frame("summary", rich()).set_index("method")
    for method in methods():
        rows = flow[flow["method"] == method.method]
        assert list(rows["month"]) == list(range(26))
        assert fsum(rows["present_value_usd"]) == money(method).npv_usd
        assert summary.loc[method.method, "npv_usd"] == money(method).npv_usd
        assert method.cash_flow is not None
        assert list(rows["cumulative_usd"]) == pytest.approx(method.cash_flow.cumulative_usd)
        assert rows["cumulative_usd"].iloc[-1] == summary.loc[method.method, "net_usd"]
        assert tuple(rows["discount_factor"]) == timeline(rich()).discount_factors
        assert (rows["cumulative_p10_usd"] <= rows["cumulative_p90_usd"]).all()
        assert rows["net_usd"].min() < 0 < rows["net_usd"].max()


def test_month_0_is_in_the_periods_of_month_1() -> None:
    flow = frame("cash-flow", rich())
    first = flow[flow["month"] <= 1].groupby("month").first()
    assert list(first["fiscal_year"]) == ["FY2027", "FY2027"]
    assert list(first["fiscal_quarter"]) == ["FY2027 Q3", "FY2027 Q3"]
    assert [f"{day:%Y-%m-%d}" for day in first["date"]] == ["2027-03-01", "2027-03-31"]
    assert [f"{day:%Y-%m-%d}" for day in first["period_end"]] == ["2027-04-01", "2027-04-01"]


def test_quantities_and_prices_explain_amounts() -> None:
    lines = frame("lines", rich())
    explained = lines["quantity"] * lines["unit_price_usd"] * lines["price_index"]
    assert explained.to_numpy() == pytest.approx(lines["amount_usd"].to_numpy(), rel=1e-9, abs=1e-6)
    assert lines["price_index"].max() > 1


def test_the_currency_that_is_shown_is_said() -> None:
    flow = frame("cash-flow", rich())
    assert set(flow["currency"]) == {"EUR"}
    assert set(flow["currency_per_usd"]) == {rich().currency.per_usd}


def test_a_price_that_nobody_entered_is_a_default_and_not_an_input() -> None:
    """By line: what `RICH` enters, and what it leaves as it is."""
    for name in ("totals", "lines"):
        for row in csv.DictReader(io.StringIO(FEEDS[name].csv(rich()))):
            wanted = {
                "engineering": "default",
                "right_answers": "default",  # its volume was entered, its worth was not
                "data_preparation": "input",
                "release_checks": "input",
                "governance": "input",
                "delay": "input",
            }.get(row["line"])
            if wanted:
                title = {"input": "Entered in the scenario", "default": "Our default, not changed"}
                assert (row["source"], row["source_title"]) == (wanted, title[wanted]), row["line"]
    blank = replace(
        rich(), assumptions=tuple(replace(a, kind="default") for a in rich().assumptions)
    )
    found = csv.DictReader(io.StringIO(FEEDS["totals"].csv(blank)))
    assert "input" not in {row["source"] for row in found}


def test_what_does_not_fit_has_a_row_without_figures() -> None:
    first, *others = rich().methods
    without = replace(
        first, feasible=False, money=None, cash_flow=None, npv_usd=None, irr_fractions=(),
        payback_months=None, discounted_payback_months=None, roi_fraction=None,
        probability_pays=None, probability_best=None, time_to_release_months=None,
    )  # fmt: skip
    report = replace(rich(), methods=(without, *others))
    row = frame("summary", report).iloc[0]
    assert (row["method"], bool(row["feasible"])) == (first.method, False)
    assert pd.isna(row["npv_usd"])
    assert pd.isna(row["cost_usd"])
    for name in ("cash-flow", "lines", "totals", "periods"):
        assert first.method not in set(frame(name, report)["method"])


@pytest.mark.parametrize("name", list(FEEDS))
def test_a_report_without_money_says_what_would_do(name: str) -> None:
    older = replace(
        rich(), timeline=None, methods=tuple(replace(m, money=None) for m in rich().methods)
    )
    with pytest.raises(NoMoney, match="save it anew"):
        FEEDS[name].csv(older)


LABELS = st.builds(
    str.__add__,
    st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", " =", "x", ""]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8),
)


@settings(max_examples=25)
@given(LABELS, LABELS, LABELS)
def test_no_cell_is_a_formula_and_no_number_is_changed(label: str, unit: str, sku: str) -> None:
    report = rich()
    lines = money(report.methods[0]).lines
    named = with_lines(report, tuple(replace(x, label=label, unit=unit, sku=sku) for x in lines))
    named = replace(named, methods=(replace(named.methods[0], label=label), *named.methods[1:]))
    for name, feed in FEEDS.items():
        read = list(csv.reader(io.StringIO(feed.csv(named), newline="")))
        rows = feed.rows(named)
        assert len(read) == len(rows) + 1, name
        for cells, row in zip(read[1:], rows, strict=True):
            for cell, value in zip(cells, astuple(row), strict=True):
                if isinstance(value, str):
                    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
                elif isinstance(value, float):
                    assert float(cell) == value
