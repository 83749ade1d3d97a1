"""A training run that somebody ran and measured, as the prediction of that run takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MEMORY_METRICS: Final = (
    "peak_allocated_gib",
    "peak_reserved_gib",
    "smi_gib",
    "peak_unspecified_gib",
)
"""Peaks of one GPU: the allocator's, what it reserved, what the driver saw, and one not told."""
SPEED_METRIC: Final = "tokens_per_s_per_gpu"
SCORED_METRICS: Final = (*MEMORY_METRICS, SPEED_METRIC)
"""What a prediction is held against."""
SCORED_GRADES: Final = ("A", "B")
"""A: unit and settings are certain. B: one of them is inferred. C is for reading only."""
METRIC_LABELS: Final[Mapping[str, str]] = {
    "peak_allocated_gib": "Peak memory allocated",
    "peak_reserved_gib": "Peak memory reserved",
    "smi_gib": "Memory seen by nvidia-smi",
    "peak_unspecified_gib": "Peak memory, kind not stated",
    "tokens_per_s_per_gpu": "Tokens/s per GPU",
}
METRIC_UNITS: Final[Mapping[str, str]] = {
    **dict.fromkeys(MEMORY_METRICS, "GiB"),
    SPEED_METRIC: "tokens/s",
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure of a run.

    Parameters
    ----------
    id : unique name of the row that it was read from.
    metric : one of `SCORED_METRICS`, or another name that is kept for reading.
    value : in the unit that the name of the metric ends with.
    quality : A, B or C.
    ambiguous_unit : the source does not say whether GB or GiB is meant (up to 7.4%).
    """

    id: str
    metric: str
    value: float
    quality: str
    ambiguous_unit: bool = False

    @property
    def is_scored(self) -> bool:
        """Whether a prediction is held against it."""
        return self.metric in SCORED_METRICS and self.quality in SCORED_GRADES


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One configuration and what was measured of it.

    Parameters
    ----------
    run : name of the run.
    source : short name of where it was published, the part of `run` before the first dash.
    model, model_shape : Hugging Face id or printed name; the shape where no such id exists.
    method : full, lora, qlora or dora; empty where it is not stated.
    lora_targets : as in the table: names with commas, ``attention`` or ``all-linear``.
    gpu, gpu_proxy : key of an accelerator or a printed name; the key that comes nearest.
    gpus : GPUs of the whole run. [count]
    strategy : single, ddp, zero1 to zero3, fsdp, megatron or other; empty where not stated.
    tensor, pipeline, context, expert, virtual_pipeline : sizes; 1 where not stated. [count]
    data_parallel : None where it does not follow from the table. [count]
    offload : none, optimizer, parameters, both, activations or yes; empty where not stated.
    sequence_length, real_tokens_per_sequence : padded or packed, and without padding. [tokens]
    micro_batch, accumulation, global_batch : in sequences; None where not stated. With tensor or
        context parallelism a micro-batch is that of a model replica. [count]
    checkpointing : none, selective, full or offloaded; empty where not stated.
    optimizer : adamw (dtype of its states not stated), adamw-fp32, adamw-bf16, adamw-8bit, ...
    weights_dtype : dtype of the stored parameters. fp32 with `master_weights` is one sharded
        fp32 copy, not a second one.
    compute, attention, fused_loss, compiled : empty or None where not stated. `fused_loss` says
        that the logits are never whole.
    reference, locator, year : the publication, and where in it.

    Notes
    -----
    A run without a length or a method can be read but not predicted; whoever predicts says so.
    """

    run: str
    source: str
    model: str
    method: str
    gpu: str
    gpus: int
    sequence_length: int | None
    measurements: tuple[Measurement, ...]
    model_shape: Mapping[str, int | bool] | None = field(default=None, hash=False)
    task: str = ""
    lora_rank: int | None = None
    lora_targets: str = ""
    trains_embeddings: bool | None = None
    gpu_proxy: str = ""
    strategy: str = ""
    tensor: int = 1
    pipeline: int = 1
    context: int = 1
    expert: int = 1
    virtual_pipeline: int = 1
    data_parallel: int | None = None
    offload: str = ""
    offload_detail: str = ""
    real_tokens_per_sequence: int | None = None
    packed: str = ""
    micro_batch: int | None = None
    accumulation: int | None = None
    global_batch: int | None = None
    checkpointing: str = ""
    optimizer: str = ""
    weights_dtype: str = ""
    master_weights: bool | None = None
    compute: str = ""
    attention: str = ""
    fused_loss: bool | None = None
    compiled: bool | None = None
    variant: str = ""
    framework: str = ""
    framework_detail: str = ""
    reference: str = ""
    locator: str = ""
    year: int | None = None

    @property
    def scored(self) -> tuple[Measurement, ...]:
        """The measurements that a prediction is held against; tokens/s at most once.

        Notes
        -----
        Of several speeds of one run the first of the best grade stands.
        """
        candidates = [m for m in self.measurements if m.is_scored]
        speeds = sorted(
            (m for m in candidates if m.metric == SPEED_METRIC), key=lambda m: m.quality
        )
        return tuple(m for m in candidates if m.metric != SPEED_METRIC or m is speeds[0])
