"""How the tuned models are served."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.inputs.kinds import Fields, Usd


class ServingFields(Fields):
    """Load, latency and the number of models in use."""

    serving: Literal["auto", "merged", "unmerged", "none"] = Field(
        "auto",
        title="How adapters are served",
        description="Merged: a model of its own for each variant, as after full fine-tuning. "
        "Unmerged: all on one base. Auto: whichever is cheaper. None: serving is left out.",
    )
    variants: int = Field(
        1,
        ge=1,
        le=100_000,
        title="Variants",
        description="Tuned models in use at once: for customers, languages or policies. They share "
        "the answers evenly.",
    )
    prompt_tokens: int = Field(
        1_000,
        ge=1,
        le=10_000_000,
        title="Prompt",
        description="Mean, with instructions and retrieved text.",
        json_schema_extra={"unit": "tokens"},
    )
    completion_tokens: int = Field(
        300,
        ge=1,
        le=1_000_000,
        title="Answer",
        description="Mean length.",
        json_schema_extra={"unit": "tokens"},
    )
    peak_factor: float = Field(
        3,
        ge=1,
        le=1_000,
        allow_inf_nan=False,
        title="Peak over mean load",
        description="GPUs are held for the busiest hour.",
    )
    max_ms_per_token: float = Field(
        50,
        gt=0,
        le=60_000,
        allow_inf_nan=False,
        title="Slowest token that users accept",
        description="Between two tokens of one answer: 50 ms is about 900 words a minute.",
        json_schema_extra={"unit": "ms"},
    )
    least_replicas: int = Field(
        1,
        ge=1,
        le=1_000,
        title="Replicas at least",
        description="Of every resident model, for availability.",
    )
    latency_value_usd_per_second: Usd = Field(
        0,
        title="Worth of a second less waiting",
        description="For each answer.",
        json_schema_extra={"unit": "USD"},
    )
