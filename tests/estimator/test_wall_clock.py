"""Hours of one run, worked by hand."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from app.estimator.case import Data
from app.estimator.constants import constant_values
from app.estimator.plans import Plans
from app.estimator.throughput import StepTimes
from app.estimator.wall_clock import WallClock, wall_clock
from app.estimator.work import Work


def clock(gpus: int, nodes: int, step_s: float, **changes: float) -> WallClock:
    """1,000 sequences of 1,000 tokens in steps of 10 sequences; a checkpoint has 36 GB."""
    data = Data(1000, 1000, 1.0, 1000, 10, "wrapped", 1e6, 1000.0, (1.0,) * 7)
    ones = {f.name: np.array([1]) for f in fields(Plans)}
    plans = Plans(**(ones | {"gpus": np.array([gpus]), "nodes": np.array([nodes])}))
    object.__setattr__(plans, "micro_batch", np.array([10 // gpus or 1]))
    object.__setattr__(plans, "accumulation", np.array([10 // (gpus * (10 // gpus or 1))]))
    tokens = np.array([10_000.0])
    blank = {f.name: tokens for f in fields(Work)}
    times = StepTimes(*(np.array([step_s]) for _ in range(7)))
    return wall_clock(data, plans, Work(**blank), times, 36e9, constant_values(changes))


def test_the_parts_of_a_run() -> None:
    """100 steps of 36 s are an hour; three checkpoints of 36 s each; a quarter of an hour start."""
    found = clock(1, 1, 36.0, failures_per_gpu_day=0.0)
    assert found.training == pytest.approx(1.0)
    assert found.checkpoints == pytest.approx(3 * 36 / 3600)
    assert found.start_up == pytest.approx(0.25)
    assert found.failures == pytest.approx(0.0)
    assert found.total == pytest.approx(1.0 + 0.03 + 0.25)


def test_failures_cost_half_an_interval_and_a_restart() -> None:
    """One failure a GPU and day, a day of steps: one failure, an eighth of the run and 0.5 h."""
    found = clock(1, 1, 864.0, failures_per_gpu_day=1.0)
    busy = 24.0 + 0.03
    assert found.failures == pytest.approx(busy / 24 * (busy / 8 + 0.5))


def test_more_instances_write_faster_and_fail_more_often() -> None:
    alone, ten = clock(1, 1, 36.0), clock(10, 10, 36.0)
    assert ten.checkpoints == pytest.approx(alone.checkpoints / 10)
    assert ten.failures > 9 * alone.failures
