"""Parameter counts against transformers and peft, through the reader of configurations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.catalog.config_json import architecture_from_config
from app.estimator.adapters import Adapters, target_names
from app.estimator.errors import UnknownArchitecture
from app.estimator.methods import Method
from app.services.inspection import inspect_step

REFERENCE = Path(__file__).parents[1] / "reference"
CONFIGS: dict[str, dict[str, Any]] = json.loads((REFERENCE / "configs.json").read_text())
TABLE: dict[str, Any] = json.loads((REFERENCE / "parameters.json").read_text())
TARGETS = {"qv": "q_proj,v_proj", "attn": "attention", "all_linear": "all-linear"}


def test_every_configuration_has_reference_counts() -> None:
    assert set(TABLE["models"]) == set(CONFIGS)
    assert len(CONFIGS) >= 34


@pytest.mark.parametrize("name", CONFIGS)
def test_counts_are_exact(name: str) -> None:
    architecture = architecture_from_config(name, CONFIGS[name])
    reference = TABLE["models"][name]
    assert architecture.parameter_count == reference["total"]
    assert architecture.embedding_count == reference["embedding"]


@pytest.mark.parametrize("name", CONFIGS)
def test_adapter_counts_are_exact(name: str) -> None:
    architecture = architecture_from_config(name, CONFIGS[name])
    for targets, by_rank in TABLE["models"][name]["lora"].items():
        for rank, count in by_rank.items():
            adapters = Adapters(int(rank), target_names(TARGETS[targets]))
            assert adapters.parameter_count(architecture) == count, (targets, rank)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_inspection_shows_the_same_counts(name: str) -> None:
    reference = TABLE["models"][name]
    architecture = architecture_from_config(name, CONFIGS[name])
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
        assert shown.total == shown.active_per_token == reference["total"]
        assert shown.embedding == reference["embedding"]
        assert shown.trainable == trainable


def test_the_built_in_models_count_the_same(catalog: Catalog) -> None:
    """The catalogue was typed in apart from these configurations."""
    checked = set(catalog.models) & set(CONFIGS)
    assert len(checked) >= 30
    for name in checked:
        counted = catalog.models[name].architecture.parameter_count
        assert counted == TABLE["models"][name]["total"], name


@pytest.mark.parametrize(
    "model_type", ["mixtral", "gpt2", "gemma2", "phi3", "falcon", "qwen3_moe", "deepseek_v3", "", 1]
)
def test_other_families_are_refused(model_type: object) -> None:
    config = {**CONFIGS["meta-llama/Llama-3.2-1B"], "model_type": model_type}
    with pytest.raises(UnknownArchitecture, match="model_type"):
        architecture_from_config("other", config)


@pytest.mark.parametrize(
    ("key", "value"),
    [("num_local_experts", 8), ("n_routed_experts", 64), ("hidden_act", "gelu")],
)
def test_an_understood_family_with_other_modules_is_refused(key: str, value: object) -> None:
    config = {**CONFIGS["meta-llama/Llama-3.2-1B"], key: value}
    with pytest.raises(UnknownArchitecture, match=key):
        architecture_from_config("other", config)
