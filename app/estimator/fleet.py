"""What can be rented, as arrays of hardware shapes.

Physics depends on the hardware, not on its price, so offers that rent the same hardware share one
shape; prices come in afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.hardware import CHIPS, PURCHASE_OPTIONS, Accelerator, Offer

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_ShapeKey = tuple[str, float, int, float, float, bool]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Hardware shapes as arrays of length s, and the offers that rent them.

    Parameters
    ----------
    offers : what can be rented, in a fixed order.
    offer_shape : shape of each offer. (o,)
    offer_usd_per_instance_hour : price of each offer. (o,) [USD/h]
    offer_option : how each offer is bought, index into `PURCHASE_OPTIONS`. (o,)
    accelerators : accelerator of each shape. (s,)
    memory_bytes, memory_bytes_per_s, bf16_flop_per_s : of one GPU. (s,)
    gpus_per_instance : (s,) [count]
    intra_node_bytes_per_s : per GPU and direction. (s,) [bytes/s]
    fabric : whether that link is more than PCIe. (s,)
    pcie_bytes_per_s : to the host, per GPU and direction. (s,) [bytes/s]
    host_memory_bytes : of a whole instance; NaN where no offer states it. (s,) [bytes]
    tdp_w : (s,) [W]
    chip : index into `CHIPS`. (s,)
    geforce : whether it is a consumer card. (s,)
    inter_node_bytes_per_s : of a whole instance, per direction; 0 where instances are not joined.
        (s,) [bytes/s]
    """

    offers: tuple[Offer, ...]
    offer_shape: Integers
    offer_usd_per_instance_hour: Floats
    offer_option: Integers
    accelerators: tuple[Accelerator, ...]
    memory_bytes: Floats
    memory_bytes_per_s: Floats
    bf16_flop_per_s: Floats
    gpus_per_instance: Integers
    intra_node_bytes_per_s: Floats
    fabric: Booleans
    pcie_bytes_per_s: Floats
    host_memory_bytes: Floats
    tdp_w: Floats
    chip: Integers
    geforce: Booleans
    inter_node_bytes_per_s: Floats


def fleet_of(offers: Sequence[Offer]) -> Fleet:
    """Group offers by the hardware that they rent."""
    options = tuple(PURCHASE_OPTIONS)
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
    # The least of the offers that share a shape.
    host_memory = np.full(len(first), np.nan)
    for offer, shape in zip(offers, offer_shape, strict=True):
        if offer.host_memory_bytes:
            host_memory[shape] = np.fmin(host_memory[shape], offer.host_memory_bytes)
    return Fleet(
        offers=tuple(offers),
        offer_shape=np.array(offer_shape, dtype=np.int64),
        offer_usd_per_instance_hour=np.array([o.usd_per_instance_hour for o in offers]),
        offer_option=np.array([options.index(o.purchase_option) for o in offers], dtype=np.int64),
        accelerators=tuple(o.accelerator for o in first),
        memory_bytes=np.array([o.memory_bytes for o in first]),
        memory_bytes_per_s=np.array([o.accelerator.memory_bytes_per_s for o in first]),
        bf16_flop_per_s=np.array([o.accelerator.bf16_flop_per_s for o in first]),
        gpus_per_instance=np.array([o.gpus_per_instance for o in first], dtype=np.int64),
        intra_node_bytes_per_s=np.array([o.intra_node_bytes_per_s for o in first]),
        fabric=np.array([o.has_fabric for o in first], dtype=bool),
        pcie_bytes_per_s=np.array([o.accelerator.pcie_bytes_per_s for o in first]),
        host_memory_bytes=host_memory,
        tdp_w=np.array([o.accelerator.tdp_w for o in first]),
        geforce=np.array([o.accelerator.is_geforce for o in first], dtype=bool),
        chip=np.array([CHIPS.index(o.accelerator.chip) for o in first], dtype=np.int64),
        inter_node_bytes_per_s=np.array(
            [(o.inter_node_bytes_per_s or 0.0) * o.gpus_per_instance for o in first]
        ),
    )
