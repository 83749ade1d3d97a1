"""What knowing one figure is worth: by hand, against a closed form, and within its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.estimator.decision import perfect_information_usd
from app.estimator.errors import InvalidSpec
from app.estimator.knowing import knowing_one
from tests.estimator.pilot_references import unit_normal_loss

LABELS = {key: key.capitalize() for key in ("a", "b", "c", "noise")}
NORMAL = np.random.default_rng(11).standard_normal((4, 20_000))


def values(npvs: dict, figures: dict, **more: dict) -> dict[str, float]:
    return {one.key: one.value_usd for one in knowing_one(npvs, figures, LABELS, **more)}


def test_a_figure_that_decides_is_worth_all_and_one_that_does_not_nothing() -> None:
    """Full is worth 10 or -4, LoRA 2: knowing which brings 10 or 2, 6, and choosing now 3."""
    good = np.arange(1_000) // 3 % 2
    npvs = {"full": np.where(good, 10.0, -4.0), "lora": np.full(1_000, 2.0)}
    found = knowing_one(
        npvs, {"b": np.zeros(1_000), "a": good.astype(float), "c": np.arange(1_000) % 2.0}, LABELS
    )
    assert [(one.key, one.label) for one in found] == [("a", "A"), ("b", "B"), ("c", "C")]
    assert [one.value_usd for one in found] == pytest.approx([3, 0, 0], abs=0.05)
    assert found[1].value_usd == 0


@pytest.mark.parametrize("mean", [-0.5, 0.0, 1.0])
def test_each_part_of_a_sum_is_the_closed_form(mean: float) -> None:
    """mean + 3 a + 2 b against doing nothing: knowing a is sd 3 x the unit normal loss."""
    a, b, noise = NORMAL[:3]
    a, b = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    npv = mean + 3 * a + 2 * b
    found = values({"full": npv}, {"a": a, "b": b, "noise": noise})
    of_all = perfect_information_usd({"full": npv})
    assert found["a"] == pytest.approx(3 * unit_normal_loss(abs(mean) / 3), abs=0.03 * of_all)
    assert found["b"] == pytest.approx(2 * unit_normal_loss(abs(mean) / 2), abs=0.03 * of_all)
    assert found["noise"] < 0.012 * of_all
    (both,) = knowing_one({"full": npv}, {"c": np.stack([a, b], axis=1)}, LABELS)
    assert 0.95 * of_all < both.value_usd <= of_all


def test_level_methods_find_no_worth_in_a_figure_that_tells_nothing() -> None:
    """The mean of ten bins of 1,000 that are counted with the draws that chose them would be 2%."""
    found = []
    for seed in range(12):
        npv, noise = np.random.default_rng(seed).standard_normal((2, 10_000))
        npvs = {"full": npv - npv.mean()}
        share = values(npvs, {"noise": noise})["noise"] / perfect_information_usd(npvs)
        found.append(share)
    assert np.mean(found) < 0.006


def test_what_tells_less_is_a_floor_and_knowing_all_the_ceiling() -> None:
    npvs = {"full": NORMAL[0]}
    of_all = perfect_information_usd(npvs)
    for floor, worth in ((0.1, 0.1), (9.0, of_all)):
        assert values(npvs, {"a": 0 * NORMAL[0]}, at_least_usd={"a": floor}) == {"a": worth}


@settings(max_examples=60, deadline=None)
@given(
    draws=st.sampled_from([1, 2, 5, 40, 1_000]),
    columns=st.sampled_from([1, 2]),
    steps=st.sampled_from([1, 3, 10_000]),
    lead=st.floats(-3, 3),
    scale=st.floats(0, 1e9),
)
def test_never_below_nothing_nor_above_knowing_all(
    draws: int, columns: int, steps: int, lead: float, scale: float
) -> None:
    npvs = {"full": scale * (NORMAL[0, :draws] + lead), "lora": scale * NORMAL[1, :draws]}
    figure = np.floor(steps * NORMAL[2 : 2 + columns, :draws].T)
    found = values(npvs, {"a": figure if columns == 2 else figure[:, 0]})["a"]
    assert 0 <= found <= perfect_information_usd(npvs)


@pytest.mark.parametrize("shape", [(3,), (10, 3), (3, 10), (10, 2, 1)])
def test_a_figure_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidSpec, match="figure 'a' of shape"):
        knowing_one({"full": NORMAL[0, :10]}, {"a": np.zeros(shape)}, LABELS)
