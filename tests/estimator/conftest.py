"""Small, made-up hardware and a known model, so that every figure of a test can be worked by hand.

Of session scope, because the properties below are checked on many examples each.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from app.catalog.config_json import architecture_from_config
from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues, constant_values
from app.estimator.hardware import Accelerator, Offer, Source
from app.estimator.units import GB, GIB, TERA
from tests.estimator.planning import LLAMA_3_8B

DAY = date(2026, 11, 1)
SOURCE = Source("a-list", "A list", "Somebody", "price_page", "example.org", DAY)

MakeOffer = Callable[..., Offer]


def _accelerator(key: str, gib: float, tflop_per_s: float, watts: float) -> Accelerator:
    return Accelerator(
        key=key,
        name=f"The {key}",
        vendor="NVIDIA",
        architecture="Ampere" if key.startswith("A100") else "Hopper",
        year=2022,
        memory_bytes=gib * GIB,
        memory_bytes_per_s=3000 * GB,
        bf16_flop_per_s=tflop_per_s * TERA,
        link="nvlink",
        link_bytes_per_s=450 * GB,
        pcie_bytes_per_s=63 * GB,
        tdp_w=watts,
        evidence="datasheet",
        source=SOURCE,
        retrieved=DAY,
    )


@pytest.fixture(scope="session")
def make_offer() -> MakeOffer:
    """A factory of offers: one instance with some GPUs, at some price an hour."""

    def make(
        key: str = "h100",
        *,
        gpus: int = 1,
        usd: float = 2.0,
        gib: float = 80.0,
        tflop_per_s: float = 989.0,
        accelerator: str = "H100-SXM-80GB",
        network: float | None = 50 * GB,
        watts: float = 700.0,
        **changes: Any,
    ) -> Offer:
        fields: dict[str, Any] = {
            "key": key,
            "provider": "acme",
            "provider_name": "Acme",
            "instance": f"{key}-{gpus}x",
            "accelerator": _accelerator(accelerator, gib, tflop_per_s, watts),
            "gpus_per_instance": gpus,
            "memory_bytes": gib * GIB,
            "host_memory_bytes": None,
            "intra_node_link": "nvlink",
            "intra_node_bytes_per_s": 450 * GB,
            "inter_node_bytes_per_s": network,
            "region": "all",
            "purchase_option": "on-demand",
            "usd_per_instance_hour": usd,
            "tier": "list",
            "evidence": "price-page",
            "source": SOURCE,
            "valid_from": DAY,
            "retrieved": DAY,
        }
        return Offer(**(fields | changes))

    return make


@pytest.fixture(scope="session")
def llama_8b() -> Architecture:
    """Llama 3.1 8B."""
    return architecture_from_config("meta-llama/Meta-Llama-3.1-8B", LLAMA_3_8B)


@pytest.fixture(scope="session")
def constants() -> ConstantValues:
    """The constants as they are, none changed."""
    return constant_values({})
