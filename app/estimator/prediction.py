"""Memory and speed of a run, with the interval that left-out runs give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import exp

import numpy as np

from app.estimator.architecture import Architecture
from app.estimator.calibration import (
    ALLOCATED,
    RESERVED,
    TIME,
    Calibration,
    memory_difficulty,
    time_difficulty,
)
from app.estimator.constants import ConstantValues, constant_values
from app.estimator.fleet import Floats
from app.estimator.hardware import Accelerator
from app.estimator.measured import MEMORY_METRICS, SPEED_METRIC, MeasuredRun
from app.estimator.memory import Memory, footprint, peak_memory
from app.estimator.observed import Observed, observe
from app.estimator.throughput import StepTimes, step_times, tokens_per_s_per_gpu
from app.estimator.units import GIB
from app.estimator.work import step_work

CARD_SHARE = 0.985
"""Share of a card's memory that a process can hold: what runs at the limit were seen to have."""

EXACT_LINES = ("weights", "adapters", "gradients", "master_weights", "optimizer_states")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One predicted figure and its 80% interval.

    Parameters
    ----------
    known_stack : whether the constants were fitted on runs of the same software; the interval is
        wider where not.
    """

    value: float
    low: float
    high: float
    known_stack: bool


@dataclass(frozen=True, slots=True)
class RunPrediction:
    """What is predicted of one run.

    Parameters
    ----------
    memory : by metric of `app.estimator.measured`. [GiB]
    tokens_per_s_per_gpu : [tokens/s]
    """

    memory: Mapping[str, Prediction]
    tokens_per_s_per_gpu: Prediction


def hard_share(times: StepTimes) -> Floats:
    """Share of a step that is communication or overhead. (p,)"""
    return np.asarray((times.communication + times.overhead) / times.total, dtype=np.float64)


def soft_share(memory: Memory) -> Floats:
    """Share of the allocated peak that is not weights, gradients or states. (p,)"""
    exact = reduce(np.add, [memory.lines[key] for key in EXACT_LINES])
    return np.asarray(1.0 - exact / memory.allocated, dtype=np.float64)


def family(method: str) -> str:
    """The method whose residuals a method has: DoRA's are LoRA's."""
    return "lora" if method == "dora" else method


def predict_run(
    run: MeasuredRun,
    architecture: Architecture,
    accelerator: Accelerator,
    calibration: Calibration,
    changes: Mapping[str, float] | None = None,
) -> RunPrediction:
    """Predict the memory and speed of one run.

    Parameters
    ----------
    changes : constants that differ from the calibration.

    Raises
    ------
    CannotPredict : something that is needed is not stated or not modelled.
    """
    constants = constant_values(calibration.constants, changes or {})
    observed = observe(run, architecture, accelerator)
    knows_memory = calibration.knows(ALLOCATED, run.framework)
    knows_time = calibration.knows(TIME, run.framework)
    method = family(observed.method.key)
    memory = _memory(observed, architecture, constants)
    spread = calibration.difficulty
    soft = soft_share(memory)
    allocated = calibration.half_width(
        ALLOCATED, method, known=knows_memory, grade=_grade(run, *MEMORY_METRICS)
    ) * float(memory_difficulty(soft, spread[ALLOCATED])[0])
    reserved = calibration.half_width(
        RESERVED, method, known=knows_memory, grade=_grade(run, *MEMORY_METRICS)
    ) * float(memory_difficulty(soft, spread[RESERVED])[0])
    work = step_work(
        architecture,
        observed.method,
        observed.software,
        observed.fleet,
        observed.plans,
        observed.computed_length,
        observed.virtual_pipeline,
    )
    times = step_times(work, constants)
    width = calibration.time_half_width(
        method, accelerator.chip, known=knows_time, grade=_grade(run, SPEED_METRIC)
    ) * float(time_difficulty(hard_share(times), spread[TIME])[0])
    speed = float(tokens_per_s_per_gpu(work, times)[0])
    figures = memory_figures(memory, accelerator.memory_bytes)

    def around(value: float, half: float, *, known: bool) -> Prediction:
        return Prediction(value, value * exp(-half), value * exp(half), known)

    return RunPrediction(
        {
            metric: around(
                float(value[0]) / GIB,
                allocated if metric == "peak_allocated_gib" else reserved,
                known=knows_memory,
            )
            for metric, value in figures.items()
        },
        around(speed * observed.real_share, width, known=knows_time),
    )


def memory_figures(memory: Memory, card_bytes: float | Floats) -> dict[str, Floats]:
    """What each memory metric would read. (p,) [bytes]

    Notes
    -----
    A run that ended did not pass its card, so what the driver sees is capped there. A peak of a
    kind that is not told is read as what the driver sees.
    """
    card = CARD_SHARE * np.asarray(card_bytes, dtype=np.float64)
    return {
        "peak_allocated_gib": memory.allocated,
        "peak_reserved_gib": np.minimum(memory.reserved, card),
        "smi_gib": np.minimum(memory.total, card),
        "peak_unspecified_gib": np.minimum(memory.total, card),
    }


def _grade(run: MeasuredRun, *metrics: str) -> str:
    """The lower grade of what was measured of these metrics: A where all is certain."""
    grades = {m.quality for m in run.measurements if m.metric in metrics}
    return "B" if grades - {"A"} else "A"


def _memory(observed: Observed, architecture: Architecture, constants: ConstantValues) -> Memory:
    held = footprint(
        architecture,
        observed.method,
        observed.software,
        observed.plans,
        observed.sequence_length,
    )
    return peak_memory(held, constants)
