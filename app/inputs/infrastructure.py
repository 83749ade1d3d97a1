"""Where training runs: GPUs, providers, prices, limits and software."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import FailFast, Field

from app.inputs.kinds import PRICE_BOOK_PATTERN, Fields, Name, StackKey, Usd


class InfrastructureFields(Fields):
    """Which offers are considered, and what a run may take and hold."""

    accelerators: Annotated[tuple[Name, ...], FailFast()] = Field(
        (),
        max_length=100,
        title="GPUs to consider",
        description="None chosen: all.",
    )
    providers: Annotated[tuple[Name, ...], FailFast()] = Field(
        (),
        max_length=100,
        title="Providers to consider",
        description="None chosen: every provider with a price list.",
    )
    price_book: str = Field(
        "",
        max_length=80,
        pattern=PRICE_BOOK_PATTERN,
        title="Price book",
        description="Whose prices count: the built-in list prices, an imported catalogue, or your "
        "own rates and discounts.",
    )
    include_spot: bool = Field(
        False,
        title="Include spot instances",
        description="Cheaper, and taken away at short notice: interruptions cost time and money.",
    )
    include_reserved: bool = Field(
        False,
        title="Include reservations of 1 and 3 years",
        description="Cheaper an hour, and paid for every hour of the term, used or idle.",
    )
    include_old_prices: bool = Field(
        False,
        title="Include prices older than 180 days",
        description="Left out while newer prices exist among the offers: they may be gone.",
    )
    include_capacity_blocks: bool = Field(
        False,
        title="Include capacity blocks",
        description="Prepaid in whole days; cheaper, and paid whether used or not.",
    )
    include_marketplace: bool = Field(
        False,
        title="Include marketplaces",
        description="The lowest asking price of the day: no service level, may be gone tomorrow.",
    )
    max_gpus: int = Field(
        64,
        ge=1,
        le=4096,
        title="Most GPUs at once",
        description="Upper limit for one run.",
        json_schema_extra={"unit": "GPUs"},
    )
    deadline_hours: float = Field(
        0,
        ge=0,
        le=1e6,
        allow_inf_nan=False,
        title="Deadline of one run",
        description="0: none.",
        json_schema_extra={"unit": "h"},
    )
    run_budget_usd: Usd = Field(
        0,
        title="Budget of one run",
        description="GPU time of one run; 0: none.",
        json_schema_extra={"unit": "USD"},
    )
    stack: StackKey = Field(
        "transformers",
        title="Training software",
        description="It matters more than the GPU: four times between the slowest and the fastest.",
    )
    precision: Literal[
        "usual", "bf16-mixed", "fp32-gradients", "fp32-sharded", "fp32-autocast", "bf16"
    ] = Field(
        "usual",
        title="Precision of full fine-tuning",
        description="What is held for every trained weight; usual: what the software does.",
    )
    optimizer: Literal[
        "usual",
        "adamw",
        "adamw-bf16",
        "adamw-8bit",
        "paged-adamw-8bit",
        "adafactor",
        "lion",
        "muon",
        "sgd",
    ] = Field("usual", title="Optimizer", description="Usual: what the software does.")
    loss: Literal["usual", "upcast", "plain", "fused", "chunked"] = Field(
        "usual",
        title="Loss",
        description="How much of the logits is held at once; it decides the peak of large "
        "vocabularies.",
    )
    adapter_dtype: Literal["usual", "fp32", "bf16"] = Field(
        "usual",
        title="Adapter precision",
        description="peft keeps adapters in fp32, which keeps copies of their inputs in fp32 too.",
    )
    compute: Literal["bf16", "fp8"] = Field(
        "bf16",
        title="Matrix products in",
        description="fp8 where the GPU has it; accuracy is then yours to check.",
    )
    checkpointing: Literal["any", "none", "selective", "full"] = Field(
        "any",
        title="Activation checkpointing",
        description="Any: whatever is quickest and fits.",
    )
    allow_offload: bool = Field(
        False,
        title="Allow offload to host memory",
        description="Optimizer or weights on the host: fits more, runs slower.",
    )
    objective: Literal["value", "cheapest", "fastest"] = Field(
        "value",
        title="Choose the plan by",
        description="Value: lowest cost of all runs, counting what waiting for them costs. "
        "Cheapest: lowest cost of a run. Fastest: shortest run.",
    )
