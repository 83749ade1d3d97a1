"""The parts of the report about plans: memory, time, energy and what a plan needs."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.report_values import Distribution


@dataclass(frozen=True, slots=True)
class MemoryLine:
    """One line of the memory of one GPU at its peak. The lines sum to the peak."""

    key: str
    label: str
    bytes: float


@dataclass(frozen=True, slots=True)
class StepTime:
    """One optimizer step, by what the time is spent on; the parts sum to the whole. [s]"""

    matrix_products_s: float
    attention_s: float
    memory_bound_s: float
    communication_s: float
    optimizer_s: float
    overhead_s: float
    """launches that kernels cannot hide, idle pipeline stages, the trainer's own work"""
    total_s: float


@dataclass(frozen=True, slots=True)
class WallClockReport:
    """One run by what its time is spent on; the parts sum to the hours of the plan. [h]"""

    training_h: float
    evaluation_h: float
    checkpoints_h: float
    start_up_h: float
    failures_h: float
    """expected: work done again after failures of machines, and restarts"""
    interruptions_h: float
    """expected: work done again after spot instances were taken away, restarts, and the checkpoints
    that are written more often because of it"""


@dataclass(frozen=True, slots=True)
class EnergyReport:
    """Electricity of one run, host and cooling included, and its carbon where the grid is known."""

    kwh: float
    """at the meter of the data centre"""
    power_w_per_gpu: float
    """GPU and its share of the host, mean of a run, before cooling"""
    pue: float
    grid_label: str
    """country or region of the electricity; empty where the region is not known"""
    g_co2e_per_kwh: float | None
    kg_co2e: float | None
    grid_source_key: str


@dataclass(frozen=True, slots=True)
class PlanReport:
    """Where and how one run is trained."""

    offer_key: str
    provider: str
    provider_name: str
    instance: str
    region: str
    tier: str
    accelerator: str
    accelerator_name: str
    gpus_per_instance: int
    nodes: int
    gpus: int
    purchase_option: str
    """on-demand, spot, reserved-1y, reserved-3y or capacity-block"""
    usd_per_instance_hour: float
    """what is paid, after the discount of a price book"""
    usd_per_gpu_hour: float
    list_usd_per_instance_hour: float | None
    """before the discount or the own rate of a price book; None where there is none"""
    discount_fraction: float
    price_book: str
    """name of the price book that set the price; empty for the built-in table"""
    idle_fraction: float
    """share of the GPU time paid over the programme that nothing runs in: rest of the term of a
    reservation, or of the last day of a block"""
    price_valid_from: str
    price_age_days: int
    price_source_key: str
    strategy: str
    """what the data-parallel group shards: single, ddp, zero1, zero2 or fsdp"""
    strategy_label: str
    data_parallel: int
    """model replicas"""
    tensor_parallel: int
    pipeline_parallel: int
    context_parallel: int
    expert_parallel: int
    micro_batch: int
    gradient_accumulation_steps: int
    checkpointing: str
    """none, selective or full"""
    offload: str
    """none, optimizer or parameters"""
    memory_lines: tuple[MemoryLine, ...]
    memory_bytes: float
    """what the driver sees at the peak: the sum of the lines"""
    memory_range_bytes: Distribution
    memory_allocated_bytes: float
    memory_reserved_bytes: float
    memory_capacity_bytes: float
    probability_out_of_memory: float
    host_memory_bytes: float
    """on the host for each GPU, where something is offloaded"""
    memory_peak: str
    """loss, block (a recomputed block runs backward) or update (inside the optimizer step)"""
    step_time: StepTime
    wall_clock: WallClockReport
    tokens_per_s: float
    model_flop_utilisation_fraction: float
    hours: float
    """one whole run, point estimate"""
    hours_range: Distribution
    gpu_hours: float
    usd: float
    """one whole run, point estimate: its share of all GPU time that is paid over the programme"""
    energy: EnergyReport | None
    """None in reports that do not say"""


@dataclass(frozen=True, slots=True)
class BillEntry:
    """One line of the bill of infrastructure."""

    key: str
    label: str
    quantity: float
    unit: str
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """A plan that no other is both cheaper and quicker than."""

    offer_key: str
    provider_name: str
    instance: str
    region: str
    purchase_option: str
    tier: str
    accelerator: str
    accelerator_name: str
    gpus: int
    nodes: int
    layout: str
    micro_batch: int
    checkpointing: str
    hours: float
    usd: float
    probability_out_of_memory: float


@dataclass(frozen=True, slots=True)
class FlopReport:
    """FLOP of the chosen plan. Forward, backward and recomputation are per token. [FLOP]"""

    forward_per_token_flop: float
    backward_per_token_flop: float
    recompute_per_token_flop: float
    run_flop: float
    ratio_to_full: float
    """step FLOP without recomputation, divided by that of full fine-tuning"""
