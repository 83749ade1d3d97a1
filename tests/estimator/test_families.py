"""Every family against torch: FLOP, bytes kept and peaks of small models at their own depth.

Small models put the weight on what large ones hide: block temporaries against logits, tables of
positions against tokens.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.config_json import architecture_from_config
from app.catalog.families import FAMILIES
from app.estimator.activations import activations
from app.estimator.adapters import Adapters, target_names
from app.estimator.flops import step_flop

REFERENCE = Path(__file__).parents[1] / "reference"
CONFIGS: dict[str, dict[str, Any]] = json.loads((REFERENCE / "small_configs.json").read_text())
TABLE: dict[str, Any] = json.loads((REFERENCE / "families.json").read_text())
ADAPTERS = {
    "full": None,
    "lora_all_linear": Adapters(8, target_names("all-linear")),
    "lora_qv": Adapters(8, target_names("q_proj,v_proj")),
}
# A table of 4096 positions is most of these models, and its gradient most of their peak.
PEAK_TOLERANCE = 0.013
SAVED_TOLERANCE = 0.009

Row = dict[str, Any]


def rows(name: str) -> list[Row]:
    """The records of one model."""
    return [dict(zip(TABLE["columns"], row, strict=True)) for row in TABLE["models"][name]]


def falls_back(name: str, row: Row) -> bool:
    """Whether torch has no fused kernel on a CPU, but has one on a GPU.

    Keys of another width than values (DeepSeek): the CPU's kernel refuses them, the
    memory-efficient one on a GPU does not, and that is what is estimated.
    """
    return name.startswith("deepseek") and row["attention"] == "sdpa"


def test_the_table_covers_every_family() -> None:
    families = {CONFIGS[name]["model_type"] for name in TABLE["models"]}
    assert families == set(FAMILIES) - {"qwen"}
    assert set(CONFIGS) == set(TABLE["models"])
    assert all(len(rows(name)) >= 12 for name in CONFIGS)


@pytest.mark.parametrize("name", CONFIGS)
def test_flop_are_exact(name: str) -> None:
    architecture = architecture_from_config(name, CONFIGS[name])
    for row in rows(name):
        flop = step_flop(
            architecture,
            ADAPTERS[row["method"]],
            sequences=row["sequences"],
            sequence_length=row["sequence_length"],
            checkpointing=row["checkpointing"],
            attention=row["attention"],
        )
        assert float(flop.forward) == pytest.approx(row["forward"], rel=1e-9), row
        if not falls_back(name, row):
            backward = float(flop.backward) + float(flop.recompute)
            assert backward == pytest.approx(row["backward"], rel=1e-9), row


@pytest.mark.parametrize("name", CONFIGS)
def test_bytes_are_those_that_were_followed(name: str) -> None:
    architecture = architecture_from_config(name, CONFIGS[name])
    for row in rows(name):
        if falls_back(name, row):
            continue
        here = activations(
            architecture,
            ADAPTERS[row["method"]],
            sequences=row["sequences"],
            sequence_length=row["sequence_length"],
            checkpointing=row["checkpointing"],
            attention=row["attention"],
        )
        assert float(here.saved) == pytest.approx(row["saved"], rel=SAVED_TOLERANCE), row
        assert float(here.peak) == pytest.approx(row["peak"], rel=PEAK_TOLERANCE), row
