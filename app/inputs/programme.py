"""The work around the runs: experiments, people, releases, storage and governance."""

from __future__ import annotations

from pydantic import Field

from app.inputs.kinds import Fields, Percent, Usd, UsdOrBlank


class ProgrammeFields(Fields):
    """What is done until the first release and at each one after it, and what that costs."""

    experiments: int = Field(
        8,
        ge=0,
        le=10_000,
        title="Experiments before the first release",
        description="Runs to choose learning rate, data mix and checkpoint.",
        json_schema_extra={"unit": "runs"},
    )
    experiment_size_percent: float = Field(
        30,
        ge=0,
        le=1000,
        allow_inf_nan=False,
        title="Size of an experiment",
        description="Share of a whole run that one experiment takes.",
        json_schema_extra={"unit": "%"},
    )
    failed_run_percent: float = Field(
        10,
        ge=0,
        le=1000,
        allow_inf_nan=False,
        title="Lost to failed runs",
        description="Extra GPU time for runs that crash, diverge or wait.",
        json_schema_extra={"unit": "%"},
    )
    engineer_weeks_full: float = Field(
        6,
        ge=0,
        le=10_000,
        allow_inf_nan=False,
        title="Engineering, full fine-tuning",
        description="Work until the first release, in person-weeks.",
        json_schema_extra={"unit": "weeks"},
    )
    engineer_weeks_adapter: float = Field(
        4,
        ge=0,
        le=10_000,
        allow_inf_nan=False,
        title="Engineering, LoRA and QLoRA",
        description="Work until the first release, in person-weeks.",
        json_schema_extra={"unit": "weeks"},
    )
    engineer_week_usd: Usd = Field(
        3_500,
        title="Cost of an engineer-week",
        description="Salary with overhead. Default: US data scientist median of 112,590 USD a "
        "year (BLS 15-2051) x 1.43 overhead (our assumption) over 46 weeks.",
        json_schema_extra={"unit": "USD"},
    )
    data_preparation_usd: Usd = Field(
        0,
        title="Data preparation and labelling",
        description="Once, the same for every method.",
        json_schema_extra={"unit": "USD"},
    )
    releases_per_year: float = Field(
        2,
        ge=0,
        le=366,
        allow_inf_nan=False,
        title="Retraining",
        description="Releases a year after the first; each one is trained again.",
        json_schema_extra={"unit": "a year"},
    )
    release_fixed_usd: Usd = Field(
        0,
        title="Fixed cost of a release",
        description="Evaluation, audit and re-validation, each time.",
        json_schema_extra={"unit": "USD"},
    )

    adapter_release_percent: Percent = Field(
        100,
        title="Checks of an adapter release",
        description="Share of the fixed cost of a release that LoRA and QLoRA need.",
        json_schema_extra={"unit": "%"},
    )
    storage_usd_per_gb_month: UsdOrBlank = Field(
        None,
        title="Price of storage",
        description="Of a gigabyte and month; blank: the published price of the provider, "
        "0: it costs nothing.",
        json_schema_extra={"unit": "USD", "blank": "as published"},
    )
    egress_usd_per_gb: UsdOrBlank = Field(
        None,
        title="Price of traffic out",
        description="Of a gigabyte of released model that is moved to where it serves; blank: the "
        "published price of the provider, 0: it costs nothing.",
        json_schema_extra={"unit": "USD", "blank": "as published"},
    )
    artefact_year_usd: Usd = Field(
        0,
        title="Governing one model artefact",
        description="Inventory, monitoring, documentation and access control, a year. A dedicated "
        "model for each variant is one artefact each; adapters add one for their base.",
        json_schema_extra={"unit": "USD a year"},
    )
    delay_cost_usd_per_month: Usd = Field(
        0,
        title="Cost of a month's delay",
        description="Until the first release, beyond the value that is not yet earned: a contract "
        "that waits, a competitor that leads.",
        json_schema_extra={"unit": "USD a month"},
    )
