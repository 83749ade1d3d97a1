"""What answers are worth."""

from __future__ import annotations

from pydantic import Field

from app.inputs.kinds import Fields, Percent, Usd


class ValueFields(Fields):
    """Worth of right answers, cost of wrong ones, and how many there are."""

    answers_per_month: float = Field(
        100_000,
        ge=0,
        le=1e12,
        allow_inf_nan=False,
        title="Answers a month",
        description="Requests that the model serves.",
    )
    value_per_correct_answer_usd: Usd = Field(
        0.5,
        title="Worth of one more right answer",
        description="What it saves or earns when an answer is right instead of wrong.",
        json_schema_extra={"unit": "USD"},
    )
    hallucination_percent: Percent = Field(
        0,
        title="Wrong answers that are believed",
        description="Share of the wrong answers that state something made up as a fact and are not "
        "caught by the reader.",
        json_schema_extra={"unit": "%"},
    )
    hallucination_cost_usd: Usd = Field(
        0,
        title="Cost of one believed error",
        description="Rework, a wrong decision, lost trust: beyond the worth of a right answer.",
        json_schema_extra={"unit": "USD"},
    )
    violation_percent: Percent = Field(
        0,
        title="Wrong answers that break a rule",
        description="Share of the wrong answers that break a policy or a law.",
        json_schema_extra={"unit": "%"},
    )
    incident_percent: Percent = Field(
        0,
        title="Violations that become incidents",
        description="Share that reaches a patient, a client or a regulator.",
        json_schema_extra={"unit": "%"},
    )
    incident_cost_usd: Usd = Field(
        0,
        title="Cost of an incident",
        description="Fine, remedy, lawyers, people.",
        json_schema_extra={"unit": "USD"},
    )
    other_answers_per_month: float = Field(
        0,
        ge=0,
        le=1e12,
        allow_inf_nan=False,
        title="Other answers a month",
        description="Asked of the same model outside the task that it is tuned for: what it "
        "forgets is lost there.",
    )
    other_value_usd: Usd = Field(
        0,
        title="Worth of a right answer there",
        description="What it is worth when such an answer is right instead of wrong.",
        json_schema_extra={"unit": "USD"},
    )
    growth_percent: float = Field(
        0,
        ge=-90,
        le=1_000,
        allow_inf_nan=False,
        title="Growth of answers",
        description="A year, whatever the model.",
        json_schema_extra={"unit": "% a year"},
    )
    growth_per_point_percent: float = Field(
        0,
        ge=0,
        le=100,
        allow_inf_nan=False,
        title="Growth for each accuracy point",
        description="More answers a year for each point over the base model: customers that a "
        "better product wins and keeps. Small gaps compound.",
        json_schema_extra={"unit": "% a year"},
    )
    margin_per_answer_usd: Usd = Field(
        0,
        title="Margin of an answer",
        description="What one more answer that is asked earns, right or wrong, less what serving "
        "it costs.",
        json_schema_extra={"unit": "USD"},
    )
