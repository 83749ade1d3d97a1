"""Rent, buy or managed, energy and terms of a plan in words."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from app.estimator.report import BuyingReport, CostLine, CurrencyReport, Report, WayReport
from app.estimator.report_plans import EnergyReport, PlanReport
from app.services.report_schemas import read_report
from app.web import result_plans, results
from app.web.result_parts import WaysTable
from app.web.result_view import ResultView
from tests.web.conftest import TODAY

SAVED_BY_2 = Path(__file__).parents[1] / "services" / "saved_by_schema_2.json"


def way(key: str, label: str, total: float, **changes: object) -> WayReport:
    """A way to pay with one line of 100 GPU-hours."""
    made = WayReport(
        key=key, label=label, seller="Lambda", what="1 × gpu_8x", chosen=False, gpu_hours=100.0,
        paid_gpu_hours=100.0, usd_per_gpu_hour=total / 100, hours_per_run=3.5,
        lines=(
            CostLine("gpu", "GPU time", 100, "GPU-hours", total / 100, total, "once", "assumption"),
        ),
        total_usd=total, upfront_usd=total / 4, price_valid_from="2026-11-09", price_age_days=14,
        source_key="assumption", note="",
    )  # fmt: skip
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


BUYING = BuyingReport(
    server="DGX H100", servers=2, gpus=16, total_usd=700_000, usd_per_gpu_hour_at_full_use=1.66,
    rent_label="On demand: Lambda", rent_usd_per_gpu_hour=2.72, utilisation_fraction=0.7,
    programme_fraction=0.03, break_even_fraction=0.61, chosen_label="",
    chosen_usd_per_gpu_hour=None, chosen_break_even_fraction=None,
)  # fmt: skip
WAYS = (
    way("on-demand", "On demand", 1_000.0, chosen=True),
    way("spot", "Spot", 600.0, price_valid_from="2026-07-26", note="It is interrupted."),
    way("reserved-1y", "Reserved for 1 year", 9_000.0, paid_gpu_hours=400.0,
        price_valid_from="2026-01-02"),
    way("managed", "Managed", 800.0, gpu_hours=None, paid_gpu_hours=None, usd_per_gpu_hour=None,
        hours_per_run=None),
)  # fmt: skip


def with_ways(report: Report, buying: BuyingReport | None = BUYING) -> Report:
    first, *others = (dataclasses.replace(m, ways=(), buying=None) for m in report.methods)
    first = dataclasses.replace(first, ways=WAYS, buying=buying)
    return dataclasses.replace(report, methods=(first, *others))


def table_of(report: Report) -> WaysTable:
    (table,) = results.view(report, TODAY).ways
    return table


def test_the_ways_stand_side_by_side_against_the_chosen_one(report: Report) -> None:
    rent, spot, reserved, managed = table_of(with_ways(report)).ways
    assert (rent.tags, rent.against) == (("chosen",), "")
    assert (spot.tags, spot.against) == (("cheapest",), "−US$400")
    assert (reserved.idle, reserved.idle_share, reserved.against) == ("300", "75%", "+US$8,000")
    assert (rent.idle, rent.idle_share) == ("0", "")
    assert (managed.per_gpu_hour, managed.hours_per_run, managed.used, managed.idle) == (
        "—", "—", "—", "—",
    )  # fmt: skip
    assert spot.note == "It is interrupted."


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("on-demand", "US$1,000 (on demand)"),
        ("on-demand managed", "US$1,000 (on demand); the cheapest way is US$800 (managed)"),
        ("on-demand reserved-1y", "US$1,000 (on demand), the cheapest way"),
        ("on-demand spot managed", "US$1,000 (on demand); the cheapest way is US$600 (spot)"),
        ("spot managed", "cheapest US$600 (spot)"),
    ],
)
def test_the_line_of_a_method_tells_what_its_ways_cost(
    report: Report, keys: str, said: str
) -> None:
    made = with_ways(report)
    ways = tuple(way for way in WAYS if way.key in keys.split())
    first = dataclasses.replace(made.methods[0], ways=ways)
    assert table_of(dataclasses.replace(made, methods=(first, *made.methods[1:]))).summary == said


def test_every_price_of_a_way_has_its_date_and_its_badge(report: Report) -> None:
    found = [(way.price_level, way.price_date) for way in table_of(with_ways(report)).ways]
    assert found[:3] == [
        ("fresh", "9 November 2026"), ("old", "26 July 2026, old"),
        ("stale", "2 January 2026, very old"),
    ]  # fmt: skip


def test_the_lines_of_a_way_add_up_to_the_cent(report: Report) -> None:
    for shown in table_of(with_ways(report)).ways:
        assert [row.amount for row in shown.rows] == [shown.exact_total]


def test_the_use_at_which_buying_wins_is_said(report: Report) -> None:
    first, detail = table_of(with_ways(report)).buying
    assert first == (
        "Buying 2 servers beats renting once they are busy more than 61% of the time; this "
        "programme alone keeps them busy 3%."
    )
    assert "2 × DGX H100 (16 GPUs together), US$700,000 over 36 months" in detail
    assert (
        "US$1.66 per GPU-hour in use all the time, against US$2.72 for renting (On demand: Lambda)"
        in detail
    )
    assert "that uses them 70% of the time" in detail


def test_one_server_that_never_wins_says_so(report: Report) -> None:
    never = dataclasses.replace(BUYING, servers=1, gpus=8, break_even_fraction=None)
    first = table_of(with_ways(report, never)).buying[0]
    assert first.startswith("Buying 1 server never beats renting: even in use all the time, an")
    assert "this programme alone keeps it busy 3%" in first


def test_without_a_price_of_a_server_the_page_says_what_to_enter(report: Report) -> None:
    plan = report.methods[0].plan
    assert plan is not None
    assert table_of(with_ways(report, None)).buying == (
        f"No price of a server with {plan.accelerator_name} is known; enter one among the "
        "assumptions (Price of servers of your own for each GPU).",
    )


def test_buying_is_compared_with_what_the_plan_pays_too(report: Report) -> None:
    also = dataclasses.replace(
        BUYING, chosen_label="Spot: AWS", chosen_usd_per_gpu_hour=2.1,
        chosen_break_even_fraction=0.82,
    )  # fmt: skip
    first, second, _ = table_of(with_ways(report, also)).buying
    assert "61% of the time" in first
    assert second == (
        "Against US$2.10 for each GPU-hour used as the plan is paid for (Spot: AWS), buying wins "
        "above 82% of the time."
    )
    never = dataclasses.replace(also, chosen_break_even_fraction=None)
    assert table_of(with_ways(report, never)).buying[1].endswith("(Spot: AWS), buying never wins.")


@pytest.mark.parametrize(
    ("alone", "needed", "chosen", "cheapest"),
    [
        (0.03, 0.61, "", "spot"),
        (0.65, 0.61, "", "own"),
        (0.65, None, "", "spot"),
        (0.65, 0.61, "Spot: AWS", "spot"),  # not against what the plan pays
    ],
)
def test_owning_is_cheapest_only_where_the_programme_alone_would_pay(
    report: Report, alone: float, needed: float | None, chosen: str, cheapest: str
) -> None:
    buying = dataclasses.replace(
        BUYING, programme_fraction=alone, break_even_fraction=needed, chosen_label=chosen,
        chosen_usd_per_gpu_hour=2.1 if chosen else None,
        chosen_break_even_fraction=0.82 if chosen else None,
    )  # fmt: skip
    made = with_ways(report, buying)
    own = way("own", "Servers of your own", 100.0)
    first = dataclasses.replace(made.methods[0], ways=(*WAYS, own))
    ways = table_of(dataclasses.replace(made, methods=(first, *made.methods[1:]))).ways
    tagged = [w.label for w in ways if "cheapest" in w.tags]
    assert tagged == [{"spot": "Spot", "own": "Servers of your own"}[cheapest]]


def test_the_ways_are_in_the_currency_of_the_report(report: Report) -> None:
    euro = CurrencyReport("EUR", 2, 0.9, "2026-10-30", "ecb")
    table = table_of(dataclasses.replace(with_ways(report), currency=euro))
    assert [w.total for w in table.ways] == ["€900", "€540", "€8,100", "€720"]
    assert table.ways[0].exact_total == "€900.00"
    assert "against €2.45 for renting" in table.buying[1]


def plan_with(report: Report, **changes: object) -> PlanReport:
    plan = report.methods[0].plan
    assert plan is not None
    return dataclasses.replace(plan, **changes)  # type: ignore[arg-type]


def view_with(report: Report, plan: PlanReport) -> ResultView:
    first = dataclasses.replace(report.methods[0], plan=plan)
    return results.view(dataclasses.replace(report, methods=(first, *report.methods[1:])), TODAY)


def details_of(report: Report, plan: PlanReport) -> dict[str, str]:
    return {d.label: d.value for d in view_with(report, plan).plans[0].details}


ENERGY = EnergyReport(412.0, 1_275.0, 1.56, "United States", 369.0, 152.0, "grid-us")


def test_energy_and_carbon_stand_in_the_plan_and_side_by_side(report: Report) -> None:
    plan = plan_with(report, energy=ENERGY)
    found = details_of(report, plan)
    assert found["Electricity of one run"].startswith("412\u00a0kWh at the meter: 1,275 W a GPU")
    assert found["Electricity of one run"].endswith("PUE 1.56")
    assert found["Carbon of one run"].startswith("152\u00a0kg CO₂e at 369 g/kWh (United States;")
    (row,) = [r for r in view_with(report, plan).rows if r.label == "Carbon of one run"]
    assert row.cells[0].value == "152\u00a0kg CO₂e"
    assert row.cells[0].note == "412\u00a0kWh, United States"


def test_a_place_that_is_not_known_has_no_carbon(report: Report) -> None:
    energy = dataclasses.replace(ENERGY, g_co2e_per_kwh=None, kg_co2e=None, grid_label="")
    plan = plan_with(report, energy=energy)
    assert details_of(report, plan)["Carbon of one run"].startswith("not known")
    (row,) = [r for r in view_with(report, plan).rows if r.label == "Carbon of one run"]
    assert row.cells[0].value == "412\u00a0kWh"


@pytest.mark.parametrize(
    ("changes", "terms", "price"),
    [
        ({"purchase_option": "on-demand", "tier": "list"},
         "on demand, list price of a firm provider", ""),
        ({"purchase_option": "spot", "tier": "spot"}, ", spot price of a firm provider", ""),
        ({"purchase_option": "spot", "tier": "marketplace"}, ", spot, marketplace", ""),
        ({"purchase_option": "capacity-block", "tier": "capacity-block"}, ", capacity block", ""),
        ({"purchase_option": "reserved-3y", "tier": "list"},
         "reserved for 3 years, list price of a firm provider", ""),
        ({"usd_per_instance_hour": 88.0, "list_usd_per_instance_hour": 100.0,
          "discount_fraction": 0.12, "price_book": "Acme rates, version 3"}, "",
         "; 12% less than the list price of US$100.00; price book Acme rates, version 3"),
        ({"usd_per_instance_hour": 110.0, "list_usd_per_instance_hour": 100.0,
          "discount_fraction": 0.0, "price_book": "Acme rates, version 3"}, "",
         "; 10% more than the list price of US$100.00; price book Acme rates, version 3"),
    ],
)  # fmt: skip
def test_the_terms_and_the_price_of_a_plan(
    report: Report, changes: dict[str, object], terms: str, price: str
) -> None:
    found = details_of(report, plan_with(report, **changes))
    assert found["Region and terms"].endswith(terms)
    assert found["Price"].endswith(price)


def test_what_is_not_a_firm_list_price_is_called_so_in_the_headline(report: Report) -> None:
    plan = plan_with(report, purchase_option="spot", tier="marketplace")
    assert re.search(r"\(.*, marketplace, spot\)$", result_plans.headline(plan))
    (row,) = [r for r in view_with(report, plan).rows if r.label == "GPUs"]
    assert row.cells[0].note == "marketplace, spot"


def test_idle_time_and_interruptions_are_said_where_there_are_any(report: Report) -> None:
    plan = plan_with(report, idle_fraction=0.34)
    clock = dataclasses.replace(plan.wall_clock, interruptions_h=0.5)
    found = details_of(report, dataclasses.replace(plan, wall_clock=clock))
    assert found["Paid but idle"].startswith("34% of the GPU time")
    assert "30 min interruptions of spot instances" in found["What the run's time is"]
    plain = details_of(report, plan_with(report, idle_fraction=0.0))
    assert "Paid but idle" not in plain
    assert "interruptions" not in plain["What the run's time is"]


def test_a_report_of_the_second_schema_has_no_ways_and_no_carbon() -> None:
    document = json.loads(SAVED_BY_2.read_text())
    saved = document.get("report_json", document)
    view = results.view(read_report(saved if isinstance(saved, str) else json.dumps(saved)), TODAY)
    assert view.ways == ()
    assert view.currency is None
    assert "Carbon of one run" not in {row.label for row in view.rows}
    labels = {detail.label for plan in view.plans for detail in plan.details}
    assert not labels & {"Paid but idle", "Electricity of one run", "Carbon of one run"}
