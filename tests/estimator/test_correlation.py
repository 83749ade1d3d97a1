"""Factors go together as they are told to."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from app.estimator.constants import constant_values
from app.estimator.correlation import (
    DRAWN,
    FIGURES,
    PAIRS,
    correlation_key,
    correlation_matrix,
    normal_scores,
    together,
)
from app.estimator.errors import InvalidSpec

NONE = dict.fromkeys((correlation_key(*pair) for pair in PAIRS), 0.0)


def given_pairs(**pairs: float) -> dict[str, float]:
    return NONE | {f"correlation_{key}": value for key, value in pairs.items()}


def test_draws_have_the_correlations_they_are_given() -> None:
    asked = given_pairs(
        price_time=-0.4, price_adoption=0.3, value_adoption=0.5, adoption_accuracy=0.6,
        value_accuracy=0.2,
    )  # fmt: skip
    random = np.random.default_rng(5)
    accuracy = random.exponential(size=200_000)  # of any shape
    made = together(random.standard_normal((4, 200_000)), accuracy, asked)
    every = np.vstack([made, normal_scores(accuracy)])
    assert np.corrcoef(every) == pytest.approx(correlation_matrix(asked), abs=0.01)
    for row in made:
        assert row.mean() == pytest.approx(0, abs=0.01)
        assert row.std() == pytest.approx(1, abs=0.01)
    # The rank correlation of two normals (Pearson 1907): 6 / pi asin(r / 2).
    found = spearmanr(made[DRAWN.index("adoption")], accuracy).statistic
    assert found == pytest.approx(6 / np.pi * np.arcsin(0.3), abs=0.01)


def test_without_correlations_draws_stay_as_they_are() -> None:
    normal = np.random.default_rng(1).standard_normal((4, 50))
    assert together(normal, normal[0], NONE) is normal


@given(values=st.lists(st.floats(-100, 100), min_size=1, max_size=60, unique=True))
def test_normal_scores_are_in_order(values: list[float]) -> None:
    found = normal_scores(np.array(values))
    assert np.argsort(found).tolist() == np.argsort(values).tolist()
    quantile = NormalDist().inv_cdf
    middles = [quantile((i + 0.5) / len(values)) for i in range(len(values))]
    assert sorted(found.tolist()) == pytest.approx(middles, abs=1e-12)


@given(st.lists(st.sampled_from([-0.95, -0.5, 0.0, 0.5, 0.95]), min_size=10, max_size=10))
@hypothesis_settings(max_examples=80)
def test_what_cannot_go_together_is_refused(values: list[float]) -> None:
    asked = dict(zip(NONE, values, strict=True))
    matrix = np.eye(5)
    for pair, value in zip(PAIRS, values, strict=True):
        i, j = (FIGURES.index(name) for name in pair)
        matrix[i, j] = matrix[j, i] = value
    possible = np.linalg.eigvalsh(matrix).min() >= -1e-9
    if possible:
        assert correlation_matrix(asked).tolist() == matrix.tolist()
        made = together(np.random.default_rng(1).standard_normal((4, 9)), np.arange(9.0), asked)
        assert np.isfinite(made).all()
    else:
        with pytest.raises(InvalidSpec, match="contradict"):
            correlation_matrix(asked)


def test_ours_are_possible() -> None:
    matrix = correlation_matrix(constant_values())
    assert np.linalg.eigvalsh(matrix).min() > 0
    assert matrix[FIGURES.index("adoption"), FIGURES.index("accuracy")] == 0.3
