"""What a model in use earns and loses by month, worked by hand; and what holds for any inputs.

The model of the figures below comes after 1.25 months of three and is live for a whole month 3:

    in use              live    middle      years since
    month 2             0.75    1.625       0.375 / 12
    month 3             1       2.5         1.25 / 12

A wrong answer costs 2 of itself, 0.1 x 5 by being believed and 0.2 x 0.1 x 50 by an incident: 3.50.
Of 4 points, a factor of 1.5 on that makes 0.04 x 3.50 x 1.5 = 0.21 an answer.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.case import Value
from app.estimator.finance import discount_factors, live_fraction
from app.estimator.value import (
    VOLUME_STREAMS,
    Floats,
    InUse,
    Stream,
    answers_by_month,
    mean_answers_per_month,
    streams_of,
    worth_by_gain,
)

LIVE = np.array([0.0, 0.0, 0.75, 1.0])
PLAIN = Value(
    base_accuracy_points=60,
    test_set_size=500,
    answers_per_month=1_000,
    value_per_correct_answer_usd=2,
    horizon_months=3,
    discount_rate_fraction=0.1,
    value_uncertainty_fraction=0.3,
    price_uncertainty_fraction=0.2,
)
ALL = dataclasses.replace(
    PLAIN,
    hallucination_fraction=0.1,
    hallucination_usd=5,
    violation_fraction=0.2,
    incident_fraction=0.1,
    incident_usd=50,
    other_answers_per_month=400,
    other_value_usd=0.6,
    growth_fraction=0.2,
    growth_per_point_fraction=0.01,
    margin_usd=0.05,
    second_usd=0.01,
)


def in_use(score: Any, **changes: Any) -> InUse:
    """A model in use as in the figures above."""
    scores = np.atleast_1d(np.array(score, dtype=np.float64))
    said: dict[str, Any] = {
        "score": scores,
        "forgotten": np.full_like(scores, 5.0),
        "extra_seconds": 3.0,
        "live_by_month": LIVE,
        "release_month": 1.25,
    }
    return InUse(**(said | changes))


def by_key(value: Value, use: InUse, factor: Any = 1.0) -> dict[str, Stream]:
    streams = streams_of(value, use, factor * np.ones_like(use.score))
    assert len({stream.key for stream in streams}) == len(streams)
    return {stream.key: stream for stream in streams}


def added(stream: Stream, month: int) -> Any:
    """What has compounded by a month, by the definition; 1 where nothing compounds."""
    if stream.log_yearly is None or stream.years is None:
        return 1.0
    return np.exp(stream.years[month] * stream.log_yearly) - 1


def in_month(stream: Stream, month: int) -> Any:
    """What flows in a month, by the definition. (draws,)"""
    return stream.by_month[month] * added(stream, month) * stream.by_draw


def flows(stream: Stream, draw: int = 0) -> list[float]:
    return [float(in_month(stream, m)[draw]) for m in range(len(stream.by_month))]


def monthly(months: int, release: float) -> dict[str, Any]:
    """A release at some moment, for `in_use`."""
    return {"live_by_month": live_fraction(months, release), "release_month": release}


def test_the_worth_of_one_answer_above() -> None:
    assert PLAIN.usd_per_error == 2
    assert ALL.usd_per_error == pytest.approx(3.5)
    assert ALL.usd_per_point_month == pytest.approx(1_000 * 3.5 / 100)


def test_the_middle_of_the_part_in_use() -> None:
    assert in_use(4.0).middle_by_month[2:].tolist() == [1.625, 2.5]
    # Live for all of both months.
    use = in_use(4.0, live_by_month=np.array([0.0, 1.0, 1.0]), release_month=0.0)
    assert use.middle_by_month[1:].tolist() == [0.5, 1.5]


# ----------------------------------------------------------------------------------------- streams


def test_answers_while_in_use_by_hand() -> None:
    # 0.75 x 1,000 x 1.2^(1.625 / 12) and 1,000 x 1.2^(2.5 / 12).
    by_hand = [0, 0, 768.747513, 1038.714258]
    assert answers_by_month(ALL, in_use(4.0)) == pytest.approx(by_hand, rel=1e-8)
    # Their number is that of the market, whatever the model is good for.
    assert answers_by_month(ALL, in_use(-4.0)).tolist() == pytest.approx(by_hand, rel=1e-8)
    shrinking = dataclasses.replace(PLAIN, growth_fraction=-0.75)
    # A quarter is left after a year; the middle of month 7 is 6.5 months on.
    use = in_use(4.0, **monthly(7, 6.0))
    assert answers_by_month(shrinking, use)[7] == pytest.approx(1_000 * 0.25 ** (6.5 / 12))


def test_all_streams_by_hand() -> None:
    streams = by_key(ALL, in_use(4.0), 1.5)
    assert set(streams) == {"answers", "growth", "latency", "forgetting"}
    # 0.21 an answer.
    assert flows(streams["answers"]) == pytest.approx([0, 0, 161.436978, 218.129994], rel=1e-8)
    # 4 points are 4% a year: 1.04^(0.375 / 12) - 1 = 0.0012263987, 1.04^(1.25 / 12) - 1 =
    # 0.0040938479 of the answers. Each is worth 0.21 and a margin of 0.05 x 1.5, less 3 s of 0.01.
    each = 0.21 + 0.075 - 0.03
    assert flows(streams["growth"]) == pytest.approx(
        [0, 0, 768.747513 * 0.0012263987 * each, 1038.714258 * 0.0040938479 * each], rel=1e-7
    )
    # 0.03 an answer, which does not vary with the worth of a right one.
    assert flows(streams["latency"]) == pytest.approx([0, 0, -23.06242539, -31.16142774])
    # 300 and 400 other answers, 5 points of 0.60: 0.03 each. They neither grow nor vary.
    assert flows(streams["forgetting"]) == pytest.approx([0, 0, -9, -12])
    # Weighed by month, for example discounted.
    for key, second, third in (
        ("answers", 161.436978, 218.129994),
        ("growth", 0.2404117, 1.0843462),
        ("latency", -23.06242539, -31.16142774),
        ("forgetting", -9, -12),
    ):
        total = streams[key].total(np.array([1.0, 1.0, 0.9, 0.5]))
        assert total == pytest.approx([0.9 * second + 0.5 * third], rel=1e-6)


def test_growth_compounds_by_the_year() -> None:
    """Released at 0.5 and weighed at the middles of months: month 13 is a year on, month 25 two."""
    value = dataclasses.replace(PLAIN, growth_per_point_fraction=0.02, horizon_months=25)
    growth = by_key(value, in_use([10.0, 5.0], **monthly(25, 0.5)))["growth"]
    for month, shares in (
        (13, (0.2, 0.1)),  # 2% a point
        (25, (1.2**2 - 1, 1.1**2 - 1)),  # 44% and 21%, not 40% and 20%
    ):
        powers = [power.copy() for power in growth.powers()]
        assert powers[month] - 1 == pytest.approx(shares)
        assert in_month(growth, month) == pytest.approx(
            [1_000 * shares[0] * 0.10 * 2, 1_000 * shares[1] * 0.05 * 2]
        )


def test_growth_comes_on_top_of_that_of_the_market() -> None:
    value = dataclasses.replace(
        PLAIN, growth_fraction=0.5, growth_per_point_fraction=0.02, horizon_months=13
    )
    growth = by_key(value, in_use(10.0, **monthly(13, 0.5)))["growth"]
    # 1.5^(12.5 / 12) as many answers as in month 0, of which a fifth more come.
    expected = 1_000 * 1.5 ** (12.5 / 12) * 0.2 * 0.1 * 2
    assert flows(growth)[13] == pytest.approx(expected)


def test_answers_that_growth_brings_earn_their_margin_without_a_worth_of_right_ones() -> None:
    value = dataclasses.replace(
        PLAIN,
        value_per_correct_answer_usd=0,
        growth_per_point_fraction=0.02,
        margin_usd=0.3,
        horizon_months=13,
    )
    streams = by_key(value, in_use(10.0, **monthly(13, 0.5)), 2.0)
    assert flows(streams["answers"]) == [0] * 14
    assert flows(streams["growth"])[13] == pytest.approx(1_000 * 0.2 * 0.3 * 2)


def test_without_growth_the_plain_formula() -> None:
    """Months in use x answers x points / 100 x worth, for each draw."""
    streams = by_key(PLAIN, in_use([4.0, 10.0, 25.0]), np.array([1.0, 0.5, 2.0]))
    assert set(streams) == {"answers"}
    by_hand = [1.75 * 1_000 * 0.04 * 2, 1.75 * 1_000 * 0.1 * 1, 1.75 * 1_000 * 0.25 * 4]
    assert streams["answers"].total(np.ones(4)) == pytest.approx(by_hand)
    # Discounted at 21% a year: 10% for half a year, so 1.1^(-2/6) and 1.1^(-3/6).
    discount = discount_factors(0.21, 3)
    present = [1.1 ** (-2 / 6), 1.1 ** (-3 / 6)]
    assert streams["answers"].total(discount)[0] == pytest.approx(
        1_000 * 0.04 * 2 * (0.75 * present[0] + present[1])
    )


def test_a_model_below_the_base_earns_and_loses_nothing() -> None:
    """The base stays in use: in draws 2 and 3, of which the last is no better than it."""
    for stream in by_key(ALL, in_use([4.0, -1.0, 0.0])).values():
        total = stream.total(np.ones(4))
        assert total[0] != 0
        assert total[1:].tolist() == [0, 0]
        for month in range(4):
            assert in_month(stream, month)[1:].tolist() == [0, 0]


def test_gain_and_release_by_score() -> None:
    use = in_use([4.0, -1.0, 0.0])
    assert use.gain.tolist() == [4, 0, 0]
    assert use.released.tolist() == [True, False, False]


def test_a_release_after_the_horizon_is_worth_nothing() -> None:
    for stream in by_key(ALL, in_use(4.0, **monthly(3, 3.0))).values():
        assert flows(stream) == [0] * 4


def test_what_is_learned_elsewhere_is_earned() -> None:
    streams = by_key(ALL, in_use([4.0, -1.0], forgotten=np.array([-5.0, -5.0])))
    assert flows(streams["forgetting"]) == pytest.approx([0, 0, 9, 12])
    assert flows(streams["forgetting"], 1) == [0] * 4


@pytest.mark.parametrize(
    ("changes", "left_out"),
    [
        ({"growth_per_point_fraction": 0.0}, "growth"),
        ({"second_usd": 0.0}, "latency"),
        ({"other_answers_per_month": 0.0}, "forgetting"),
        ({"other_value_usd": 0.0}, "forgetting"),
    ],
)
def test_what_is_certainly_nothing_is_left_out(changes: dict[str, Any], left_out: str) -> None:
    full = set(by_key(ALL, in_use(4.0)))
    assert set(by_key(dataclasses.replace(ALL, **changes), in_use(4.0))) == full - {left_out}


def test_no_extra_seconds_no_latency() -> None:
    streams = by_key(ALL, in_use(4.0, extra_seconds=0.0), 1.5)
    assert "latency" not in streams
    # What growth brings is not waited for either.
    each = 0.21 + 0.075
    assert flows(streams["growth"])[3] == pytest.approx(1038.714258 * 0.0040938479 * each, rel=1e-7)


# ------------------------------------------------------------------------------- what always holds

amount = st.just(0.0) | st.floats(0.001, 100)
share = st.just(0.0) | st.floats(0.001, 1)
answers = st.just(0.0) | st.floats(1, 1e6)
values = st.builds(
    Value,
    base_accuracy_points=st.just(60.0),
    test_set_size=st.just(500),
    answers_per_month=answers,
    value_per_correct_answer_usd=amount,
    horizon_months=st.integers(1, 48),
    discount_rate_fraction=st.floats(0, 0.5),
    value_uncertainty_fraction=st.just(0.3),
    price_uncertainty_fraction=st.just(0.2),
    hallucination_fraction=share,
    hallucination_usd=amount,
    violation_fraction=share,
    incident_fraction=share,
    incident_usd=amount,
    other_answers_per_month=answers,
    other_value_usd=amount,
    growth_fraction=st.floats(-0.9, 2),
    growth_per_point_fraction=st.sampled_from([0.0, 0.001, 0.02, 0.1]),
    margin_usd=amount,
    second_usd=share,
)
release = st.floats(0, 50)
factor = st.floats(0.1, 10)
few = hypothesis_settings(max_examples=40, deadline=None)


def released(value: Value, score: Any, release_month: float, **changes: Any) -> InUse:
    return in_use(score, **(monthly(value.horizon_months, release_month) | changes))


def discount_of(value: Value) -> Floats:
    return discount_factors(value.discount_rate_fraction, value.horizon_months)


SCORES = [-3.0, 0.0, 0.01, 2.5, 17.0, 60.0]


@given(value=values, release_month=release, factor=factor)
@few
def test_a_total_is_the_weighted_sum_of_its_months(
    value: Value, release_month: float, factor: float
) -> None:
    weight = discount_of(value)
    use = released(value, SCORES, release_month)
    for stream in by_key(value, use, factor).values():
        months = np.array([in_month(stream, m) for m in range(len(weight))])
        if stream.log_yearly is not None:
            for month, power in enumerate(stream.powers()):
                assert power == pytest.approx(1 + added(stream, month), rel=1e-12)
        size = float(np.abs(months).sum())
        assert stream.total(weight) == pytest.approx(weight @ months, rel=1e-9, abs=1e-12 * size)
        assert not months[:, :2].any()  # at or below the base


@given(value=values, release_month=release, factor=factor, more=st.floats(1, 1_000))
@few
def test_a_worth_is_proportional_to_answers_but_for_other_ones(
    value: Value, release_month: float, factor: float, more: float
) -> None:
    weight = discount_of(value)
    use = released(value, SCORES, release_month)
    many = dataclasses.replace(value, answers_per_month=value.answers_per_month * more)
    before, after = by_key(value, use, factor), by_key(many, use, factor)
    assert set(before) == set(after)
    for key, stream in before.items():
        times = more if key in VOLUME_STREAMS else 1.0
        expected = times * stream.total(weight)
        assert after[key].total(weight) == pytest.approx(expected, rel=1e-9)


@given(
    value=values,
    release_month=release,
    factor=factor,
    changed=st.sampled_from(
        [
            "answers_per_month",
            "value_per_correct_answer_usd",
            "hallucination_usd",
            "hallucination_fraction",
            "incident_usd",
            "growth_per_point_fraction",
            "margin_usd",
            "growth_fraction",
        ]
    ),
    more=st.floats(0, 0.5),
)
@few
def test_more_answers_and_higher_worth_never_lower_the_value(
    value: Value, release_month: float, factor: float, changed: str, more: float
) -> None:
    """Where nobody waits longer for an answer."""
    higher = dataclasses.replace(value, **{changed: getattr(value, changed) + more})
    use = released(value, SCORES, release_month, extra_seconds=0.0)
    weight = discount_of(value)
    low, high = (
        np.sum([s.total(weight) for s in by_key(v, use, factor).values()], axis=0)
        for v in (value, higher)
    )
    assert (high >= low - 1e-9 * np.abs(low)).all()


@given(value=values, release_month=release, seconds=st.floats(0, 100), points=st.floats(0, 50))
@few
def test_waiting_and_forgetting_never_raise_the_value(
    value: Value, release_month: float, seconds: float, points: float
) -> None:
    weight = discount_of(value)
    streams = by_key(
        value,
        released(
            value,
            SCORES,
            release_month,
            extra_seconds=seconds,
            forgotten=np.full(len(SCORES), points),
        ),
    )
    for key in {"latency", "forgetting"} & set(streams):
        assert (streams[key].total(weight) <= 0).all()


@given(value=values, early=st.floats(0, 24), later=st.floats(0, 24), score=st.floats(0.01, 60))
@few
def test_an_earlier_release_is_worth_no_less(
    value: Value, early: float, later: float, score: float
) -> None:
    weight = discount_of(value)
    first, second = (
        sum(
            float(stream.total(weight)[0])
            for stream in by_key(value, released(value, score, month, extra_seconds=0.0)).values()
            if stream.key in VOLUME_STREAMS
        )
        for month in (early, early + later)
    )
    assert first >= second * (1 - 1e-9)


# ----------------------------------------------------------------------------------- worth by gain


def totals(value: Value, use: InUse, weight: Floats) -> Floats:
    """The streams of answers and growth of a model that answers as soon as the base does."""
    streams = by_key(value, dataclasses.replace(use, extra_seconds=0.0))
    worth = [streams[key].total(weight) for key in ("answers", "growth") if key in streams]
    return np.asarray(np.sum(worth, axis=0))


def test_worth_by_gain_by_hand() -> None:
    worth = worth_by_gain(PLAIN, in_use(4.0), np.ones(4))
    # 1.75 months x 1,000 x 0.02 USD a point. It goes on below 0 and beyond 100.
    gains = np.array([0.0, 1.0, 4.0, 120.0, -2.0])
    assert worth(gains) == pytest.approx([0, 35, 140, 4_200, -70])
    # Believed errors and incidents are in it, and a market that grows; (768.747513 + 1038.714258)
    # answers of 0.035 USD a point. Waiting and forgetting are not.
    steady = dataclasses.replace(ALL, growth_per_point_fraction=0.0)
    point = 63.26116199
    assert worth_by_gain(steady, in_use(4.0), np.ones(4))(gains) == pytest.approx(point * gains)
    # With growth, 4 points bring 0.0012263987 and 0.0040938479 of them more, at 0.14 and 0.05 each.
    more = (768.747513 * 0.0012263987 + 1038.714258 * 0.0040938479) * 0.19
    found = worth_by_gain(ALL, in_use(-1.0), np.ones(4))(np.array([0.0, 4.0]))
    assert found == pytest.approx([0, 4 * point + more], rel=1e-7)


@given(value=values, release_month=release)
@few
def test_worth_by_gain_is_that_of_the_streams(value: Value, release_month: float) -> None:
    """Exactly so for every tenth of a point; waiting and forgetting are not in it."""
    gains = np.array([0.0, 0.1, 0.7, 3.3, 12.5, 40.0, 99.9, 100.0])
    use = released(value, gains, release_month)
    weight = discount_of(value)
    found = worth_by_gain(value, use, weight)(gains)
    expected = totals(value, use, weight)
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-12 * float(expected.max()))


@given(
    value=values,
    release_month=release,
    gains=st.lists(st.floats(-150, 250), min_size=2, max_size=20),
)
@few
def test_more_gain_is_never_worth_less(
    value: Value, release_month: float, gains: list[float]
) -> None:
    use = released(value, SCORES, release_month)
    worth = worth_by_gain(value, use, discount_of(value))(np.sort(gains))
    assert (np.diff(worth) >= -1e-12 * float(np.abs(worth).max())).all()


@given(value=values, release_month=release)
@few
def test_worth_goes_straight_on_beyond_the_table(value: Value, release_month: float) -> None:
    use = released(value, SCORES, release_month)
    worth = worth_by_gain(value, use, discount_of(value))
    inside, outside = (
        np.diff(worth(np.array(gains)))
        for gains in ([0.0, 0.1, 99.9, 100.0], [-10.0, 0.0, 100.0, 110.0])
    )
    size = float(np.abs(worth(np.array([-10.0, 110.0]))).max())
    assert outside[0] == pytest.approx(100 * inside[0], rel=1e-7, abs=1e-9 * size)
    assert outside[2] == pytest.approx(100 * inside[2], rel=1e-7, abs=1e-9 * size)


GROWING = dataclasses.replace(
    PLAIN, horizon_months=36, growth_per_point_fraction=0.01, margin_usd=0.02
)


def between(gains: list[float]) -> float:
    """Largest error of the table between its gains, as a share of the worth itself."""
    use = in_use(gains, **monthly(36, 1.4))
    expected = totals(GROWING, use, np.ones(37))
    found = worth_by_gain(GROWING, use, np.ones(37))(np.array(gains))
    return float(np.abs(found / expected - 1).max())


def test_the_table_is_near_between_its_gains() -> None:
    assert between([4.05, 10.05, 30.05, 80.05]) < 1e-5
    # Of all that there is to gain, the error is small everywhere.
    gains = np.arange(0.05, 100, 0.1)
    use = in_use(gains, **monthly(36, 1.4))
    expected = totals(GROWING, use, np.ones(37))
    found = worth_by_gain(GROWING, use, np.ones(37))(gains)
    assert np.abs(found - expected).max() < 1e-6 * float(expected[-1])


def test_the_table_is_as_near_for_small_gains() -> None:
    assert between([0.05, 0.55, 1.05, 2.05]) < 1e-5


# ------------------------------------------------------------------------------------ mean answers


def test_mean_answers_a_month_by_hand() -> None:
    # 2% a month: middles of two months at 1.02^0.5 and 1.02^1.5.
    value = dataclasses.replace(PLAIN, growth_fraction=1.02**12 - 1, horizon_months=2)
    assert mean_answers_per_month(value) == pytest.approx(1020.0499988)
    assert mean_answers_per_month(dataclasses.replace(value, growth_fraction=0.0)) == 1_000
    # Growth that a better model brings is not in it.
    won = dataclasses.replace(value, growth_per_point_fraction=0.1, margin_usd=1.0)
    assert mean_answers_per_month(won) == mean_answers_per_month(value)


@given(value=values)
@few
def test_mean_answers_are_those_of_a_model_in_use_from_the_start(value: Value) -> None:
    assume(value.answers_per_month > 0)
    answers = answers_by_month(value, released(value, 1.0, 0.0))
    expected = float(answers[1:].mean())
    assert answers[0] == 0
    assert mean_answers_per_month(value) == pytest.approx(expected)
    last = value.answers_per_month * (1 + value.growth_fraction) ** (value.horizon_months / 12)
    bounds = sorted((value.answers_per_month, last))
    assert bounds[0] * (1 - 1e-9) <= mean_answers_per_month(value) <= bounds[1] * (1 + 1e-9)
