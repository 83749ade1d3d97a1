"""Rates of return that LibreOffice finds after a change: those of a fresh estimate, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.estimator.returns import irr, xirr
from app.exports.workbook import workbook_bytes
from app.inputs import ScenarioInput
from app.services.estimates import estimate
from app.services.situations import SITUATIONS
from tests.exports.calc import changed, recalculated
from tests.exports.reading import FIRST_MONTH, Reader
from tests.exports.workbook_cases import TODAY

IRR, XIRR = "Internal rate of return, a year", "Rate of return of the dated flows (XIRR)"


@dataclass(frozen=True)
class Edit:
    """A workbook of a scenario in which cells are changed, and fields that say the same."""

    scenario: dict[str, Any]
    typed: dict[str, Any]
    fields: dict[str, Any]
    situation: str = ""

    def report(self, catalog: Catalog, **fields: Any) -> Report:
        """What Tunecase says, of the scenario with other fields."""
        found = [made.scenario for made in SITUATIONS if made.key == self.situation]
        start = found[0] if self.situation else ScenarioInput()
        given = start.model_dump(exclude_unset=True)
        return estimate(ScenarioInput(**given | self.scenario | fields), catalog, TODAY)


def same(scenario: dict[str, Any], situation: str = "", **typed: Any) -> Edit:
    """An edit of cells that are called as the fields are."""
    return Edit(scenario, typed, typed, situation)


EDITS = {
    "volume": same({"horizon_months": 24}, answers_per_month=8_000),
    "worth": same({"horizon_months": 24}, value_per_correct_answer_usd=0.04),
    "incident": same({}, "controlled-behaviour", incident_cost_usd=5_000),
    "few answers": same({}, "deep-domain", answers_per_month=1_200),
    "write-off": same(
        {
            "methods": ("full", "lora"),
            "releases_per_year": 0,
            "horizon_months": 12,
            "tax_percent": 30,
            "capitalised_percent": 100,
            "write_off_months": 6,
            "start_month": "2027-03",
            "adoption_ramp_months": 6,
            "growth_percent": 20,
            "currency": "JPY",
        },
        write_off_months=10,
        release_fixed_usd=3_000,
        engineer_week_usd=5_000,
    ),
    # All is lost, and no rate makes it even.
    "never": same({"horizon_months": 24}, answers_per_month=0.001),
}


@pytest.fixture(scope="module")
def read(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    """Each workbook after its change, recalculated in one start of LibreOffice."""
    folder = tmp_path_factory.mktemp("rates")
    books = {
        name: changed(workbook_bytes(edit.report(catalog)), edit.typed, folder)
        for name, edit in EDITS.items()
    }
    return {name: Reader(book) for name, book in recalculated(books, folder).items()}


def same_rate(found: Any, told: tuple[float, ...], name: str, within: float = 1e-9) -> None:
    """The cell holds the first of the rates, or says that there is none."""
    if told:
        assert found == pytest.approx(told[0], abs=within), name
    else:
        assert found == "none", name


def own_rates(read: Reader, sheet: str, after: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Rates of the net flows that stand in the workbook, by month and by day."""
    flows = read.months(sheet, "Net cash flow", after)
    dates = read.row(sheet, "Day")[FIRST_MONTH : FIRST_MONTH + len(flows)]
    days = [(date - dates[0]).days for date in dates]
    return irr(flows).yearly, xirr(flows, days).yearly


@pytest.mark.parametrize("name", EDITS)
def test_a_rate_after_a_change_is_that_of_a_fresh_estimate(
    read: dict[str, Reader], catalog: Catalog, name: str
) -> None:
    """That may plan a little otherwise, so its rates are near; those of the flows are the same."""
    told = EDITS[name].report(catalog, **EDITS[name].fields)
    lost = 0
    for m in told.methods:
        assert m.money is not None
        by_month, by_day = own_rates(read[name], "Cash flow", m.label)
        found = [read[name].total("Cash flow", label, m.label) for label in (IRR, XIRR)]
        same_rate(found[0], by_month, m.label)
        same_rate(found[1], by_day, m.label)
        same_rate(found[0], m.irr_fractions, m.label, 0.002)
        same_rate(found[1], m.money.xirr_fractions, m.label, 0.002)
        lost += any(rate < -0.3 for rate in by_month)
    assert told.comparison is not None
    assert told.comparison.incremental is not None
    rate = read[name].total("Comparison", IRR)
    by_month, by_day = own_rates(read[name], "Comparison", "")
    same_rate(rate, by_month, "difference")
    same_rate(read[name].total("Comparison", XIRR), by_day, "difference")
    same_rate(rate, told.comparison.incremental.irr_fractions, "difference", 0.002)
    lost += any(rate < -0.3 for rate in by_month)
    assert lost or name == "never"
