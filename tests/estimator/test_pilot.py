"""Measured scores move a belief as their likelihood says: held against exact posteriors."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from app.estimator.belief import BASE, CURVE_ADAPTER, CURVE_FULL, FULL, GAIN, LORA, QLORA, Belief
from app.estimator.case import PilotScore
from app.estimator.constants import constant_values
from app.estimator.errors import InvalidSpec
from app.estimator.learning_curve import share_of_gain
from app.estimator.pilot import PilotUpdate, expected_score, observe_pilot, question_variance
from tests.estimator.beliefs import belief_of

PLANNED = 100_000
CONSTANT = constant_values()
INDEPENDENT = constant_values({"paired_questions_correlation": 0.0})
NO_OTHER_NOISE = constant_values({"run_sd_points": 0.0, "pilot_transfer_sd_points": 0.0})
GAP = np.array([0.0, 1.0, -1.0, 0.0, 0.0, 0.0])
"""Full less LoRA."""
METHODS = ("base", "full", "lora", "qlora")


def observed(belief: Belief, *scores: PilotScore) -> PilotUpdate:
    return observe_pilot(belief, scores, PLANNED, CONSTANT)


def as_expected(
    belief: Belief, method: str, examples: int = PLANNED, n: int = 500, more: float = 0.0
) -> PilotScore:
    """A score that is as expected of the mean quantities, or `more` points above."""
    trained = 0 if method == "base" else examples
    points = expected_score(belief, method, trained, PLANNED, CONSTANT)
    return PilotScore(method, trained, min(max(points + more, 0.0), 100.0), n)


def sd(belief: Belief) -> NDArray[np.float64]:
    """Standard deviation of every quantity."""
    return np.sqrt(np.diag(belief.spread))


def gap_sd(belief: Belief) -> float:
    return float(np.sqrt(GAP @ belief.spread @ GAP))


# The exact posterior, by sums over a grid


@pytest.mark.parametrize("n", [40, 200, 2000])
@pytest.mark.parametrize("points", [45.0, 55.0, 62.5, 75.0])
def test_one_score_at_the_planned_size_is_the_exact_posterior(points: float, n: int) -> None:
    """Full gain ~ N(15, 8^2) over a base of 48 that is known; right answers ~ binomial."""
    belief = belief_of(base_sd=1e-3)
    after = observe_pilot(belief, [PilotScore("full", PLANNED, points, n)], PLANNED, NO_OTHER_NOISE)
    gain = np.linspace(-47.9, 51.9, 20_001)
    weight = stats.norm.pdf(gain, 15, 8) * stats.binom.pmf(
        round(points / 100 * n), n, (48 + gain) / 100
    )
    weight /= weight.sum()
    mean = weight @ gain
    exact_sd = float(np.sqrt(weight @ (gain - mean) ** 2))
    assert after.belief.expected[FULL] == pytest.approx(mean, abs=0.1 * exact_sd)
    assert sd(after.belief)[FULL] == pytest.approx(exact_sd, rel=0.05)


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("base", [40.0, 48.0, 52.0])
@pytest.mark.parametrize("full", [55.0, 66.0])
def test_base_and_full_together_are_the_exact_posterior(base: float, full: float, n: int) -> None:
    """Both are uncertain: base ~ N(48, 4^2), gain ~ N(15, 8^2), with the noise of a run."""
    belief = belief_of(base_sd=4.0)
    scores = [PilotScore("base", 0, base, n), PilotScore("full", PLANNED, full, n)]
    after = observe_pilot(belief, scores, PLANNED, INDEPENDENT).belief
    b = np.linspace(30, 66, 181)[:, None, None]
    g = np.linspace(-20, 33, 213)[None, :, None]
    noise, share = np.polynomial.hermite_e.hermegauss(9)
    run = CONSTANT["run_sd_points"] * noise[None, None, :]
    right = np.clip((b + g + run) / 100, 0, 1)
    likely = stats.binom.pmf(round(n * full / 100), n, right) @ (share / share.sum())
    weight = likely * stats.norm.pdf(b[..., 0], 48, 4) * stats.norm.pdf(g[..., 0], 15, 8)
    weight = weight * stats.binom.pmf(round(n * base / 100), n, b[..., 0] / 100)
    weight /= weight.sum()
    for place, grid in ((BASE, b[..., 0]), (FULL, g[..., 0])):
        mean = (weight * grid).sum()
        exact_sd = np.sqrt((weight * (grid - mean) ** 2).sum())
        assert after.expected[place] == pytest.approx(mean, abs=0.1 * exact_sd)
        assert sd(after)[place] == pytest.approx(exact_sd, rel=0.05)


@pytest.mark.parametrize("n", [200, 2000])
@pytest.mark.parametrize("points", [49.0, 53.0, 56.0, 62.0])
def test_a_small_slice_is_near_the_exact_posterior(points: float, n: int) -> None:
    """Gain and curve are known together only: the straight line at the mode stands for a bow."""
    belief = belief_of(base_sd=1e-3)
    score = PilotScore("full", PLANNED // 20, points, n)
    after = observe_pilot(belief, [score], PLANNED, NO_OTHER_NOISE).belief
    gain = np.linspace(-40, 60, 501)[:, None]
    steepness = np.linspace(-4.5, 4.5, 301)[None, :]
    curve = share_of_gain("full", score.examples, PLANNED, steepness, CONSTANT)
    p = np.clip((48 + curve * gain) / 100, 1e-9, 1 - 1e-9)
    weight = stats.norm.pdf(gain, 15, 8) * stats.norm.pdf(steepness)
    weight = weight * stats.binom.pmf(round(points / 100 * n), n, p)
    weight /= weight.sum()
    mean = (weight * gain).sum()
    exact_sd = np.sqrt((weight * (gain - mean) ** 2).sum())
    assert after.expected[FULL] == pytest.approx(mean, abs=0.25 * exact_sd)
    assert sd(after)[FULL] == pytest.approx(exact_sd, rel=0.3)
    assert after.expected[CURVE_FULL] == pytest.approx((weight * steepness).sum(), abs=0.25)


# What more data does


PILOTS = st.lists(
    st.tuples(
        st.sampled_from(METHODS),
        st.sampled_from([1_000, 5_000, 20_000, PLANNED, 300_000]),
        st.integers(20, 50_000),
    ),
    min_size=1,
    max_size=5,
)
BELIEFS = st.builds(
    belief_of,
    base=st.floats(10, 80),
    base_sd=st.floats(0.5, 4),
    full=st.floats(-2, 20),
    full_sd=st.floats(1, 15),
    loss=st.floats(-2, 8),
    loss_sd=st.floats(0.5, 8),
    tails=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(BELIEFS, PILOTS)
def test_a_pilot_as_expected_leaves_the_mean_and_never_widens(
    belief: Belief, rows: list[tuple[str, int, int]]
) -> None:
    scores = [as_expected(belief, *row) for row in rows]
    # More data than planned can be expected to score above 100, which no test says.
    assume(all(0 < score.points < 100 for score in scores))
    update = observed(belief, *scores)
    assert update.belief.expected == pytest.approx(belief.expected, abs=1e-6)
    assert (sd(update.belief) <= sd(belief) + 1e-9).all()
    assert gap_sd(update.belief) <= gap_sd(belief) + 1e-9
    assert update.surprise_sd < 1e-6


@settings(max_examples=60, deadline=None)
@given(BELIEFS, PILOTS, st.tuples(st.sampled_from(METHODS[1:]), st.integers(20, 5_000)))
def test_more_data_never_widens_and_narrows_what_it_measures(
    belief: Belief, rows: list[tuple[str, int, int]], more: tuple[str, int]
) -> None:
    scores = [as_expected(belief, *row) for row in rows]
    less = observed(belief, *scores).belief
    method, n = more
    another = observed(belief, *scores, as_expected(belief, method, n=n)).belief
    assert (sd(another) <= sd(less) + 1e-9).all()
    assert sd(another)[GAIN[method]] < sd(less)[GAIN[method]]
    larger = observed(belief, *[PilotScore(s.method, s.examples, s.points, 4 * s.test_set_size)
                                for s in scores]).belief  # fmt: skip
    assert (sd(larger) <= sd(less) + 1e-9).all()
    assert gap_sd(larger) <= gap_sd(less) + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(METHODS[1:]), st.floats(-10, 10), st.integers(20, 4_000), st.integers(2, 9))
def test_a_larger_test_set_narrows_whatever_was_scored(
    method: str, more: float, n: int, times: int
) -> None:
    belief = belief_of()
    small = observed(belief, as_expected(belief, method, n=n, more=more)).belief
    large = observed(belief, as_expected(belief, method, n=n * times, more=more)).belief
    assert sd(large)[GAIN[method]] < sd(small)[GAIN[method]] < sd(belief)[GAIN[method]]


def test_a_pilot_as_expected_leaves_the_draws() -> None:
    belief = belief_of(tails=True)
    after = observed(belief, *[as_expected(belief, m, 5_000) for m in METHODS]).belief
    generator = np.random.default_rng(11)
    uniform, normal = generator.random(20_000), generator.standard_normal((20_000, 6))
    before, now = belief.draw(uniform, normal), after.draw(uniform, normal)
    error = before.std(axis=0) / np.sqrt(20_000)
    assert (np.abs(now.mean(axis=0) - before.mean(axis=0)) < 4 * error).all()
    for place in (FULL, LORA, QLORA):
        low, high = np.quantile(before[:, place], (0.1, 0.9))
        low_now, high_now = np.quantile(now[:, place], (0.1, 0.9))
        assert high_now - low_now < high - low


# What counts, and how much


def test_a_huge_test_set_at_the_planned_size_leaves_the_noise_of_a_run() -> None:
    belief = belief_of()
    scores = [PilotScore("base", 0, 44.0, 10**7), PilotScore("full", PLANNED, 70.0, 10**7)]
    after = observed(belief, *scores).belief
    run = CONSTANT["run_sd_points"]
    assert after.expected[FULL] == pytest.approx(26, abs=0.3)
    assert sd(after)[FULL] == pytest.approx(run, rel=0.02)
    # LoRA follows full, less the loss that is expected.
    assert after.expected[LORA] == pytest.approx(23, abs=0.4)
    assert gap_sd(after) == pytest.approx(gap_sd(belief), rel=0.01)


def test_scores_at_the_planned_size_outweigh_those_of_a_slice() -> None:
    belief = belief_of()
    slice_alone = as_expected(belief, "lora", 2_000, more=6)
    whole = as_expected(belief, "lora", PLANNED, n=501, more=-6)  # of other questions
    moved = {
        name: observed(belief, *scores).belief.expected[LORA] - belief.expected[LORA]
        for name, scores in {"slice": [slice_alone], "whole": [whole], "both": [slice_alone, whole]}
        .items()
    }  # fmt: skip
    assert moved["whole"] < 0 < moved["slice"]
    assert moved["both"] == pytest.approx(moved["whole"], abs=1.5)


def test_the_same_questions_tell_more_of_a_difference() -> None:
    """Scores of equally many questions share their luck: full is held against LoRA more sharply."""
    belief = belief_of()
    full = as_expected(belief, "full", n=500)
    same = observed(belief, full, as_expected(belief, "lora", n=500)).belief
    other = observed(belief, full, as_expected(belief, "lora", n=501)).belief
    assert gap_sd(same) < gap_sd(other)
    # Of the level of both less is known: their luck does not even out.
    assert sd(same)[FULL] > sd(other)[FULL]
    apart = observe_pilot(
        belief, [full, as_expected(belief, "lora", n=500)], PLANNED, INDEPENDENT
    ).belief
    assert gap_sd(apart) == pytest.approx(gap_sd(other), rel=0.001)


def test_the_noise_of_a_difference_on_the_same_questions_by_hand() -> None:
    """Two scores of 50 by 400 questions: 2.5 points each, and 2.5 of their difference at 0.5."""
    belief = belief_of(base=50.0, base_sd=1e-6, full=0.0, full_sd=1e6, loss=0.0, loss_sd=1e6)
    scores = [PilotScore(method, PLANNED, 50.0, 400) for method in ("full", "lora")]
    quiet = constant_values({"run_sd_points": 0.0})
    after = observe_pilot(belief, scores, PLANNED, quiet).belief
    assert gap_sd(after) == pytest.approx(2.5, rel=0.01)
    assert sd(after)[FULL] == pytest.approx(2.5, rel=0.01)


def test_the_farther_a_slice_from_the_plan_the_less_is_known() -> None:
    belief = belief_of()
    spreads = [
        sd(observed(belief, as_expected(belief, "full", size)).belief)[FULL]
        for size in (500, 2_000, 10_000, 50_000, PLANNED)
    ]
    assert spreads == sorted(spreads, reverse=True)
    assert sd(belief)[FULL] > spreads[0]


def test_a_score_of_one_method_informs_the_others() -> None:
    belief = belief_of()
    after = observed(belief, as_expected(belief, "qlora", more=8)).belief
    more = after.expected - belief.expected
    assert 0 < more[FULL] < more[LORA] < more[QLORA] < 8
    assert sd(after)[LORA] < sd(belief)[LORA]


def test_two_sizes_tell_how_steep_the_curve_is() -> None:
    """Scores that are level from a twentieth of the data on: hardly more is to come."""
    belief = belief_of()
    base = PilotScore("base", 0, 48.0, 5_000)
    level = [PilotScore("lora", size, 60.0, 5_000) for size in (5_000, 20_000)]
    rising = [PilotScore("lora", s, p, 5_000) for s, p in ((5_000, 49.0), (20_000, 56.0))]
    flat = observed(belief, base, *level).belief
    steep = observed(belief, base, *rising).belief
    assert flat.expected[CURVE_ADAPTER] < -0.3 < 0.3 < steep.expected[CURVE_ADAPTER]
    assert sd(flat)[CURVE_ADAPTER] < 1 > sd(steep)[CURVE_ADAPTER]
    # The curves of full and LoRA are alike, so that of full moves the same way.
    assert flat.expected[CURVE_FULL] < 0 < steep.expected[CURVE_FULL]


@settings(max_examples=25, deadline=None)
@given(PILOTS, st.randoms(use_true_random=False))
def test_the_order_of_scores_does_not_matter(
    rows: list[tuple[str, int, int]], random: object
) -> None:
    belief = belief_of(tails=True)
    scores = [as_expected(belief, *row, more=k) for k, row in enumerate(rows)]
    one = observed(belief, *scores)
    for order in list(permutations(scores))[:5]:
        other = observed(belief, *order)
        assert (other.belief.expected == one.belief.expected).all()
        assert (other.belief.spread == one.belief.spread).all()
        assert other.surprise_sd == one.surprise_sd


def test_nothing_measured_changes_nothing() -> None:
    belief = belief_of()
    update = observed(belief)
    assert update.belief is belief
    assert (update.surprise_sd, update.noise_sd) == (0.0, ())


# No score counts twice


def test_the_base_score_of_the_scenario_is_not_counted_again() -> None:
    belief = belief_of()
    base = PilotScore("base", 0, 48.0, 800)
    given_again = observe_pilot(
        belief, [base], PLANNED, CONSTANT, base_points=48.0, test_set_size=800
    )
    assert given_again.belief is belief
    assert len(given_again.noise_sd) == 1
    other = observe_pilot(belief, [base], PLANNED, CONSTANT, base_points=48.0, test_set_size=900)
    assert sd(other.belief)[BASE] < sd(belief)[BASE]


def test_the_same_base_score_beside_every_size_is_one_measurement() -> None:
    belief = belief_of()
    base = PilotScore("base", 0, 50.0, 500)
    once, thrice = observed(belief, base), observed(belief, base, base, base)
    assert (once.belief.expected == thrice.belief.expected).all()
    assert (once.belief.spread == thrice.belief.spread).all()
    second = observed(belief, base, PilotScore("base", 0, 51.0, 500))
    assert sd(second.belief)[BASE] < sd(once.belief)[BASE]


def test_repeated_runs_share_how_far_their_size_is_from_the_plan() -> None:
    belief = belief_of(base_sd=1e-3)
    values = constant_values({"curve_bend_log_sd": 0.0})
    many = [PilotScore("full", 1_000, 50.0, 10**6)] * 400
    after = observe_pilot(belief, many, PLANNED, values).belief
    share = share_of_gain("full", 1_000.0, PLANNED, 0.0, values)
    # Two tens below the plan: the variance is 2, that of the runs is 1/400 and goes away.
    noise = np.sqrt(2 * values["pilot_transfer_sd_points"] ** 2 + 1 / 400) / share
    assert sd(after)[FULL] == pytest.approx(1 / np.sqrt(1 / 64 + 1 / noise**2), rel=0.01)


# Surprise and noise


def test_a_pilot_that_the_studies_did_not_foresee_is_flagged() -> None:
    belief = belief_of()
    usual = observed(belief, as_expected(belief, "full", more=9), as_expected(belief, "base"))
    strange = observed(belief, as_expected(belief, "full", more=-48), as_expected(belief, "lora"))
    assert usual.surprise_sd < 1.5
    assert strange.surprise_sd > 3


def test_surprise_is_about_one_where_scores_scatter_as_believed() -> None:
    generator = np.random.default_rng(5)
    belief = belief_of()
    squares = []
    for _ in range(300):
        base, *gains, full_curve, adapter_curve = generator.multivariate_normal(
            belief.mean[0], belief.covariance[0]
        )
        del full_curve, adapter_curve
        points = {"base": base, "full": base + gains[0], "lora": base + gains[1]}
        scores = [
            PilotScore(m, 0 if m == "base" else PLANNED, 100 * generator.binomial(
                500, np.clip((p + (m != "base") * generator.standard_normal()) / 100, 0, 1)) / 500,
                500)
            for m, p in points.items()
        ]  # fmt: skip
        squares.append(observed(belief, *scores).surprise_sd ** 2)
    assert np.mean(squares) == pytest.approx(1, abs=0.15)


def test_noise_is_that_of_questions_and_runs() -> None:
    update = observed(
        belief_of(), PilotScore("base", 0, 50.0, 400), PilotScore("lora", 5_000, 50.0, 400)
    )
    assert update.noise_sd == pytest.approx((2.5, np.hypot(2.5, 1.0)), rel=1e-3)


@pytest.mark.parametrize(("points", "n"), [(0.0, 1), (0.0, 500), (100.0, 10), (100.0, 10**7)])
def test_a_score_at_the_end_of_the_range_has_noise_too(points: float, n: int) -> None:
    assert question_variance(points, n) > 0
    assert question_variance(points, n) == pytest.approx(
        question_variance(100 - points, n), rel=1e-6
    )
    # About one question: 100 / n, over the root of two.
    assert np.sqrt(question_variance(points, n)) <= 100 / n
    belief = belief_of()
    after = observed(belief, PilotScore("full", PLANNED, points, n)).belief
    assert np.isfinite(after.mean).all()
    assert (np.linalg.eigvalsh(after.covariance) > -1e-6).all()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(
            PilotScore,
            st.sampled_from(METHODS),
            st.integers(1, 10**10),
            st.floats(0, 100),
            st.integers(1, 10**7),
        ),
        max_size=12,
    ),
    st.integers(1, 10**10),
)
def test_any_scores_give_a_belief(scores: list[PilotScore], target: int) -> None:
    update = observe_pilot(belief_of(tails=True), scores, target, CONSTANT)
    assert np.isfinite(update.belief.mean).all()
    assert np.isfinite(update.belief.covariance).all()
    assert update.belief.weight.sum() == pytest.approx(1)
    assert np.isfinite(update.surprise_sd)
    assert (np.linalg.eigvalsh(update.belief.covariance) > -1e-5).all()


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (PilotScore("dora", 10, 50.0, 100), "must be base, full, lora or qlora"),
        (PilotScore("full", 10, 101.0, 100), "a score is 0 to 100 points"),
        (PilotScore("full", 10, float("nan"), 100), "a score is 0 to 100 points"),
        (PilotScore("full", 10, 50.0, 0), "a question or more"),
        (PilotScore("full", 0, 50.0, 100), "one example or more"),
    ],
)
def test_what_cannot_be_measured_is_refused(score: PilotScore, said: str) -> None:
    with pytest.raises(InvalidSpec, match=said):
        observed(belief_of(), score)
