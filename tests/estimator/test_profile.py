"""Properties of whole models: what grows, what sums, what cannot be larger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.catalog.config_json import architecture_from_config
from app.estimator.activations import activations
from app.estimator.adapters import ALL_LINEARS, Adapters
from app.estimator.architecture import Architecture
from app.estimator.flops import step_flop

SMALL: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "small_configs.json").read_text()
)
MODELS = {name: architecture_from_config(name, config) for name, config in SMALL.items()}
METHODS = {"full": None, "lora": Adapters(8, ALL_LINEARS)}

models = st.sampled_from(sorted(MODELS))
methods = st.sampled_from(sorted(METHODS))
kernels = st.sampled_from(["sdpa", "eager"])
modes = st.sampled_from([0, 1, 2])
quick = settings(deadline=None, max_examples=60)


@quick
@given(models, methods, kernels, modes, st.integers(2, 64), st.integers(1, 512))
def test_more_tokens_take_more(
    name: str, method: str, kernel: Any, mode: int, batch: int, length: int
) -> None:
    """Twice the batch is no more than twice the bytes; a longer sequence never less of either."""
    options: dict[str, Any] = {"checkpointing": mode, "attention": kernel}
    kept, flop = (
        function(
            MODELS[name],
            METHODS[method],
            sequences=[batch, 2 * batch, batch],
            sequence_length=[length, length, length + 1],
            **options,
        )
        for function in (activations, step_flop)
    )
    for figure in (kept.saved, kept.peak, flop.step):
        assert figure[0] <= figure[1] <= 2 * figure[0] * (1 + 1e-12)
        assert figure[0] <= figure[2]


@quick
@given(models, methods, kernels, st.integers(1, 8), st.integers(1, 512))
def test_sums_and_bounds(name: str, method: str, kernel: Any, batch: int, length: int) -> None:
    options: dict[str, Any] = {
        "sequences": batch,
        "sequence_length": length,
        "checkpointing": [0, 1, 2],
        "attention": kernel,
    }
    flop = step_flop(MODELS[name], METHODS[method], **options)
    kept = activations(MODELS[name], METHODS[method], **options)
    assert np.allclose(flop.step, flop.forward + flop.backward + flop.recompute)
    assert np.allclose(flop.linear + flop.attention, flop.step)
    assert (flop.forward == flop.forward[0]).all()
    assert (flop.recompute <= flop.forward).all()
    assert (flop.attention_forward <= flop.forward).all()
    assert (kept.peak >= kept.saved).all()
    assert (kept.saved == kept.blocks + kept.head).all()


@quick
@given(models, st.integers(1, 8), st.integers(64, 512))
def test_frozen_weights_never_keep_more_than_their_adapters_add(
    name: str, batch: int, length: int
) -> None:
    """Adapters of rank 8 on attention: inner values, and copies that frozen layers do without."""
    full, adapted = (
        float(
            activations(
                MODELS[name], chosen, sequences=batch, sequence_length=length, checkpointing=0
            ).blocks
        )
        for chosen in (None, Adapters(8, ("attention",)))
    )
    assert adapted < full


def test_every_built_in_model_can_be_walked(catalog: Catalog) -> None:
    for key, entry in catalog.models.items():
        architecture: Architecture = entry.architecture
        for method in METHODS.values():
            kept = activations(
                architecture, method, sequences=1, sequence_length=512, checkpointing=[0, 1, 2]
            )
            assert np.isfinite(kept.peak).all(), key
            assert (kept.peak > 0).all(), key


@pytest.mark.parametrize("name", ["llama", "qwen3_moe", "gemma3_win", "falcon_mq"])
def test_runs_of_equal_blocks_are_one_walk(name: str) -> None:
    """Depth alone changes nothing but the number of blocks."""
    shallow, deep = (
        architecture_from_config(
            "a", {k: v for k, v in SMALL[name].items() if k != "layer_types"} | {key: depth}
        )
        for key, depth in (("num_hidden_layers", 6), ("num_hidden_layers", 12))
    )
    options: dict[str, Any] = {"sequences": 2, "sequence_length": 64, "checkpointing": [0, 1, 2]}
    one, two = (activations(a, None, **options) for a in (shallow, deep))
    assert np.allclose(two.blocks, 2 * one.blocks)
    assert np.allclose(two.head, one.head)


@pytest.mark.parametrize(
    ("activation", "tensors"),
    [
        ("relu", 1),  # its output, which the next product keeps too
        ("gelu", 2),  # its input
        ("quick_gelu", 3),  # input and sigmoid
        ("relu2", 2),  # the first step's output
        ("gelu_new", 5),  # input, half, tanh, one plus tanh
    ],
)
def test_what_an_activation_keeps(activation: str, tensors: int) -> None:
    """Bytes of a two-layer network by hand, over those of the rest of the block."""
    config = SMALL["gpt2"] | {"activation_function": activation}
    wider = config | {"n_inner": 4 * 96 + 1}
    narrow, wide = (
        activations(
            architecture_from_config("gpt", fields),
            None,
            sequences=1,
            sequence_length=8,
            checkpointing=0,
        )
        for fields in (config, wider)
    )
    added = float(wide.blocks - narrow.blocks)
    assert added == 2 * tensors * 8 * config["n_layer"]
