"""The calibration that comes with the product: read, checked, made into the estimator's type."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from app.catalog.tables import CatalogError
from app.estimator.calibration import GRADES, METHODS, TARGETS, Calibration, Spread
from app.estimator.constants import CONSTANTS

CALIBRATION_FILE = Path(__file__).parent / "measured" / "calibration.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SpreadEntry(_Strict):
    """One `Spread`."""

    target: str
    method: str
    known: bool
    grade: str
    n: int
    half_width: float


class ErrorEntry(_Strict):
    """Errors of one split, target, grade and method, or of one source. [fraction]"""

    split: str
    target: str
    method: str
    grade: str
    source: str
    n: int
    median_ape: float
    p90_ape: float
    coverage80: float
    winkler: float
    winkler_constant: float
    median_width: float


class CurvePoint(_Strict):
    """Runs with a predicted probability of running out of memory in one bin, and how many did."""

    predicted: float
    observed: float
    n: int


class OutOfMemory(_Strict):
    """How good the probability of running out of memory is."""

    n: int
    brier: float
    base_rate_brier: float
    curve: list[CurvePoint]


class CalibrationDocument(_Strict):
    """``calibration.json`` as ``benchmarks/calibration`` writes it."""

    fitted_on: str
    data_hash: str
    runs: int
    rows: dict[str, int]
    folds: dict[str, int]
    constants: dict[str, float]
    difficulty: dict[str, float]
    frameworks: dict[str, list[str]]
    chips: list[str]
    new_chip: dict[str, float]
    spreads: list[SpreadEntry]
    errors: list[ErrorEntry]
    out_of_memory: OutOfMemory


def load_calibration(path: Path = CALIBRATION_FILE) -> tuple[Calibration, CalibrationDocument]:
    """The calibration, and the whole document with its errors.

    Raises
    ------
    CatalogError : unreadable, not of the form, or with constants that are not fitted ones.
    """
    try:
        document = CalibrationDocument.model_validate(json.loads(path.read_text()))
    except (OSError, ValueError, ValidationError) as error:
        raise CatalogError([f"{path}: {error}"]) from error
    fitted = {key for key, constant in CONSTANTS.items() if constant.kind == "fitted"}
    if set(document.constants) != fitted:
        differ = ", ".join(sorted(set(document.constants) ^ fitted))
        raise CatalogError([f"{path}: constants differ from the fitted ones: {differ}; calibrate"])
    wanted = {(t, m, k, g) for t in TARGETS for m in METHODS for k in (True, False) for g in GRADES}
    if {(s.target, s.method, s.known, s.grade) for s in document.spreads} != wanted:
        raise CatalogError([f"{path}: spreads are not one for each target and method; calibrate"])
    if set(document.new_chip) != set(METHODS):
        raise CatalogError([f"{path}: spreads of new chips are not one for each method; calibrate"])
    return (
        Calibration(
            constants=document.constants,
            spreads=tuple(Spread(**entry.model_dump()) for entry in document.spreads),
            difficulty=document.difficulty,
            frameworks={key: frozenset(names) for key, names in document.frameworks.items()},
            chips=frozenset(document.chips),
            new_chip=document.new_chip,
            fitted_on=document.fitted_on,
            data_hash=document.data_hash,
            runs=document.runs,
        ),
        document,
    )
