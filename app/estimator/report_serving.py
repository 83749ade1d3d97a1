"""The parts of the report about serving: the ways, what each costs, and how methods are served."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.report_values import Distribution


@dataclass(frozen=True, slots=True)
class ServingWay:
    """One way to serve all answers of a month."""

    key: str
    """base (untuned, for comparison), merged (a dedicated model for each variant) or unmerged
    (adapters on one shared base)"""
    label: str
    models: int
    """resident base models that differ"""
    replicas: int
    gpus: int
    instances: int
    offer_key: str
    provider_name: str
    instance: str
    region: str
    accelerator_name: str
    gpus_per_replica: int
    usd_per_instance_hour: float
    price_valid_from: str
    price_age_days: int
    price_source_key: str
    utilisation_fraction: float
    """mean load over what the replicas could serve"""
    usd_per_month: float
    usd_per_month_range: Distribution
    """by how well the throughput is known"""
    usd_per_million_tokens: float
    """prompt and completion tokens together"""
    usd_per_answer: float
    ms_per_token: float
    """between two tokens of one answer"""
    seconds_per_answer: float


@dataclass(frozen=True, slots=True)
class MethodServing:
    """How a method is served, and what that costs beyond serving the base model."""

    method: str
    way: str
    extra_usd_per_month: float
    extra_seconds_per_answer: float


@dataclass(frozen=True, slots=True)
class VariantsPoint:
    """Monthly cost of serving with so many variants."""

    variants: int
    dedicated_usd_per_month: float
    adapters_usd_per_month: float


@dataclass(frozen=True, slots=True)
class ServingReport:
    """What serving takes and costs; `ways` is empty where `reason` says why."""

    answers_per_month: float
    prompt_tokens: int
    completion_tokens: int
    peak_factor: float
    variants: int
    ways: tuple[ServingWay, ...]
    methods: tuple[MethodServing, ...]
    break_even_variants: int | None
    """smallest number of variants from which adapters on one base are cheaper than dedicated
    models; None where they never are"""
    by_variants: tuple[VariantsPoint, ...]
    adapter_throughput_loss_fraction: float
    reason: str
