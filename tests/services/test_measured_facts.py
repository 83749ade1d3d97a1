"""Which model and accelerator a run means, and what is said where that is not known."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.catalog.measured import own_runs
from app.estimator.measured import MeasuredRun
from app.services.measured_facts import (
    UnknownFact,
    accelerator_of,
    architecture_of,
    config_name,
    config_of_shape,
)

PLAIN = MeasuredRun("a-1", "a", "org/none", "full", "H100-SXM-80GB", 8, 4096, ())
LLAMA = {
    "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152,
    "tie_word_embeddings": True,
}  # fmt: skip
SHAPE: dict[str, Any] = {
    "n_layers": 2, "hidden_size": 64, "n_heads": 4, "vocab_size": 100, "intermediate_size": 256,
}  # fmt: skip


def run(**changes: Any) -> MeasuredRun:
    return dataclasses.replace(PLAIN, **changes)


@pytest.mark.parametrize(
    ("printed", "proxy", "key"),
    [
        ("A100-SXM-80GB", "", "A100-SXM-80GB"),
        ("A100 (80GB implied)", "A100-SXM-80GB", "A100-SXM-80GB"),
        ("A100 (80GB implied by 60 GiB row)", "", "A100-SXM-80GB"),
        ("NVIDIA A100-SXM4-40GB", "", "A100-SXM-40GB"),
        ("NVIDIA A100 80GB PCIe", "", "A100-PCIe-80GB"),
        ("H100-80GB", "", "H100-SXM-80GB"),
        ("NVIDIA H100 80GB HBM3", "", "H100-SXM-80GB"),
        ("NVIDIA H100 NVL", "", "H100-NVL-94GB"),
        ("NVIDIA GH200 480GB", "", "GH200-96GB"),
        ("RTX PRO 6000-96GB", "", "RTX-PRO-6000-BSE-96GB"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition (WS)", "", "RTX-PRO-6000-WS-96GB"),
        ("NVIDIA RTX 6000 Ada Generation", "", "RTX-6000-Ada-48GB"),
        ("NVIDIA GeForce RTX 4090", "", "RTX-4090-24GB"),
        ("RTX 5060 Ti-16GB", "", "RTX-5060-Ti-16GB"),
        ("A5000-24GB", "", "RTX-A5000-24GB"),
        ("Intel Gaudi 2", "", "Gaudi-2-96GB"),
        ("AMD Instinct MI325X 256GB HBM3e", "", "MI325X-256GB"),
    ],
)
def test_a_printed_name_means_one_accelerator(
    printed: str, proxy: str, key: str, catalog: Catalog
) -> None:
    assert accelerator_of(run(gpu=printed, gpu_proxy=proxy), catalog).key == key


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("", "gpu is blank"),
        ("A100", "may be A100-SXM-40GB, A100-SXM-80GB: give one of the keys"),
        ("RTX 6000", "may be RTX-6000-Ada-48GB, RTX-PRO-6000-BSE-96GB"),
        ("RTX 4060-8GB", "'RTX 4060-8GB' is not known; give a key such as"),
        ("40GB GPU (type not stated)", "is not known"),
        ("H100 96GB", "is not known"),
        ("TPU-v5e", "no power limit of Google TPU v5e is published"),
        ("Apple M1 Max-32GB", "is not known"),
    ],
)
def test_an_accelerator_is_never_guessed(printed: str, said: str, catalog: Catalog) -> None:
    with pytest.raises(UnknownFact, match=said.replace("(", r"\(").replace(")", r"\)")):
        accelerator_of(run(gpu=printed), catalog)


def test_a_chip_without_bf16_trains_in_fp16(catalog: Catalog) -> None:
    t4 = accelerator_of(run(gpu="T4-16GB"), catalog)
    assert catalog.accelerators["T4-16GB"].bf16_flop_per_s == 0
    assert t4.bf16_flop_per_s == t4.fp16_flop_per_s == 65e12


def test_all_but_three_accelerators_of_our_own_runs_are_known(catalog: Catalog) -> None:
    unknown = []
    for measured in own_runs():
        try:
            accelerator_of(measured, catalog)
        except UnknownFact:
            unknown.append(measured.gpu)
    assert sorted(unknown) == ["", "24GB GPU (type not stated)", "40GB GPU (type not stated)"]


def test_a_model_is_built_in_or_given_or_a_shape(catalog: Catalog) -> None:
    known = next(iter(catalog.models))
    assert (
        architecture_of(run(model=known), catalog, {known: {}})
        is catalog.models[known].architecture
    )
    given = architecture_of(run(model="org/smol"), catalog, {"org/smol": LLAMA})
    assert given.parameter_count == 134_515_008
    shaped = architecture_of(run(model_shape=SHAPE | {"tied_embeddings": True}), catalog, {})
    # table 100 x 64; a block is 4 x 64 x 64 + 3 x 64 x 256 + two norms of 64; a final norm
    assert shaped.parameter_count == 6_400 + 2 * (16_384 + 49_152 + 128) + 64


def test_a_model_that_is_not_known_says_what_would_do(catalog: Catalog) -> None:
    with pytest.raises(UnknownFact, match=r"give its config.json as org__none.json, or its model"):
        architecture_of(PLAIN, catalog, {})
    with pytest.raises(UnknownFact, match=r"configuration of org/none is not understood: model_ty"):
        architecture_of(PLAIN, catalog, {"org/none": {"model_type": "t5"}})


@pytest.mark.parametrize(
    ("changes", "model_type"),
    [
        ({}, "llama"),
        ({"mlp_matrices": 3, "n_kv_heads": 2}, "llama"),
        ({"qkv_bias": True}, "qwen"),
        ({"qkv_bias": True, "n_kv_heads": 2}, "qwen2"),
        ({"mlp_matrices": 2, "bias": True, "n_kv_heads": 2}, "starcoder2"),
        ({"mlp_matrices": 2, "bias": True, "learned_positions": 128}, "gpt2"),
        (
            {"mlp_matrices": 2, "bias": True, "learned_positions": 128, "n_kv_heads": 1},
            "gpt_bigcode",
        ),
    ],
)
def test_a_shape_means_a_family(changes: dict[str, Any], model_type: str) -> None:
    assert config_of_shape(SHAPE | changes)["model_type"] == model_type


def test_qwen_counts_gate_and_up_as_one_width() -> None:
    assert config_of_shape(SHAPE | {"qkv_bias": True})["intermediate_size"] == 512


@pytest.mark.parametrize(
    "changes",
    [{"mlp_matrices": 3, "bias": True}, {"mlp_matrices": 2}, {"mlp_matrices": 2, "n_kv_heads": 2}],
)
def test_a_shape_that_no_family_has_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UnknownFact, match="learned_positions go with"):
        config_of_shape(SHAPE | {"learned_positions": 128} | changes)


def test_every_shape_of_our_own_runs_has_the_parameters_that_were_printed(
    catalog: Catalog,
) -> None:
    shapes = {
        json.dumps(measured.model_shape): measured
        for measured in own_runs()
        if measured.model_shape
    }
    printed = 0
    for measured in shapes.values():
        assert measured.model_shape is not None
        architecture = architecture_of(measured, catalog, {})
        if "n_params" in measured.model_shape:
            printed += 1
            assert architecture.parameter_count == measured.model_shape["n_params"], measured.model
    assert (len(shapes), printed) >= (20, 20)


def test_the_name_of_a_file_is_that_of_a_model() -> None:
    assert config_name("Qwen__Qwen2.5-7B.json") == "Qwen/Qwen2.5-7B"
    assert config_name("local.json") == "local"
