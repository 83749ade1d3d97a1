"""What a model asks of the GPUs that serve it, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from app.catalog.catalog import Catalog
from app.estimator.architecture import Architecture
from app.estimator.served_model import Cache, ServedModel, served_model

ONE = np.array([[1.0]])


def test_llama_3_8b_by_hand(llama_8b: Architecture) -> None:
    model = served_model(llama_8b)
    # 32 layers, 8 key heads of 128, keys and values, 2 bytes.
    assert model.cache_bytes(1, ONE).item() == 2 * 32 * 8 * 128 * 2
    assert model.weight_bytes == 8_030_261_248 * 2
    # The token table is looked up, not read through: 128,256 x 4,096 weights.
    assert model.dense_bytes == (8_030_261_248 - 128_256 * 4096) * 2
    assert (model.expert_bytes, model.expert_share) == (0, 0)
    # Two FLOP a weight: query and output 4096^2, key and value 4096 x 1024, three of 4096 x 14336.
    block = 2 * 4096**2 + 2 * 4096 * 1024 + 3 * 4096 * 14336
    assert model.token_flop == 32 * 2 * block
    assert model.head_flop == 2 * 128_256 * 4096
    assert model.score_flop == 32 * 2 * 32 * (128 + 128)
    assert model.message_bytes == 2 * 32 * 4096 * 2


def test_grouped_heads_are_repeated_beyond_their_number(llama_8b: Architecture) -> None:
    model = served_model(llama_8b)
    whole = model.cache_bytes(1, ONE).item()
    assert model.cache_bytes(1, 8 * ONE).item() == whole
    assert model.cache_bytes(1, 16 * ONE).item() == 2 * whole


def test_latent_attention_keeps_the_latent_vector(catalog: Catalog) -> None:
    model = served_model(catalog.models["deepseek-ai/DeepSeek-V3"].architecture)
    # 61 layers of 512 latent values and 64 rotated ones, in 2 bytes.
    assert model.cache_bytes(1, ONE).item() == 61 * (512 + 64) * 2
    assert model.cache_bytes(1, 8 * ONE).item() == 8 * 61 * (512 + 64) * 2


def test_experts_are_read_as_they_are_visited(catalog: Catalog) -> None:
    model = served_model(catalog.models["mistralai/Mixtral-8x7B-v0.1"].architecture)
    assert model.expert_share == pytest.approx(2 / 8)
    # 32 layers, 8 experts, three matrices of 4096 x 14336.
    assert model.expert_bytes == 32 * 8 * 3 * 4096 * 14336 * 2
    read = model.read_bytes(np.array([1.0, 2.0, 1e6]))
    assert read[0] == pytest.approx(model.dense_bytes + model.expert_bytes / 4)
    assert read[1] == pytest.approx(model.dense_bytes + model.expert_bytes * 7 / 16)
    assert read[2] == pytest.approx(model.dense_bytes + model.expert_bytes)


def test_a_window_ends_what_is_kept() -> None:
    layers = (Cache(1, 10.0, 100, 1), Cache(1, 10.0, None, 1))
    model = ServedModel(0, 0, 0, 0, layers, 0, 0, 0, 2, 0)
    assert model.cache_bytes(50, ONE).item() == 1000
    assert model.cache_bytes(500, ONE).item() == 1000 + 5000


def test_tied_heads_are_read(catalog: Catalog) -> None:
    model = served_model(catalog.models["openai-community/gpt2"].architecture)
    assert model.dense_bytes == model.weight_bytes
