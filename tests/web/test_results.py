"""The result in texts: complete, consistent, and honest about what is missing."""

from __future__ import annotations

import dataclasses
import re
from datetime import date

import pytest
from fastapi.testclient import TestClient

from app.catalog.catalog import Catalog
from app.estimator.constants import CONSTANTS
from app.estimator.report import Report
from app.estimator.report_values import Distribution
from app.services.estimates import estimate
from app.services.situations import SITUATIONS, ReadyMade
from app.web import result_assumptions, results
from app.web.result_parts import Cell
from tests.web.markup import Document


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
    idle, alike, more, gain = results.view(dataclasses.replace(report, methods=methods)).table_notes
    assert re.match(r"Full fine-tuning instead of LoRA: net present value .*, .* of return", more)
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
    said = "prices of up to 9 November 2026, oldest price used of 7 May 2026,"
    assert said in results.view(changed).basis
    assert "prices read" not in results.view(changed).basis
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
    assert {
        constant.kind for constant in CONSTANTS.values()
    } <= result_assumptions.KIND_LABELS.keys()


def _bought(report: Report, **by_method: dict[str, object]) -> Report:
    """The report with other prices behind its plans."""
    methods = []
    for m in report.methods:
        assert m.plan is not None
        plan = dataclasses.replace(m.plan, **by_method.get(m.method, {}))  # type: ignore[arg-type]
        methods.append(dataclasses.replace(m, plan=plan))
    return dataclasses.replace(report, methods=tuple(methods))


def test_prices_that_may_be_gone_are_said_before_the_table(report: Report) -> None:
    plain = results.view(report)
    changed = _bought(
        report,
        full={
            "purchase_option": "reserved-3y",
            "nodes": 2,
            "instance": "p5.48xlarge",
            "provider_name": "AWS",
            "idle_fraction": 0.42,
        },
        lora={"purchase_option": "spot", "tier": "spot"},
        qlora={"tier": "marketplace", "price_valid_from": "2026-05-23"},
    )
    notes = results.view(changed, date(2026, 11, 23)).notes
    assert notes[:4] == (
        "QLoRA is planned on a marketplace: its lowest asking price may be gone tomorrow, and no "
        "company stands behind it.",
        "LoRA is planned on spot instances, which can be taken away at short notice.",
        "Full fine-tuning needs a commitment: 3 years of 2 × p5.48xlarge at AWS, paid whether it "
        "is used or not; 42% of what is paid stays idle.",
        "The price behind QLoRA is 184 days old (of 23 May 2026): ask for today's before you rely "
        "on it.",
    )
    assert notes[4:] == plain.notes
    block = _bought(report, lora={"purchase_option": "capacity-block", "tier": "capacity-block"})
    assert any("LoRA is planned on a capacity block" in note for note in results.view(block).notes)


def test_a_cost_says_at_which_kind_of_price_it_is(report: Report) -> None:
    def rows(of: Report) -> dict[str, tuple[Cell, ...]]:
        return {row.label: row.cells for row in results.view(of).rows}

    total = "Total cost, 36 months"
    assert all("price" not in cell.note for cell in rows(report)[total])
    spot = _bought(report, lora={"purchase_option": "spot", "tier": "spot"})
    assert [cell.note for cell in rows(spot)["Cost of one run"]] == ["", "at spot prices", ""]
    assert rows(spot)[total][1].note.endswith("at spot prices")
    market = _bought(report, lora={"purchase_option": "spot", "tier": "marketplace"})
    assert rows(market)["Cost of one run"][1].note == "at marketplace spot prices"

    def extra(of: Report) -> str:
        return next(f.note for f in results.view(of).key_figures if f.label.startswith("Extra"))

    assert extra(report) == "over 36 months"
    assert extra(spot) == "over 36 months; LoRA at spot prices"
    both = {"purchase_option": "spot", "tier": "spot"}
    assert extra(_bought(report, full=both, lora=both)) == "over 36 months, at spot prices"


def test_carbon_of_an_unknown_region_is_said_plainly(report: Report) -> None:
    m = report.methods[0]
    assert m.plan is not None
    assert m.plan.energy is not None
    energy = dataclasses.replace(
        m.plan.energy, grid_label="", g_co2e_per_kwh=None, kg_co2e=None, grid_source_key=""
    )
    row = next(
        row
        for row in results.view(_bought(report, full={"energy": energy})).rows
        if row.label == "Carbon of one run"
    )
    assert row.cells[0].note == "carbon not known: region not stated"


def test_the_sections_of_the_page_are_linked_at_its_top(reader: TestClient) -> None:
    document = Document(reader.get("/result").text)
    (nav,) = document.all("nav", **{"aria-label": "On this page", "class": "on-this-page"})
    assert nav
    links = [a["href"].removeprefix("#") for a in document.all("a") if a["href"][:1] == "#"]
    for anchor in ("side-by-side", "costs", "ways", "plans", "assumptions", "sources"):
        assert anchor in links
    assert set(links) <= {*document.ids()}
