"""What peft adapts by which name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.config_json import architecture_from_config
from app.estimator.adapters import ALL_LINEARS, KNOWN_NAMES, Adapters, target_names
from app.estimator.architecture import Architecture
from app.estimator.errors import InvalidSpec

SMALL: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "small_configs.json").read_text()
)


def read(name: str) -> Architecture:
    return architecture_from_config(name, SMALL[name])


def adapted(name: str, targets: str) -> list[str]:
    block = read(name).largest_block
    return [linear.name for linear in Adapters(4, target_names(targets)).on(block)]


def test_names_in_the_order_of_the_block_without_repetition() -> None:
    assert target_names(" v_proj, q_proj ,v_proj") == ("q_proj", "v_proj")
    assert target_names("all-linear") == ALL_LINEARS


@pytest.mark.parametrize("targets", ["", ",", "q_proj,nonsense", "all"])
def test_names_that_no_decoder_has(targets: str) -> None:
    with pytest.raises(InvalidSpec, match="unknown target"):
        target_names(targets)


def test_every_linear_of_every_family_can_be_named() -> None:
    for name in SMALL:
        for block in read(name).blocks:
            parts = {p for x in block.linears for p in x.adapter_name.split("+") if p}
            assert parts <= set(KNOWN_NAMES), name


@pytest.mark.parametrize(
    ("name", "targets", "expected"),
    [
        ("llama", "q_proj,v_proj", ["q_proj", "v_proj"]),
        ("phi3", "q_proj,v_proj", ["qkv_proj"]),
        ("gpt2", "v_proj", ["c_attn"]),
        ("gpt2", "c_proj", ["c_proj", "c_proj"]),
        ("gpt2", "attention", ["c_attn", "c_proj"]),
        ("falcon_mq", "attention", ["query_key_value", "dense"]),
        ("deepseek_v3", "q_proj,v_proj", ["q_b_proj", "kv_b_proj"]),
        ("deepseek_v2_lite", "q_proj,v_proj", ["q_proj", "kv_b_proj"]),
        ("gpt_oss", "all-linear", ["q_proj", "k_proj", "v_proj", "o_proj"]),
        ("mixtral", "w2", ["down_proj"]),
        ("mixtral", "w1,w3", ["gate_up_proj"]),
        ("qwen3_moe", "gate", ["gate"]),
    ],
)
def test_what_a_name_means(name: str, targets: str, expected: list[str]) -> None:
    assert adapted(name, targets) == expected


def test_half_of_a_fused_expert_tensor_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="name both or neither"):
        adapted("qwen3_moe", "gate_proj")


def test_shared_experts_keep_their_weights_where_experts_are_adapted() -> None:
    """peft maps the names of their linears to the fused tensors."""
    names = adapted("deepseek_v3", "all-linear")
    assert "gate_up_proj" in names
    assert "gate_proj" not in names


def test_a_name_that_the_model_lacks_is_refused_with_those_it_has() -> None:
    adapters = Adapters(4, target_names("fc1"))
    with pytest.raises(InvalidSpec, match="has no fc1; it has down_proj, gate_proj"):
        adapters.parameter_count(read("llama"))


def test_table_and_head_by_name() -> None:
    architecture = read("llama")
    both = Adapters(4, target_names("embed_tokens,lm_head"))
    width = architecture.hidden_size + architecture.vocab_size
    assert both.parameter_count(architecture) == 2 * 4 * width
    assert not any(both.on(block) for block in architecture.blocks)


def test_a_magnitude_for_every_output() -> None:
    architecture = read("llama")
    plain, decomposed = (Adapters(4, ALL_LINEARS, dora=dora) for dora in (False, True))
    outputs = sum(x.out_features for b, n in architecture.blocks.items() for x in b.linears * n)
    added = decomposed.parameter_count(architecture) - plain.parameter_count(architecture)
    assert added == outputs


def test_parameters_grow_with_the_rank() -> None:
    for name in SMALL:
        architecture = read(name)
        low, high = (Adapters(r, ALL_LINEARS).parameter_count(architecture) for r in (4, 8))
        assert high == 2 * low


def test_a_rank_below_one_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="rank must be 1 or more"):
        Adapters(0, ALL_LINEARS)
