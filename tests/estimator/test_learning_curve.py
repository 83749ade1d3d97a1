"""The learning curve: its ends, its order, its published slopes, and how it is drawn."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from app.estimator.belief import BASE, CURVE_FULL, GAIN, Belief
from app.estimator.constants import CONSTANTS, constant_values
from app.estimator.errors import InvalidSpec
from app.estimator.learning_curve import curve_of, curve_sizes, share_of_gain
from tests.estimator.beliefs import belief_of

CONSTANT = constant_values()
METHODS = st.sampled_from(["full", "lora", "qlora"])
STEEPNESS = st.floats(-4, 4)


@given(METHODS, st.integers(1, 10**9), STEEPNESS)
def test_no_data_is_no_gain_and_the_planned_data_the_whole(
    method: str, target: int, steepness: float
) -> None:
    share = share_of_gain(method, np.array([0.0, target]), target, steepness, CONSTANT)
    assert share == pytest.approx([0.0, 1.0], abs=1e-12)


@given(METHODS, st.integers(10, 10**9), STEEPNESS, st.floats(1e-4, 100), st.floats(1.001, 10))
def test_more_data_brings_more_of_the_gain(
    method: str, target: int, steepness: float, share: float, more: float
) -> None:
    sizes = share * target * np.array([1.0, more])
    low, high = share_of_gain(method, sizes, target, steepness, CONSTANT)
    assert 0 < low < high


@given(METHODS, STEEPNESS, st.floats(0.1, 3), st.floats(0.001, 0.9))
def test_a_steeper_curve_brings_its_gain_later(
    method: str, steepness: float, more: float, share: float
) -> None:
    before, after = share_of_gain(
        method, np.array([share]), 1, np.array([[steepness], [steepness + more]]), CONSTANT
    )
    assert after < before
    before, after = share_of_gain(
        method, np.array([1 / share]), 1, np.array([[steepness], [steepness + more]]), CONSTANT
    )
    assert after > before


def test_a_curve_worked_by_hand() -> None:
    """A tenth of the data, full, bend at 0.058: 1 + 1.724138 and 1 + 17.24138 to the -0.122."""
    # 2.724138^-0.122 = exp(-0.122 x 1.002152) = 0.884916
    # 18.24138^-0.122 = exp(-0.122 x 2.903693) = 0.701699
    by_hand = (1 - 0.884916) / (1 - 0.701699)
    assert share_of_gain("full", 1000.0, 10_000, 0.0, CONSTANT) == pytest.approx(by_hand, rel=1e-5)


def test_exponents_are_the_published_ones() -> None:
    full, adapter = (0.15, 0.14, 0.087), (0.081, 0.025, 0.03)
    assert CONSTANT["curve_beta_full"] == pytest.approx(np.prod(full) ** (1 / 3), abs=5e-4)
    assert CONSTANT["curve_beta_adapter"] == pytest.approx(np.prod(adapter) ** (1 / 3), abs=5e-4)


def test_the_bend_is_fitted_to_the_curves_in_the_evidence() -> None:
    """Fitted once more from the tables, as the constants say."""
    bends: dict[str, list[float]] = {"full": [], "lora": []}
    for method, points in _published_curves():
        tokens, gains = np.array(sorted(points.items())).T
        if gains[-1] < 3:
            continue
        bends[method].append(_fitted_bend(method, tokens, gains))
    assert (len(bends["full"]), len(bends["lora"])) == (2, 4)
    logs = np.log([*bends["full"], *bends["lora"]])
    for method, which in (("full", "full"), ("lora", "adapter")):
        # Half way from its own mean to that of all.
        middle = (np.log(bends[method]).mean() + logs.mean()) / 2
        assert np.exp(middle) == pytest.approx(CONSTANT[f"curve_bend_{which}"], rel=0.05)
    assert logs.std(ddof=1) == pytest.approx(CONSTANT["curve_bend_log_sd"], rel=0.05)
    assert np.exp(logs.min()) == pytest.approx(0.0035, rel=0.05)
    assert np.exp(logs.max()) == pytest.approx(0.23, rel=0.05)


@given(st.floats(0.001, 0.9))
def test_a_small_pilot_flatters_an_adapter(share: float) -> None:
    """Of the gain at the planned size an adapter has more behind it than full fine-tuning."""
    full, adapter = (share_of_gain(method, share, 1, 0.0, CONSTANT) for method in ("full", "lora"))
    assert full < adapter


def _published_curves() -> list[tuple[str, dict[float, float]]]:
    table = Path(__file__).parents[2] / "app/catalog/evidence/results.csv"
    curves: dict[tuple[str, str], dict[float, float]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if (row["study"], row["group"], row["retention"]) != (
                "biderman-2024",
                "continued",
                "no",
            ):
                continue
            base, tokens = float(row["base_points"]), float(row["train_tokens"])
            for name, column in (("full", "full_points"), (row["rank"], "adapter_points")):
                gains = curves.setdefault((row["domain"], name), {})
                gains[tokens] = float(row[column]) - base
    return [("full" if name == "full" else "lora", gains) for (_, name), gains in curves.items()]


def _fitted_bend(
    method: str,
    tokens: NDArray[np.float64],
    gains: NDArray[np.float64],
) -> float:
    """Bend with the least squared misfit, the height of the curve fitted with it."""

    def misfit(log_bend: float) -> float:
        bend = float(np.exp(log_bend))
        values = constant_values({"curve_bend_full": bend, "curve_bend_adapter": bend})
        share = share_of_gain(method, tokens, float(tokens[-1]), 0.0, values)
        return float(((gains - share * (share @ gains) / (share @ share)) ** 2).sum())

    return float(np.exp(minimize_scalar(misfit, bounds=(-12, 3), method="bounded").x))


def test_only_tuned_models_have_a_curve() -> None:
    with pytest.raises(InvalidSpec, match="only full, lora and qlora"):
        share_of_gain("base", 10.0, 100, 0.0, CONSTANT)
    with pytest.raises(InvalidSpec, match="planned data size"):
        share_of_gain("full", 10.0, 0, 0.0, CONSTANT)


@pytest.mark.parametrize("bound", ["low", "high"])
def test_every_setting_of_the_constants_gives_a_curve(bound: str) -> None:
    keys = [key for key in CONSTANTS if key.startswith("curve_b")]
    values = constant_values({key: getattr(CONSTANTS[key], bound) for key in keys})
    for steepness in (-9.0, 0.0, 9.0):
        share = share_of_gain("full", np.array([0, 1, 10, 1e6]), 10, steepness, values)
        assert np.isfinite(share).all()
        assert (np.diff(share) >= 0).all()
        assert share[2] == pytest.approx(1)


@given(st.integers(1, 10**10), st.lists(st.integers(0, 10**10), max_size=4))
def test_sizes_span_the_pilots_and_the_plan(target: int, pilots: list[int]) -> None:
    sizes = curve_sizes(target, pilots)
    assert list(sizes) == sorted(set(sizes))
    assert {target, *(size for size in pilots if size)} <= set(sizes)
    assert sizes[0] >= 1
    assert sizes[-1] == max(4 * target, *pilots, 0)
    assert len(sizes) <= 20 + 1 + len(pilots)


def drawn(
    belief: Belief, method: str, sizes: list[int], target: int = 10_000
) -> tuple[NDArray[np.float64], ...]:
    generator = np.random.default_rng(3)
    uniform, normal = generator.random(4_000), generator.standard_normal((4_000, 6))
    return curve_of(belief, method, sizes, target, uniform, normal, CONSTANT)


def test_a_curve_runs_from_the_base_to_the_score_at_the_planned_size() -> None:
    belief = belief_of(base=48, full=20, full_sd=5)
    mean, low, high = drawn(belief, "full", [1, 100, 10_000, 1_000_000])
    assert mean[0] == pytest.approx(48, abs=0.5)
    assert mean[2] == pytest.approx(68, abs=0.3)
    assert (np.diff(mean) > 0).all()
    assert (low < mean).all()
    assert (mean < high).all()
    # The standard deviation at the planned size is that of base and gain together.
    assert high[2] - low[2] == pytest.approx(2 * 1.2816 * np.hypot(5, 1.8), rel=0.05)


def test_the_base_model_has_a_level_line_and_scores_stay_in_range() -> None:
    belief = belief_of(base=95, full=20, full_sd=30)
    mean, _, _ = drawn(belief, "base", [1, 10_000])
    assert mean[0] == mean[1]
    for values in drawn(belief, "full", [1, 10_000, 10**6]):
        assert (values >= 0).all()
        assert (values <= 100).all()


@settings(max_examples=20)
@given(METHODS, st.lists(st.integers(1, 10**6), min_size=1, max_size=5))
def test_the_same_draws_give_the_same_curve(method: str, sizes: list[int]) -> None:
    belief = belief_of()
    for a, b in zip(drawn(belief, method, sizes), drawn(belief, method, sizes), strict=True):
        assert (a == b).all()


def test_a_curve_is_that_of_its_own_gain_and_steepness() -> None:
    belief = belief_of(sure=True)
    point = belief.expected
    share = share_of_gain("full", np.array([300.0]), 10_000, point[CURVE_FULL], CONSTANT)
    mean, low, high = drawn(belief, "full", [300])
    assert mean == pytest.approx(point[BASE] + share * point[GAIN["full"]])
    assert low == pytest.approx(high)
