"""Predictions that tests choose."""

from __future__ import annotations

from typing import Any

from app.estimator.measured import SPEED_METRIC, MeasuredRun
from app.estimator.prediction import Prediction, RunPrediction


def around(value: float, *, known: bool = True) -> Prediction:
    """A prediction with an interval of 20% to either side."""
    return Prediction(value, 0.8 * value, 1.2 * value, known)


def off_by(ratio: float) -> Any:
    """Predict all metrics of a run as what was measured times a ratio."""

    def predict(run: MeasuredRun, *_: object) -> RunPrediction:
        found = {m.metric: around(ratio * m.value) for m in run.measurements}
        speed = found.pop(SPEED_METRIC, around(1.0))
        return RunPrediction(found, speed)

    return predict
