"""The result in texts: complete, consistent, and honest about what is missing."""

from __future__ import annotations

import dataclasses
import re
from datetime import date

import pytest

from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.services.estimates import estimate
from app.services.situations import SITUATIONS, ReadyMade
from app.web import results


@pytest.mark.parametrize("made", SITUATIONS, ids=lambda made: made.key)
def test_every_situation_has_an_answer(made: ReadyMade, catalog: Catalog) -> None:
    view = results.view(estimate(made.scenario, catalog, date(2026, 11, 23)))
    assert 3 <= len(view.key_figures) <= 5
    assert view.cost_gain is not None
    assert view.situation == made.name


def test_cost_rows_add_up_to_the_total_that_is_shown(report: Report) -> None:
    def cents(text: str) -> int:
        return int(re.sub(r"[^\d]", "", text)) * (-1 if "−" in text else 1)

    view = results.view(report)
    assert len(view.costs) == len(report.methods)
    for table, m in zip(view.costs, report.methods, strict=True):
        assert sum(cents(row.amount) for row in table.rows) == cents(table.total)
        assert cents(table.total) / 100 == pytest.approx(m.total_usd, abs=0.006)


def test_a_method_that_does_not_fit_says_why(report: Report) -> None:
    full = dataclasses.replace(
        report.methods[0], feasible=False, reasons=("Needs 120 GiB.",), plan=None, cheapest=None,
        fastest=None, flop=None, accuracy=None, cost_lines=(), upfront_usd=None, total_usd=None,
        total_usd_range=None, usd_per_point=None, time_to_release_months=None, cash_flow=None,
        npv_usd=None, payback_months=None, roi_fraction=None, probability_pays=None,
        probability_best=None,
    )  # fmt: skip
    view = results.view(
        dataclasses.replace(report, methods=(full, *report.methods[1:]), comparison=None)
    )
    assert [misfit.reasons for misfit in view.misfits] == [("Needs 120 GiB.",)]
    assert view.rows[0].cells[0] == results.Cell("—", note="does not fit")
    assert len(view.plans) == 2
    assert 3 <= len(view.key_figures) <= 5


def test_no_gain_has_no_cost_per_point_and_says_so(report: Report) -> None:
    lora = dataclasses.replace(report.methods[1], usd_per_point=None, payback_months=None)
    view = results.view(
        dataclasses.replace(report, methods=(report.methods[0], lora, report.methods[2]))
    )
    rows = {row.label: row for row in view.rows}
    assert rows["Cost per accuracy point"].cells[1].note == "no gain expected"
    assert rows["Payback"].cells[1].note == "not within 36 months"


def test_facts_link_to_a_source_on_the_page(report: Report) -> None:
    view = results.view(report)
    anchors = {row.anchor for row in view.sources} | {"assumptions"}
    linked = [row.source.anchor for table in view.costs for row in table.rows]
    linked += [row.source.anchor for row in view.assumptions if row.source.anchor]
    linked += [plan.price_source.anchor for plan in view.plans]
    assert linked
    assert set(linked) <= anchors


def test_the_expected_gain_stands_beside_the_cost(report: Report) -> None:
    labels = [row.label for row in results.view(report).rows]
    assert labels[0] == "Expected accuracy gain"
    assert "Cost per accuracy point" in labels
    gain = results.view(report).rows[0].cells[0]
    assert re.fullmatch(r"[+−]?\d+\.\d pts", gain.value)
    assert " to " in gain.range
