"""Memory of one GPU at its peak, line by line, for many plans at once.

Mixed precision in the layout of DeepSpeed bf16: for full fine-tuning bf16 weights and gradients,
fp32 master weights and AdamW states, 16 bytes a parameter; adapters in fp32. Activations are those
of the bf16 stack: peft's fp32 adapters and autocast keep more where nothing is checkpointed.
Unfused loss, flash attention, packed sequences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.activations import activations
from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues
from app.estimator.methods import (
    ADAM_STATES,
    BF16_BYTES,
    FP32_BYTES,
    NF4_CONSTANT_BITS,
    Method,
)
from app.estimator.plans import Plans
from app.estimator.units import BITS_PER_BYTE, GIB

Floats = NDArray[np.float64]

LINE_LABELS = {
    "weights": "Model weights",
    "adapters": "Adapters",
    "gradients": "Gradients",
    "master_weights": "Master weights",
    "optimizer_states": "Optimizer states",
    "activations": "Activations",
    "logits_and_loss": "Logits and loss",
    "buffers": "Communication and unsharded layers",
    "quantization": "Quantization constants and buffers",
    "framework": "Framework and fragmentation",
}
"""The lines in the order in which they are always shown."""

MOMENTS = ("loss", "block", "update")

PREFETCHED_BLOCKS = 2
"""FSDP holds the block that runs and the next one: torch FSDP `backward_prefetch` default."""

ZERO2_BUCKET_ELEMENTS = 5e8
"""DeepSpeed's default `reduce_bucket_size` and `allgather_bucket_size`."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory lines per plan.

    Parameters
    ----------
    lines : keys of `LINE_LABELS` in their order, each an array. (p,) [bytes]
    total : their sum. (p,) [bytes]
    moment : index into `MOMENTS`, when the peak is reached. (p,)
    """

    lines: dict[str, Floats]
    total: Floats
    moment: NDArray[np.intp]


def plan_memory(
    architecture: Architecture,
    method: Method,
    plans: Plans,
    sequence_length: int,
    constants: ConstantValues,
) -> Memory:
    """Peak memory of one GPU for every plan. [bytes]

    Notes
    -----
    The peak is the largest of three moments: around the loss, while a recomputed block runs
    backward, and inside the optimizer step, where AdamW's multi-tensor update holds one more copy
    of a state. The lines are those of that moment, so they sum to the peak.

    Conservative in three places: gradients are counted at every moment, also where one micro-batch
    is a step; the update is torch's multi-tensor one, though a fused one holds no copy; DDP keeps
    its buckets apart from the gradients (``gradient_as_bucket_view=False``).

    Valid for one GPU, DDP, ZeRO-2 and FSDP with full sharding; no offload.

    References
    ----------
    Rajbhandari et al., "ZeRO", arXiv:1910.02054, section 3.1 (16 bytes a trained parameter and what
    each stage shards); Dettmers et al., "QLoRA", arXiv:2305.14314, section 3; torch
    ``_multi_tensor_adamw`` (the square root of the second moment is a new tensor).
    """
    p = len(plans)
    gpus = plans.gpus.astype(np.float64)
    fsdp, zero2 = plans.uses("fsdp"), plans.uses("zero2")
    share_weights = np.where(fsdp, 1.0 / gpus, 1.0)
    share_states = np.where(fsdp | zero2, 1.0 / gpus, 1.0)

    trainable = float(method.trainable_parameters(architecture))
    adapter = float(method.adapter_parameters(architecture))
    full = method.adapters is None
    base = method.base_bytes(architecture)
    gradient_bytes = BF16_BYTES if full else FP32_BYTES

    weights = base * share_weights
    adapters = FP32_BYTES * adapter * share_weights
    gradients = gradient_bytes * trainable * share_states
    master = (FP32_BYTES * trainable if full else 0.0) * share_states
    states = ADAM_STATES * FP32_BYTES * trainable * share_states

    kept = activations(
        architecture,
        method.adapters,
        sequences=plans.micro_batch,
        sequence_length=sequence_length,
        checkpointing=plans.checkpointing,
    )
    at_loss = kept.blocks + kept.head + kept.loss
    at_block = kept.blocks + kept.recomputed_block
    at_update = FP32_BYTES * trainable * share_states
    moment = np.argmax(np.stack([at_loss, at_block, at_update]), axis=0)

    block = base * architecture.linear_weight_count / architecture.parameter_count
    if method.quantized:
        block = 0.5 * architecture.linear_weight_count
    root = BF16_BYTES * (architecture.embedding_count + architecture.head_count)
    unsharded = PREFETCHED_BLOCKS * block + root
    if full:
        # Gradients of a block and of the table and head, before they are scattered.
        unsharded += BF16_BYTES * architecture.block_parameter_count + root
    buckets = 2 * BF16_BYTES * min(ZERO2_BUCKET_ELEMENTS, trainable)
    several = plans.gpus > 1
    buffers = (
        np.where(fsdp, unsharded, 0.0)
        + np.where(zero2, buckets, 0.0)
        + np.where(plans.uses("ddp"), gradient_bytes * trainable, 0.0)  # a second copy, in buckets
        + np.where(several, constants["collective_buffers_gib"] * GIB, 0.0)
    )
    quantization = np.zeros(p)
    if method.quantized:
        largest = max(linear.weight_count for linear in architecture.linears)
        quantization = (
            NF4_CONSTANT_BITS / BITS_PER_BYTE * architecture.quantizable_count * share_weights
            + BF16_BYTES * largest
        )

    lines = {
        "weights": weights,
        "adapters": adapters,
        "gradients": gradients,
        "master_weights": master,
        "optimizer_states": states + np.where(moment == 2, at_update, 0.0),
        "activations": np.select([moment == 0, moment == 1], [kept.blocks, at_block], 0.0),
        "logits_and_loss": np.where(moment == 0, kept.head + kept.loss, 0.0),
        "buffers": buffers,
        "quantization": quantization,
    }
    allocated = np.sum(list(lines.values()), axis=0)
    lines["framework"] = constants["context_gib"] * GIB + constants["fragmentation"] * allocated
    lines = {key: np.broadcast_to(lines[key], (p,)) for key in LINE_LABELS}
    return Memory(lines, np.sum(list(lines.values()), axis=0), moment)
