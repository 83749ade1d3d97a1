"""Rows of the evidence as the fits see them."""

from __future__ import annotations

import numpy as np
import pytest

from app.estimator.constants import constant_values
from app.estimator.evidence_rows import (
    COMMON,
    common_loading,
    gain_rows,
    loss_rows,
    plain_rows,
    rank_steps,
    score_variance,
)
from tests.estimator.studies import row

CONSTANTS = constant_values()


def test_the_noise_of_a_difference_by_hand() -> None:
    """60% of 1,000 questions: half of the binomial variance, for the questions are shared."""
    p = (0.6 * 1_000 + 0.5) / 1_001
    assert score_variance(60.0, row(), CONSTANTS) == pytest.approx(0.5 * 1e4 * p * (1 - p) / 1_000)
    assert score_variance(100.0, row(), CONSTANTS) > 0
    assert score_variance(60.0, row(metric_kind="overlap"), CONSTANTS) == 0
    unknown = row(test_set_size=None)
    assert score_variance(60.0, unknown, CONSTANTS) == score_variance(60.0, row(), CONSTANTS)
    independent = constant_values({"paired_questions_correlation": 0.0})
    assert score_variance(60.0, row(), independent) == pytest.approx(
        2 * score_variance(60.0, row(), CONSTANTS)
    )


@pytest.mark.parametrize(
    ("rank", "steps"),
    [(16, 0), (64, 1), (256, 2), (4, -1), (1, -1), (1024, 2), (32, 0.5), (None, 0)],
)
def test_steps_of_rank(rank: int | None, steps: float) -> None:
    assert rank_steps(rank) == pytest.approx(steps)


def test_what_a_kind_of_task_loads_on() -> None:
    far = dict(zip(COMMON, common_loading("far", "far"), strict=True))
    assert {name: value for name, value in far.items() if value} == {
        "all": 1.0, "distance": 2.0, "far": 1.0,
    }  # fmt: skip
    plain = dict(zip(COMMON, common_loading("continued", "medium"), strict=True))
    assert plain["continued"] == 1.0  # the regime and the group go by one name; the group is last
    assert common_loading("continued", "medium").sum() == 4


def test_only_lora_and_qlora_on_their_own_task_are_fitted() -> None:
    rows = [row(), row(method="qlora"), row(method="dora"), row(retention=True)]
    assert [found.method for found in plain_rows(rows)] == ["lora", "qlora"]


def test_loss_rows_by_hand() -> None:
    rows = loss_rows(
        [
            row(),
            row(method="qlora", rank=64),
            row(base=None),
            row(metric="b", base_same_harness=False, targets="q_proj+v_proj"),
            row(metric="c", full_same_study=False),
        ],
        CONSTANTS,
    )
    assert rows.value == pytest.approx([-5.0] * 5)
    # Gain of 20, the usual 15 without a base, and 1.2 times as much lost on attention alone.
    assert rows.size == pytest.approx([-20, -20, -15, -24, -20])
    assert rows.steps == pytest.approx([0, 1, 0, 0, 0])
    noise = score_variance(55.0, row(), CONSTANTS)
    assert rows.noise == pytest.approx([noise, noise + 1.1**2, noise, noise, noise])
    # Half a gain is usually lost at medium distance: of 8 points unknown, and of 2.
    assert rows.doubt == pytest.approx([0, 0, 4, 1, 0])
    shared = score_variance(60.0, row(), CONSTANTS)
    assert rows.shared_noise == pytest.approx([shared] * 4 + [shared + 2**2])


def test_rows_against_one_full_model_are_one_cluster() -> None:
    rows = loss_rows([row(), row(rank=64), row(full=61.0), row("two")], CONSTANTS)
    assert rows.cluster[0] == rows.cluster[1]
    assert len(set(rows.cluster.tolist())) == 3
    assert len(set(rows.base)) == 1


def test_a_gain_counts_once_however_many_adapters_were_held_against_it() -> None:
    rows = gain_rows(
        [
            row(),
            row(rank=64),
            row(method="dora"),
            row(full=50.0),
            row(base=None),
            row(metric_kind="overlap"),
            row(base=95.0, full=96.0),
            row(retention=True),
        ],
        CONSTANTS,
    )
    # 20 and 10 of 60 errors.
    assert rows.value == pytest.approx([1 / 3, 1 / 6])
    assert np.all(rows.size == 1)
    noise = score_variance(60.0, row(), CONSTANTS) + score_variance(40.0, row(), CONSTANTS)
    assert rows.noise[0] == pytest.approx(noise / 60**2)
    assert rows.doubt.tolist() == [0, 0]
    foreign = gain_rows([row(base_same_harness=False)], CONSTANTS)
    assert foreign.doubt == pytest.approx([2 / 60])
