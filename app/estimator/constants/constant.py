"""One named constant: its value, unit, bounds, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constant:
    """One constant of the estimator.

    Parameters
    ----------
    value : before anything was fitted. For a fitted constant the centre of its prior.
    low, high : what a scenario may set it to.
    kind : fact (published, see `source`), derived (from published figures, `source` says how),
        assumption (our judgement, `source` says why) or fitted (to published runs, starting from
        `value`, which `source` explains).
    prior_log_sd : of a fitted constant, how far its logarithm may lie from that of `value` before
        the runs speak; small where physics leaves little room. 0 for the others.
    """

    key: str
    label: str
    value: float
    unit: str
    low: float
    high: float
    kind: str
    source: str
    prior_log_sd: float = 0.0
