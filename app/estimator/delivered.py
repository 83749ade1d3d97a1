"""What a GPU delivers of its peak, so that prices of unlike GPUs can be compared."""

from __future__ import annotations

import numpy as np

from app.estimator.constants import ConstantValues
from app.estimator.hardware import CHIPS, Accelerator
from app.estimator.throughput import matmul_share


def delivered_bf16_flop_per_s(accelerator: Accelerator, constants: ConstantValues) -> float | None:
    """Rate of large matrix products in bf16; None for chips that are not planned on. [FLOP/s]

    Notes
    -----
    Peak times `app.estimator.throughput.matmul_share`. A run delivers less: it also moves memory,
    waits for other GPUs and launches kernels.
    """
    if not accelerator.can_be_planned:
        return None
    peak = np.array([accelerator.bf16_flop_per_s])
    share = matmul_share(
        np.array([CHIPS.index(accelerator.chip)]),
        np.array([float(accelerator.is_geforce)]),
        np.array([accelerator.tdp_w]),
        peak,
        constants,
    )
    return float((peak * share)[0])
