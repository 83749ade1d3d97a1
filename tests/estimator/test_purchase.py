"""What each purchase option bills, by hand and as properties."""

from __future__ import annotations

from dataclasses import replace
from math import isinf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.estimator.constants import constant_values
from app.estimator.purchase import (
    OPTIONS,
    TERM_MONTHS,
    billed,
    block_hours,
    checkpoint_interval_hours,
    programme_hours,
    spot_hours,
    terms_paid,
)
from app.estimator.schedule import ONE_RUN, Schedule

BY_HAND = Schedule(
    runs_before=2.0,
    lost=0.1,
    engineering_months=1.0,
    releases_per_year=2.0,
    horizon_months=24,
)

schedules = st.builds(
    Schedule,
    runs_before=st.floats(0, 20),
    lost=st.floats(0, 2),
    engineering_months=st.floats(0, 20),
    releases_per_year=st.floats(0, 60),
    horizon_months=st.integers(1, 120),
)
hours_of_a_run = st.floats(0.01, 20_000)


def spot(hours: float, written: float, instances: int, **changes: float) -> float:
    found = spot_hours(
        np.array([hours]), np.array([written]), np.array([instances]), constant_values(changes)
    )
    return float(found[0])


def bill(
    option: str, hours: float, schedule: Schedule, instances: int = 1, **changes: float
) -> tuple[float, float]:
    taken, paid = billed(
        np.array([OPTIONS.index(option)]),
        np.array([hours]),
        np.array([0.02]),
        np.array([instances]),
        schedule,
        constant_values(changes),
    )
    return float(taken[0]), float(paid[0])


def test_spot_by_hand() -> None:
    """Once a day and instance, 0.1 of it written in 0.05 h: see each step."""
    once = {"spot_interruptions_per_instance_day": 1.0, "restart_hours": 0.5}
    # Usual checkpoints, every 2 h of 8: sqrt(2 x 0.5 x 24) = 4.9 h would be more seldom.
    assert spot(8.0, 0.5, 1, **once) == pytest.approx(8.0 / (1 - (1.0 + 0.5) / 24))
    # Every sqrt(2 x 0.03 x 24) = 1.2 h of 48, 40 intervals where 4 are usual.
    assert spot(48.0, 0.03, 1, **once) == pytest.approx((48 + 36 * 0.03) / (1 - 1.1 / 24))
    # Four instances: every 0.6 h, four times as often.
    assert spot(48.0, 0.03, 4, **once) == pytest.approx((48 + 76 * 0.03) / (1 - 0.8 / 6))
    interval = checkpoint_interval_hours(
        np.array([48.0]), np.array([0.03]), np.array([4]), constant_values(once)
    )
    assert interval[0] == pytest.approx(0.6)


def test_spot_that_is_taken_away_faster_than_it_advances_never_ends() -> None:
    often = {"spot_interruptions_per_instance_day": 24.0, "restart_hours": 0.5}
    assert np.isfinite(spot(0.1, 0.01, 1, **often))  # once an hour, 0.5125 h each
    assert isinf(spot(0.1, 0.01, 2, **often))


@given(
    hours=hours_of_a_run,
    written=st.floats(0, 1),
    instances=st.integers(1, 128),
    rate=st.floats(0, 1),
    more=st.floats(1, 3),
)
def test_spot_takes_longer_the_longer_the_more_and_the_more_often(
    hours: float, written: float, instances: int, rate: float, more: float
) -> None:
    once = {"spot_interruptions_per_instance_day": rate}
    taken = spot(hours, written, instances, **once)
    assert taken >= hours * (1 - 1e-12)
    assert spot(hours * more, written, instances, **once) >= taken * (1 - 1e-9)
    assert spot(hours, written, instances + 1, **once) >= taken * (1 - 1e-9)
    often = {"spot_interruptions_per_instance_day": rate * more}
    assert spot(hours, written, instances, **often) >= taken * (1 - 1e-9)


@given(hours=hours_of_a_run, instances=st.integers(1, 128), schedule=schedules)
def test_spot_that_is_never_taken_away_is_billed_as_on_demand(
    hours: float, instances: int, schedule: Schedule
) -> None:
    never = {"spot_interruptions_per_instance_day": 0.0}
    assert bill("spot", hours, schedule, instances, **never) == (hours, hours)
    assert bill("on-demand", hours, schedule, instances) == (hours, hours)


@pytest.mark.parametrize(
    ("days", "paid"),
    [
        (0.01, 1),
        (1.0, 1),
        (1.01, 2),
        (13.5, 14),
        (14.0, 14),
        (14.01, 21),
        (28.0, 28),
        (181.9, 182),
        (182.0, 182),
        (182.5, 183),  # a second block of a day
        (197.0, 203),  # and one of 15 days, in steps of 7
    ],
)
def test_blocks_are_sold_in_days_and_weeks(days: float, paid: float) -> None:
    assert block_hours(days * 24.0) == paid * 24.0


def test_hours_of_a_programme_by_hand() -> None:
    """Runs of 10 h: 33 h first, then 11 h at each of 3 later releases."""
    hours = np.array([10.0])
    found = BY_HAND.campaigns(hours)
    assert found.runs[0] == pytest.approx(6.6)
    assert found.later.tolist() == [3]
    # 33 h are 0.045175 months; the last run ends 18 months after the first release.
    assert found.release_month[0] == pytest.approx(1.045175, abs=1e-6)
    assert found.span_months[0] == pytest.approx(33 / 730.5 + 18)
    assert programme_hours("on-demand", hours, found)[0] == pytest.approx(66)
    assert programme_hours("spot", hours, found)[0] == pytest.approx(66)
    assert programme_hours("capacity-block", hours, found)[0] == 48 + 3 * 24
    assert programme_hours("reserved-1y", hours, found)[0] == 2 * 12 * 730  # 18.05 months
    assert programme_hours("reserved-3y", hours, found)[0] == 36 * 730
    # What is paid for a run is its share: 6.6 runs.
    assert bill("capacity-block", 10.0, BY_HAND)[1] == pytest.approx(120 / 6.6)
    assert bill("reserved-3y", 10.0, BY_HAND)[1] == pytest.approx(26_280 / 6.6)


@pytest.mark.parametrize("option", TERM_MONTHS)
@given(hours=hours_of_a_run, shorter=st.floats(0.01, 1), schedule=schedules)
def test_a_reservation_costs_the_same_whatever_its_use_below_the_term(
    option: str, hours: float, shorter: float, schedule: Schedule
) -> None:
    term = TERM_MONTHS[option] * 730.0
    found, less = (schedule.campaigns(h) for h in (hours, hours * shorter))
    paid = programme_hours(option, np.array([hours]), found)[0]
    assert paid % term == 0
    assert paid >= term
    assert paid >= found.runs[0] * hours * (1 - 1e-9)
    months = TERM_MONTHS[option]
    spans = found.span_months[0], less.span_months[0]
    if max(spans) <= months and found.runs[0] * hours <= term:
        assert paid == programme_hours(option, np.array([hours * shorter]), less)[0] == term


def test_a_programme_of_twelve_months_takes_one_term() -> None:
    """Ten runs of 0.1 months, then eleven releases a month apart: 12 months, 1,534 h of runs."""
    year = Schedule(9.0, 0.0, 0.0, 12.0, 13)
    found = year.campaigns(73.05)
    assert found.later.tolist() == [11]
    assert found.span_months[0] == pytest.approx(12)
    assert terms_paid("reserved-1y", np.array([73.05]), found)[0] == 1
    longer = replace(year, horizon_months=14).campaigns(73.1)
    assert longer.span_months[0] == pytest.approx(12.0007, abs=1e-4)
    assert terms_paid("reserved-1y", np.array([73.1]), longer)[0] == 2
    # Hours without a break are those that a term pays for: 8,760 a year.
    for hours, terms in ((8760.0, 1), (8761.0, 2)):
        assert terms_paid("reserved-1y", np.array([hours]), ONE_RUN.campaigns(hours))[0] == terms


@pytest.mark.parametrize("option", OPTIONS)
@given(hours=st.lists(hours_of_a_run, min_size=2, max_size=5), schedule=schedules)
def test_nothing_is_used_that_is_not_paid_for(
    option: str, hours: list[float], schedule: Schedule
) -> None:
    """And many at once are billed as one by one."""
    together = billed(
        np.full(len(hours), OPTIONS.index(option)),
        np.array(hours),
        np.full(len(hours), 0.02),
        np.ones(len(hours), dtype=np.int64),
        schedule,
        constant_values(),
    )
    for i, one in enumerate(hours):
        taken, paid = bill(option, one, schedule)
        assert (together[0][i], together[1][i]) == (taken, paid)
        assert paid >= taken * (1 - 1e-9)


def test_one_run_alone() -> None:
    assert bill("on-demand", 30.0, ONE_RUN) == (30.0, 30.0)
    assert bill("capacity-block", 30.0, ONE_RUN) == (30.0, 48.0)
    assert bill("reserved-1y", 30.0, ONE_RUN) == (30.0, 8760.0)
    assert terms_paid("reserved-1y", np.array([9000.0]), ONE_RUN.campaigns(9000.0))[0] == 2


@given(hours=hours_of_a_run, schedule=schedules)
def test_campaigns_never_overlap(hours: float, schedule: Schedule) -> None:
    """The hours of all runs fit between the start of the first and the end of the last."""
    found = schedule.campaigns(hours)
    assert found.runs[0] * hours <= found.span_months[0] * 730.5 * (1 + 1e-9)
    assert found.later[0] == 0 or found.release_month[0] < schedule.horizon_months
