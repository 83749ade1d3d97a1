"""The bill of infrastructure, against figures worked by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.estimator.constants.infrastructure import DEFAULTS
from app.estimator.errors import InvalidSpec
from app.estimator.infrastructure import BillLine, bill
from app.estimator.infrastructure_lines import token_bytes
from app.estimator.skills import SKILLS, skills

GIB = 2**30

FULL: dict[str, Any] = {
    # 8 billion parameters on two nodes of eight GPUs, fp32 master weights and AdamW states
    "gpus": 16,
    "nodes": 2,
    "accelerator": "H100 SXM 80 GB",
    "strategy": "fsdp",
    "memory_needed_bytes": 60e9,
    "memory_held_bytes": 80e9,
    "host_memory_held_bytes": 2e12,
    "in_node_link": "nvlink",
    "in_node_held_bytes_per_s": 450e9,
    "in_node_step_bytes": 40e9,
    "between_nodes_held_bytes_per_s": 50e9,
    "between_nodes_step_bytes": 10e9,
    "step_s": 4.0,
    "steps": 1000,
    "adapters": False,
    "quantized": False,
    "base_parameters": 8e9,
    "base_file_bytes": 16e9,
    "trained_parameters": 8e9,
    "trained_weight_bytes": 2.0,
    "trained_gradient_bytes": 2.0,
    "trained_state_bytes": 12.0,
    "dataset_tokens": 100e6,
    "vocab_size": 128_256,
    "checkpoints_written": 5,
    "checkpoints_kept": 2,
}
LORA: dict[str, Any] = FULL | {
    # 40 million adapter parameters in fp32 on one GPU
    "gpus": 1,
    "nodes": 1,
    "strategy": "single",
    "in_node_step_bytes": 0.0,
    "between_nodes_step_bytes": 0.0,
    "between_nodes_held_bytes_per_s": None,
    "host_memory_held_bytes": None,
    "adapters": True,
    "trained_parameters": 40e6,
    "trained_weight_bytes": 4.0,
    "trained_gradient_bytes": 4.0,
    "trained_state_bytes": 8.0,
    "artefact_bytes_per_parameter": 4.0,
    "vocab_size": 32_000,
}


def lines(**given: Any) -> dict[str, BillLine]:
    found = bill(**given)
    by_key = {line.key: line for line in found}
    assert len(by_key) == len(found)
    return by_key


def test_full_fine_tuning_on_two_nodes_by_hand() -> None:
    there = lines(**FULL)
    quantity = {key: line.quantity for key, line in there.items()}
    assert quantity["compute.gpus"] == 16
    assert quantity["compute.nodes"] == 2
    # 40 GB in 4 s; 10 GB in 4 s
    assert quantity["links.in_node_needed"] == 10e9
    assert quantity["links.between_needed"] == 2.5e9
    assert there["links.between_held"].note == "400.0 GB/s a node"
    # 8 GiB, 8 x 6 GiB, 16 x 1 GiB; the larger of 16 GB and 8e9 x 14 / 2 = 56 GB
    assert quantity["host.passing"] == 56e9
    assert quantity["host.needed"] == (8 + 48 + 16) * GIB + 56e9
    assert quantity["host.held"] == 2e12
    # checkpoints of 112 GB, two kept and a third one being written
    assert quantity["storage.checkpoints"] == 336e9
    assert quantity["storage.dataset_tokens"] == 400e6
    assert quantity["storage.dataset_text"] == 400e6
    assert quantity["storage.artefacts"] == 16e9
    assert quantity["storage.shared"] == pytest.approx((16e9 + 0.8e9 + 336e9 + 16e9) * 1.2)
    assert quantity["storage.local"] == pytest.approx((40 * GIB + 16e9 + 0.4e9) * 1.2)
    assert quantity["network.checkpoints"] == 5 * 112e9
    assert quantity["network.between_nodes"] == 10e9 * 1000 * 16
    assert there["memory.gpu_held"].note == "18.6 GiB more than is needed"
    assert [k for k in there if k.startswith("skills.")] == [
        "skills.single-gpu",
        "skills.data-parallel",
        "skills.sharded",
        "skills.multi-node",
    ]


def test_lora_on_one_gpu_by_hand() -> None:
    there = lines(**LORA)
    quantity = {key: line.quantity for key, line in there.items()}
    assert not any(key.startswith("links.") for key in there)
    assert "host.held" not in there
    assert "does not publish its host memory" in there["host.needed"].note
    assert quantity["host.needed"] == (8 + 6 + 2) * GIB + 16e9
    # 40 million x (4 + 8) bytes, three of them
    assert quantity["storage.checkpoints"] == 3 * 480e6
    assert quantity["storage.artefacts"] == 160e6
    assert "16.0 GB" in there["storage.artefacts"].note
    assert quantity["storage.dataset_tokens"] == 200e6
    assert quantity["network.between_nodes"] == 0
    assert [k for k in there if k.startswith("skills.")] == ["skills.single-gpu"]


def test_offload_moves_memory_to_the_host() -> None:
    none = lines(**FULL)
    optimizer = lines(**FULL, offload="optimizer")
    parameters = lines(**FULL, offload="parameters")
    assert none["host.offload"].quantity == 0
    assert optimizer["host.offload"].quantity == 8e9 * (12 + 2) / 2
    assert parameters["host.offload"].quantity == 8e9 * (12 + 2 + 2) / 2
    assert "skills.cpu-offload" in optimizer
    # frozen weights are what is offloaded beside adapters
    lora = lines(**LORA, offload="parameters")
    assert lora["host.offload"].quantity == 40e6 * 12 + 16e9


def test_a_step_that_is_not_stored_needs_no_storage() -> None:
    there = lines(**FULL | {"checkpoints_written": 0})
    assert there["storage.checkpoints"].quantity == 0
    assert there["storage.checkpoints"].note == "none are written"
    assert lines(**FULL | {"checkpoints_written": 1})["storage.checkpoints"].quantity == 2 * 112e9


def test_what_the_offer_does_not_publish_is_said() -> None:
    there = lines(**FULL | {"between_nodes_held_bytes_per_s": None})
    assert "links.between_held" not in there
    assert "does not publish its network" in there["links.between_needed"].note
    assert lines(**FULL | {"memory_held_bytes": 50e9})["memory.gpu_held"].note == (
        "9.3 GiB too little"
    )


def test_constants_may_be_changed() -> None:
    changed = dict(DEFAULTS) | {"text_bytes_per_token": 3.0, "host_system_gib": 0.0}
    there = lines(**FULL, constants=changed)
    assert there["storage.dataset_text"].quantity == 300e6
    assert there["host.system"].quantity == 48 * GIB


def test_every_line_can_be_read() -> None:
    for line in (*bill(**FULL), *bill(**LORA)):
        assert line.label
        assert line.quantity >= 0
        assert line.group in {
            *("compute", "memory", "links", "host", "storage", "network", "skills")
        }
        assert line.source in {"plan", "offer", "model", "input", "derived", "assumption"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"gpus": 0},
        {"nodes": 0},
        {"gpus": 3},
        {"step_s": 0.0},
        {"steps": -1},
        {"dataset_tokens": -1.0},
        {"offload": "disk"},
    ],
)
def test_what_describes_nothing_real_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidSpec):
        bill(**FULL | wrong)


@given(st.floats(0, 1e13), st.integers(1, 64), st.integers(0, 20))
def test_more_to_train_never_needs_less(parameters: float, nodes: int, kept: int) -> None:
    base = FULL | {"nodes": nodes, "gpus": 8 * nodes, "checkpoints_kept": kept}
    small = lines(**base | {"trained_parameters": parameters})
    large = lines(**base | {"trained_parameters": 2 * parameters})
    assert all(small[key].quantity <= large[key].quantity for key in small)


def test_the_vocabulary_decides_how_tokens_are_stored() -> None:
    assert (token_bytes(65_499), token_bytes(65_500)) == (2, 4)


def test_every_skill_is_called_for_by_some_layout() -> None:
    called = skills(
        gpus=64,
        nodes=8,
        strategy="fsdp",
        tensor=2,
        pipeline=2,
        expert=4,
        offload="optimizer",
        quantized=True,
        compute="fp8",
        interruptible=True,
    )
    assert called == tuple(SKILLS.values())
    assert [s.key for s in skills(gpus=8, nodes=1, strategy="ddp", tensor=8)] == [
        "single-gpu",
        "model-parallel",
    ]
