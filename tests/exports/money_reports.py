"""Reports whose money is worth looking at, computed once a session."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

from app.catalog.catalog import load_catalog
from app.estimator.report import MethodReport, Report
from app.estimator.report_money import MoneyLine, MoneyReport, Timeline
from app.inputs import ScenarioInput
from app.services.estimates import estimate

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 23)

RICH = {
    "title": "=Verträge, zweite Runde",
    "methods": ["full", "lora", "qlora"],
    "start_month": "2027-03",
    "fiscal_year_start": 7,
    "horizon_months": 25,
    "tax_percent": 25,
    "capitalised_percent": 60,
    "write_off_months": 12,
    "inflation_percent": 3,
    "delay_cost_usd_per_month": 2_000,
    "artefact_year_usd": 5_000,
    "data_preparation_usd": 20_000,
    "release_fixed_usd": 3_000,
    "answers_per_month": 40_000,
    "latency_value_usd_per_second": 0.001,
    "currency": "EUR",
}
"""With every kind of line, a fiscal year that is cut at both ends, tax and inflation."""


@cache
def rich() -> Report:
    """The report of `RICH`."""
    return estimate(ScenarioInput.model_validate(RICH), load_catalog(ROOT / "pricing"), TODAY)


def timeline(report: Report) -> Timeline:
    """The calendar, which is there."""
    assert report.timeline is not None
    return report.timeline


def money(method: MethodReport) -> MoneyReport:
    """The money, which is there."""
    assert method.money is not None
    return method.money


def with_lines(report: Report, lines: tuple[MoneyLine, ...]) -> Report:
    """The same report whose first method has these lines."""
    first, *others = report.methods
    changed = replace(first, money=replace(money(first), lines=lines))
    return replace(report, methods=(changed, *others))


def reserved(report: Report) -> Report:
    """The same report whose first method trains on a reservation, part of which stays idle."""
    first, *others = report.methods
    assert first.plan is not None
    plan = replace(first.plan, purchase_option="reserved-1y")
    lines = money(first).lines
    run = next(line for line in lines if line.key == "release_run")
    idle = replace(run, key="idle_commitment", label="Reserved, idle", category="idle")
    kept = replace(first, plan=plan, money=replace(money(first), lines=(*lines, idle)))
    return replace(report, methods=(kept, *others))
