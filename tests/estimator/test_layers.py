"""Descriptions that describe nothing real, and counts of small layers by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.estimator.architecture import Architecture, Block, Outside
from app.estimator.errors import InvalidSpec
from app.estimator.layers import Attention, Linear, Mlp, Norm

QUERY, KEY, VALUE = (Linear(f"{x}_proj", 8, 8, part="attention", serves=x) for x in "qkv")
OUTPUT = Linear("o_proj", 8, 8, part="attention")
ATTENTION = Attention((QUERY, KEY, VALUE), OUTPUT, 2, 2, 4, 4)
MLP = Mlp((Linear("up_proj", 8, 32, bias=True), Linear("down_proj", 32, 8)), "plain")
NORM = Norm("rms", 8)
BLOCK = Block(ATTENTION, MLP, attention_norm=NORM, mlp_norm=NORM)
TABLE, HEAD = Linear("embed_tokens", 100, 8), Linear("lm_head", 8, 100, bias=True)
OUTSIDE = Outside(TABLE, HEAD, positions=5, final_norm=NORM, hidden_size=8)


def test_counts_by_hand() -> None:
    block = 4 * 64 + (8 * 32 + 32) + 32 * 8 + 2 * 8
    assert BLOCK.parameter_count == BLOCK.active_parameter_count == block
    outside = 800 + (800 + 100) + 5 * 8 + 8
    untied = Architecture("a", "llama", 8, 100, False, ((3, BLOCK),), OUTSIDE)
    assert untied.parameter_count == 3 * block + outside
    assert untied.head_count == 900
    tied = replace(untied, tie_word_embeddings=True)
    assert tied.head_count == 100  # the bias alone
    assert tied.parameter_count == untied.parameter_count - 800
    assert tied != untied
    assert hash(tied) != hash(untied)


def test_experts_by_hand() -> None:
    experts = Linear("gate_up_proj", 8, 16, True, "experts", copies=4, active_copies=2)
    assert experts.weight_count == 4 * 128
    assert experts.parameter_count == 4 * (128 + 16)
    assert experts.active_parameter_count == 2 * (128 + 16)
    assert replace(experts, rank_factor=2).adapter_count(3) == 2 * 3 * 4 * 24


def test_norms_by_hand() -> None:
    assert Norm("layer", 8, bias=True).parameter_count == 16
    assert Norm("l2", 8, weight=False).parameter_count == 0
    assert Norm("rms", 8, heads=3).parameter_count == 8
    assert Norm("layer", 8, heads=3, own_weights=True).parameter_count == 24


@pytest.mark.parametrize("field", ["in_features", "out_features", "copies"])
def test_a_linear_without_size(field: str) -> None:
    with pytest.raises(InvalidSpec, match=f"{field} of q_proj must be 1 or more"):
        replace(QUERY, **{field: 0})


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"heads": 0}, "must be 1 or more"), ({"key_value_heads": 3}, "must be a multiple of")],
)
def test_heads_that_cannot_be(changes: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        replace(ATTENTION, **changes)


@pytest.mark.parametrize("groups", [(), ((0, BLOCK),)])
def test_a_model_without_blocks(groups: tuple[tuple[int, Block], ...]) -> None:
    with pytest.raises(InvalidSpec, match="num_hidden_layers must be 1 or more"):
        Architecture("a", "llama", 8, 100, False, groups, OUTSIDE)
