"""What GPUs send each other in one step, and the links that it crosses, for many plans at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.estimator.architecture import Architecture
from app.estimator.fleet import Fleet, Floats
from app.estimator.methods import BF16_BYTES, Method
from app.estimator.plans import CHECKPOINTING, Plans
from app.estimator.software import Software


@dataclass(frozen=True, slots=True)
class Messages:
    """Bytes that one GPU sends, and its links. Arrays of length p.

    Parameters
    ----------
    data_bytes : gathers and scatters of data-parallel groups, of one micro-batch. [bytes]
    step_bytes : the same, once per step. [bytes]
    tensor_bytes, context_bytes, expert_bytes : of one micro-batch. [bytes]
    fabric_bytes_per_s : NVLink or the like inside an instance; 0 where there is none. [bytes/s]
    host_bytes_per_s : PCIe between the GPUs of an instance; 0 where there is fabric. [bytes/s]
    network_bytes_per_s : of one ring between instances; 0 where data-parallel groups stay inside.
        [bytes/s]
    context_network : whether context groups span instances. [0 or 1]
    expert_network : share of the expert messages that leaves an instance.
    gpu_network_bytes_per_s : of one GPU, where all send at once; 0 on one instance. [bytes/s]
    """

    data_bytes: Floats
    step_bytes: Floats
    tensor_bytes: Floats
    context_bytes: Floats
    expert_bytes: Floats
    fabric_bytes_per_s: Floats
    host_bytes_per_s: Floats
    network_bytes_per_s: Floats
    context_network: Floats
    expert_network: Floats
    gpu_network_bytes_per_s: Floats


def messages(
    architecture: Architecture,
    method: Method,
    software: Software,
    fleet: Fleet,
    plans: Plans,
    sequence_length: int,
) -> Messages:
    """What every plan sends.

    Notes
    -----
    With a group of n, weights W (as they are sent) and trained gradients G of one GPU's part of the
    model, per GPU: DDP all-reduces gradients once a step, 2 G (n-1)/n; ZeRO-1 scatters gradients
    and gathers updated weights once a step; ZeRO-2 scatters gradients for each micro-batch (they
    are partitioned, so they cannot wait) and gathers once; FSDP gathers all weights twice and
    scatters gradients for each micro-batch. Tensor groups all-reduce the residual stream twice
    forward and twice backward in each block, and again where it is recomputed. Context groups pass
    keys and values round, and their gradients. Expert groups send each visit of a token out and
    back, forward and backward.

    Ranks are laid out as Megatron does: tensor groups are neighbours, then context, data, pipeline.
    A data-parallel group stays inside an instance where its GPUs and those of their tensor groups
    fit; else as many rings as a tensor group has GPUs share the network of the instance. Messages
    between pipeline stages are small and are left out.

    References
    ----------
    Rajbhandari et al., "ZeRO", arXiv:1910.02054, section 7; Zhao et al., "PyTorch FSDP",
    arXiv:2304.11277, section 3; Shoeybi et al., "Megatron-LM", arXiv:1909.08053, section 3; Liu et
    al., "Ring Attention", arXiv:2310.01889; Lepikhin et al., "GShard", arXiv:2006.16668.
    """
    shape = plans.shape
    n = (plans.replicas * plans.context).astype(np.float64)
    ring = (n - 1) / n
    split = (plans.tensor * plans.pipeline).astype(np.float64)
    full = method.adapters is None
    sent = 4.0 if full and software.held.autocast else BF16_BYTES
    # An expert group divides the experts, whose weights and gradients only their own ranks share.
    experts = sum(count * b.expert_weight_count for b, count in architecture.blocks.items())
    of_experts = experts / architecture.parameter_count
    here = 1.0 - of_experts + of_experts / plans.expert
    trained = float(method.trainable_parameters(architecture)) * (here if full else 1.0) / split
    gradients = (sent if full else software.adapter_bytes) * trained
    base = method.base_bytes(architecture) * (sent / BF16_BYTES)
    weights = base * here / split + software.adapter_bytes * (0.0 if full else trained)
    updated = BF16_BYTES * trained if full else gradients
    micro = np.select(
        [plans.uses("zero2"), plans.uses("fsdp")],
        [gradients, 2 * weights + gradients],
        0.0,
    )
    step = np.select(
        [plans.uses("ddp"), plans.uses("zero1"), plans.uses("zero2")],
        [2 * gradients, gradients + updated, updated],
        0.0,
    )
    tokens = plans.micro_batch * float(sequence_length)
    again = (plans.checkpointing == CHECKPOINTING.index("full")).astype(np.float64)
    layers = architecture.num_hidden_layers / plans.pipeline
    stream = BF16_BYTES * architecture.hidden_size * tokens / plans.context
    t, c, e = (x.astype(np.float64) for x in (plans.tensor, plans.context, plans.expert))
    per_layer = (4.0 + 2.0 * again) * 2.0 * stream * (t - 1) / t
    keys = 0.0
    visits = 0.0
    for block, count in architecture.blocks.items():
        keys += count * 2.0 * BF16_BYTES * block.attention.key_value_width
        moe = [linear.active_copies for linear in block.linears if linear.part == "experts"]
        visits += count * max(moe, default=0.0)
    inside = fleet.intra_node_bytes_per_s[shape]
    fabric = fleet.fabric[shape]
    per_instance = fleet.gpus_per_instance[shape]
    several = plans.gpus > 1
    network = np.where(plans.nodes > 1, fleet.inter_node_bytes_per_s[shape], 0.0)
    beside = plans.expert * plans.tensor / per_instance
    return Messages(
        data_bytes=np.asarray(micro * ring, dtype=np.float64),
        step_bytes=np.asarray(step * ring, dtype=np.float64),
        tensor_bytes=per_layer * layers,
        context_bytes=keys / plans.pipeline / t * tokens / c * 3.0 * (c - 1),
        expert_bytes=4.0 * stream / t * visits / plans.pipeline * (e - 1) / e,
        fabric_bytes_per_s=np.where(several & fabric & (per_instance > 1), inside, 0.0),
        host_bytes_per_s=np.where(several & ~fabric & (per_instance > 1), inside, 0.0),
        network_bytes_per_s=np.where(n * t > per_instance, network / t, 0.0),
        context_network=((c * t > per_instance) & (network > 0)).astype(np.float64),
        expert_network=np.where(network > 0, np.maximum(1.0 - 1.0 / beside, 0.0), 0.0),
        gpu_network_bytes_per_s=network / per_instance,
    )
