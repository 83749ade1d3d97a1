"""Activation bytes against storages followed in transformers and peft models of real size.

Every family, in small, is in ``test_families.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.catalog.config_json import architecture_from_config
from app.estimator.activations import Activations, activations, saved_bytes_per_token
from app.estimator.adapters import ALL_LINEARS, Adapters, target_names
from app.estimator.architecture import Architecture
from app.estimator.errors import InvalidSpec
from app.estimator.methods import Method
from app.services.inspection import inspect_step

REFERENCE = Path(__file__).parents[1] / "reference"
CONFIGS: dict[str, dict[str, Any]] = json.loads((REFERENCE / "configs.json").read_text())
TABLE: dict[str, Any] = json.loads((REFERENCE / "activations.json").read_text())
METHODS = {
    "full": Method("full"),
    "lora_all_linear": Method("lora", Adapters(16, ALL_LINEARS)),
    "lora_qv": Method("lora", Adapters(16, target_names("q_proj,v_proj"))),
}
TOLERANCE = 1e-5
"""Scalars of a few bytes are left out."""
WITH_PEAK = [name for name, table in TABLE["models"].items() if table[0][-1] is not None]

Row = dict[str, Any]


def rows(name: str) -> list[Row]:
    """The records of one model."""
    return [dict(zip(TABLE["columns"], row, strict=True)) for row in TABLE["models"][name]]


def read(name: str) -> Architecture:
    return architecture_from_config(name, CONFIGS[name])


def estimated(architecture: Architecture, row: Row) -> Activations:
    return activations(
        architecture,
        METHODS[row["method"]].adapters,
        sequences=1,
        sequence_length=row["sequence_length"],
        checkpointing=row["checkpointing"],
        attention=row["attention"],
    )


def error(estimate: Any, measured: int) -> float:
    return abs(float(estimate) / measured - 1)


def test_the_table_covers_every_case() -> None:
    assert len(WITH_PEAK) >= 3
    for name in TABLE["models"]:
        cases = {(r["attention"], r["checkpointing"], r["method"]) for r in rows(name)}
        assert len(cases) == 12


@pytest.mark.parametrize("name", TABLE["models"])
def test_saved_bytes(name: str) -> None:
    architecture = read(name)
    for row in rows(name):
        assert error(estimated(architecture, row).saved, row["saved"]) <= TOLERANCE, row


@pytest.mark.parametrize("name", WITH_PEAK)
def test_peak_bytes(name: str) -> None:
    architecture = read(name)
    for row in rows(name):
        assert error(estimated(architecture, row).peak, row["peak"]) <= TOLERANCE, row


@pytest.mark.parametrize("name", TABLE["models"])
def test_the_inspection_shows_the_same_figures(name: str) -> None:
    architecture = read(name)
    for row in rows(name):
        shown = inspect_step(
            architecture,
            METHODS[row["method"]],
            sequence_length=row["sequence_length"],
            micro_batch=1,
            checkpointing=row["checkpointing"],
            attention=row["attention"],
        ).activation_bytes
        here = estimated(architecture, row)
        assert shown.saved_for_backward == round(float(here.saved))
        assert shown.peak == round(float(here.peak))


def test_arrays_give_what_scalars_give() -> None:
    architecture = read("meta-llama/Llama-3.2-1B")
    sequences, checkpointing = np.array([1, 4, 32]), np.array([[0], [1], [2]])
    for method in METHODS.values():
        together = activations(
            architecture,
            method.adapters,
            sequences=sequences,
            sequence_length=1024,
            checkpointing=checkpointing,
        )
        assert together.saved.shape == together.peak.shape == (3, 3)
        for i, again in enumerate((0, 1, 2)):
            for j, count in enumerate(sequences):
                alone = activations(
                    architecture,
                    method.adapters,
                    sequences=count,
                    sequence_length=1024,
                    checkpointing=again,
                )
                assert together.saved[i, j] == float(alone.saved)
                assert together.peak[i, j] == float(alone.peak)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["Qwen/Qwen3-8B", "Qwen/Qwen2.5-0.5B"])
def test_what_is_kept_less_is_run_again(name: str, method: str) -> None:
    """Selective keeps the outputs of an adapter's products too, which can be more."""
    here = activations(
        read(name),
        METHODS[method].adapters,
        sequences=np.array([[1], [8]]),
        sequence_length=2048,
        checkpointing=np.array([0, 1, 2]),
    )
    none, selective, full = here.saved.T
    assert (full < selective).all()
    assert (full < none).all()
    assert method != "full" or (selective < none).all()
    assert (here.peak >= here.saved).all()
    assert (here.saved == here.blocks + here.head).all()
    assert (here.peak >= here.blocks + np.maximum(here.head + here.loss, 0)).all()


def test_true_is_full_checkpointing() -> None:
    architecture = read("Qwen/Qwen2.5-0.5B")
    flagged, numbered = (
        activations(
            architecture, None, sequences=1, sequence_length=512, checkpointing=np.array(mode)
        )
        for mode in ([False, True], [0, 2])
    )
    assert (flagged.peak == numbered.peak).all()


@pytest.mark.parametrize("mode", [-1, 3])
def test_other_modes_are_refused(mode: int) -> None:
    with pytest.raises(InvalidSpec, match="selective"):
        activations(
            read("Qwen/Qwen2.5-0.5B"), None, sequences=1, sequence_length=8, checkpointing=mode
        )


def test_adapters_in_fp32_keep_their_own_inputs() -> None:
    """Published for Llama 3.1 8B: 295,496 bytes a token and block, where bf16 ones keep 184,680.

    The lowest block keeps less, because nothing below its adapters needs a gradient.
    """
    architecture = read("meta-llama/Meta-Llama-3.1-8B")
    for dtype, expected in (("bf16", 184_680), ("fp32", 295_496)):
        kept = activations(
            architecture,
            Adapters(16, ALL_LINEARS),
            sequences=1,
            sequence_length=2048,
            checkpointing=0,
            adapter_dtype=dtype,
        ).blocks
        lowest = expected - (float(kept) / 2048 - 31 * expected)
        assert 0 < lowest < 4.1 * 4096 + 8, dtype


def test_a_window_shorter_than_the_sequence_needs_a_mask() -> None:
    """Then the fused kernel keeps a mask, and keys and values for every query head."""
    config = CONFIGS["mistralai/Mistral-7B-v0.1"]
    window, none = (
        architecture_from_config("m", {**config, "sliding_window": size}) for size in (1024, None)
    )

    def kept(architecture: Architecture, length: int) -> float:
        return float(saved_bytes_per_token(architecture, None, length))

    assert kept(window, 1024) == kept(none, 1024)
    assert kept(window, 2048) > kept(none, 2048) * 1.05
    lengths = np.array([1024, 2048])
    together = saved_bytes_per_token(window, None, lengths)
    assert together.tolist() == [kept(window, 1024), kept(window, 2048)]
