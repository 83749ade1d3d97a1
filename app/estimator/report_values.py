"""Values that many parts of the report have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distribution:
    """A quantity that is not known exactly: its mean and the quantiles of the draws."""

    mean: float
    p10: float
    p50: float
    p90: float
