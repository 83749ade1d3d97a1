"""Memory of one GPU at its peak, line by line, for many plans at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from app.estimator.activations import activations
from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues
from app.estimator.fleet import Floats, Integers
from app.estimator.methods import BF16_BYTES, FP32_BYTES, NF4_CONSTANT_BITS, Method
from app.estimator.plans import OFFLOADS, Plans, distinct
from app.estimator.software import LOSSES, Software
from app.estimator.units import BITS_PER_BYTE, GIB

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

ZERO_BUCKET_ELEMENTS = 5e8
"""DeepSpeed's default `reduce_bucket_size` and `allgather_bucket_size`."""

PLAIN_LOSS_BYTES = 12.0
"""Per word and token, in what `activations` counts around the loss."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory lines per plan.

    Parameters
    ----------
    lines : keys of `LINE_LABELS` in their order, each an array. (p,) [bytes]
    allocated : what the framework's allocator has handed out: all lines but the last. (p,) [bytes]
    reserved : what the allocator holds. (p,) [bytes]
    total : what the driver sees; the sum of the lines. (p,) [bytes]
    moment : index into `MOMENTS`, when the peak is reached. (p,)
    host : on the host, for each GPU: offloaded states and weights. (p,) [bytes]
    """

    lines: dict[str, Floats]
    allocated: Floats
    reserved: Floats
    total: Floats
    moment: NDArray[np.intp]
    host: Floats

    def take(self, index: NDArray[np.intp]) -> Memory:
        """The memory of the plans at these positions."""
        return Memory(
            {key: line[index] for key, line in self.lines.items()},
            self.allocated[index],
            self.reserved[index],
            self.total[index],
            self.moment[index],
            self.host[index],
        )


@dataclass(frozen=True, slots=True)
class Footprint:
    """Everything that a step holds, before it is said how much software adds. (p,) [bytes]

    Parameters
    ----------
    weights, adapters, gradients, master, states : live through the step.
    temporary : what an update needs on top of the states.
    host : on the host, for each GPU.
    blocks : kept by the decoder blocks for one micro-batch.
    in_flight : micro-batches that a pipeline stage keeps. [count]
    recomputed : alive while one block runs again.
    growing : gradients of block inputs that are kept until the backward pass has ended.
    outside : alive around the loss, outside the blocks, by the plain loss.
    words : words times tokens, which the loss is proportional to. [count]
    kept_gradients : gradients that live from one micro-batch to the next.
    buffers, quantization : see `LINE_LABELS`.
    gathered : whether `buffers` are whole layers, which are gone at the update. [0 or 1]
    several : whether there are several GPUs. [0 or 1]
    loss : index into `LOSSES`.
    """

    weights: Floats
    adapters: Floats
    gradients: Floats
    master: Floats
    states: Floats
    temporary: Floats
    host: Floats
    blocks: Floats
    in_flight: Floats
    recomputed: Floats
    growing: Floats
    outside: Floats
    words: Floats
    kept_gradients: Floats
    buffers: Floats
    quantization: Floats
    gathered: Floats
    several: Floats
    loss: Integers


def footprint(
    architecture: Architecture,
    method: Method,
    software: Software,
    plans: Plans,
    sequence_length: int,
) -> Footprint:
    """What one GPU holds under every plan.

    Notes
    -----
    With one micro-batch a step, gradients appear while activations go, so they are not counted
    around the loss. AdamW's multi-tensor update holds one more copy of a state; a fused one does
    not. The first stage of a pipeline of s stages keeps up to s micro-batches. Under full sharding
    two blocks and the token table and head are whole at a time. Tensor and context groups divide
    activations evenly (with sequence parallelism).

    References
    ----------
    Rajbhandari et al., "ZeRO", arXiv:1910.02054, section 3.1 (what each stage shards); Korthikanti
    et al., arXiv:2205.05198, sections 4 and 5; Dettmers et al., "QLoRA", arXiv:2305.14314, section
    3; torch ``_multi_tensor_adamw`` (the square root of the second moment is a new tensor).
    """
    held = _held(architecture, method, software, plans)
    micro, where = distinct(plans.micro_batch)
    grid = activations(
        architecture,
        method.adapters,
        sequences=np.concatenate([micro] * 3),
        sequence_length=sequence_length,
        checkpointing=np.repeat([0, 1, 2], len(micro)),
        attention="eager" if software.attention == "eager" else "sdpa",
        adapter_dtype="fp32" if software.adapter_dtype == "fp32" else "bf16",
    )
    cell = where + len(micro) * plans.checkpointing
    ranks = (plans.tensor * plans.context).astype(np.float64)
    tokens = plans.micro_batch * float(sequence_length)
    stream = BF16_BYTES * architecture.hidden_size * tokens
    streams = architecture.num_hidden_layers * stream / (ranks * plans.pipeline)
    growing = np.zeros(len(plans))
    if software.kernels.keeps_input_gradients and method.adapters is not None:
        growing = np.where(plans.uses("fsdp") & (plans.gpus > 1), streams, 0.0)
    buffers, quantization = _buffers(architecture, method, software, plans)
    return Footprint(
        weights=held.weights,
        adapters=held.adapters,
        gradients=held.gradients,
        master=held.master,
        states=held.states,
        temporary=held.temporary,
        host=held.host,
        blocks=np.asarray(grid.blocks, dtype=np.float64)[cell] / (ranks * plans.pipeline)
        + (streams if software.wide_stream else 0.0),
        in_flight=np.minimum(plans.pipeline, plans.accumulation).astype(np.float64),
        recomputed=np.asarray(grid.recomputed_block, dtype=np.float64)[cell] / ranks,
        growing=growing,
        outside=np.asarray(grid.head + grid.loss, dtype=np.float64)[cell] / ranks,
        words=architecture.vocab_size * tokens / ranks,
        kept_gradients=np.where(plans.accumulation > 1, held.gradients, 0.0),
        buffers=buffers,
        quantization=quantization,
        gathered=plans.uses("fsdp").astype(np.float64),
        several=(plans.gpus > 1).astype(np.float64),
        loss=np.full(len(plans), list(LOSSES).index(software.loss)),
    )


def peak_memory(held: Footprint, constants: ConstantValues) -> Memory:
    """Peak memory of one GPU. [bytes]

    Notes
    -----
    The peak is the largest of three moments: around the loss, while a block runs backward, and
    inside the optimizer step. The lines are those of that moment, so they sum to the peak.
    """
    per_word = np.array([constants[f"loss_{key}"] for key in LOSSES])[held.loss]
    loss = np.maximum(held.outside + (per_word - PLAIN_LOSS_BYTES) * held.words, 0.0)
    running = held.blocks * held.in_flight + held.recomputed + held.growing
    whole_layers = held.buffers * held.gathered
    at_loss = held.blocks + loss + held.kept_gradients + whole_layers
    at_block = running + held.kept_gradients + whole_layers
    at_update = held.gradients + held.temporary
    peak = np.maximum(np.maximum(at_loss, at_block), at_update)
    # The first of equal moments.
    moment = np.where(at_loss == peak, 0, np.where(at_block == peak, 1, 2))
    updating = moment == MOMENTS.index("update")
    lines = {
        "weights": held.weights,
        "adapters": held.adapters,
        "gradients": np.where(updating, held.gradients, held.kept_gradients),
        "master_weights": held.master,
        "optimizer_states": held.states + np.where(updating, held.temporary, 0.0),
        "activations": np.where(moment == 0, held.blocks, np.where(updating, 0.0, running)),
        "logits_and_loss": np.where(moment == 0, loss, 0.0),
        "buffers": held.buffers - np.where(updating, whole_layers, 0.0),
        "quantization": held.quantization,
    }
    allocated = reduce(np.add, lines.values())
    others = running + loss + at_update + whole_layers - peak
    left = constants["reserved_transients"] * np.maximum(others, 0.0)
    reserved = allocated * (1.0 + constants["reserved_share"]) + left
    outside_torch = constants["context_gib"] + constants["collective_buffers_gib"] * held.several
    total = (reserved + outside_torch * GIB) * constants["cluster_memory_factor"]
    lines["framework"] = total - allocated
    return Memory(
        {key: lines[key] for key in LINE_LABELS}, allocated, reserved, total, moment, held.host
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """What lives through the whole step; see `Footprint`. (p,) [bytes]"""

    weights: Floats
    adapters: Floats
    gradients: Floats
    master: Floats
    states: Floats
    temporary: Floats
    host: Floats


def _held(architecture: Architecture, method: Method, software: Software, plans: Plans) -> _Held:
    """What lives through the whole step."""
    split = (plans.tensor * plans.pipeline).astype(np.float64)
    shards = (plans.replicas * plans.context).astype(np.float64)
    of_weights = np.where(plans.uses("fsdp"), 1.0 / shards, 1.0)
    of_gradients = np.where(plans.uses("zero2", "fsdp"), 1.0 / shards, 1.0)
    of_states = np.where(plans.uses("zero1", "zero2", "fsdp"), 1.0 / shards, 1.0)

    # The share of the model that one GPU holds before its data-parallel group shards anything: a
    # pipeline stage has the table or the head, an expert group divides the experts.
    everything = float(architecture.parameter_count)
    experts = float(sum(n * b.expert_weight_count for b, n in architecture.blocks.items()))
    outside = float(architecture.outside_count)
    at_an_end = max(float(architecture.embedding_count), float(architecture.head_count))
    inner = everything - experts - outside
    own = np.where(plans.pipeline > 1, at_an_end * plans.pipeline, outside)
    dense = (inner + own) / everything
    share = (dense + experts / everything / np.where(plans.uses("fsdp"), 1, plans.expert)) / split
    sharded_share = (dense + experts / everything) / split

    update = software.update
    state = software.state_bytes(full=method.adapters is None)
    if method.adapters is None:
        precision = software.held
        weight = precision.weight_bytes
        trained = everything
        gradient, master = precision.gradient_bytes, precision.master_bytes
        weights, adapters = weight * everything * share * of_weights, np.zeros(len(plans))
    else:
        trained = float(method.trainable_parameters(architecture))
        gradient, master = software.adapter_bytes, 0.0
        weights = method.base_bytes(architecture) * share * of_weights
        adapters = software.adapter_bytes * trained / split * of_weights
    # Sharding over all data-parallel ranks counts experts once more, as weights of FSDP.
    part = trained * np.where(of_states < 1.0, sharded_share, share)
    states, masters = state * part * of_states, master * part * of_states
    gradients = gradient * trained * np.where(of_gradients < 1.0, sharded_share, share)
    gradients = gradients * of_gradients
    multi_tensor = (
        software.multi_tensor_update and update.key.startswith("adamw") and "8bit" not in update.key
    )
    one_state = state / max(update.moments, 1.0)
    temporary = np.zeros(len(plans)) if not multi_tensor else one_state * part * of_states
    away = plans.offload != OFFLOADS.index("none")
    all_away = plans.offload == OFFLOADS.index("parameters")
    paged = np.full(len(plans), update.paged) | away
    host = (
        np.where(paged, states, 0.0)
        + np.where(away, masters, 0.0)
        + np.where(all_away, weights + adapters + gradients, 0.0)
    )
    return _Held(
        weights=np.where(all_away, 0.0, weights),
        adapters=np.where(all_away, 0.0, adapters),
        gradients=np.where(all_away, 0.0, gradients),
        master=np.where(away, 0.0, masters),
        states=np.where(paged, 0.0, states),
        temporary=np.where(paged, 0.0, temporary),
        host=host,
    )


def _buffers(
    architecture: Architecture, method: Method, software: Software, plans: Plans
) -> tuple[Floats, Floats]:
    """Communication buffers and whole layers; quantization constants and buffers. (p,) [bytes]"""
    split = (plans.tensor * plans.pipeline).astype(np.float64)
    tensor = plans.tensor.astype(np.float64)
    full = method.adapters is None
    largest = architecture.largest_block
    sent = FP32_BYTES if full and software.held.autocast else BF16_BYTES
    # An expert group gathers its own experts only.
    elsewhere = float(largest.expert_weight_count) * (1.0 - 1.0 / plans.expert)
    count = float(largest.parameter_count) - elsewhere
    held_bytes = sent
    if method.quantized:
        held_bytes = method.base_bytes(architecture) / architecture.parameter_count
    root = sent * (architecture.embedding_count + architecture.head_count)
    whole = PREFETCHED_BLOCKS * held_bytes * count + root
    if full:
        # Gradients of a block and of the table and head, before they are scattered.
        whole = whole + sent * count + root
    trained = float(method.trainable_parameters(architecture))
    gradient = software.held.gradient_bytes if full else software.adapter_bytes
    buckets = 2 * BF16_BYTES * np.minimum(ZERO_BUCKET_ELEMENTS, trained / split)
    several = plans.replicas * plans.context > 1
    # A copy of sharded or offloaded weights is made whole, block by block.
    gathered = (plans.uses("fsdp") & several) | (plans.offload == OFFLOADS.index("parameters"))
    buffers = (
        np.where(gathered, whole / tensor, 0.0)
        + np.where(plans.uses("zero1", "zero2") & several, buckets, 0.0)
        + np.where(plans.uses("ddp") & several, gradient * trained / split, 0.0)
    )
    if not method.quantized:
        return buffers, np.zeros(len(plans))
    shards = np.where(plans.uses("fsdp"), plans.replicas * plans.context, 1)
    held = np.where(plans.offload == OFFLOADS.index("parameters"), 0.0, 1.0 / (split * shards))
    widest = max(
        linear.in_features * linear.out_features
        for b in architecture.blocks
        for linear in b.linears
    )
    constants_bytes = NF4_CONSTANT_BITS / BITS_PER_BYTE * architecture.linear_weight_count
    return buffers, constants_bytes * held + BF16_BYTES * widest
