"""FLOP of one step against torch's own counter on transformers and peft models of real size.

Every family, in small, is in ``test_families.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from app.catalog.config_json import architecture_from_config
from app.estimator.adapters import ALL_LINEARS, Adapters, target_names
from app.estimator.architecture import Architecture
from app.estimator.flops import StepFlop, step_flop
from app.estimator.methods import Method
from app.services.inspection import inspect_step

REFERENCE = Path(__file__).parents[1] / "reference"
CONFIGS: dict[str, dict[str, Any]] = json.loads((REFERENCE / "configs.json").read_text())
TABLE: dict[str, Any] = json.loads((REFERENCE / "flops.json").read_text())
METHODS = {
    "full": Method("full"),
    "lora_all_linear": Method("lora", Adapters(16, ALL_LINEARS)),
    "lora_qv": Method("lora", Adapters(16, target_names("q_proj,v_proj"))),
    "lora_mlp": Method("lora", Adapters(16, target_names("gate_proj,up_proj,down_proj"))),
    "lora_o": Method("lora", Adapters(16, target_names("o_proj"))),
}
TOLERANCE = 1e-9

Row = dict[str, Any]


def rows(name: str) -> list[Row]:
    """The records of one model."""
    return [dict(zip(TABLE["columns"], row, strict=True)) for row in TABLE["models"][name]]


def counted(architecture: Architecture, row: Row) -> StepFlop:
    return step_flop(
        architecture,
        METHODS[row["method"]].adapters,
        sequences=1,
        sequence_length=row["sequence_length"],
        checkpointing=row["checkpointing"],
        attention=row["attention"],
    )


def test_the_table_covers_every_case() -> None:
    for name in TABLE["models"]:
        cases = {(r["attention"], r["checkpointing"], r["method"]) for r in rows(name)}
        assert len(cases) == 20
        assert {r["sequence_length"] for r in rows(name)} == {512, 2048, 8192}


@pytest.mark.parametrize("name", TABLE["models"])
def test_forward_backward_and_step_are_those_of_the_counter(name: str) -> None:
    architecture = architecture_from_config(name, CONFIGS[name])
    for row in rows(name):
        flop = counted(architecture, row)
        # The counter sees recomputation as a part of the backward pass.
        backward = float(flop.backward) + float(flop.recompute)
        assert float(flop.forward) == pytest.approx(row["forward"], rel=TOLERANCE), row
        assert backward == pytest.approx(row["backward"], rel=TOLERANCE), row
        assert float(flop.step) == pytest.approx(row["forward"] + row["backward"], rel=TOLERANCE), (
            row
        )
        assert (float(flop.recompute) > 0) == row["checkpointing"]


@pytest.mark.parametrize("name", TABLE["models"])
def test_the_inspection_shows_the_same_figures(name: str) -> None:
    architecture = architecture_from_config(name, CONFIGS[name])
    for row in rows(name):
        shown = inspect_step(
            architecture,
            METHODS[row["method"]],
            sequence_length=row["sequence_length"],
            micro_batch=1,
            checkpointing=row["checkpointing"],
            attention=row["attention"],
        ).flop
        assert shown.forward == pytest.approx(row["forward"], rel=TOLERANCE)
        assert shown.backward + shown.recompute == pytest.approx(row["backward"], rel=TOLERANCE)
        assert shown.step == pytest.approx(row["forward"] + row["backward"], rel=TOLERANCE)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("method", METHODS)
def test_arrays_give_what_scalars_give(method: str, attention: Literal["sdpa", "eager"]) -> None:
    architecture = architecture_from_config("1B", CONFIGS["meta-llama/Llama-3.2-1B"])
    adapters = METHODS[method].adapters
    sequences, checkpointing = np.array([1, 4, 32]), np.array([[0], [1], [2]])
    together = step_flop(
        architecture,
        adapters,
        sequences=sequences,
        sequence_length=1024,
        checkpointing=checkpointing,
        attention=attention,
    )
    assert together.step.shape == together.attention.shape == (3, 3)
    for i, again in enumerate((0, 1, 2)):
        for j, count in enumerate(sequences):
            alone = step_flop(
                architecture,
                adapters,
                sequences=count,
                sequence_length=1024,
                checkpointing=again,
                attention=attention,
            )
            assert together.step[i, j] == float(alone.step)
            assert together.attention[i, j] == float(alone.attention)
            assert together.linear[i, j] == float(alone.linear)


DENSE = sorted(set(TABLE["models"]))


@pytest.mark.parametrize("name", DENSE)
def test_adapters_save_a_third_of_the_products_at_most(name: str) -> None:
    """Frozen weights need no gradient; adapters on all linears cost a little of that again."""
    architecture = architecture_from_config(name, CONFIGS[name])
    step = {
        key: float(
            step_flop(
                architecture,
                method.adapters,
                sequences=1,
                sequence_length=512,
                checkpointing=False,
            ).step
        )
        for key, method in METHODS.items()
    }
    assert 0.65 < step["lora_qv"] / step["full"] < step["lora_all_linear"] / step["full"] < 1


@pytest.mark.parametrize("name", DENSE)
def test_selective_checkpointing_runs_no_product_again(name: str) -> None:
    architecture = architecture_from_config(name, CONFIGS[name])
    for method in METHODS.values():
        flop = step_flop(
            architecture,
            method.adapters,
            sequences=1,
            sequence_length=512,
            checkpointing=[0, 1, 2],
        )
        assert (flop.recompute[:2] == 0).all()
        assert 0 < flop.recompute[2] < flop.forward[2]
        assert (flop.causal_saving_flop == flop.attention / 2).all()


def test_experts_with_adapters_cost_more_than_full_on_few_tokens() -> None:
    """peft forms the product of both factors for every expert: Mixtral at 512 tokens, 1.21 times.

    The figure was counted by torch's counter.
    """
    architecture = architecture_from_config("m", CONFIGS["mistralai/Mixtral-8x7B-v0.1"])
    adapters, full = (
        float(
            step_flop(architecture, chosen, sequences=1, sequence_length=512, checkpointing=0).step
        )
        for chosen in (Adapters(16, ALL_LINEARS), None)
    )
    assert adapters / full == pytest.approx(1.21, abs=0.005)
