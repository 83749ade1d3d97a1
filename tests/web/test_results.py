"""The result in texts: complete, consistent, and honest about what is missing."""

from __future__ import annotations

import dataclasses
import re
from datetime import date

import pytest

from app.catalog.catalog import Catalog
from app.estimator.constants import CONSTANTS
from app.estimator.report import Distribution, Report
from app.services.estimates import estimate
from app.services.situations import SITUATIONS, ReadyMade
from app.web import results
from app.web.result_parts import Cell


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
        fastest=None, best_value=None, flop=None, accuracy=None, cost_lines=(), upfront_usd=None,
        total_usd=None, total_usd_range=None, usd_per_point=None, time_to_release_months=None,
        cash_flow=None, npv_usd=None, payback_months=None, roi_fraction=None,
        probability_pays=None, probability_best=None,
    )  # fmt: skip
    view = results.view(
        dataclasses.replace(report, methods=(full, *report.methods[1:]), comparison=None)
    )
    assert [misfit.reasons for misfit in view.misfits] == [("Needs 120 GiB.",)]
    assert view.rows[0].cells[0] == Cell("—", note="does not fit")
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


def test_a_range_of_nothing_is_said_in_words(report: Report) -> None:
    cost = Distribution(281_000, 280_990, 281_000, 281_010)
    lora = dataclasses.replace(report.methods[1], total_usd=281_000.0, total_usd_range=cost)
    view = results.view(
        dataclasses.replace(report, methods=(report.methods[0], lora, report.methods[2]))
    )
    cell = next(row for row in view.rows if row.label.startswith("Total cost")).cells[1]
    assert cell == Cell("US$281,000", note="as entered; only GPU time varies")


@pytest.mark.parametrize(
    ("choice", "threshold", "said"),
    [
        ("lora", 2.34, "both are worth the same at +2.3 points"),
        ("full", -0.6, "both are worth the same at −0.6 points"),
        ("lora", 0.04, "both cost about the same"),
        ("lora", 150.0, "no gap in accuracy would pay for full fine-tuning"),
        ("lora", None, "no gap in accuracy would pay for full fine-tuning"),
        ("neither", 2.34, ""),
    ],
)
def test_the_break_even_is_said_where_it_says_something(
    report: Report, choice: str, threshold: float | None, said: str
) -> None:
    assert report.comparison is not None
    changed = dataclasses.replace(
        report,
        verdict=dataclasses.replace(report.verdict, choice=choice),
        comparison=dataclasses.replace(report.comparison, break_even_gap_points=threshold),
    )
    notes = [
        f.note for f in results.view(changed).key_figures if f.label.startswith("Expected acc")
    ]
    assert notes == [said]


def test_doing_nothing_and_what_is_not_released_are_said_below_the_table(report: Report) -> None:
    shares = (0.5, 0.2, 0.1)
    methods = tuple(
        dataclasses.replace(m, probability_best=p)
        for m, p in zip(report.methods, shares, strict=True)
    )
    idle, alike, gain = results.view(dataclasses.replace(report, methods=methods)).table_notes
    assert idle == "Doing nothing is the best choice in 20% of cases."
    assert alike.startswith("LoRA or QLoRA is the best choice in 30% of cases")
    assert "7 to 8 billion parameters" in gain
    assert re.search(r"not released: Full fine-tuning in .*%, LoRA in .*% and QLoRA in .*%", gain)


def test_the_prices_of_the_chosen_plans_are_dated(report: Report) -> None:
    days = ("2026-11-09", "2026-05-07", "2026-08-01")
    methods = []
    for m, day in zip(report.methods, days, strict=True):
        assert m.plan is not None
        methods.append(
            dataclasses.replace(m, plan=dataclasses.replace(m.plan, price_valid_from=day))
        )
    changed = dataclasses.replace(report, methods=tuple(methods))
    assert "prices read between 7 May and 9 November 2026," in results.view(changed).basis
    words = [p.price_words for p in results.view(changed, date(2026, 11, 24)).plans]
    assert words[0] == "Price of 9 November 2026 (15 days old)"
    assert "Very old price" in words[1]


def test_plans_of_other_aims_are_named_where_they_differ(report: Report) -> None:
    for m, plan in zip(report.methods, results.view(report).plans, strict=True):
        others = {p for p in (m.best_value, m.cheapest, m.fastest) if p != m.plan}
        assert len(plan.alternatives) == len(others)
        assert all(detail.label[0].isupper() and detail.value for detail in plan.alternatives)


def test_a_class_of_gpus_that_no_run_was_fitted_of_is_said(report: Report) -> None:
    plans = [m.plan for m in report.methods]
    assert all(plan is not None for plan in plans)
    seen, note = results.view(report), "no run of that class was part of the fit"
    assert not any(note in said for said in seen.notes)
    keys = {plan.accelerator for plan in plans if plan is not None}
    view = results.view(report, unfitted=dict.fromkeys(keys, "Blackwell"))
    assert "The plans of full fine-tuning, LoRA and QLoRA are on Blackwell GPUs" in view.notes[-1]
    assert note in view.notes[-1]
    assert view.software_line == (
        f"{seen.software_line} None of the runs behind the times is of Blackwell GPUs."
    )


def test_a_part_of_a_run_too_short_to_see_is_not_said(report: Report) -> None:
    m = report.methods[0]
    assert m.plan is not None
    clock = dataclasses.replace(m.plan.wall_clock, failures_h=0.5 / 3600)
    short = dataclasses.replace(m, plan=dataclasses.replace(m.plan, wall_clock=clock))
    view = results.view(dataclasses.replace(report, methods=(short, *report.methods[1:])))
    parts = next(d.value for d in view.plans[0].details if d.label == "What the run's time is")
    assert "start-up" in parts
    assert "failures" not in parts


def test_every_kind_of_constant_has_words() -> None:
    assert {constant.kind for constant in CONSTANTS.values()} <= results.KIND_LABELS.keys()
