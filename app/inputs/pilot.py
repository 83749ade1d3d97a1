"""Scores of a pilot that was run, at one or more sizes of the training set."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

PilotPoints = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class PilotRow(BaseModel):
    """Scores of one pilot at one size of training set, all on one test set.

    Raises
    ------
    pydantic.ValidationError : as `ScenarioInput`; also a row without any score.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    examples: int = Field(
        ge=1,
        le=10_000_000_000,
        title="Training examples",
        description="That the pilot models were trained on.",
    )
    test_set_size: int = Field(
        ge=10,
        le=10_000_000,
        title="Test questions",
        description="That were scored.",
    )
    base_points: PilotPoints | None = Field(
        None, title="Base", description="Score of the base model on this test set."
    )
    full_points: PilotPoints | None = Field(
        None, title="Full", description="Score after full fine-tuning."
    )
    lora_points: PilotPoints | None = Field(None, title="LoRA", description="Score with LoRA.")
    qlora_points: PilotPoints | None = Field(None, title="QLoRA", description="Score with QLoRA.")

    @model_validator(mode="after")
    def _has_a_score(self) -> PilotRow:
        if all(getattr(self, name) is None for name in PILOT_SCORES):
            raise ValueError("needs at least one score: of the base, full, LoRA or QLoRA model")
        return self


PILOT_SCORES = ("base_points", "full_points", "lora_points", "qlora_points")
PILOT_COLUMNS = tuple(PilotRow.model_fields)
PILOT_CELL = re.compile(rf"pilot\.(?P<row>[0-9]{{1,3}})\.(?P<column>{'|'.join(PILOT_COLUMNS)})")
"""Name of one cell of the pilot, in a form or a query."""
MOST_PILOT_ROWS = 10


def few_rows(value: object) -> object:
    """Before any row is looked at, so that a huge list costs nothing."""
    if not isinstance(value, list | tuple):
        raise ValueError(  # noqa: TRY004 - pydantic reports this one at its field
            'must be a list of rows, such as [{"examples": 2000, "test_set_size": 500, '
            '"lora_points": 71.5}]'
        )
    if len(value) > MOST_PILOT_ROWS:
        raise ValueError(f"must have at most {MOST_PILOT_ROWS} rows")
    return value
