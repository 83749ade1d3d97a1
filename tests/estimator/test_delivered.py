"""What a GPU delivers of its peak."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from app.catalog.catalog import Catalog
from app.estimator.constants import constant_values
from app.estimator.delivered import delivered_bf16_flop_per_s


def test_the_power_limit_keeps_a_card_below_what_its_clock_allows(catalog: Catalog) -> None:
    """By hand: the same chip in a 350 W card and in a 700 W module."""
    constants = constant_values(
        {"matmul_ceiling": 0.8, "matmul_pj_per_flop_hopper": 0.7, "matmul_ceiling_geforce": 1.0}
    )
    for key, watts, peak in (("H100-SXM-80GB", 700, 989e12), ("H100-PCIe-80GB", 350, 756e12)):
        accelerator = dataclasses.replace(
            catalog.accelerators[key], tdp_w=watts, bf16_flop_per_s=peak
        )
        powered = watts / 0.7e-12 / peak
        share = (0.8**-8 + powered**-8) ** (-1 / 8)
        delivered = delivered_bf16_flop_per_s(accelerator, constants)
        assert delivered == pytest.approx(peak * share)
        assert delivered is not None
        assert delivered < min(0.8 * peak, watts / 0.7e-12)


def test_chips_that_are_not_planned_on_have_no_figure(catalog: Catalog) -> None:
    constants = constant_values()
    for accelerator in catalog.accelerators.values():
        delivered = delivered_bf16_flop_per_s(accelerator, constants)
        assert (delivered is not None) == accelerator.can_be_planned
        assert delivered is None or np.isfinite(delivered)
