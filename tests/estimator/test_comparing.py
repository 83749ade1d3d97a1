"""Full fine-tuning against an adapter, on hand-made draws: the gap that pays for what it costs.

A point is worth 1,000 answers x 1.00 / 100 = 10 USD a month, and 240 USD over 24 months in use. Of
a method that costs 1,200 USD more it takes 5 more points.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.estimator.benefits import benefit_flows, use_drivers
from app.estimator.break_even import break_evens
from app.estimator.case import Case, Value
from app.estimator.comparing import compare
from app.estimator.decision import Contender, Terms
from app.estimator.finance import discount_factors, live_fraction
from app.estimator.flows import Flow, costs_of
from app.estimator.ledger import ledger_of
from app.estimator.method_serving import Served
from app.estimator.planner import Choice, Planned
from app.estimator.report import Comparison
from app.estimator.report_values import Distribution
from app.estimator.uncertainty import PresentDraws, money_draws
from app.estimator.value import InUse, streams_of
from app.estimator.worked import Worked, contender_of
from app.inputs import ScenarioInput
from app.services.cases import case_of
from tests.estimator.planning import METHODS

LookedUp = Callable[[], Case]
"""A function, since the text of a case is too long for a failure of Hypothesis to print."""

VALUE = Value(
    base_accuracy_points=60,
    test_set_size=500,
    answers_per_month=1_000,
    value_per_correct_answer_usd=1,
    horizon_months=24,
    discount_rate_fraction=0.0,
    value_uncertainty_fraction=0.3,
    price_uncertainty_fraction=0.2,
)


@pytest.fixture(scope="module")
def looked_up(catalog: Catalog) -> LookedUp:
    """A case whose value is replaced by that of each test."""
    scenario = ScenarioInput(accelerators=("H100-SXM-80GB",), max_gpus=8, draws=1_000)
    case = case_of(scenario, catalog, date(2026, 11, 23))
    return lambda: case


def worked(
    key: str,
    score: Sequence[float],
    usd: float = 0.0,
    release: float = 0.0,
    *,
    value: Value = VALUE,
    factor: Sequence[float] | None = None,
    forgotten: float = 0.0,
    seconds: float = 0.0,
) -> Worked:
    """A method that costs an amount at once and is released at some moment."""
    scores = np.array(score, dtype=np.float64)
    one = np.ones_like(scores)
    factors = one if factor is None else np.array(factor)
    live = live_fraction(value.horizon_months, release)
    once = np.zeros_like(live)
    once[0] = 1.0
    flow = Flow("engineering", "Engineering", "people", once, "weeks", usd, "once", "input")
    # The release run stays in the list where it costs nothing.
    run = Flow("release_run", "Run", "training", once, "GPU-hours", 0.0, "once", "input")
    use = InUse(scores, forgotten * one, seconds, live, release)
    drivers = use_drivers(value, use, factors)
    costs = costs_of((flow, run), live, release, 0)
    ledger = ledger_of(
        costs,
        benefit_flows(value, use, drivers),
        value.discount_rate_fraction,
    )
    streams = streams_of(value, use, factors)
    return Worked(
        method=METHODS[key],
        planned=cast(Planned, None),
        choice=Choice(0, 0, 0.0, 1.0, 1.0),
        served=Served(),
        infrastructure=(),
        ledger=ledger,
        drivers=drivers,
        use=use,
        base=60 * one,
        final=60 + use.gain,
        costs_at=lambda _: costs,
        gpu_factor=one,
        value_factor=factors,
        money=money_draws(ledger.costs, streams, one, value.discount_rate_fraction),
    )


def compared(looked_up: LookedUp, *methods: Worked, value: Value = VALUE) -> Comparison:
    case = dataclasses.replace(looked_up(), value=value, draws=len(methods[0].base))
    by_key = {m.method.key: m for m in methods}
    found = compare(case, by_key, {key: contender_of(case, m) for key, m in by_key.items()})
    assert found is not None
    return found


def gap_of(looked_up: LookedUp, *methods: Worked, value: Value = VALUE) -> float:
    gap = compared(looked_up, *methods, value=value).break_even_gap_points
    assert gap is not None
    return gap


# ---------------------------------------------------------------------------------------- the gap


@pytest.mark.parametrize("scores", [[4.0, 4.0], [1.0, 12.0], [0.0, -3.0]])
def test_points_that_pay_for_more_cost_by_hand(looked_up: LookedUp, scores: list[float]) -> None:
    """Whatever is expected of either method."""
    lora = worked("lora", scores, usd=300)
    for of_full in ([3.0, 9.0], scores):
        assert gap_of(looked_up, worked("full", of_full, usd=1_500), lora) == pytest.approx(5)


def test_a_cheaper_full_run_may_be_worse_by_the_gap(looked_up: LookedUp) -> None:
    full, lora = worked("full", [9.0, 9.0], usd=60), worked("lora", [9.0, 9.0], usd=300)
    assert gap_of(looked_up, full, lora) == pytest.approx(-1)


def test_a_later_release_has_to_make_up_for_the_months_lost(looked_up: LookedUp) -> None:
    """4 points of LoRA for 24 months are worth 960. At 120 a point for 12 months, and 1,200 more in
    cost, full fine-tuning needs 2,160 / 120 = 18 points: 14 more.
    """
    full, lora = worked("full", [1.0, 6.0], usd=1_200, release=12), worked("lora", [4.0, 4.0])
    assert gap_of(looked_up, full, lora) == pytest.approx(14)


def test_gains_are_weighed_by_what_they_turn_out_to_be_worth(looked_up: LookedUp) -> None:
    """2 points at half the worth and 6 at one and a half are 5 on average: 1,200 over 24 months.
    Over 12 they are 600, so that 1,800 are missing at 120 a point.
    """
    of_draws: dict[str, Any] = {"factor": [0.5, 1.5]}
    full = worked("full", [3.0, 3.0], usd=1_200, release=12, **of_draws)
    lora = worked("lora", [2.0, 6.0], **of_draws)
    assert gap_of(looked_up, full, lora) == pytest.approx(15)


def test_the_gap_is_of_present_worth(looked_up: LookedUp) -> None:
    """Two months at 10% a month: a point is worth 10 / 1.1 + 10 / 1.21 = 17.3554."""
    value = dataclasses.replace(VALUE, horizon_months=2, discount_rate_fraction=1.1**12 - 1)
    full = worked("full", [3.0], usd=100, value=value)
    lora = worked("lora", [3.0], value=value)
    assert gap_of(looked_up, full, lora, value=value) == pytest.approx(100 / 17.3553719)


def test_what_is_forgotten_and_waited_for_is_made_up_for(looked_up: LookedUp) -> None:
    """5 points of 500 other answers at 0.40: 10 USD a month, 240 in all, one point of the task.
    Half a second of 0.02 for each of 1,000 answers is as much again.
    """
    value = dataclasses.replace(
        VALUE, other_answers_per_month=500, other_value_usd=0.4, second_usd=0.02
    )
    full = worked("full", [3.0, 8.0], usd=1_200, value=value, forgotten=5.0)
    lora = worked("lora", [3.0, 8.0], value=value)
    assert gap_of(looked_up, full, lora, value=value) == pytest.approx(6)
    slow = worked("lora", [3.0, 8.0], value=value, seconds=0.5)
    assert gap_of(looked_up, full, slow, value=value) == pytest.approx(5)
    # As half of the draws stay with the base, half is forgotten.
    rarely = worked("full", [-3.0, 8.0], usd=1_200, value=value, forgotten=5.0)
    assert gap_of(looked_up, rarely, lora, value=value) == pytest.approx(5.5)


def test_growth_that_points_bring_by_hand(looked_up: LookedUp) -> None:
    """One month from the start: at 10 points, 20% more a year are 1.2^(0.5 / 12) - 1 = 0.00762556
    of 1,000 answers, at 0.10 + 30.00 each. With the 100 of the answers it is worth 329.529.
    """
    value = dataclasses.replace(
        VALUE, horizon_months=1, growth_per_point_fraction=0.02, margin_usd=30
    )
    worth = 1_000 * (0.10 + 0.00762556 * (0.10 + 30))
    assert worth == pytest.approx(329.529, abs=1e-3)
    full = worked("full", [2.0], usd=worth, value=value)
    lora = worked("lora", [-1.0], value=value)
    assert gap_of(looked_up, full, lora, value=value) == pytest.approx(10, rel=1e-5)


GROWTH = [0.0, 0.005, 0.02]


@given(
    growth=st.sampled_from(GROWTH),
    market=st.floats(-0.3, 0.5),
    margin=st.sampled_from([0.0, 0.05]),
    months=st.integers(6, 36),
    rate=st.floats(0, 0.3),
    late=st.floats(0, 4),
    usd=st.floats(-2_000, 20_000),
    of_full=st.lists(st.floats(0.1, 20), min_size=4, max_size=4),
    of_lora=st.lists(st.floats(-5, 20), min_size=4, max_size=4),
    factor=st.lists(st.floats(0.2, 3), min_size=4, max_size=4),
    forgotten=st.floats(-3, 10),
)
@hypothesis_settings(max_examples=50, deadline=None)
def test_full_with_the_gap_over_the_adapter_is_worth_as_much(
    looked_up: LookedUp,
    growth: float,
    market: float,
    margin: float,
    months: int,
    rate: float,
    late: float,
    usd: float,
    of_full: list[float],
    of_lora: list[float],
    factor: list[float],
    forgotten: float,
) -> None:
    """What it earns is added up from its streams, not read off the table of the gap."""
    value = dataclasses.replace(
        VALUE,
        horizon_months=months,
        discount_rate_fraction=rate,
        growth_fraction=market,
        growth_per_point_fraction=growth,
        margin_usd=margin,
        other_answers_per_month=300,
        other_value_usd=0.5,
    )
    factors = [x / float(np.mean(factor)) for x in factor]
    said: dict[str, Any] = {"value": value, "factor": factors}
    full = worked("full", of_full, 5_000 + usd, 0.5 + late, forgotten=forgotten, **said)
    lora = worked("lora", of_lora, 5_000, 0.5, **said)
    gap = gap_of(looked_up, full, lora, value=value)
    lifted = lora.gain + gap
    # Below the base nothing would be released, and beyond 100 points there is nothing.
    assume(float(lifted.min()) > 0)
    assume(float(lifted.max()) < 100)
    streams = streams_of(value, dataclasses.replace(full.use, score=lifted), np.array(factors))
    discount = discount_factors(rate, months)
    earned = sum(float(stream.total(discount).mean()) for stream in streams)
    size = 5_000 + sum(float(np.abs(stream.total(discount)).mean()) for stream in streams)
    expected = float(lora.money.npv.mean()) + 5_000 + usd
    assert earned == pytest.approx(expected, abs=1e-9 * size if growth == 0 else 1e-4 * size)


@given(
    growth=st.sampled_from(GROWTH),
    scores=st.lists(st.floats(-10, 30), min_size=1, max_size=6),
    usd=st.floats(0, 10_000),
    more=st.floats(1, 5_000),
)
@hypothesis_settings(max_examples=40, deadline=None)
def test_each_dollar_more_takes_more_points(
    looked_up: LookedUp, growth: float, scores: list[float], usd: float, more: float
) -> None:
    value = dataclasses.replace(VALUE, growth_per_point_fraction=growth)
    lora = worked("lora", scores, value=value)
    cheap, dear = (
        gap_of(looked_up, worked("full", scores, x, value=value), lora, value=value)
        for x in (usd, usd + more)
    )
    assert dear > cheap >= -1e-9


@pytest.mark.parametrize(
    ("growth", "months", "usd", "by_bisection"),
    [(0.01, 120, 100_000, 31.52), (0.015, 120, 100_000, 24.28), (0.03, 120, 100_000, 15.13)],
)
def test_the_gap_is_found_where_growth_compounds_for_long(
    looked_up: LookedUp, growth: float, months: int, usd: float, by_bisection: float
) -> None:
    value = dataclasses.replace(
        VALUE,
        horizon_months=months,
        growth_per_point_fraction=growth,
        value_per_correct_answer_usd=0.5,
    )
    full, lora = worked("full", [3.0], usd, value=value), worked("lora", [0.0], value=value)
    gap = gap_of(looked_up, full, lora, value=value)
    # 1,000 x (1 + k gap)^((m - 0.5) / 12) x gap / 100 x 0.50, over 120 months m: the extra cost.
    with_it = worked("full", [gap], usd, value=value)
    assert with_it.money.npv.mean() == pytest.approx(0, abs=0.01 * usd)
    assert gap == pytest.approx(by_bisection, abs=0.02)


# ------------------------------------------------------------------------------------ without one


@pytest.mark.parametrize("growth", [0.0, 0.02])
@pytest.mark.parametrize(
    ("changes", "release"),
    [
        ({"value_per_correct_answer_usd": 0.0}, 0.0),
        ({"answers_per_month": 0.0}, 0.0),
        # Full fine-tuning comes after the horizon; the adapter is worth a lot.
        ({}, 24.0),
        ({}, 40.0),
    ],
)
def test_no_gap_where_no_point_is_worth_anything(
    looked_up: LookedUp, growth: float, changes: dict[str, Any], release: float
) -> None:
    value = dataclasses.replace(VALUE, growth_per_point_fraction=growth, **changes)
    full = worked("full", [3.0, 9.0], 1_200, release, value=value)
    lora = worked("lora", [3.0, 5.0], value=value)
    assert compared(looked_up, full, lora, value=value).break_even_gap_points is None
    # A gap is found where the adapter comes too late.
    if not changes:
        early = worked("full", [3.0, 9.0], 1_200, value=value)
        late = worked("lora", [3.0, 5.0], 0, release, value=value)
        assert compared(looked_up, early, late, value=value).break_even_gap_points is not None


def test_growth_alone_makes_points_worth_something(looked_up: LookedUp) -> None:
    """Right answers are worth nothing, but customers come for them."""
    value = dataclasses.replace(VALUE, value_per_correct_answer_usd=0.0, margin_usd=0.5)
    growing = dataclasses.replace(value, growth_per_point_fraction=0.01)
    for said, found in ((value, False), (growing, True)):
        full, lora = (worked(key, [3.0, 5.0], value=said) for key in ("full", "lora"))
        gap = compared(looked_up, full, lora, value=said).break_even_gap_points
        assert (gap is not None) == found


# --------------------------------------------------------------------------------- the comparison


@pytest.mark.parametrize("growth", GROWTH)
def test_equal_methods_have_no_gap(looked_up: LookedUp, growth: float) -> None:
    value = dataclasses.replace(VALUE, growth_per_point_fraction=growth, margin_usd=0.02)
    full, lora = (
        worked(key, [3.0, -2.0, 7.0], 500, 1.5, value=value, factor=[0.5, 1.0, 1.5])
        for key in ("full", "lora")
    )
    found = compared(looked_up, full, lora, value=value)
    assert found.gap_points == Distribution(0, 0, 0, 0)
    assert found.break_even_gap_points == pytest.approx(0, abs=1e-9)
    assert found.probability_full_beats_adapter == 0
    assert found.extra_cost_usd == 0


def test_a_comparison_by_hand(looked_up: LookedUp) -> None:
    """A point is worth 240: full is ahead by 5 points and more."""
    full = worked("full", [4.0, 12.0, 9.0, -8.0, 20.0], usd=1_500)
    lora = worked("lora", [4.0, 6.5, 4.5, 3.0, -6.0], usd=300)
    found = compared(looked_up, full, lora)
    assert found.adapter_method == "lora"
    # 0, 5.5, 4.5, -3 and 20, as nothing is lost where a method tests below the base.
    assert found.gap_points.mean == pytest.approx(27 / 5)
    assert found.gap_points.p50 == 4.5
    assert found.gap_points.p10 == pytest.approx(-3 + 0.4 * 3)
    assert found.gap_points.p90 == pytest.approx(5.5 + 0.6 * 14.5)
    assert found.probability_full_beats_adapter == 0.4
    assert found.extra_cost_usd == 1_200
    assert found.break_even_gap_points == pytest.approx(5)


def test_the_gap_between_them_is_the_break_even_gap_where_they_are_worth_the_same(
    looked_up: LookedUp,
) -> None:
    full, lora = worked("full", [9.0, 9.0], usd=1_200), worked("lora", [2.0, 6.0])
    found = compared(looked_up, full, lora)
    assert full.money.npv.mean() == pytest.approx(lora.money.npv.mean())
    assert found.gap_points.mean == pytest.approx(5)
    assert found.break_even_gap_points == pytest.approx(5)


def test_nothing_is_compared_without_both(looked_up: LookedUp) -> None:
    full, lora, qlora = (worked(key, [3.0, 5.0]) for key in METHODS)
    assert compare(looked_up(), {}, {}) is None
    assert compare(looked_up(), {"full": full}, {}) is None
    assert compare(looked_up(), {"lora": lora, "qlora": qlora}, {}) is None
    assert compared(looked_up, full, qlora).adapter_method == "qlora"


@pytest.mark.parametrize(("wins", "adapter"), [(0, "lora"), (6, "lora"), (7, "qlora")])
def test_full_is_compared_with_the_adapter_that_stands(
    looked_up: LookedUp, wins: int, adapter: str
) -> None:
    """QLoRA where it wins in two of three draws; the costs and gains are then its own."""
    full = worked("full", [10.0] * 10, usd=1_000)
    lora = worked("lora", [5.0] * 10, usd=400)
    qlora = worked("qlora", [6.0] * wins + [4.0] * (10 - wins), usd=400)
    found = compared(looked_up, full, lora, qlora)
    chosen = {"lora": lora, "qlora": qlora}[adapter]
    assert found == compared(looked_up, full, chosen)
    assert found.adapter_method == adapter
    assert found.gap_points.mean == pytest.approx(10 - chosen.gain.mean())


# ----------------------------------------------------------------------------------- break-evens


def test_break_evens_are_where_a_new_comparison_finds_none(looked_up: LookedUp) -> None:
    """At that volume and at that worth, full is worth as much as the adapter."""

    def both(value: Value) -> Comparison:
        full = worked("full", [9.0, 3.0], usd=1_500, value=value, forgotten=1.0)
        lora = worked("lora", [4.0, 4.0], usd=300, value=value, release=0.5)
        return compared(looked_up, full, lora, value=value)

    value = dataclasses.replace(
        VALUE, other_answers_per_month=50.0, other_value_usd=0.4, hallucination_fraction=0.1,
        hallucination_usd=2.0, growth_per_point_fraction=0.01, margin_usd=0.01,
    )  # fmt: skip
    found = {b.key: b for b in both(value).break_evens}
    assert set(found) == {"answers_per_month", "value_per_correct_answer_usd"}
    for key, point in found.items():
        assert point.now == getattr(value, key)
        assert point.above
        for factor, sign in ((0.99, -1), (1.01, 1)):
            moved = both(dataclasses.replace(value, **{key: factor * point.value}))
            assert moved.incremental is not None
            assert moved.incremental.npv_usd * sign > 0
        level = both(dataclasses.replace(value, **{key: point.value})).incremental
        assert level is not None
        assert level.npv_usd == pytest.approx(0, abs=1e-6)


def test_a_dearer_gpu_turns_what_takes_more_of_it() -> None:
    """Worth 1,000 of which GPU time takes 200: five times more of it are as much as all of it."""
    one = np.ones(2)
    present = PresentDraws(1_300 * one, 0 * one, 200 * one, 100.0)
    contender = Contender(
        "full", 1_300 * one, 0 * one, 200 * one, 100.0, 300.0, 200.0, 10.0,
        Terms(1_300 * one, lambda gain: gain, one, one, 40 * one, lambda _: present),
    )  # fmt: skip
    points = {b.key: b for b in break_evens(contender, VALUE, 3.0)}
    assert points["gpu_price"].value == pytest.approx(3.0 * 6)
    assert not points["gpu_price"].above
    assert points["answers_per_month"].value == pytest.approx(VALUE.answers_per_month * 300 / 1_300)
    # Against itself nothing turns.
    assert break_evens(contender, VALUE, 3.0, contender) == ()
