"""Time of one optimizer step by a roofline, for many plans at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.activations import saved_bytes_per_token
from app.estimator.architecture import Architecture
from app.estimator.communication import bus_bytes_per_s, collective_bytes
from app.estimator.constants import ConstantValues
from app.estimator.flops import StepFlop, step_flop
from app.estimator.methods import BF16_BYTES, NF4_BYTES, Method
from app.estimator.plans import Fleet, Plans, matmul_efficiency

Floats = NDArray[np.float64]

ADAMW_BYTES_PER_PARAMETER = 28.0
"""Read gradient (2), master, two moments (12); write master, moments, weight (14). Assumes one
fused pass."""


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Parts of one optimizer step per plan; they sum to `total`. (p,) [s]"""

    matrix_products: Floats
    attention: Floats
    memory_bound: Floats
    communication: Floats
    optimizer: Floats
    total: Floats
    flop: StepFlop
    """of one micro-batch on one GPU"""


def _memory_bound_bytes(
    architecture: Architecture,
    method: Method,
    plans: Plans,
    sequence_length: int,
    constants: ConstantValues,
) -> Floats:
    """Bytes that the operations between matrix products move, per micro-batch. (p,) [bytes]

    Notes
    -----
    Blocks: what full fine-tuning keeps for backward, times the passes it makes through memory;
    recomputation adds two passes. Loss: 12 bytes a word and token, written and read. Adapters:
    each reads its input, writes and reads its output and adds it to the frozen layer's (2 in +
    6 out bytes a token), in forward, in both gradients, and in recomputation. QLoRA: every pass
    reads the 4-bit weights and writes 16-bit ones.
    """
    tokens = plans.micro_batch * float(sequence_length)
    again = plans.checkpointing.astype(np.float64)
    layers = architecture.num_hidden_layers
    # Those of full fine-tuning: a frozen layer keeps less, but its bytes cross memory all the same.
    kept = float(saved_bytes_per_token(architecture, None, sequence_length))
    moved = layers * tokens * kept * (constants["activation_passes"] + 2 * again)
    moved = moved + 2 * 12.0 * architecture.vocab_size * tokens
    if method.adapters is not None:
        on = method.adapters.on(architecture)
        width = sum(2.0 * linear.in_features + 6.0 * linear.out_features for linear in on)
        moved = moved + layers * tokens * width * (3 + again)
    if method.quantized:
        plain = (NF4_BYTES + BF16_BYTES) * architecture.quantizable_count
        moved = moved + constants["dequantization_passes"] * plain * (2 + again)
    return np.asarray(moved, dtype=np.float64)


def step_times(
    architecture: Architecture,
    method: Method,
    fleet: Fleet,
    plans: Plans,
    sequence_length: int,
    constants: ConstantValues,
) -> StepTimes:
    """Time of one optimizer step for every plan. [s]

    Notes
    -----
    Per micro-batch: matrix products at their efficiency, but never faster than their weights can be
    read; causal attention (half of the score matrix) at its own; memory-bound operations at the
    memory's bandwidth; never less than the launch time of the blocks. Communication hides behind
    that up to the overlap; the optimizer moves its states once. Software overhead is a share of
    kernel time and is spread over the parts.

    References
    ----------
    Williams et al., "Roofline", CACM 52(4), 2009; Narayanan et al., arXiv:2104.04473, section 3,
    for the parts of a data-parallel step.
    """
    shape = plans.shape
    flop = step_flop(
        architecture,
        method.adapters,
        sequences=plans.micro_batch,
        sequence_length=sequence_length,
        checkpointing=plans.checkpointing,
    )
    peak = fleet.bf16_flop_per_s[shape] * matmul_efficiency(fleet, constants)[shape]
    bandwidth = fleet.memory_bytes_per_s[shape] * constants["memory_bandwidth_efficiency"]
    # Weights are read in every pass; full fine-tuning also reads and writes their gradients.
    passes = 2.0 + plans.checkpointing + (2.0 if method.adapters is None else 0.0)
    reading = passes * BF16_BYTES * architecture.parameter_count / bandwidth
    products = np.maximum(flop.linear / peak, reading)
    attention = (flop.attention - flop.causal_saving_flop) / (
        peak * constants["attention_efficiency"]
    )
    memory_bound = (
        _memory_bound_bytes(architecture, method, plans, sequence_length, constants) / bandwidth
    )
    launches = architecture.num_hidden_layers * constants["block_launch_s"]
    kernels = products + attention + memory_bound
    memory_bound = memory_bound + np.maximum(0.0, launches - kernels)

    computing = plans.accumulation * (products + attention + memory_bound)
    sending = collective_bytes(architecture, method, plans) / bus_bytes_per_s(
        fleet, plans, constants
    )
    hidden = np.minimum(constants["communication_overlap"] * sending, computing)
    communication = sending - hidden

    sharded = np.where(plans.uses("zero2", "fsdp"), 1.0 / plans.gpus, 1.0)
    trainable = float(method.trainable_parameters(architecture))
    optimizer = ADAMW_BYTES_PER_PARAMETER * trainable * sharded / bandwidth

    slower = 1.0 + constants["software_overhead"]
    per_step = slower * plans.accumulation
    parts = {
        "matrix_products": np.asarray(per_step * products, dtype=np.float64),
        "attention": np.asarray(per_step * attention, dtype=np.float64),
        "memory_bound": np.asarray(per_step * memory_bound, dtype=np.float64),
        "communication": np.asarray(slower * communication, dtype=np.float64),
        "optimizer": np.asarray(slower * optimizer, dtype=np.float64),
    }
    return StepTimes(**parts, total=np.sum(list(parts.values()), axis=0), flop=flop)
