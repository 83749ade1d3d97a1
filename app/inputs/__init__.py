"""ScenarioInput: the one validated input of page, query string, JSON API and command line.

Flat on purpose: a form field, a query parameter and a JSON member have the same name. Labels, help
and units live here and nowhere else, in one module for each subject.
"""

from app.estimator.evidence import TaskGroup
from app.inputs.about import number_of, told_of
from app.inputs.kinds import (
    CURRENCY_PATTERN,
    LORA_TARGET_CHOICES,
    METHOD_LABELS,
    PRICE_BOOK_PATTERN,
    TASK_GROUP_LABELS,
    Method,
)
from app.inputs.pairs import SEQUENCE_FIELDS
from app.inputs.pilot import (
    MOST_PILOT_ROWS,
    PILOT_CELL,
    PILOT_COLUMNS,
    PILOT_SCORES,
    PilotRow,
)
from app.inputs.scenario import ScenarioInput, fields_from_pairs

__all__ = [
    "CURRENCY_PATTERN",
    "LORA_TARGET_CHOICES",
    "METHOD_LABELS",
    "MOST_PILOT_ROWS",
    "PILOT_CELL",
    "PILOT_COLUMNS",
    "PILOT_SCORES",
    "PRICE_BOOK_PATTERN",
    "SEQUENCE_FIELDS",
    "TASK_GROUP_LABELS",
    "Method",
    "PilotRow",
    "ScenarioInput",
    "TaskGroup",
    "fields_from_pairs",
    "number_of",
    "told_of",
]
