"""Time of the collectives of data-parallel training, for many plans at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues
from app.estimator.methods import BF16_BYTES, FP32_BYTES, Method
from app.estimator.plans import Fleet, Plans

Floats = NDArray[np.float64]


def bus_bytes_per_s(fleet: Fleet, plans: Plans, constants: ConstantValues) -> Floats:
    """Bandwidth that a ring over all GPUs of a plan sees. (p,) [bytes/s]

    Notes
    -----
    Inside one instance the link between GPUs. Across instances the slower of that link and the
    whole network of an instance, since one ring per network card uses them all. A single GPU has no
    ring: infinity.

    References
    ----------
    NVIDIA nccl-tests, doc/PERFORMANCE.md ("bus bandwidth").
    """
    inside = fleet.intra_node_bytes_per_s[plans.shape]
    alone = fleet.gpus_per_instance[plans.shape] == 1
    share = np.where(
        fleet.fabric[plans.shape], constants["link_efficiency"], constants["pcie_efficiency"]
    )
    inside = np.where(alone, np.inf, inside * share)
    across = fleet.inter_node_bytes_per_s[plans.shape] * constants["link_efficiency"]
    bus = np.where(plans.nodes > 1, np.minimum(inside, across), inside)
    return np.where(plans.gpus > 1, bus, np.inf)


def collective_bytes(architecture: Architecture, method: Method, plans: Plans) -> Floats:
    """Bytes that each GPU sends per optimizer step. (p,) [bytes]

    Notes
    -----
    With n GPUs, weights W and trained gradients G: DDP all-reduces gradients once, 2 G (n-1)/n;
    ZeRO-2 scatters gradients for each of its a micro-batches (they are partitioned, so they cannot
    wait) and gathers updated weights once, (a G + trained W)(n-1)/n; FSDP gathers all weights twice
    and scatters gradients for every micro-batch (accelerate: ``sync_each_batch``),
    a (2 W + G)(n-1)/n.

    References
    ----------
    Rajbhandari et al., arXiv:1910.02054, section 7; Zhao et al., "PyTorch FSDP", arXiv:2304.11277,
    section 3.
    """
    n = plans.gpus.astype(np.float64)
    trainable = float(method.trainable_parameters(architecture))
    full = method.adapters is None
    gradients = (BF16_BYTES if full else FP32_BYTES) * trainable
    weights = method.base_bytes(architecture) + FP32_BYTES * method.adapter_parameters(architecture)
    updated = gradients
    volume = np.select(
        [plans.uses("ddp"), plans.uses("zero2"), plans.uses("fsdp")],
        [
            2 * gradients * np.ones_like(n),
            plans.accumulation * gradients + updated,
            plans.accumulation * (2 * weights + gradients),
        ],
        0.0,
    )
    return np.asarray(volume * (n - 1) / n, dtype=np.float64)
