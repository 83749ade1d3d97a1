"""What one optimizer step has to do, before it is said how fast: FLOP, bytes, launches, messages.

Physical quantities only, as arrays over plans; the constants that turn them into seconds are in
`app.estimator.throughput`, so that they can be fitted without counting anything again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from app.estimator.architecture import Architecture
from app.estimator.communication import Messages, messages
from app.estimator.fleet import Fleet, Floats, Integers
from app.estimator.flops import step_flop
from app.estimator.hardware import LOW_PRECISION_GAIN
from app.estimator.methods import BF16_BYTES, NF4_BYTES, Method
from app.estimator.plans import CHECKPOINTING, OFFLOADS, Plans, distinct
from app.estimator.software import FLASH_VERSIONS, FUSIONS, Software
from app.estimator.traffic import (
    BACKWARD_PASSES,
    cast_bytes_per_token,
    looped_expert_kernels,
    model_traffic,
)

ADAPTER_KERNELS = 8.0
"""Launches of one adapter: two casts, dropout and its mask, two products, scale, sum."""
QUANTIZED_KERNELS = 2.0
"""Launches that a 4-bit linear adds: constants, weights."""
SHARDED_BLOCK_KERNELS = 8.0
"""Launches of gathering and freeing one sharded block."""


@dataclass(frozen=True, slots=True)
class Work:
    """One step of every plan. Arrays of length p; per GPU; of one micro-batch unless said.

    Parameters
    ----------
    dense_flop, expert_flop, attention_flop : matrix products; of the experts of a mixture; scores
        and values that a causal, windowed kernel really computes. [FLOP]
    weight_bytes : weights that the products read. [bytes]
    elementwise_bytes, adapter_bytes, loss_bytes, quantized_bytes : moved between products, by
        adapters, by the loss (a byte for each word and token), and by 4-bit weights. [bytes]
    kernels, adapter_kernels : launches. [count]
    messages : between GPUs.
    update_bytes, update_flop : of the optimizer, per step. [bytes], [FLOP]
    host_update_bytes, host_link_bytes : of an optimizer on the host, per step; over PCIe per
        micro-batch. [bytes]
    sharded_steps : 1 where a step synchronises shards. [count]
    accumulation : micro-batches per step. [count]
    bubble : idle share of a pipeline, over busy time. [ratio]
    tokens : processed per step on all GPUs. [tokens]
    gpus : [count]
    peak_flop_per_s, bf16_flop_per_s, memory_bytes_per_s, pcie_bytes_per_s : of one GPU.
    tdp_w, geforce : power limit [W]; whether it is a consumer card.
    chip, fusion, flash : indices into `CHIPS`, `FUSIONS` and `FLASH_VERSIONS`.
    dispatch, trainer, overlaps_tensor : see `Stack`.
    low_precision : whether products run below 16 bits.
    """

    dense_flop: Floats
    expert_flop: Floats
    attention_flop: Floats
    weight_bytes: Floats
    elementwise_bytes: Floats
    adapter_bytes: Floats
    loss_bytes: Floats
    quantized_bytes: Floats
    kernels: Floats
    adapter_kernels: Floats
    messages: Messages
    update_bytes: Floats
    update_flop: Floats
    host_update_bytes: Floats
    host_link_bytes: Floats
    sharded_steps: Floats
    accumulation: Floats
    bubble: Floats
    tokens: Floats
    gpus: Floats
    peak_flop_per_s: Floats
    bf16_flop_per_s: Floats
    memory_bytes_per_s: Floats
    pcie_bytes_per_s: Floats
    tdp_w: Floats
    chip: Integers
    geforce: Floats
    fusion: Integers
    flash: Integers
    dispatch: Floats
    trainer: Floats
    low_precision: Floats
    overlaps_tensor: Floats


def joined(parts: Sequence[Work]) -> Work:
    """Several works as one, in order."""
    values: dict[str, Any] = {}
    for field in fields(Work):
        every = [getattr(part, field.name) for part in parts]
        if field.name == "messages":
            values[field.name] = Messages(
                *(np.concatenate([getattr(m, f.name) for m in every]) for f in fields(Messages))
            )
        else:
            values[field.name] = np.concatenate(every)
    return Work(**values)


def causal_fraction(architecture: Architecture, sequence_length: int) -> float:
    """Share of the score matrix that a causal kernel computes, sliding windows included.

    Notes
    -----
    Half of it without a window. With a window of w keys, w / S (1 - w / 2S). Blocks are weighted by
    the width of their scores.
    """
    total, computed = 0.0, 0.0
    for block, count in architecture.blocks.items():
        a = block.attention
        weight = count * float(a.query_width + a.value_width)
        seen = 1.0 if a.window is None else min(1.0, a.window / sequence_length)
        total += weight
        computed += weight * seen * (1.0 - seen / 2.0)
    return computed / total


def step_work(
    architecture: Architecture,
    method: Method,
    software: Software,
    fleet: Fleet,
    plans: Plans,
    sequence_length: int,
    virtual_pipeline: int = 1,
) -> Work:
    """What one optimizer step of every plan has to do.

    Parameters
    ----------
    virtual_pipeline : chunks of layers per pipeline stage, which divide the bubble. [count] >= 1

    Notes
    -----
    Tensor, pipeline and context groups divide the work of a replica evenly. Forward elementwise
    traffic is that of the modules of transformers; backward twice as much; recomputation, selective
    or full, runs it again. An adapter in fp32 casts its input and adds in fp32: 10 in + 18 out
    bytes a token against 2 in + 8 out. Bubble of a pipeline of s stages and m micro-batches:
    (s - 1) / (m v) of the busy time.

    References
    ----------
    Narayanan et al., "Efficient Large-Scale Language Model Training on GPU Clusters Using
    Megatron-LM", arXiv:2104.04473, sections 2.2 and 3.
    """
    p = len(plans)
    shape = plans.shape
    model = (plans.tensor * plans.pipeline * plans.context).astype(np.float64)
    again = (plans.checkpointing == CHECKPOINTING.index("full")).astype(np.float64)
    again_elementwise = (plans.checkpointing > 0).astype(np.float64)
    passes = 1.0 + BACKWARD_PASSES + again_elementwise
    full = method.adapters is None

    # The grid of micro-batches and modes is small: count once, then look up.
    micro, where = distinct(plans.micro_batch)
    flop = step_flop(
        architecture,
        method.adapters,
        sequences=np.concatenate([micro, micro]),
        sequence_length=sequence_length,
        checkpointing=np.repeat([0, 2], len(micro)),
    )
    cell = where + len(micro) * (plans.checkpointing == CHECKPOINTING.index("full"))
    dense = np.asarray(flop.linear, dtype=np.float64)[cell] / model
    scores = (
        np.asarray(flop.attention, dtype=np.float64)[cell]
        * causal_fraction(architecture, sequence_length)
        / model
    )
    experts = dense * _expert_share(architecture)

    tokens = plans.micro_batch * float(sequence_length)
    traffic = model_traffic(architecture, autocast=software.held.compute_copy)
    held_gain = np.array([a.gain(software.compute) for a in fleet.accelerators])[shape]
    low = held_gain > LOW_PRECISION_GAIN["bf16"]
    casts = np.where(low, cast_bytes_per_token(architecture), 0.0)
    layers = architecture.num_hidden_layers / plans.pipeline
    adapted, adapter_kernels = 0.0, 0.0
    if method.adapters is not None:
        read, wrote = (10.0, 18.0) if software.adapter_bytes > BF16_BYTES else (2.0, 8.0)
        for block, count in architecture.blocks.items():
            for linear in method.adapters.on(block):
                visits = count * linear.active_copies
                adapted += visits * (read * linear.in_features + wrote * linear.out_features)
                adapter_kernels += count * ADAPTER_KERNELS
    launches = traffic.kernels + (
        QUANTIZED_KERNELS * sum(count * len(b.linears) for b, count in architecture.blocks.items())
        if method.quantized
        else 0.0
    )
    if software.looped_experts:
        launches += looped_expert_kernels(architecture)
    sharded = plans.uses("fsdp") & (plans.replicas > 1)
    kernels = launches / plans.pipeline + np.where(sharded, SHARDED_BLOCK_KERNELS * layers, 0.0)
    weights = float(architecture.linear_weight_count) / model * plans.context
    quantized = (
        (NF4_BYTES + BF16_BYTES) * weights * (2.0 + again) if method.quantized else np.zeros(p)
    )
    trainable = float(method.trainable_parameters(architecture)) / (plans.tensor * plans.pipeline)
    shards = np.where(plans.uses("zero1", "zero2", "fsdp"), plans.replicas * plans.context, 1)
    held = trainable / shards
    update = software.update
    states = software.state_bytes(full=full)
    masters = (software.held.master_bytes or software.held.weight_bytes) if full else 4.0
    gradient = software.held.gradient_bytes if full else software.adapter_bytes
    # Read gradient, states and masters; write states, masters and 16-bit weights.
    per_parameter = gradient + 2.0 * states + 2.0 * masters + BF16_BYTES
    on_host = plans.offload != OFFLOADS.index("none")
    bf16 = fleet.bf16_flop_per_s[shape]
    ones = np.ones(p)
    link = (
        np.where(on_host, 2.0 * BF16_BYTES * held, 0.0) / plans.accumulation
        + np.where(
            plans.offload == OFFLOADS.index("parameters"),
            (2.0 + again) * method.base_bytes(architecture) * plans.context / (model * shards),
            0.0,
        )
        + (states * held * 2.0 / plans.accumulation if update.paged else 0.0)
    )
    return Work(
        dense_flop=dense - experts,
        expert_flop=experts,
        attention_flop=scores,
        weight_bytes=BF16_BYTES
        * (2.0 + again + (2.0 if full else 0.0))
        * (weights + (float(architecture.embedding_count) / model)),
        elementwise_bytes=(traffic.bytes_per_token * passes + casts) * tokens / model,
        adapter_bytes=adapted * tokens * passes / model * ones,
        loss_bytes=architecture.vocab_size * tokens / model,
        quantized_bytes=quantized,
        kernels=kernels * passes,
        adapter_kernels=adapter_kernels / plans.pipeline * passes,
        messages=messages(architecture, method, software, fleet, plans, sequence_length),
        update_bytes=np.where(on_host, 0.0, per_parameter * held),
        update_flop=update.extra_flop * held,
        host_update_bytes=np.where(on_host, per_parameter * held, 0.0),
        host_link_bytes=link * ones,
        sharded_steps=(plans.uses("zero2", "fsdp") & (plans.gpus > 1)).astype(np.float64),
        accumulation=plans.accumulation.astype(np.float64),
        bubble=(plans.pipeline - 1.0) / (plans.accumulation * float(virtual_pipeline)),
        tokens=plans.global_batch.astype(np.float64) * sequence_length,
        gpus=plans.gpus.astype(np.float64),
        peak_flop_per_s=bf16 * held_gain,
        bf16_flop_per_s=bf16,
        memory_bytes_per_s=fleet.memory_bytes_per_s[shape],
        pcie_bytes_per_s=fleet.pcie_bytes_per_s[shape],
        tdp_w=fleet.tdp_w[shape],
        chip=fleet.chip[shape],
        geforce=fleet.geforce[shape].astype(np.float64),
        fusion=np.full(p, FUSIONS.index(software.fusion)),
        flash=np.full(p, FLASH_VERSIONS.index(software.flash)),
        dispatch=np.full(p, software.kernels.dispatch),
        trainer=np.full(p, float(software.has_trainer)),
        low_precision=low.astype(np.float64),
        overlaps_tensor=np.full(p, float(software.kernels.overlaps_tensor)),
    )


def _expert_share(architecture: Architecture) -> float:
    """Share of the active linear weights, head included, that routed experts are."""
    experts, every = 0.0, float(architecture.outside.head.weight_count)
    for block, count in architecture.blocks.items():
        for linear in block.linears:
            active = count * linear.weight_count * linear.active_copies / linear.copies
            every += active
            experts += active if linear.part == "experts" else 0.0
    return experts / every
