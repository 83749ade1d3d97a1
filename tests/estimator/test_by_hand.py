"""Memory, messages and time worked by hand: every figure below is arithmetic on a decoder's shape.

Llama 2 7B: width 4,096, feed-forward 11,008, 32 blocks, 32 heads, 32,000 words, a head of its own.

    linears of a block   4 x 4096 x 4096 + 3 x 4096 x 11008                       202,375,168
    a block              with two norms of 4,096                                  202,383,360
    table, head          32,000 x 4,096 each                                      131,072,000
    all                  32 blocks, table, head, a norm of 4,096                6,738,415,616
    adapters of rank 16  16 x (4 x 8,192 + 3 x 15,104) a block                     39,976,960
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from app.estimator.communication import Messages, messages
from app.estimator.constants import ConstantValues
from app.estimator.fleet import Fleet, fleet_of
from app.estimator.hardware import Offer
from app.estimator.memory import Footprint, footprint, peak_memory
from app.estimator.methods import Method
from app.estimator.plans import Plans
from app.estimator.software import Software
from app.estimator.throughput import data_bus_bytes_per_s, matmul_efficiency, step_times
from app.estimator.work import Work, causal_fraction, step_work
from tests.estimator.planning import FULL, LORA, METHODS, QLORA, decoder, plans_of

MakeOffer = Callable[..., Offer]

GIB = 2**30
BLOCK_LINEARS = 4 * 4096 * 4096 + 3 * 4096 * 11008
BLOCK = BLOCK_LINEARS + 2 * 4096
TABLE = 32_000 * 4096
P = 32 * BLOCK + 2 * TABLE + 4096
A = 32 * 16 * (4 * 8192 + 3 * 15104)
MIXED = Software(precision="bf16-mixed", adapter_dtype="fp32")


def held(method: Method, plans: Plans, software: Software = MIXED, length: int = 1024) -> Footprint:
    return footprint(decoder("llama"), method, software, plans, length)


def test_the_counts_above() -> None:
    assert (BLOCK_LINEARS, BLOCK, TABLE, P, A) == (
        202_375_168,
        202_383_360,
        131_072_000,
        6_738_415_616,
        39_976_960,
    )
    llama = decoder("llama")
    assert llama.largest_block.parameter_count == BLOCK
    assert llama.parameter_count == FULL.trainable_parameters(llama) == P
    assert LORA.trainable_parameters(llama) == QLORA.trainable_parameters(llama) == A


# ------------------------------------------------------------------------------------------ memory


@pytest.mark.parametrize(
    ("strategy", "weights", "gradients", "master", "states"),
    [
        ("ddp", 2, 2, 4, 8),
        ("zero1", 2, 2, 4 / 64, 8 / 64),
        ("zero2", 2, 2 / 64, 4 / 64, 8 / 64),
        ("fsdp", 2 / 64, 2 / 64, 4 / 64, 8 / 64),
    ],
)
def test_sixteen_bytes_a_parameter_and_what_each_stage_shards(
    strategy: str, weights: float, gradients: float, master: float, states: float
) -> None:
    """Rajbhandari et al., arXiv:1910.02054, figure 1: 7.5 billion parameters on 64 GPUs take 120,
    31.4, 16.6 and 1.9 GB."""
    found = held(FULL, plans_of(strategy, gpus=64))
    for line, per_parameter in (
        (found.weights, weights),
        (found.gradients, gradients),
        (found.master, master),
        (found.states, states),
    ):
        assert line[0] == pytest.approx(per_parameter * P, rel=1e-12)
    in_the_paper = {"ddp": 120, "zero1": 31.4, "zero2": 16.6, "fsdp": 1.9}[strategy]
    assert 7.5 * (weights + gradients + master + states) == pytest.approx(in_the_paper, abs=0.05)


@pytest.mark.parametrize(
    ("software", "per_parameter"),
    [
        # weights, gradients, master weights, two moments
        (Software(precision="bf16-mixed"), 2 + 2 + 4 + 8),
        (Software(precision="fp32-gradients"), 2 + 4 + 4 + 8),
        (Software(precision="fp32-sharded"), 4 + 4 + 0 + 8),
        (Software(precision="fp32-autocast"), 4 + 4 + 0 + 8),
        (Software(precision="bf16", optimizer="adamw-bf16"), 2 + 2 + 0 + 4),
        (Software(optimizer="adamw-bf16"), 2 + 2 + 4 + 4),
        # one byte and an fp32 scale for each block of 256
        (Software(optimizer="adamw-8bit"), 2 + 2 + 4 + 2 * (1 + 4 / 256)),
        (Software(optimizer="paged-adamw-8bit"), 2 + 2 + 4),
        (Software(optimizer="lion"), 2 + 2 + 4 + 4),
        (Software(optimizer="muon"), 2 + 2 + 4 + 4),
        (Software(optimizer="sgd"), 2 + 2 + 4),
    ],
    ids=lambda x: f"{x.precision}-{x.optimizer}" if isinstance(x, Software) else "",
)
def test_bytes_of_precisions_and_optimizers(software: Software, per_parameter: float) -> None:
    found = held(FULL, plans_of(), software)
    kept = found.weights + found.gradients + found.master + found.states
    assert kept[0] == pytest.approx(per_parameter * P, rel=1e-12)
    # Paged states are on the host.
    paged = 2 * (1 + 4 / 256) * P if software.update.paged else 0.0
    assert found.host[0] == pytest.approx(paged)


@pytest.mark.parametrize(("dtype", "one"), [("fp32", 4), ("bf16", 2)])
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_adapters_and_their_base(strategy: str, dtype: str, one: int) -> None:
    plans, shards = plans_of(strategy, gpus=4), 4 if strategy == "fsdp" else 1
    software = Software(adapter_dtype=dtype)
    lora, qlora = held(LORA, plans, software), held(QLORA, plans, software)
    for found in (lora, qlora):
        assert found.adapters[0] == found.gradients[0] == one * A / shards
        assert found.states[0] == 2 * 4 * A / shards  # whatever the adapters are held in
        assert found.master[0] == 0
    assert lora.weights[0] == 2 * P / shards
    # NF4: half a byte for the linears of the blocks, two for table, head and norms.
    assert qlora.weights[0] == (0.5 * 32 * BLOCK_LINEARS + 2 * (P - 32 * BLOCK_LINEARS)) / shards
    # Double-quantized constants take 0.127 bits a weight; the widest linear is there in 16 bits.
    assert qlora.quantization[0] == pytest.approx(
        0.127 / 8 * 32 * BLOCK_LINEARS / shards + 2 * 4096 * 11008, rel=1e-12
    )
    assert lora.quantization[0] == 0


def test_tensor_and_pipeline_groups_divide_the_model() -> None:
    found = held(FULL, plans_of("zero1", gpus=16, tensor=2, pipeline=4, accumulation=8))
    # Eight of 32 blocks and the table or the head, each halved by the tensor group.
    part = (8 * BLOCK + TABLE) / 2
    norm = 4096 / 8  # the last norm is not looked for at one end
    assert found.weights[0] == pytest.approx(2 * part, abs=2 * norm)
    assert found.gradients[0] == pytest.approx(2 * part, abs=2 * norm)
    # Two replicas share the states.
    assert found.states[0] == pytest.approx(8 * part / 2, abs=8 * norm)


def test_a_stage_keeps_as_many_micro_batches_as_there_are_stages_behind_it() -> None:
    for accumulation, in_flight in ((1, 1), (3, 3), (8, 4), (100, 4)):
        plans = plans_of("zero1", gpus=4, pipeline=4, accumulation=accumulation)
        assert held(FULL, plans).in_flight[0] == in_flight


def test_an_expert_group_divides_the_experts_and_their_gradients() -> None:
    mixture = decoder("mixture")
    # Four blocks of eight experts, each 3 x 512 x 1024.
    experts = 4 * 8 * 3 * 512 * 1024
    rest = mixture.parameter_count - experts
    plans = plans_of("zero1", gpus=8, expert=[1, 2, 8])
    found = footprint(mixture, FULL, MIXED, plans, 1024)
    for i, size in enumerate((1, 2, 8)):
        assert found.weights[i] == pytest.approx(2 * (rest + experts / size))
        assert found.gradients[i] == pytest.approx(2 * (rest + experts / size))
        # All ranks together hold each state once, however experts are spread.
        assert found.states[i] == pytest.approx(8 * mixture.parameter_count / 8)


@pytest.mark.parametrize(
    ("method", "strategy", "groups", "expected"),
    [
        # Two blocks, and table and head; gradients of a block and of table and head.
        ("full", "fsdp", {}, 2 * (2 * BLOCK + 2 * TABLE) + 2 * (BLOCK + 2 * TABLE)),
        ("lora", "fsdp", {}, 2 * (2 * BLOCK + 2 * TABLE)),
        # A tensor group splits a block, a pipeline stage does not.
        ("lora", "fsdp", {"tensor": 2}, 2 * (2 * BLOCK + 2 * TABLE) / 2),
        ("lora", "fsdp", {"pipeline": 2}, 2 * (2 * BLOCK + 2 * TABLE)),
        # DDP: a copy of the gradients. ZeRO: two buckets of 500 million elements at most.
        ("full", "ddp", {}, 2 * P),
        ("lora", "ddp", {}, 4 * A),
        ("full", "zero2", {}, 2 * 2 * 5e8),
        ("lora", "zero2", {}, 2 * 2 * A),
        ("full", "zero1", {"tensor": 8}, 2 * 2 * 5e8),
    ],
)
def test_buffers(method: str, strategy: str, groups: dict[str, int], expected: float) -> None:
    found = held(METHODS[method], plans_of(strategy, gpus=16, **groups))
    assert found.buffers[0] == pytest.approx(expected, rel=1e-12)


def test_offload_moves_lines_to_the_host() -> None:
    plans = plans_of(offload=[0, 1, 2])
    found = held(FULL, plans)
    assert found.host.tolist() == [0, 12 * P, 16 * P]
    assert (found.states + found.master).tolist() == [12 * P, 0, 0]
    assert (found.weights + found.gradients).tolist() == [4 * P, 4 * P, 0]


@pytest.mark.parametrize("method", METHODS)
def test_reserved_and_total_from_allocated(constants: ConstantValues, method: str) -> None:
    """A tenth more, and what software holds outside torch."""
    plain = {**constants, "reserved_share": 0.1, "reserved_transients": 0.0}
    plain |= {"context_gib": 0.5, "collective_buffers_gib": 2.0}
    for plans, outside in ((plans_of(), 0.5), (plans_of("fsdp", gpus=2), 2.5)):
        found = peak_memory(held(METHODS[method], plans), plain)
        assert found.reserved[0] == pytest.approx(1.1 * found.allocated[0])
        assert found.total[0] == pytest.approx(1.1 * found.allocated[0] + outside * GIB)


@pytest.mark.parametrize(("loss", "per_word"), [("plain", 12.0), ("fused", 8.0), ("upcast", 16.0)])
def test_logits_by_words_and_tokens(loss: str, per_word: float, constants: ConstantValues) -> None:
    """What the loss holds above its other tensors: bytes times 49,152 words times 4 x 1,024."""
    values = {**constants, f"loss_{loss}": per_word}
    plans = plans_of(micro_batch=4, checkpointing="full")
    found = footprint(decoder("tied"), LORA, Software(loss=loss), plans, 1024)
    memory = peak_memory(found, values)
    assert memory.moment[0] == 0
    expected = float(found.outside[0]) + (per_word - 12) * 49_152 * 4 * 1024
    assert memory.lines["logits_and_loss"][0] == pytest.approx(expected)
    assert expected > 0.9 * per_word * 49_152 * 4 * 1024


# ---------------------------------------------------------------------------------------- messages


def fleet(make_offer: MakeOffer, **changes: Any) -> Fleet:
    return fleet_of([make_offer(**({"gpus": 8} | changes))])


def sent(
    make_offer: MakeOffer,
    method: Method,
    plans: Plans,
    length: int = 1024,
    model: str = "llama",
    software: Software = MIXED,
    **offer: Any,
) -> Messages:
    return messages(decoder(model), method, software, fleet(make_offer, **offer), plans, length)


@pytest.mark.parametrize(
    ("method", "strategy", "every_micro_batch", "every_step"),
    [
        # A ring of 8 sends seven eighths of what it gathers or scatters, twice that to reduce.
        ("full", "ddp", 0, 2 * 2 * P),
        ("lora", "ddp", 0, 2 * 4 * A),
        ("qlora", "ddp", 0, 2 * 4 * A),
        ("full", "zero1", 0, 2 * P + 2 * P),
        ("full", "zero2", 2 * P, 2 * P),
        ("full", "fsdp", 2 * 2 * P + 2 * P, 0),
        ("lora", "fsdp", 2 * (2 * P + 4 * A) + 4 * A, 0),
        (
            "qlora",
            "fsdp",
            2 * (0.5 * 32 * BLOCK_LINEARS + 2 * (P - 32 * BLOCK_LINEARS) + 4 * A) + 4 * A,
            0,
        ),
    ],
)
def test_bytes_of_data_parallel_rings(
    make_offer: MakeOffer, method: str, strategy: str, every_micro_batch: float, every_step: float
) -> None:
    found = sent(make_offer, METHODS[method], plans_of(strategy, gpus=8))
    assert found.data_bytes[0] == pytest.approx(every_micro_batch * 7 / 8, rel=1e-12)
    assert found.step_bytes[0] == pytest.approx(every_step * 7 / 8, rel=1e-12)


def test_one_gpu_sends_nothing(make_offer: MakeOffer) -> None:
    for method in METHODS.values():
        found = sent(make_offer, method, plans_of(), gpus=1)
        parts = (found.data_bytes, found.step_bytes, found.tensor_bytes, found.context_bytes)
        assert [float(part[0]) for part in parts] == [0, 0, 0, 0]


def test_bytes_of_tensor_groups(make_offer: MakeOffer) -> None:
    """Four all-reduces of the residual stream in each of 32 blocks, two more where recomputed."""
    stream = 2 * 4096 * (2 * 1024)
    for again, times in (("none", 4), ("selective", 4), ("full", 6)):
        plans = plans_of("zero1", gpus=8, tensor=4, micro_batch=2, checkpointing=again)
        found = sent(make_offer, FULL, plans)
        assert found.tensor_bytes[0] == 32 * times * 2 * stream * 3 / 4


def test_bytes_of_context_groups(make_offer: MakeOffer) -> None:
    """Three neighbours' keys and values of a quarter of the tokens, and the gradients of both."""
    found = sent(make_offer, FULL, plans_of("zero1", gpus=8, context=4), 8192)
    assert found.context_bytes[0] == 32 * (2 * 2 * 4096) * (8192 / 4) * 3 * 3


def test_bytes_of_expert_groups(make_offer: MakeOffer) -> None:
    """Two visits a token, out and back, forward and backward; one rank of eight is at home."""
    plans = plans_of("zero1", gpus=8, expert=8)
    found = sent(make_offer, FULL, plans, model="mixture")
    assert found.expert_bytes[0] == 4 * (2 * 512 * 1024) * (4 * 2) * 7 / 8
    # Gradients of the experts are reduced by their own ranks only: here by none.
    experts = 4 * 8 * 3 * 512 * 1024
    rest = decoder("mixture").parameter_count - experts
    assert found.step_bytes[0] == pytest.approx((2 + 2) * (rest + experts / 8) * 7 / 8)


INSIDE, CARD = 450e9, 50e9


@pytest.mark.parametrize(
    ("groups", "nodes", "expected"),
    [
        ({}, 1, INSIDE * 0.5),
        # Eight network cards of 50 GB/s together, and slower than the link inside.
        ({}, 2, 8 * CARD * 0.25),
        # Eight tensor ranks have a ring each, and share the cards.
        ({"tensor": 8}, 2, CARD * 0.25),
        ({"tensor": 2}, 4, 4 * CARD * 0.25),
        # Pipeline stages are spread first: four replicas of two GPUs are in one instance.
        ({"tensor": 2, "pipeline": 4}, 4, INSIDE * 0.5),
        ({"tensor": 2, "pipeline": 2}, 4, 4 * CARD * 0.25),
        ({"tensor": 2, "context": 4, "pipeline": 4}, 4, INSIDE * 0.5),
    ],
)
def test_bandwidth_of_data_parallel_rings(
    make_offer: MakeOffer,
    constants: ConstantValues,
    groups: dict[str, int],
    nodes: int,
    expected: float,
) -> None:
    plans = plans_of("zero1", gpus=8 * nodes, nodes=nodes, **groups)
    work = worked(make_offer, FULL, plans)
    values = {**constants, "fabric_efficiency": 0.5, "network_efficiency": 0.25}
    assert data_bus_bytes_per_s(work, values)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("key", "link", "expected"),
    [
        ("H100-SXM-80GB", "nvlink", 450e9 * 0.6),
        ("L40S-48GB", "pcie", 450e9 * 0.35),
        ("RTX-4090-24GB", "pcie", 450e9 * 0.12),
    ],
)
def test_bandwidth_inside_an_instance(
    make_offer: MakeOffer, constants: ConstantValues, key: str, link: str, expected: float
) -> None:
    work = worked(make_offer, FULL, plans_of("fsdp", gpus=8), accelerator=key, intra_node_link=link)
    assert data_bus_bytes_per_s(work, constants)[0] == pytest.approx(expected)
    one = worked(make_offer, FULL, plans_of(), gpus=1)
    assert data_bus_bytes_per_s(one, constants)[0] == np.inf


def test_groups_that_span_instances(make_offer: MakeOffer) -> None:
    """Context rings leave an instance where they do not fit beside the tensor groups; of a group of
    16 experts on instances of 8, half of what is sent leaves."""
    plans = plans_of("zero1", gpus=32, nodes=4, tensor=[4, 4, 8], context=[2, 4, 2])
    assert sent(make_offer, FULL, plans, 8192).context_network.tolist() == [0, 1, 1]
    plans = plans_of("zero1", gpus=32, nodes=4, expert=[1, 8, 16, 32])
    found = sent(make_offer, FULL, plans, model="mixture")
    assert found.expert_network.tolist() == [0, 0, 1 / 2, 3 / 4]
    assert set(found.gpu_network_bytes_per_s) == {CARD}


# -------------------------------------------------------------------------------------------- time


def worked(
    make_offer: MakeOffer,
    method: Method,
    plans: Plans,
    length: int = 1024,
    model: str = "llama",
    software: Software = MIXED,
    **offer: Any,
) -> Work:
    changes = {"gpus": max(1, int(plans.gpus[0]) // int(plans.nodes[0]))} | offer
    found = fleet(make_offer, **changes)
    return step_work(decoder(model), method, software, found, plans, length)


def test_flop_bytes_and_weights_of_a_micro_batch(make_offer: MakeOffer) -> None:
    """Six FLOP a weight and token; scores and values 4 T S q a block forward, 2.5 times that
    backward, of which a causal kernel does half."""
    tokens = 2 * 1024
    work = worked(make_offer, FULL, plans_of(micro_batch=2))
    assert work.dense_flop[0] == pytest.approx(6 * tokens * (32 * BLOCK_LINEARS + TABLE))
    assert work.attention_flop[0] == pytest.approx(32 * 4 * tokens * 1024 * 4096 * 3.5 / 2)
    assert work.expert_flop[0] == 0
    # Weights are read forward and backward, their gradients are read and written.
    assert work.weight_bytes[0] == 2 * 4 * (32 * BLOCK_LINEARS + TABLE)
    assert work.loss_bytes[0] == 32_000 * tokens
    # In 4 bits half a byte is read and two written, forward and backward.
    lora, qlora = (worked(make_offer, m, plans_of()) for m in (LORA, QLORA))
    assert lora.quantized_bytes[0] == 0
    assert qlora.quantized_bytes[0] == 2 * 2.5 * 32 * BLOCK_LINEARS
    # Adapters in fp32 read 10 bytes of each input and move 18 of each output, forward; twice that
    # backward. Inputs are 6 x 4,096 and 11,008 wide, outputs 5 x 4,096 and 2 x 11,008.
    forward = 32 * (10 * (6 * 4096 + 11008) + 18 * (5 * 4096 + 2 * 11008))
    assert lora.adapter_bytes[0] == 3 * 1024 * forward


@pytest.mark.parametrize(
    ("stages", "micro_batches", "chunks", "idle"),
    [(1, 8, 1, 0), (4, 8, 1, 3 / 8), (4, 8, 2, 3 / 16), (8, 1, 1, 7)],
)
def test_the_bubble_of_a_pipeline(
    make_offer: MakeOffer,
    constants: ConstantValues,
    stages: int,
    micro_batches: int,
    chunks: int,
    idle: float,
) -> None:
    """(s - 1) / (m v): Narayanan et al., arXiv:2104.04473, section 2.2."""
    plans = plans_of("zero1", gpus=8, pipeline=stages, accumulation=micro_batches)
    megatron = Software(stack="megatron")
    of = step_work(
        decoder("llama"), FULL, megatron, fleet(make_offer), plans, 4096, virtual_pipeline=chunks
    )
    assert of.bubble[0] == idle
    times = step_times(of, {**constants, "communication_overlap": 1.0, "kernel_launch_us": 1e-9})
    busy = times.matrix_products[0] + times.attention[0] + times.memory_bound[0]
    assert times.overhead[0] == pytest.approx(idle * busy, rel=1e-6)


def test_what_a_causal_kernel_computes() -> None:
    """Half of the scores; with a window of w keys of S, w/S (1 - w/2S)."""
    assert causal_fraction(decoder("llama"), 4096) == 0.5
    window = decoder("window")  # 4,096 keys
    assert causal_fraction(window, 2048) == causal_fraction(window, 4096) == 0.5
    assert causal_fraction(window, 16_384) == pytest.approx(1 / 4 * (1 - 1 / 8))
    # The exact sum over queries differs by the diagonal alone.
    exact = sum(min(i + 1, 4096) for i in range(16_384)) / 16_384**2
    assert causal_fraction(window, 16_384) == pytest.approx(exact, rel=2e-4)


def test_casts_to_fp8(make_offer: MakeOffer) -> None:
    """Each input and output gradient: read in 16 bits, written in 8, and again transposed."""
    widths = 4 * (4096 + 4096) + 2 * (4096 + 11008) + (11008 + 4096)
    fp8 = Software(compute="fp8")
    plain, cast = (
        worked(make_offer, FULL, plans_of(), software=software) for software in (MIXED, fp8)
    )
    assert cast.elementwise_bytes[0] - plain.elementwise_bytes[0] == pytest.approx(
        4 * 32 * widths * 1024
    )
    assert cast.peak_flop_per_s[0] == 2 * plain.peak_flop_per_s[0] == 2 * 989e12
    # An A100 has no fp8: nothing changes.
    old = worked(make_offer, FULL, plans_of(), software=fp8, accelerator="A100-SXM-80GB")
    assert old.peak_flop_per_s[0] == 989e12
    assert old.elementwise_bytes[0] == plain.elementwise_bytes[0]


def _efficiency(
    make_offer: MakeOffer, constants: ConstantValues, key: str, tflop_per_s: float, watts: float
) -> float:
    """Share of peak that products reach on a card."""
    work = worked(
        make_offer, FULL, plans_of(), accelerator=key, tflop_per_s=tflop_per_s, watts=watts
    )
    return float(matmul_efficiency(work, constants)[0])


def test_power_limits_products(make_offer: MakeOffer, constants: ConstantValues) -> None:
    """An L40S has 2.2 times the peak of an RTX 4090 and 350 W against 450: 1.9 pJ a FLOP leave it
    0.51 of 362 TFLOP/s, while the 4090 comes to its ceiling of 1.0; so it is a ninth faster."""
    l40s = _efficiency(make_offer, constants, "L40S-48GB", 362.0, 350)
    rtx = _efficiency(make_offer, constants, "RTX-4090-24GB", 165.2, 450)
    assert constants["matmul_pj_per_flop_graphics"] == 1.9
    assert pytest.approx(0.509, abs=0.001) == 350 / (1.9e-12 * 362e12)
    # The lower of both limits, a little less where they are near.
    assert l40s == pytest.approx((0.83**-8 + 0.5089**-8) ** (-1 / 8), rel=1e-3)
    assert 0.50 < l40s < 0.509
    assert pytest.approx(1.434, abs=0.001) == 450 / (1.9e-12 * 165.2e12)
    assert rtx == pytest.approx((1.0**-8 + 1.4337**-8) ** (-1 / 8), rel=1e-3)
    assert l40s * 362 / (rtx * 165.2) == pytest.approx(1.12, abs=0.02)
    # Watts do not matter where the clock is the limit.
    assert _efficiency(make_offer, constants, "A100-SXM-80GB", 312.0, 1e6) == pytest.approx(0.83)


@pytest.mark.parametrize(
    ("method", "software", "per_parameter"),
    [
        # Read gradient, states and masters; write states, masters and 16-bit weights.
        (FULL, MIXED, 2 + 2 * 8 + 2 * 4 + 2),
        (FULL, Software(precision="fp32-gradients"), 4 + 2 * 8 + 2 * 4 + 2),
        (LORA, MIXED, 4 + 2 * 8 + 2 * 4 + 2),
    ],
)
@pytest.mark.parametrize("strategy", ["single", "ddp", "zero1", "zero2", "fsdp"])
def test_bytes_of_an_update(
    make_offer: MakeOffer, method: Method, software: Software, per_parameter: float, strategy: str
) -> None:
    gpus = 1 if strategy == "single" else 8
    work = worked(make_offer, method, plans_of(strategy, gpus=gpus), software=software)
    trained = P if method is FULL else A
    shards = gpus if strategy.startswith(("zero", "fsdp")) else 1
    assert work.update_bytes[0] == pytest.approx(per_parameter * trained / shards)


def test_offload_crosses_pcie(make_offer: MakeOffer) -> None:
    """Gradients down and weights up once a step; weights twice for each micro-batch."""
    plans = plans_of("fsdp", gpus=8, accumulation=4, offload=[0, 1, 2])
    work = worked(make_offer, FULL, plans)
    optimizer = 2 * 2 * P / 8 / 4
    assert work.host_link_bytes == pytest.approx([0, optimizer, optimizer + 2 * 2 * P / 8])
    assert work.update_bytes.tolist() == [28 * P / 8, 0, 0]
    assert work.host_update_bytes.tolist() == [0, 28 * P / 8, 28 * P / 8]
    # A context group shards weights like any other rank.
    plans = plans_of("fsdp", gpus=8, context=2, offload="parameters")
    work = worked(make_offer, FULL, plans)
    assert work.host_link_bytes[0] == pytest.approx(2 * 2 * P / 8 + 2 * 2 * P / 8)


def test_a_step_by_hand(make_offer: MakeOffer, constants: ConstantValues) -> None:
    """Full fine-tuning on one GPU of 989 TFLOP/s and 3,000 GB/s, three micro-batches of 1,024."""
    values = {
        **constants,
        "matmul_ceiling": 0.5,
        "matmul_pj_per_flop_hopper": 0.05,  # no power limit
        "attention_flash_2": 0.4,
        "attention_hopper": 0.5,
        "memory_bandwidth_efficiency": 0.8,
        "elementwise_eager": 2.0,
        "loss_bytes_per_word": 20.0,
        "kernel_launch_us": 1e-9,
        "optimizer_passes": 1.5,
        "trainer_step_s": 0.25,
    }
    work = worked(make_offer, FULL, plans_of(accumulation=3))
    times = step_times(work, values)
    flop = 6 * 1024 * (32 * BLOCK_LINEARS + TABLE)
    scores = 32 * 4 * 1024 * 1024 * 4096 * 3.5 / 2
    moved = 2.0 * float(work.elementwise_bytes[0]) + 20.0 * 32_000 * 1024
    assert times.matrix_products[0] == pytest.approx(3 * flop / (0.5 * 989e12), rel=1e-6)
    assert times.attention[0] == pytest.approx(3 * scores / (0.2 * 989e12))
    assert times.memory_bound[0] == pytest.approx(3 * moved / (0.8 * 3000e9))
    assert times.optimizer[0] == pytest.approx(1.5 * 28 * P / (0.8 * 3000e9))
    assert times.communication[0] == 0
    assert times.overhead[0] == pytest.approx(0.25, rel=1e-6)


def test_a_tiny_step_takes_its_launches(make_offer: MakeOffer, constants: ConstantValues) -> None:
    work = worked(make_offer, FULL, plans_of(accumulation=3), length=64, model="gpt2")
    values = {**constants, "kernel_launch_us": 1000.0, "trainer_step_s": 0.0}
    times = step_times(work, values)
    busy = times.total[0] - times.optimizer[0]
    assert busy == pytest.approx(3 * 1e-3 * float(work.kernels[0]), rel=1e-3)


@pytest.mark.parametrize("strategy", ["ddp", "zero2", "fsdp"])
def test_communication_hides_behind_computation(
    make_offer: MakeOffer, constants: ConstantValues, strategy: str
) -> None:
    """Up to 0.7 of it, and never more than there is computation."""
    values = {**constants, "communication_overlap": 0.7, "fabric_efficiency": 0.5}
    per_micro, per_step = {"ddp": (0, 4), "zero2": (2, 2), "fsdp": (6, 0)}[strategy]
    plans = plans_of(strategy, gpus=8, accumulation=2, micro_batch=8)
    for link in (450e9, 0.5e9):
        work = worked(make_offer, FULL, plans, length=4096, gpus=8, intra_node_bytes_per_s=link)
        times = step_times(work, values)
        computing = float(times.total[0] - times.communication[0] - times.optimizer[0]) - float(
            values["trainer_step_s"] + (strategy != "ddp") * values["sharded_step_s"]
        )
        sending = per_micro * P * 7 / 8 / (0.5 * link)
        at_end = per_step * P * 7 / 8 / (0.5 * link)
        one = computing / 2
        longer, shorter = max(one, sending), min(one, sending)
        expected = 2 * (longer + 0.3 * shorter - one) + 0.3 * at_end
        assert times.communication[0] == pytest.approx(expected, rel=1e-6)
