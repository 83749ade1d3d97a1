"""What is asked of the model, and what is known of its accuracy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from app.estimator.evidence import TaskGroup
from app.inputs.kinds import Fields, Situation, Usd
from app.inputs.pilot import MOST_PILOT_ROWS, PilotRow, few_rows


class QuestionFields(Fields):
    """The question: which task, how good the base model is at it, and what was measured."""

    title: str = Field(
        "", max_length=120, title="Title", description="Shown at the top of the shared page."
    )
    situation: Situation = Field(
        "blank",
        title="Situation",
        description="The ready-made scenario that this one began with.",
    )
    task_group: TaskGroup = Field(
        "general",
        title="Kind of task",
        description="Chooses which published head-to-heads the expected accuracy comes from.",
    )
    base_accuracy_points: float = Field(
        60,
        ge=0,
        le=100,
        allow_inf_nan=False,
        title="Accuracy of the base model today",
        description="Share of answers that are right on your own test set, before any tuning.",
        json_schema_extra={"unit": "%"},
    )
    test_set_size: int = Field(
        500,
        ge=10,
        le=10_000_000,
        title="Test set",
        description="Questions in your test set; a small one measures accuracy with more noise.",
        json_schema_extra={"unit": "questions"},
    )

    domain_distance: Literal["usual", "near", "medium", "far"] = Field(
        "usual",
        title="Distance from what the base model knows",
        description="Usual: that of the kind of task. Far: a language or specialist knowledge that "
        "it was hardly trained on.",
    )
    pilot: Annotated[tuple[PilotRow, ...], BeforeValidator(few_rows)] = Field(
        (),
        max_length=MOST_PILOT_ROWS,
        title="Pilot",
        description="Scores that you measured, of any of the models, at one or more sizes of the "
        "training set. They update what the studies expect.",
    )
    own_evidence: str = Field(
        "",
        max_length=20_000,
        title="Own past comparisons",
        description="Optional: past head-to-heads of your company, as CSV with the columns study, "
        "group, metric, base, full, adapter, method, rank.",
    )

    pilot_questions: int = Field(
        0,
        ge=0,
        le=10_000_000,
        title="Questions of the next pilot",
        description="Whose worth is asked for; 0: as many as in your test set.",
        json_schema_extra={"unit": "questions"},
    )
    pilot_other_cost_usd: Usd = Field(
        0,
        title="Cost of the next pilot beside GPUs",
        description="People and labelling.",
        json_schema_extra={"unit": "USD"},
    )
