"""How far the figures may be off."""

from __future__ import annotations

from pydantic import Field

from app.inputs.kinds import Fields, Percent


class RiskFields(Fields):
    """80% ranges of what the draws vary."""

    value_uncertainty_percent: Percent = Field(
        30,
        title="Uncertainty of that worth",
        description="80% range, plus and minus.",
        json_schema_extra={"unit": "%"},
    )
    price_uncertainty_percent: Percent = Field(
        15,
        title="Uncertainty of GPU prices",
        description="80% range over the horizon, plus and minus.",
        json_schema_extra={"unit": "%"},
    )
    adoption_uncertainty_percent: Percent = Field(
        20,
        title="Uncertainty of answers a month",
        description="80% range, plus and minus: how much it is used.",
        json_schema_extra={"unit": "%"},
    )
    time_uncertainty_percent: Percent = Field(
        0,
        title="Uncertainty of training time",
        description="80% range, plus and minus; 0: as published runs differ from the estimate.",
        json_schema_extra={"unit": "%"},
    )
    accuracy_spread_percent: float = Field(
        100,
        ge=0,
        le=300,
        allow_inf_nan=False,
        title="Uncertainty of accuracy",
        description="Of what the studies and your pilot say; 100: as they say.",
        json_schema_extra={"unit": "%"},
    )
