"""The space of plans, as arrays: hardware shapes x nodes x sharding x micro-batch x checkpointing.

Physics depends on the hardware, not on its price, so offers that rent the same hardware share one
shape; prices come in afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.constants import ConstantValues, efficiency_key
from app.estimator.hardware import Accelerator, Offer

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

STRATEGIES = ("single", "ddp", "zero2", "fsdp")
STRATEGY_LABELS = {
    "single": "one GPU",
    "ddp": "data parallel (DDP): every GPU holds everything",
    "zero2": "ZeRO-2: gradients and optimizer states sharded",
    "fsdp": "FSDP / ZeRO-3: weights, gradients and optimizer states sharded",
}
NODE_COUNTS = (1, 2, 4, 8, 16, 32)
MICRO_BATCHES = (1, 2, 4, 8, 16, 32)

_ShapeKey = tuple[str, float, int, float, float, bool]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Hardware shapes as arrays of length s, and the offers that rent them.

    Parameters
    ----------
    offers : what can be rented, in a fixed order.
    offer_shape : shape of each offer. (o,)
    offer_usd_per_instance_hour : price of each offer. (o,) [USD/h]
    accelerators : accelerator of each shape. (s,)
    memory_bytes, memory_bytes_per_s, bf16_flop_per_s : of one GPU. (s,)
    gpus_per_instance : (s,) [count]
    intra_node_bytes_per_s : per GPU and direction. (s,) [bytes/s]
    fabric : whether that link is more than PCIe. (s,)
    inter_node_bytes_per_s : of a whole instance, per direction; 0 where instances are not joined.
        (s,) [bytes/s]
    """

    offers: tuple[Offer, ...]
    offer_shape: Integers
    offer_usd_per_instance_hour: Floats
    accelerators: tuple[Accelerator, ...]
    memory_bytes: Floats
    memory_bytes_per_s: Floats
    bf16_flop_per_s: Floats
    gpus_per_instance: Integers
    intra_node_bytes_per_s: Floats
    fabric: Booleans
    inter_node_bytes_per_s: Floats


def fleet_of(offers: Sequence[Offer]) -> Fleet:
    """Group offers by the hardware that they rent."""
    shapes: dict[_ShapeKey, int] = {}
    first: list[Offer] = []
    offer_shape = []
    for offer in offers:
        key = (
            offer.accelerator.key,
            offer.memory_bytes,
            offer.gpus_per_instance,
            offer.intra_node_bytes_per_s,
            offer.inter_node_bytes_per_s or 0.0,
            offer.has_fabric,
        )
        if key not in shapes:
            shapes[key] = len(shapes)
            first.append(offer)
        offer_shape.append(shapes[key])
    return Fleet(
        offers=tuple(offers),
        offer_shape=np.array(offer_shape, dtype=np.int64),
        offer_usd_per_instance_hour=np.array([o.usd_per_instance_hour for o in offers]),
        accelerators=tuple(o.accelerator for o in first),
        memory_bytes=np.array([o.memory_bytes for o in first]),
        memory_bytes_per_s=np.array([o.accelerator.memory_bytes_per_s for o in first]),
        bf16_flop_per_s=np.array([o.accelerator.bf16_flop_per_s for o in first]),
        gpus_per_instance=np.array([o.gpus_per_instance for o in first], dtype=np.int64),
        intra_node_bytes_per_s=np.array([o.intra_node_bytes_per_s for o in first]),
        fabric=np.array([o.has_fabric for o in first], dtype=bool),
        inter_node_bytes_per_s=np.array(
            [(o.inter_node_bytes_per_s or 0.0) * o.gpus_per_instance for o in first]
        ),
    )


def matmul_efficiency(fleet: Fleet, constants: ConstantValues) -> Floats:
    """Share of bf16 peak that matrix products reach on each shape. (s,)"""
    return np.array([constants[efficiency_key(a.key, a.architecture)] for a in fleet.accelerators])


@dataclass(frozen=True, slots=True)
class Plans:
    """Plans as arrays of length p. Every one is a layout that could be launched.

    Parameters
    ----------
    shape : index into the fleet's shapes.
    nodes, gpus : instances and GPUs. [count]
    strategy : index into `STRATEGIES`.
    micro_batch : sequences per GPU and forward pass. [count]
    accumulation : micro-batches per optimizer step. [count]
    checkpointing : whether blocks are recomputed.
    """

    shape: Integers
    nodes: Integers
    gpus: Integers
    strategy: Integers
    micro_batch: Integers
    accumulation: Integers
    checkpointing: Booleans

    def __len__(self) -> int:
        return len(self.shape)

    def uses(self, *strategies: str) -> Booleans:
        """Whether each plan uses one of the strategies. (p,)"""
        return np.isin(self.strategy, [STRATEGIES.index(name) for name in strategies])


def enumerate_plans(fleet: Fleet, *, max_gpus: int, global_batch: int) -> Plans:
    """Every layout on every shape within the limits.

    Parameters
    ----------
    max_gpus : most GPUs of one run. [count] >= 1
    global_batch : sequences per optimizer step; a plan never exceeds it. [count] >= 1

    Notes
    -----
    Instances are used whole. One GPU runs alone; several run DDP, ZeRO-2 or FSDP. Several instances
    are planned only where their network is known. The last micro-batch may be part empty: the
    global batch is rounded up to a multiple of GPUs x micro-batch.
    """
    shape, nodes, strategy, micro, checkpointing = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(len(fleet.accelerators)),
            np.array(NODE_COUNTS),
            np.arange(len(STRATEGIES)),
            np.array(MICRO_BATCHES),
            np.array([False, True]),
            indexing="ij",
        )
    )
    gpus = nodes * fleet.gpus_per_instance[shape]
    possible = (
        (gpus <= max_gpus)
        & ((gpus == 1) == (strategy == STRATEGIES.index("single")))
        & ((nodes == 1) | (fleet.inter_node_bytes_per_s[shape] > 0))
        & (micro * gpus <= global_batch)
    )
    gpus, micro = gpus[possible], micro[possible]
    return Plans(
        shape=shape[possible],
        nodes=nodes[possible],
        gpus=gpus,
        strategy=strategy[possible],
        micro_batch=micro,
        accumulation=-(-global_batch // (micro * gpus)),
        checkpointing=checkpointing[possible],
    )
