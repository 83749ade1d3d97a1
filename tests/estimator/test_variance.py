"""Plan against actual: exact sums, what counts as reported, and both estimates at completion."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.estimator.variance import (
    COST_CATEGORIES,
    UNASSIGNED,
    Compared,
    OutsideMonth,
    PlannedCosts,
    Spend,
    VarianceReport,
    planned_costs,
    variance,
)
from tests.estimator.spending import line, money, month_after, real, timeline

START = date(2027, 1, 1)
cents = st.integers(-2_000_000_00, 2_000_000_00).map(lambda c: c / 100)
costs = st.integers(0, 5_000_000_00).map(lambda c: c / 100)


def label(month: int) -> str:
    """Of months counted from the start; below 0 before it."""
    return f"{month_after(START, month):%Y-%m}"


@st.composite
def plans(draw: st.DrawFn) -> PlannedCosts:
    months = draw(st.integers(1, 14))
    categories = draw(st.lists(st.sampled_from(COST_CATEGORIES), min_size=1, unique=True))
    by_category = {
        c: tuple(draw(st.lists(costs, min_size=months, max_size=months))) for c in categories
    }
    return PlannedCosts(tuple(label(m) for m in range(months)), by_category, 0.0, False)


spends = st.lists(
    st.builds(
        Spend,
        st.integers(-3, 16).map(label),
        st.sampled_from((UNASSIGNED, *COST_CATEGORIES)),
        cents,
    ),
    max_size=30,
)


def plain_loop(plan: PlannedCosts, rows: Sequence[Spend]) -> dict[str, Fraction | None]:
    """The same figures by the definitions, in exact arithmetic."""
    planned = actual = whole = outside = Fraction(0)
    for at, month in enumerate(plan.months):
        cost = sum((Fraction(of[at]) for of in plan.usd_by_category.values()), Fraction(0))
        whole += cost
        there = [row for row in rows if row.month == month]
        if there:
            planned += cost
            actual += sum((Fraction(row.usd) for row in there), Fraction(0))
    for row in rows:
        if row.month not in plan.months:
            outside += Fraction(row.usd)
    at_rate = None
    if planned > 0 and actual > 0:
        # BAC / CPI, with the work that was planned taken to be done.
        at_rate = whole / (planned / actual)
    return {
        "planned": planned,
        "actual": actual,
        "outside": outside,
        "unchanged": actual + whole - planned,
        "at_rate": at_rate,
    }


def close(found: float, wanted: Fraction, size: float) -> bool:
    return abs(found - float(wanted)) <= 1e-12 * max(size, 1.0)


@settings(max_examples=60)
@given(plans(), spends)
def test_it_is_what_a_plain_loop_in_exact_arithmetic_finds(
    plan: PlannedCosts, rows: list[Spend]
) -> None:
    found = variance(plan, rows)
    wanted = plain_loop(plan, rows)
    size = sum(sum(of) for of in plan.usd_by_category.values()) + sum(abs(r.usd) for r in rows)
    assert close(sum(m.usd for m in found.outside), wanted["outside"] or Fraction(0), size)
    in_plan = [row for row in rows if row.month in plan.months]
    assert (found.to_date is None) == (not in_plan)
    if found.to_date is None or found.completion is None:
        assert found.last_reported == ""
        assert found.completion is None
        return
    assert found.last_reported == max(row.month for row in in_plan)
    assert close(found.to_date.planned_usd, wanted["planned"] or Fraction(0), size)
    assert close(found.to_date.actual_usd, wanted["actual"] or Fraction(0), size)
    assert close(found.completion.unchanged_usd, wanted["unchanged"] or Fraction(0), size)
    at_rate = wanted["at_rate"]
    if found.completion.at_this_rate_usd is not None and at_rate is not None:
        # Amounts are kept to 2^-51 of all there are, which a quotient of small ones shows.
        small = float(min(wanted["planned"] or 0, wanted["actual"] or 0))
        rel = max(1e-9, 1e-13 * size / small)
        assert found.completion.at_this_rate_usd == pytest.approx(float(at_rate), rel=rel)
    elif at_rate is not None:
        # Only where credits cancel what was spent but for a bit that amounts cannot hold.
        assert abs(float(wanted["actual"] or 0)) < 1e-6
    silent = {m for m in plan.months if m < found.last_reported} - {r.month for r in in_plan}
    assert set(found.not_reported) == silent


def whole_is_its_parts(found: VarianceReport) -> None:
    """Every sum to the bit, in whatever order it is added."""
    reported = [m.compared for m in found.months if m.compared is not None]
    for name in ("planned_usd", "actual_usd", "difference_usd"):
        parts = [getattr(compared, name) for compared in reported]
        for order in (parts, parts[::-1], sorted(parts)):
            assert sum(order) == (getattr(found.to_date, name) if found.to_date else 0)
        if found.by_category and found.to_date is not None:
            by_category = [getattr(c.compared, name) for c in found.by_category]
            assert sum(by_category) == getattr(found.to_date, name)
            for month in found.months:
                if month.compared is not None:
                    inside = [getattr(c.compared, name) for c in month.by_category]
                    assert sum(inside) == getattr(month.compared, name)
    for before, month in zip((None, *found.months), found.months, strict=False):
        so_far = 0.0 if before is None else before.cumulative_planned_usd
        assert month.cumulative_planned_usd == so_far + month.planned_usd
    if found.completion is not None and found.to_date is not None:
        last = found.months[-1]
        assert last.cumulative_planned_usd == found.completion.plan_usd
        assert last.cumulative_outlook_usd == found.completion.unchanged_usd
        assert (
            last.cumulative_outlook_usd - last.cumulative_planned_usd
            == found.to_date.difference_usd
        )


@settings(max_examples=60)
@given(plans(), spends)
def test_sums_are_exact_in_any_order(plan: PlannedCosts, rows: list[Spend]) -> None:
    whole_is_its_parts(variance(plan, rows))


@settings(max_examples=25)
@given(plans(), spends, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    plan: PlannedCosts, rows: list[Spend], shuffled: random.Random
) -> None:
    assert variance(plan, shuffled.sample(rows, len(rows))) == variance(plan, rows)


@settings(max_examples=25)
@given(plans())
def test_spend_as_planned_has_no_difference(plan: PlannedCosts) -> None:
    rows = [
        Spend(month, category, of[at])
        for category, of in plan.usd_by_category.items()
        for at, month in enumerate(plan.months)
    ]
    found = variance(plan, rows)
    assert found.to_date is not None
    assert found.completion is not None
    assert found.to_date.difference_usd == 0
    assert found.driver is None
    assert found.completion.unchanged_usd == found.completion.plan_usd
    assert found.completion.rate in (None, 1.0)


def test_a_month_without_a_row_is_not_nothing_spent() -> None:
    plan = PlannedCosts(tuple(label(m) for m in range(4)), {"serving": (100.0,) * 4}, 0.0, False)
    found = variance(plan, [Spend("2027-01", "", 110.0), Spend("2027-03", "", 120.0)])
    assert found.not_reported == ("2027-02",)
    assert found.to_date == Compared(200.0, 230.0, 30.0, 0.15)
    assert found.completion is not None
    # The month between stays in the estimate with its plan, as does the one that is to come.
    assert found.completion.unchanged_usd == 430.0
    assert found.completion.at_this_rate_usd == pytest.approx(460.0)
    assert [m.cumulative_outlook_usd for m in found.months] == [110.0, 210.0, 330.0, 430.0]
    zero = variance(plan, [Spend("2027-02", "", 0.0)])
    assert zero.to_date == Compared(100.0, 0.0, -100.0, -1.0)
    assert zero.not_reported == ("2027-01",)
    assert zero.completion is not None
    assert zero.completion.at_this_rate_usd is None


def test_months_outside_of_the_plan_are_kept_apart() -> None:
    plan = PlannedCosts(("2027-01",), {"people": (50.0,)}, 0.0, False)
    found = variance(plan, [Spend("2026-12", "people", 7.0), Spend("2027-02", "", -2.0)])
    assert [(m.label, m.usd) for m in found.outside] == [("2026-12", 7.0), ("2027-02", -2.0)]
    assert found.to_date is None
    assert found.completion is None
    assert found.months[0].compared is None


@pytest.mark.parametrize(
    ("rows", "driver"),
    [
        ({"people": 150.0, "serving": 100.0}, "people"),
        ({"people": 130.0, "serving": 130.0}, None),
        ({"people": 60.0, "serving": 130.0}, None),
        ({"people": 160.0, "serving": 90.0}, None),
        ({"people": 160.0, "serving": 96.0}, "people"),
        ({"people": 150.0, "serving": 100.0, "": 1.0}, None),
        ({"": 300.0}, None),
    ],
    ids=[
        "one",
        "both alike",
        "less",
        "against the other",
        "hardly against",
        "some without",
        "none named",
    ],
)
def test_what_accounts_for_most_of_it(rows: dict[str, float], driver: str | None) -> None:
    plan = PlannedCosts(("2027-01",), {"people": (100.0,), "serving": (100.0,)}, 0.0, False)
    found = variance(plan, [Spend("2027-01", c, usd) for c, usd in rows.items()])
    assert found.driver == driver
    assert bool(found.by_category) == (set(rows) != {""})


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ({"people": 60.0, "serving": 130.0}, ["people", "serving"]),
        ({"people": 120.0, "serving": 80.0}, ["people", "serving"]),
        ({"people": 160.0, "serving": 90.0}, ["people", "serving"]),
        ({"people": 160.0, "serving": 96.0}, []),
        ({"people": 100.5, "serving": 99.5}, []),
        ({"people": 150.0, "serving": 120.0}, []),
        ({"people": 60.0, "serving": 130.0, "": 1.0}, []),
    ],
    ids=["less", "none in all", "more", "hardly", "too small", "one direction", "some without"],
)
def test_deviations_that_offset_each_other_are_named_the_larger_first(
    rows: dict[str, float], named: list[str]
) -> None:
    plan = PlannedCosts(("2027-01",), {"people": (100.0,), "serving": (100.0,)}, 0.0, False)
    found = variance(plan, [Spend("2027-01", c, usd) for c, usd in rows.items()])
    assert [c.category for c in found.offsets] == named
    if named:
        assert found.driver is None
        first, second = (c.compared.difference_usd for c in found.offsets)
        assert first * second < 0


@settings(max_examples=60)
@given(plans(), spends)
def test_what_is_most_of_the_difference_is_no_more_than_a_tenth_above_it(
    plan: PlannedCosts, rows: list[Spend]
) -> None:
    found = variance(plan, rows)
    if found.driver is not None:
        assert found.to_date is not None
        (of,) = (c.compared for c in found.by_category if c.category == found.driver)
        whole = found.to_date.difference_usd
        assert 0.5 < of.difference_usd / whole <= 1.1 + 1e-9


def test_money_of_the_start_stands_in_the_first_month() -> None:
    calendar = timeline(3)
    made = money({"training": (1000.0, 0.0, 0.0, 0.0), "serving": (0.0, 10.0, 20.0, 30.0)})
    made = replace(made, lines=(*made.lines, line("gain", "accuracy", (0.0,) * 4, "benefit")))
    plan = planned_costs(made, calendar)
    assert plan.months == ("2027-01", "2027-02", "2027-03")
    assert plan.usd_by_category == {
        "training": (1000.0, 0.0, 0.0),
        "serving": (10.0, 20.0, 30.0),
    }
    found = variance(plan, [Spend("2027-01", "", 1010.0)])
    assert found.to_date == Compared(1010.0, 1010.0, 0.0, 0.0)


def test_delay_is_no_bill_unless_somebody_books_it() -> None:
    made = money({"people": (5.0, 5.0), "delay": (0.0, 40.0)})
    plan = planned_costs(made, timeline(1))
    assert plan.usd_by_category == {"people": (10.0,)}
    assert plan.left_out_usd == 40.0
    assert variance(plan, []).left_out_usd == 40.0
    booked = planned_costs(made, timeline(1), {"delay"})
    assert booked.usd_by_category == {"people": (10.0,), "delay": (40.0,)}
    assert booked.left_out_usd == 0.0


def test_a_plan_in_money_of_the_start_is_brought_to_that_of_each_month() -> None:
    made = money({"serving": (0.0, *[100.0] * 12)})
    plan = planned_costs(made, real(timeline(12), 0.1))
    assert plan.inflated
    assert plan.usd_by_category["serving"][11] == pytest.approx(110.0)
    assert plan.usd_by_category["serving"][5] == pytest.approx(100 * 1.1**0.5)
    # What is left out is told in the same money.
    delayed = money({"delay": (0.0, *[0.0] * 11, 100.0)})
    assert planned_costs(delayed, real(timeline(12), 0.1)).left_out_usd == pytest.approx(110.0)
    same = planned_costs(made, timeline(12))
    assert not same.inflated
    assert set(same.usd_by_category["serving"]) == {100.0}


def test_of_a_providers_bill_only_what_providers_are_paid_is_the_plan() -> None:
    made = money({"people": (50.0, 5.0), "delay": (0.0, 40.0), "serving": (0.0, 20.0)})
    *others, serving = made.lines
    made = replace(made, lines=(*others, replace(serving, provider="somebody")))
    plan = planned_costs(made, timeline(1), billed_only=True)
    assert plan.usd_by_category == {"serving": (20.0,)}
    assert (plan.billed_only, plan.unbilled_usd, plan.left_out_usd) == (True, 95.0, 0.0)
    found = variance(plan, [Spend("2027-01", UNASSIGNED, 20.0)])
    assert found.to_date == Compared(20.0, 20.0, 0.0, 0.0)
    assert (found.billed_only, found.unbilled_usd) == (True, 95.0)
    whole = planned_costs(made, timeline(1))
    assert (whole.billed_only, whole.unbilled_usd) == (False, 0.0)


def test_what_lies_ahead_is_not_compared() -> None:
    plan = PlannedCosts(("2027-01", "2027-02", "2027-03"), {"serving": (100.0,) * 3}, 0.0, False)
    rows = [
        Spend("2027-01", "", 110.0),
        Spend("2027-03", "serving", 7.0),
        Spend("2027-03", "people", 1.0),
        Spend("2027-04", "", 9.0),
    ]
    found = variance(plan, rows, "2027-02")
    assert found.not_begun == (OutsideMonth("2027-03", 8.0),)
    assert found.outside == (OutsideMonth("2027-04", 9.0),)
    without = variance(plan, [rows[0], rows[3]])
    assert replace(found, not_begun=()) == without
    assert without.completion is not None
    assert without.completion.unchanged_usd == 310.0
    assert variance(plan, rows, "2027-03").not_begun == ()


@settings(max_examples=25)
@given(plans(), spends, st.integers(-3, 16).map(label))
def test_it_is_the_same_as_without_the_rows_that_lie_ahead(
    plan: PlannedCosts, rows: list[Spend], present: str
) -> None:
    found = variance(plan, rows, present)
    whole_is_its_parts(found)
    begun = variance(plan, [row for row in rows if row.month <= present])
    assert [m.compared is None for m in found.months] == [m.compared is None for m in begun.months]
    assert found.last_reported == begun.last_reported <= max(present, "")
    assert not {m.label for m in found.not_begun} & {m.label for m in found.outside}
    every = {row.month for row in rows}
    ahead = {month for month in every if month > present}
    assert {m.label for m in found.not_begun} == ahead & set(plan.months)
    assert {m.label for m in found.outside} == every - set(plan.months)
