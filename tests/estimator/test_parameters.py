"""Parameter counts against transformers and peft, through the reader of configurations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.catalog.config_json import architecture_from_config
from app.catalog.families import FAMILIES
from app.estimator.adapters import Adapters, target_names
from app.estimator.architecture import Architecture
from app.estimator.methods import Method
from app.services.inspection import inspect_step

REFERENCE = Path(__file__).parents[1] / "reference"
CONFIGS: dict[str, dict[str, Any]] = {
    name: fields
    for file in ("configs.json", "small_configs.json")
    for name, fields in json.loads((REFERENCE / file).read_text()).items()
}
TABLE: dict[str, Any] = json.loads((REFERENCE / "parameters.json").read_text())
TARGETS = {"qv": "q_proj,v_proj", "attn": "attention", "all_linear": "all-linear"}
WITHOUT_REFERENCE = {"qwen"}
"""Qwen 1 comes with code of its own, which transformers does not hold."""


def read(name: str) -> Architecture:
    return architecture_from_config(name, CONFIGS[name])


def test_every_configuration_and_every_family_has_reference_counts() -> None:
    assert set(TABLE["models"]) == set(CONFIGS)
    assert len(CONFIGS) >= 140
    assert {c["model_type"] for c in CONFIGS.values()} == set(FAMILIES) - WITHOUT_REFERENCE


@pytest.mark.parametrize("name", CONFIGS)
def test_counts_are_exact(name: str) -> None:
    architecture, reference = read(name), TABLE["models"][name]
    assert architecture.parameter_count == reference["total"]
    assert architecture.embedding_count == reference["embedding"]
    assert architecture.active_parameter_count == reference["active"]


@pytest.mark.parametrize("name", CONFIGS)
def test_adapter_counts_are_exact(name: str) -> None:
    architecture = read(name)
    for targets, by_rank in TABLE["models"][name]["lora"].items():
        for rank, count in by_rank.items():
            adapters = Adapters(int(rank), target_names(TARGETS[targets]))
            assert adapters.parameter_count(architecture) == count, (targets, rank)


@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-0.5B", "qwen3_moe", "opt_350", "gpt_oss"])
def test_the_inspection_shows_the_same_counts(name: str) -> None:
    reference, architecture = TABLE["models"][name], read(name)
    adapters = Adapters(64, target_names("all-linear"))
    for method, trainable in (
        (Method("full"), reference["total"]),
        (Method("lora", adapters), reference["lora"]["all_linear"]["64"]),
        (Method("qlora", adapters), reference["lora"]["all_linear"]["64"]),
    ):
        shown = inspect_step(
            architecture,
            method,
            sequence_length=16,
            micro_batch=1,
            checkpointing=False,
            attention="sdpa",
        ).parameters
        assert shown.total == reference["total"]
        assert shown.active_per_token == reference["active"]
        assert shown.embedding == reference["embedding"]
        assert shown.trainable == trainable


def test_the_built_in_models_count_the_same(catalog: Catalog) -> None:
    checked = set(catalog.models) & set(CONFIGS)
    assert len(checked) >= 70
    for name in checked:
        counted = catalog.models[name].architecture.parameter_count
        assert counted == TABLE["models"][name]["total"], name


def test_the_older_qwen_by_its_published_total() -> None:
    """Qwen-7B: 7,721,324,544 parameters, the sum over its checkpoint's tensors."""
    config = {
        "model_type": "qwen",
        "hidden_size": 4096,
        "intermediate_size": 22016,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "kv_channels": 128,
        "no_bias": True,
        "seq_length": 8192,
        "tie_word_embeddings": False,
        "vocab_size": 151936,
    }
    architecture = architecture_from_config("Qwen/Qwen-7B", config)
    assert architecture.parameter_count == 7_721_324_544
    assert architecture.max_position_embeddings == 8192


@pytest.mark.parametrize("name", CONFIGS)
def test_parts_sum_to_the_whole(name: str) -> None:
    architecture = read(name)
    blocks = sum(n * b.parameter_count for b, n in architecture.blocks.items())
    assert architecture.parameter_count == blocks + architecture.outside_count
    assert architecture.num_hidden_layers == sum(n for n, _ in architecture.groups)
    for block in architecture.blocks:
        assert block.linear_weight_count <= block.parameter_count
        assert block.active_parameter_count <= block.parameter_count
        assert (block.active_parameter_count < block.parameter_count) == block.is_moe
        assert (block.expert_weight_count > 0) == block.is_moe
        assert block.quantizable_count + block.expert_weight_count <= block.linear_weight_count
    assert architecture.quantizable_count <= architecture.linear_weight_count
