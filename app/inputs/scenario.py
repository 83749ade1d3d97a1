"""ScenarioInput: the fields of all subjects as one flat input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from pydantic import ConfigDict, Field, field_validator

from app.inputs.data import DataFields
from app.inputs.infrastructure import InfrastructureFields
from app.inputs.methods import MethodFields
from app.inputs.money import MoneyFields
from app.inputs.pairs import members_of, pairs_of
from app.inputs.programme import ProgrammeFields
from app.inputs.question import QuestionFields
from app.inputs.risk import RiskFields
from app.inputs.serving import ServingFields
from app.inputs.value import ValueFields


# pydantic takes the fields of the last base first and those declared here last; forms, links, JSON
# and messages come in that order. What looks at fields of several subjects stands here too: of two
# validators of one name in two bases, one would be lost.
class ScenarioInput(
    MoneyFields,
    RiskFields,
    ValueFields,
    ServingFields,
    ProgrammeFields,
    InfrastructureFields,
    MethodFields,
    DataFields,
    QuestionFields,
):
    """What was asked: model, data, methods, infrastructure, programme and value.

    Raises
    ------
    pydantic.ValidationError : a value that is missing, of the wrong kind or out of range; every
        problem is located at its field.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Contract review assistant",
                    "model": "meta-llama/Meta-Llama-3.1-8B",
                    "examples": 50_000,
                    "tokens_per_example": 900,
                    "epochs": 3,
                    "methods": ["full", "lora", "qlora"],
                    "lora_rank": 64,
                    "qlora_rank": 16,
                    "accelerators": ["H100-SXM-80GB", "A100-SXM-80GB"],
                    "task_group": "narrow",
                    "base_accuracy_points": 62,
                    "answers_per_month": 100_000,
                    "value_per_correct_answer_usd": 0.5,
                }
            ]
        },
    )

    draws: int = Field(
        10_000,
        ge=1_000,
        le=100_000,
        title="Monte Carlo draws",
        description="More draws: steadier ranges.",
    )
    seed: int = Field(
        1,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="The same seed gives the same numbers.",
    )

    # Assumptions of ours that the user changed
    assumptions: dict[str, float] = Field(
        default_factory=dict,
        max_length=100,
        title="Changed assumptions",
        description="Constants of the estimator by their key; the method page lists them.",
    )

    @field_validator("title", "model", mode="after")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must be one line of text without control characters")
        return value

    @field_validator("methods", "accelerators", "providers", mode="after")
    @classmethod
    def _unique(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))

    def to_query(self) -> str:
        """The scenario as a query string: only what differs from the defaults.

        Notes
        -----
        `fields_from_pairs` turns its pairs back into the members of an equal scenario.
        """
        return urlencode(pairs_of(self.model_dump(mode="json", exclude_defaults=True)))


def fields_from_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Form or query pairs as the members of a ScenarioInput.

    Repeated names make a list; a blank entry in a list says "none" (a form needs a way to say that
    no box is ticked); ``assumptions.KEY`` fills the mapping; ``pilot.ROW.COLUMN`` is a cell of the
    pilot, whose blank cells and blank rows are left out; names that are not fields (tracking
    parameters of a mail program, say) are left out.

    Examples
    --------
    >>> fields_from_pairs([("methods", ""), ("methods", "lora"), ("utm_source", "x")])
    {'methods': ['lora']}
    >>> fields_from_pairs([("pilot.7.examples", "500"), ("pilot.0.examples", " ")])
    {'pilot': [{'examples': '500'}]}
    """
    return members_of(pairs, ScenarioInput.model_fields)
