"""What published runs made of the fitted constants, and how far off it was for runs left out.

The fit itself is a script, ``benchmarks/calibration``; here is what it leaves: values of the
constants, and residuals that give every prediction its interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.estimator.constants import CONSTANTS
from app.estimator.fleet import Floats
from app.estimator.software import STACKS

TIME = "time"
ALLOCATED = "allocated"
RESERVED = "reserved"
TARGETS = (TIME, ALLOCATED, RESERVED)
"""What residuals are of: tokens a second, allocated memory, and what the driver sees."""

Z80 = 1.2815515655446004
"""Standard normal quantile of 0.9: half an 80% interval in standard deviations."""

METHODS = ("full", "lora", "qlora")
GRADES = ("A", "B")


@dataclass(frozen=True, slots=True)
class Spread:
    """How far predictions of one kind were from runs that the fit had not seen.

    Parameters
    ----------
    target : one of `TARGETS`.
    method : full, lora or qlora.
    known : whether runs of the same software were in the fit.
    grade : A where all settings of a run are known, B where one is inferred.
    n : runs behind it. [count]
    half_width : of the 80% interval, for a run of difficulty 1. [natural logarithm]
    """

    target: str
    method: str
    known: bool
    grade: str
    n: int
    half_width: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The outcome of a fit.

    Parameters
    ----------
    constants : fitted constants by key.
    spreads : one for every target, method, known or not, and grade.
    difficulty : weight of the hard part of a run, by target; see `time_difficulty` and
        `memory_difficulty`.
    frameworks : frameworks whose runs were fitted, by target.
    chips : classes of chips whose step times were fitted.
    new_chip : half width of a step time by method where no run of the chip's class was fitted.
    fitted_on, data_hash, runs : day, content hash and size of the table of runs.
    """

    constants: Mapping[str, float]
    spreads: tuple[Spread, ...]
    difficulty: Mapping[str, float]
    frameworks: Mapping[str, frozenset[str]]
    chips: frozenset[str]
    new_chip: Mapping[str, float]
    fitted_on: str
    data_hash: str
    runs: int

    def half_width(self, target: str, method: str, *, known: bool, grade: str = "A") -> float:
        """Half the 80% interval for a run of difficulty 1. [natural logarithm]

        Raises
        ------
        KeyError : a target, method or grade that no spread is of.

        Notes
        -----
        Never narrower for software that was not fitted than for software that was.
        """
        widths = {
            s.known: s.half_width
            for s in self.spreads
            if (s.target, s.method, s.grade) == (target, method, grade)
        }
        if known not in widths:
            raise KeyError(f"no spread of {target} for {method}, grade {grade}")
        return widths[known] if known else max(widths.values())

    def time_half_width(self, method: str, chip: str, *, known: bool, grade: str = "A") -> float:
        """Half the 80% interval of a step time of difficulty 1. [natural logarithm]

        Parameters
        ----------
        chip : one of `CHIPS`; a class that no run was fitted of has the wider interval of chips
            that were left out.
        """
        half = self.half_width(TIME, method, known=known, grade=grade)
        return half if chip in self.chips else max(half, self.new_chip[method])

    def knows(self, target: str, framework: str) -> bool:
        """Whether runs of a framework were fitted to predict a target."""
        return framework in self.frameworks[target]

    def knows_stack(self, target: str, stack: str) -> bool:
        """Whether runs of a stack were fitted to predict a target.

        Raises
        ------
        KeyError : no such stack.
        """
        return bool(self.frameworks[target] & STACKS[stack].frameworks)


UNCALIBRATED_HALF_WIDTH = 0.7
"""Half the 80% interval, in the logarithm, before any run was fitted. Assumption."""


def uncalibrated() -> Calibration:
    """The constants before any run was fitted, with wide intervals."""
    return Calibration(
        constants={key: c.value for key, c in CONSTANTS.items() if c.kind == "fitted"},
        spreads=tuple(
            Spread(target, method, known, grade, 0, UNCALIBRATED_HALF_WIDTH)
            for target in TARGETS
            for method in METHODS
            for known in (True, False)
            for grade in GRADES
        ),
        difficulty=dict.fromkeys(TARGETS, 0.0),
        frameworks=dict.fromkeys(TARGETS, frozenset()),
        chips=frozenset(),
        new_chip=dict.fromkeys(METHODS, UNCALIBRATED_HALF_WIDTH),
        fitted_on="",
        data_hash="",
        runs=0,
    )


def time_difficulty(hard_share: Floats, weight: float) -> Floats:
    """How much wider the interval of a step time is than that of an easy run. (n,) [ratio]

    Parameters
    ----------
    hard_share : share of the step that is communication or overhead. (n,)
    weight : `Calibration.difficulty` of time.
    """
    return np.asarray(1.0 + weight * hard_share, dtype=np.float64)


def memory_difficulty(soft_share: Floats, weight: float) -> Floats:
    """The same for memory.

    Parameters
    ----------
    soft_share : share of the peak that is neither weights nor gradients nor states, which are
        exact. (n,)
    """
    return np.asarray(1.0 + weight * soft_share, dtype=np.float64)


def probability_above(value: Floats, limit: Floats, half_width: Floats) -> Floats:
    """Probability that the truth is above a limit, given a prediction. (n,)

    Parameters
    ----------
    value, limit : greater than 0, in the same unit.
    half_width : of the 80% interval. [natural logarithm]

    Notes
    -----
    The logarithm of truth over prediction is taken as logistic: tails a little heavier than
    normal, as the residuals have, and cheap for arrays. Its scale makes the 80% interval as wide.
    """
    scale = np.maximum(half_width, 1e-9) / np.log(9.0)
    z = np.clip((np.log(limit) - np.log(value)) / scale, -700.0, 700.0)
    return np.asarray(1.0 / (1.0 + np.exp(z)), dtype=np.float64)
