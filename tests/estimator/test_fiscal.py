"""The calendar, against the one of the standard library, and sums of its periods."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.estimator.exact import grid_of, on_grid
from app.estimator.fiscal import (
    fiscal_periods,
    fiscal_quarter,
    fiscal_year,
    flow_dates,
    month_periods,
    months_later,
    period_sums,
)

starts = st.builds(date, st.integers(1990, 2150), st.integers(1, 12), st.just(1))


@given(start=starts, months=st.integers(0, 300))
def test_months_follow_one_another(start: date, months: int) -> None:
    """One month at a time, by the calendar: 32 days on, and back to the first."""
    day = start
    for _ in range(months):
        day = (day + timedelta(days=32)).replace(day=1)
    assert months_later(start, months) == day


@given(start=starts, months=st.integers(1, 120), first=st.integers(1, 12))
def test_every_month_is_in_one_period_of_each_kind(start: date, months: int, first: int) -> None:
    by_month = month_periods(start, months)
    quarters, years = fiscal_periods(start, months, first)
    for periods in (by_month, quarters, years):
        numbers = [m for p in periods for m in range(p.first_month, p.last_month + 1)]
        assert numbers == list(range(1, months + 1))
        # One ends where the next begins.
        assert [p.end for p in periods[:-1]] == [p.start for p in periods[1:]]
        assert periods[0].start == start.isoformat()
        assert periods[-1].end == months_later(start, months).isoformat()
        assert len({p.label for p in periods}) == len(periods)
    for whole in quarters[1:-1]:
        assert whole.last_month - whole.first_month == 2
    for whole in years[1:-1]:
        assert whole.last_month - whole.first_month == 11
        assert date.fromisoformat(whole.start).month == first
    # Quarters lie within years.
    for quarter in quarters:
        year = next(y for y in years if y.label == quarter.label.split()[0])
        assert year.first_month <= quarter.first_month <= quarter.last_month <= year.last_month


@given(day=st.dates(date(1990, 1, 1), date(2150, 1, 1)), first=st.integers(1, 12))
def test_a_fiscal_year_has_the_number_of_the_year_it_ends_in(day: date, first: int) -> None:
    year, quarter = fiscal_year(day, first), fiscal_quarter(day, first)
    last_month = (first - 2) % 12 + 1
    ends = date(year, last_month, 28)
    begins = months_later(date(year, last_month, 1), -11)
    assert begins <= day
    assert (day.year, day.month) <= (ends.year, ends.month)
    months = (day.year - begins.year) * 12 + day.month - begins.month
    assert quarter == months // 3 + 1


@pytest.mark.parametrize(
    ("day", "first", "label"),
    [
        # The US government's, Japan's and many in the UK, Microsoft's, and the calendar year.
        (date(2026, 10, 1), 10, (2027, 1)),
        (date(2026, 9, 30), 10, (2026, 4)),
        (date(2027, 3, 31), 4, (2027, 4)),
        (date(2026, 7, 1), 7, (2027, 1)),
        (date(2026, 12, 31), 1, (2026, 4)),
    ],
)
def test_calendars_that_are_in_use(day: date, first: int, label: tuple[int, int]) -> None:
    assert (fiscal_year(day, first), fiscal_quarter(day, first)) == label


def test_flows_fall_on_the_first_day_and_on_month_ends() -> None:
    found = [day.isoformat() for day in flow_dates(date(2027, 11, 1), 4)]
    assert found == ["2027-11-01", "2027-11-30", "2027-12-31", "2028-01-31", "2028-02-29"]


@given(
    amounts=st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=121),
    start=starts,
    first=st.integers(1, 12),
)
def test_months_to_quarters_to_years_to_the_whole(
    amounts: list[float], start: date, first: int
) -> None:
    flows = on_grid(amounts, grid_of(sum(map(abs, amounts))))
    quarters, years = fiscal_periods(start, len(amounts) - 1, first)
    by_quarter, by_year = period_sums(flows, quarters), period_sums(flows, years)
    assert sum(by_quarter) == sum(by_year) == float(flows.sum())
    for year, total in zip(years, by_year, strict=True):
        assert total == sum(
            usd
            for quarter, usd in zip(quarters, by_quarter, strict=True)
            if quarter.label.startswith(f"{year.label} ")
        )
