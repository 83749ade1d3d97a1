"""Time of one optimizer step by a roofline, for many plans at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from app.estimator.constants import ConstantValues
from app.estimator.fleet import Floats, Integers
from app.estimator.hardware import CHIPS
from app.estimator.software import FLASH_VERSIONS, FUSIONS
from app.estimator.units import GB, MICRO, PICO
from app.estimator.work import Work

LIMIT_POWER = 8.0
"""Sharpness of the change between two limits of matrix products. Assumption."""

LAUNCH_POWER = 4.0
"""A step is bound by its kernels or by their launches, with a short change between: the mean of
fourth powers. Assumption: the sharpness of that change."""


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Parts of one optimizer step per plan; they sum to `total`. (p,) [s]

    Parameters
    ----------
    overhead : launches that kernels cannot hide, idle pipeline stages, the trainer's own work.
    """

    matrix_products: Floats
    attention: Floats
    memory_bound: Floats
    communication: Floats
    optimizer: Floats
    overhead: Floats
    total: Floats


def matmul_efficiency(work: Work, constants: ConstantValues) -> Floats:
    """Share of peak that matrix products reach, lower precision included. (p,)"""
    share = matmul_share(work.chip, work.geforce, work.tdp_w, work.bf16_flop_per_s, constants)
    low = np.where(work.low_precision > 0, constants["low_precision_efficiency"], 1.0)
    return np.asarray(share * low, dtype=np.float64)


def matmul_share(
    chip: Integers,
    geforce: Floats,
    tdp_w: Floats,
    bf16_flop_per_s: Floats,
    constants: ConstantValues,
) -> Floats:
    """Share of peak that large matrix products reach in bf16. (n,)

    Parameters
    ----------
    chip : index into `CHIPS`. (n,)
    geforce : above 0 for a consumer card. (n,)
    tdp_w : power limit. (n,) [W]
    bf16_flop_per_s : dense peak. (n,) [FLOP/s]

    Notes
    -----
    The lower of two limits, with a short change between: what large products reach at full clock,
    and what the power limit pays for, watts over energy per FLOP. The second is why an L40S reaches
    less of its peak than a GeForce card of the same generation, and an H100 PCIe less than an SXM.
    """
    energy = np.array([constants[f"matmul_pj_per_flop_{name}"] for name in CHIPS])[chip]
    powered = tdp_w / (energy * PICO * bf16_flop_per_s)
    ceiling = np.where(
        geforce > 0, constants["matmul_ceiling_geforce"], constants["matmul_ceiling"]
    )
    share = (ceiling**-LIMIT_POWER + powered**-LIMIT_POWER) ** (-1.0 / LIMIT_POWER)
    return np.asarray(share, dtype=np.float64)


def attention_efficiency(work: Work, constants: ConstantValues) -> Floats:
    """Share of peak that fused attention reaches, by kernel generation and chip. (p,)

    Notes
    -----
    The first two generations were written for Ampere and use Hopper's and Blackwell's tensor cores
    badly; the third was written for them, and elsewhere is the second.
    """
    newer = np.isin(work.chip, [CHIPS.index("hopper"), CHIPS.index("blackwell")])
    old = np.array(
        [
            constants["attention_flash_1"],
            constants["attention_flash_2"],
            constants["attention_flash_2"],
        ]
    )[work.flash]
    third = FLASH_VERSIONS[-1] == np.array(FLASH_VERSIONS)[work.flash]
    on_newer = np.where(third, constants["attention_flash_3"], old * constants["attention_hopper"])
    return np.where(newer, on_newer, old)


def step_times(work: Work, constants: ConstantValues) -> StepTimes:
    """Time of one optimizer step for every plan. [s]

    Notes
    -----
    Per micro-batch: matrix products at their efficiency, but never faster than their weights can be
    read; causal attention at its own; the bytes between products at the memory's bandwidth, times
    what the software leaves of them; or the launches of all kernels where those take longer.
    Messages run beside that: the longer of the two counts whole, the shorter with the part that
    cannot overlap. Then the update, the trainer's own work, and the idle share of a pipeline.

    References
    ----------
    Williams et al., "Roofline", CACM 52(4), 2009; Narayanan et al., arXiv:2104.04473, section 3;
    NVIDIA nccl-tests, doc/PERFORMANCE.md ("bus bandwidth").
    """
    efficiency = matmul_efficiency(work, constants)
    rate = work.peak_flop_per_s * efficiency
    slow = work.bf16_flop_per_s * efficiency
    bandwidth = work.memory_bytes_per_s * constants["memory_bandwidth_efficiency"]
    products = np.maximum(
        (work.dense_flop + constants["expert_slowdown"] * work.expert_flop) / rate,
        work.weight_bytes / bandwidth,
    )
    attention = work.attention_flop / (work.bf16_flop_per_s * attention_efficiency(work, constants))
    left = np.array([constants[f"elementwise_{fusion}"] for fusion in FUSIONS])[work.fusion]
    moved = (
        left * (work.elementwise_bytes + constants["adapter_passes"] * work.adapter_bytes)
        + constants["loss_bytes_per_word"] * work.loss_bytes
        + constants["dequantization_passes"] * work.quantized_bytes
    )
    memory_bound = moved / bandwidth
    kernels = products + attention + memory_bound
    launches = (
        constants["kernel_launch_us"] * MICRO * work.dispatch
        * (work.kernels + work.adapter_kernels)
    )  # fmt: skip
    computing = (kernels**LAUNCH_POWER + launches**LAUNCH_POWER) ** (1.0 / LAUNCH_POWER)

    m = work.messages
    bus = data_bus_bytes_per_s(work, constants)
    inside = _reciprocal(_inside_bytes_per_s(work, constants))
    network = _reciprocal(m.gpu_network_bytes_per_s * constants["network_efficiency"])
    context_link = np.where(m.context_network > 0, _reciprocal(bus), inside)
    expert_link = m.expert_network * network + (1.0 - m.expert_network) * inside
    rest = 1.0 - constants["communication_overlap"]
    within = m.tensor_bytes * inside + m.context_bytes * context_link + m.expert_bytes * expert_link
    host = work.host_link_bytes / (work.pcie_bytes_per_s * constants["host_link_efficiency"])
    sending = m.data_bytes * _reciprocal(bus) + host
    within = within * np.where(work.overlaps_tensor > 0, rest, 1.0)
    busy = computing + within
    micro = np.maximum(busy, sending) + rest * np.minimum(busy, sending)
    exposed = micro - computing

    scale = work.accumulation
    at_end = m.step_bytes * _reciprocal(bus)
    communication = scale * exposed + rest * at_end
    update = (
        constants["optimizer_passes"] * work.update_bytes / bandwidth
        + work.update_flop / slow
        + work.host_update_bytes / (constants["host_memory_gb_per_s"] * GB)
    )
    own = work.trainer * (
        constants["trainer_step_s"] + constants["sharded_step_s"] * work.sharded_steps
    )
    idle = work.bubble * scale * micro
    overhead = scale * (computing - kernels) + idle + own
    parts = (
        scale * products,
        scale * attention,
        scale * memory_bound,
        communication,
        update,
        overhead,
    )
    return StepTimes(*parts, total=reduce(np.add, parts))


def data_bus_bytes_per_s(work: Work, constants: ConstantValues) -> Floats:
    """Bandwidth that a ring over all GPUs sees; infinite on one GPU. (p,) [bytes/s]

    Notes
    -----
    Inside one instance the link between GPUs. Across instances the slower of that link and the
    network of a whole instance, since one ring per network card uses them all; tensor groups share
    it.
    """
    inside = _inside_bytes_per_s(work, constants)
    inside = np.where(inside > 0, inside, np.inf)
    across = work.messages.network_bytes_per_s * constants["network_efficiency"]
    return np.where(across > 0, np.minimum(inside, across), inside)


def _inside_bytes_per_s(work: Work, constants: ConstantValues) -> Floats:
    """Bandwidth between GPUs of one instance; 0 on one GPU. (p,) [bytes/s]"""
    m = work.messages
    pcie = np.where(
        work.geforce > 0, constants["pcie_efficiency_geforce"], constants["pcie_efficiency"]
    )
    return np.maximum(
        m.fabric_bytes_per_s * constants["fabric_efficiency"], m.host_bytes_per_s * pcie
    )


def _reciprocal(bytes_per_s: Floats) -> Floats:
    """Seconds a byte; 0 where there is no link, since nothing is sent over it. (p,)"""
    return np.where(
        (bytes_per_s > 0) & np.isfinite(bytes_per_s), 1.0 / np.maximum(bytes_per_s, 1.0), 0.0
    )


def tokens_per_s_per_gpu(work: Work, times: StepTimes) -> Floats:
    """Tokens that one GPU trains a second. (p,) [tokens/s]"""
    return work.tokens / (times.total * work.gpus)
