"""The ways of tuning that are compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import FailFast, Field

from app.inputs.kinds import Fields, Method


class MethodFields(Fields):
    """Full fine-tuning and the adapters, with what they are set to."""

    methods: Annotated[tuple[Method, ...], FailFast()] = Field(
        ("full", "lora", "qlora"),
        min_length=1,
        max_length=10,
        title="Methods to compare",
        description="At least one.",
    )
    lora_rank: int = Field(
        64,
        ge=1,
        le=4096,
        title="LoRA rank",
        description="Width of the adapter matrices. More rank: more capacity, more memory.",
    )
    lora_targets: str = Field(
        "all-linear",
        max_length=200,
        title="LoRA targets",
        description="all-linear, attention, or names such as q_proj,v_proj.",
    )
    qlora_rank: int = Field(
        16,
        ge=1,
        le=4096,
        title="QLoRA rank",
        description="Rank of the adapters on the 4-bit base.",
    )
    qlora_targets: str = Field(
        "all-linear",
        max_length=200,
        title="QLoRA targets",
        description="all-linear, attention, or names such as q_proj,v_proj.",
    )

    lora_variant: Literal["plain", "dora", "pissa", "lora-ga", "rslora"] = Field(
        "plain",
        title="LoRA variant",
        description="Changes the expected accuracy only; its time and memory are counted as those "
        "of LoRA.",
    )
