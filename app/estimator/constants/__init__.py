"""The estimator's named constants: each has a unit, a meaning, a source or the word assumption.

A scenario may change every one of them (`assumptions.KEY`). Fitted ones have a prior here, with the
physics it comes from; what published runs made of it is in the calibration of the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.estimator.constants.accuracy import ACCURACY_CONSTANTS
from app.estimator.constants.constant import Constant
from app.estimator.constants.correlation import CORRELATION_CONSTANTS
from app.estimator.constants.decision import DECISION_CONSTANTS
from app.estimator.constants.infrastructure import INFRASTRUCTURE_CONSTANTS
from app.estimator.constants.memory import MEMORY_CONSTANTS
from app.estimator.constants.pilot import PILOT_CONSTANTS
from app.estimator.constants.purchase import PURCHASE_CONSTANTS
from app.estimator.constants.serving import SERVING_CONSTANTS
from app.estimator.constants.time import TIME_CONSTANTS

__all__ = ["CONSTANTS", "Constant", "ConstantValues", "constant_values"]

CONSTANTS: Mapping[str, Constant] = MappingProxyType(
    {
        constant.key: constant
        for constant in (
            *TIME_CONSTANTS,
            *MEMORY_CONSTANTS,
            *INFRASTRUCTURE_CONSTANTS,
            *PURCHASE_CONSTANTS,
            *SERVING_CONSTANTS,
            *ACCURACY_CONSTANTS,
            *PILOT_CONSTANTS,
            *CORRELATION_CONSTANTS,
            *DECISION_CONSTANTS,
        )
    }
)

ConstantValues = Mapping[str, float]
"""Values by key, after calibration and the changes of a scenario."""


def constant_values(*changes: Mapping[str, float]) -> ConstantValues:
    """All constants with changes applied in order, the last one winning; keys must exist."""
    values = {key: constant.value for key, constant in CONSTANTS.items()}
    for change in changes:
        values.update(change)
    return MappingProxyType(values)
