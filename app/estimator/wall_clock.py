"""From a step to the hours of one run: evaluation, checkpoints, start-up, failures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from app.estimator.case import Data
from app.estimator.constants import ConstantValues
from app.estimator.fleet import Floats
from app.estimator.plans import Plans
from app.estimator.throughput import StepTimes
from app.estimator.units import GB, HOURS_PER_DAY, SECONDS_PER_HOUR
from app.estimator.work import Work

EVALUATION_SHARE = 1.0 / 3.0
"""Time of a token in evaluation over training: forward is a third of forward and backward."""

CHECKPOINTS_PER_RUN = 3
"""Checkpoints that one run writes. Assumption."""


@dataclass(frozen=True, slots=True)
class WallClock:
    """Parts of one run; they sum to `total`. (p,) [h]

    Parameters
    ----------
    failures : expected time that failures of the machines take: work since the last checkpoint that
        is done again, and the restart.
    """

    training: Floats
    evaluation: Floats
    checkpoints: Floats
    start_up: Floats
    failures: Floats
    total: Floats


def wall_clock(
    data: Data,
    plans: Plans,
    work: Work,
    times: StepTimes,
    checkpoint_bytes: float,
    constants: ConstantValues,
) -> WallClock:
    """Hours of one run under every plan.

    Parameters
    ----------
    checkpoint_bytes : of one checkpoint of the whole model, with optimizer states. [bytes]

    Notes
    -----
    Steps are counted with the global batch that the plan really uses. An evaluation pass runs
    forward only, at micro-batches like training's. Training stands still while a checkpoint is
    written, each instance writing its share. With a rate of failures r for each GPU, a run of h
    hours on n GPUs fails r n h times, and each time loses half the hours between two checkpoints
    and a restart. Data loading is taken to hide behind the steps. Your cluster's factor is on the
    steps alone.

    References
    ----------
    Llama Team, "The Llama 3 Herd of Models", arXiv:2407.21783, section 3.3.4, for the rate; Young,
    "A first order approximation to the optimum checkpoint interval", CACM 17(9), 1974, for half an
    interval.
    """
    factor = constants["cluster_time_factor"]
    training = data.steps(plans) * times.total * data.share_of(plans) * factor / SECONDS_PER_HOUR
    per_token_s = times.total / work.tokens * factor
    evaluation = data.evaluation_tokens * per_token_s * EVALUATION_SHARE / SECONDS_PER_HOUR
    rate = constants["checkpoint_write_gb_per_s"] * GB * plans.nodes
    checkpoints = CHECKPOINTS_PER_RUN * checkpoint_bytes / rate / SECONDS_PER_HOUR
    busy = training + evaluation + checkpoints
    times_failed = constants["failures_per_gpu_day"] * plans.gpus * busy / HOURS_PER_DAY
    lost = busy / (CHECKPOINTS_PER_RUN + 1) / 2 + constants["restart_hours"]
    failures = times_failed * lost
    start_up = np.full(len(plans), constants["start_up_hours"])
    parts = (training, evaluation, checkpoints, start_up, failures)
    everything = (np.asarray(part, dtype=np.float64) for part in (*parts, reduce(np.add, parts)))
    return WallClock(*everything)
