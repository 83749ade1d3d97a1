"""Memory, traffic and time of a tiny decoder, worked by hand: every figure below is arithmetic.

The decoder: width 8, feed-forward 16, 2 blocks, 2 query heads and 1 key head of width 4, 16 words,
a head of its own.

    linears of a block   q 8x8, k 8x4, v 8x4, o 8x8, gate 8x16, up 8x16, down 16x8      576
    a block              576 + two norms of 8                                           592
    table, head          16 x 8 each                                                    128
    all                  2 x 128 + 2 x 592 + a norm of 8                              1,448
    adapters of rank 2   2 x (16 + 12 + 12 + 16 + 24 + 24 + 24) a block, 2 blocks       512
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from app.estimator.adapters import ALL_LINEARS, Adapters
from app.estimator.architecture import Architecture
from app.estimator.communication import bus_bytes_per_s, collective_bytes
from app.estimator.constants import ConstantValues
from app.estimator.hardware import Offer
from app.estimator.memory import LINE_LABELS, MOMENTS, plan_memory
from app.estimator.methods import Method
from app.estimator.plans import STRATEGIES, Plans, fleet_of
from app.estimator.throughput import StepTimes, step_times

MakeOffer = Callable[..., Offer]

TINY = Architecture("tiny", "llama", 8, 16, 2, 2, 1, 4, 16, False)
FULL = Method("full")
LORA = Method("lora", Adapters(2, ALL_LINEARS))
QLORA = Method("qlora", Adapters(2, ALL_LINEARS))
METHODS = {"full": FULL, "lora": LORA, "qlora": QLORA}
GIB = 2**30


def plan(
    strategy: str, gpus: int, *, accumulation: int = 1, checkpointing: bool = False, nodes: int = 1
) -> Plans:
    return Plans(
        shape=np.array([0]),
        nodes=np.array([nodes]),
        gpus=np.array([gpus]),
        strategy=np.array([STRATEGIES.index(strategy)]),
        micro_batch=np.array([1]),
        accumulation=np.array([accumulation]),
        checkpointing=np.array([checkpointing]),
    )


def test_the_counts_above() -> None:
    assert TINY.linear_weight_count == 576
    assert TINY.block_parameter_count == 592
    assert TINY.embedding_count == TINY.head_count == 128
    assert TINY.parameter_count == FULL.trainable_parameters(TINY) == 1_448
    assert LORA.trainable_parameters(TINY) == QLORA.trainable_parameters(TINY) == 512


# ------------------------------------------------------------------------------------------ memory
#
# One sequence of 4 tokens.
#
# What a block keeps a token, full: 16x8 + 8 + 4x8 + 4x4 + 4x2 + 8x16 = 320 bytes, so 2 x 4 x 320 =
# 2,560. An adapter run keeps 4x8 less for the frozen norms and 2x2x7 more inside the adapters, 316,
# and the first norm of the lowest block, 4x8 + 4 a token, not at all: 2 x 4 x 316 - 4 x 36 = 2,384.
# Recomputed: 2x8 a token and block, 128, and one block again with 4x16 + 2x8 a token of
# temporaries: 128 + 4 x (320 + 80) = 1,728, with adapters 128 + 4 x (316 + 80) = 1,712.
# Loss: log-probabilities and final norm 4 x (4x16 + 8x8 + 12) + rotary table 4x4x4 = 624 (with a
# frozen norm 4 x (4x16 + 4x8 + 12) + 64 = 496), and 8x16x4 = 512 more at its peak.
# Inside the optimizer step: 4 bytes a trained parameter that this GPU holds.
#
# So the three moments are, full: 2,560 + 624 + 512 = 3,696 at the loss (recomputed 1,264), 1,728 in
# a block, 5,792 in the update (1,448 on each of 4 GPUs); adapters: 3,392 at the loss (recomputed
# 1,136), 1,712 in a block, 2,048 in the update (512 on each of 4 GPUs).
#
# QLoRA: 0.5 bytes for 1,152 weights of linears, 2 for the other 296: 1,168. Constants 0.127 bits of
# 1,152 weights, 18.288 bytes; one linear of 128 weights in 16 bits, 256 bytes.
#
# Buffers of FSDP: two blocks of linears in 16 bits, 2 x 2 x 576, table and head 2 x 256: 2,816;
# full fine-tuning also the gradients of a block and of table and head, 2 x 592 + 512: 4,512. In 4
# bits two blocks are 2 x 288: 1,088.

MEMORY = [
    # method, strategy, GPUs, recomputed, moment, weights, adapters, gradients, master weights,
    # states, activations, loss, buffers, quantization
    ("full", "single", 1, True, "update", 2896, 0, 2896, 5792, 11584 + 5792, 0, 0, 0, 0),
    ("full", "ddp", 4, False, "update", 2896, 0, 2896, 5792, 11584 + 5792, 0, 0, 2896, 0),
    ("full", "zero2", 4, False, "loss", 2896, 0, 724, 1448, 2896, 2560, 1136, 5792, 0),
    ("full", "fsdp", 4, True, "block", 724, 0, 724, 1448, 2896, 1728, 0, 4512, 0),
    ("lora", "single", 1, False, "loss", 2896, 2048, 2048, 0, 4096, 2384, 1008, 0, 0),
    ("lora", "ddp", 4, True, "update", 2896, 2048, 2048, 0, 4096 + 2048, 0, 0, 2048, 0),
    ("lora", "zero2", 4, True, "block", 2896, 2048, 512, 0, 1024, 1712, 0, 2048, 0),
    ("lora", "fsdp", 4, False, "loss", 724, 512, 512, 0, 1024, 2384, 1008, 2816, 0),
    ("qlora", "single", 1, False, "loss", 1168, 2048, 2048, 0, 4096, 2384, 1008, 0, 274.288),
    ("qlora", "ddp", 4, True, "update", 1168, 2048, 2048, 0, 4096 + 2048, 0, 0, 2048, 274.288),
    ("qlora", "zero2", 4, True, "block", 1168, 2048, 512, 0, 1024, 1712, 0, 2048, 274.288),
    ("qlora", "fsdp", 4, False, "loss", 292, 512, 512, 0, 1024, 2384, 1008, 1088, 260.572),
]


@pytest.mark.parametrize(
    ("method", "strategy", "gpus", "recomputed", "moment", "expected"),
    [(*row[:5], row[5:]) for row in MEMORY],
    ids=[f"{row[0]}-{row[1]}" for row in MEMORY],
)
def test_memory_line_by_line(
    constants: ConstantValues,
    method: str,
    strategy: str,
    gpus: int,
    recomputed: bool,
    moment: str,
    expected: tuple[float, ...],
) -> None:
    memory = plan_memory(
        TINY,
        METHODS[method],
        plan(strategy, gpus, checkpointing=recomputed),
        4,
        {**constants, "collective_buffers_gib": 0.0, "context_gib": 0.0},
    )
    own = list(expected)
    framework = 0.08 * sum(own)  # fragmentation
    found = {key: float(line[0]) for key, line in memory.lines.items()}
    assert found == pytest.approx(dict(zip(LINE_LABELS, [*own, framework], strict=True)), rel=1e-12)
    assert MOMENTS[int(memory.moment[0])] == moment
    # Context on every GPU, buffers of the collectives on several.
    library = (0.6 if gpus > 1 else 0.0) * GIB
    with_both = plan_memory(
        TINY, METHODS[method], plan(strategy, gpus, checkpointing=recomputed), 4, constants
    )
    assert with_both.lines["buffers"][0] == pytest.approx(own[7] + library, rel=1e-12)
    assert with_both.lines["framework"][0] == pytest.approx(
        0.8 * GIB + 0.08 * (sum(own) + library), rel=1e-12
    )
    assert with_both.total[0] == pytest.approx(0.8 * GIB + 1.08 * (sum(own) + library), rel=1e-12)


def test_buckets_of_zero2_have_an_end(llama_8b: Architecture, constants: ConstantValues) -> None:
    """Two buckets of 500 million 16-bit elements, however many are trained."""
    memory = plan_memory(llama_8b, FULL, plan("zero2", 8), 4, constants)
    assert memory.lines["buffers"][0] == pytest.approx(2 * 2 * 5e8 + 0.6 * GIB)


# ----------------------------------------------------------------------------------------- traffic
#
# Gradients: 2 x 1,448 = 2,896 bytes, of adapters 4 x 512 = 2,048. Weights: 2,896; with adapters
# 2,896 + 2,048 = 4,944; in 4 bits 1,168 + 2,048 = 3,216. A ring of 4 sends three quarters of it.


@pytest.mark.parametrize(
    ("method", "strategy", "accumulation", "sent"),
    [
        # All-reduced once: twice the gradients, however many micro-batches.
        ("full", "ddp", 3, 2 * 2896 * 3 / 4),  # 4,344
        ("lora", "ddp", 3, 2 * 2048 * 3 / 4),  # 3,072
        ("qlora", "ddp", 1, 2 * 2048 * 3 / 4),
        # Scattered for every micro-batch, updated weights gathered once.
        ("full", "zero2", 1, (2896 + 2896) * 3 / 4),  # 4,344
        ("full", "zero2", 3, (3 * 2896 + 2896) * 3 / 4),  # 8,688
        ("lora", "zero2", 3, (3 * 2048 + 2048) * 3 / 4),  # 6,144
        # All weights gathered twice and gradients scattered, for every micro-batch.
        ("full", "fsdp", 1, (2 * 2896 + 2896) * 3 / 4),  # 6,516
        ("full", "fsdp", 3, 3 * (2 * 2896 + 2896) * 3 / 4),  # 19,548
        ("lora", "fsdp", 3, 3 * (2 * 4944 + 2048) * 3 / 4),  # 26,856
        ("qlora", "fsdp", 3, 3 * (2 * 3216 + 2048) * 3 / 4),  # 19,080
    ],
)
def test_bytes_that_a_gpu_sends(method: str, strategy: str, accumulation: int, sent: float) -> None:
    plans = plan(strategy, 4, accumulation=accumulation)
    assert collective_bytes(TINY, METHODS[method], plans)[0] == sent


def test_one_gpu_sends_nothing() -> None:
    for method in METHODS.values():
        assert collective_bytes(TINY, method, plan("single", 1))[0] == 0


@pytest.mark.parametrize(
    ("link", "gpus", "nodes", "network", "expected"),
    [
        ("nvlink", 8, 1, 50e9, 0.75 * 450e9),
        # Eight network cards of 50 GB/s are slower than the link inside.
        ("nvlink", 8, 2, 50e9, 0.75 * 400e9),
        ("nvlink", 8, 2, 100e9, 0.75 * 450e9),
        ("pcie", 8, 1, 50e9, 0.25 * 450e9),
        ("pcie", 8, 2, 50e9, 0.25 * 450e9),
        ("none", 1, 2, 50e9, 0.75 * 50e9),
        ("none", 1, 1, 50e9, np.inf),
    ],
)
def test_bandwidth_of_a_ring(
    make_offer: MakeOffer,
    constants: ConstantValues,
    link: str,
    gpus: int,
    nodes: int,
    network: float,
    expected: float,
) -> None:
    fleet = fleet_of([make_offer(gpus=gpus, network=network, intra_node_link=link)])
    plans = plan("fsdp" if gpus * nodes > 1 else "single", gpus * nodes, nodes=nodes)
    assert bus_bytes_per_s(fleet, plans, constants)[0] == pytest.approx(expected)


# -------------------------------------------------------------------------------------------- time
#
# A GPU of 989 TFLOP/s, of which matrix products reach 0.65 and attention 0.6 of that, and
# 3,000 GB/s, of which 0.8 are reached. One sequence; every part takes a tenth more outside kernels.

PRODUCTS = 0.65 * 989e12
ATTENTION = 0.6 * PRODUCTS
MEMORY_SPEED = 0.8 * 3000e9


def times(
    make_offer: MakeOffer,
    constants: ConstantValues,
    method: Method,
    plans: Plans,
    length: int,
    *,
    launch_s: float = 0.0,
    **offer: object,
) -> StepTimes:
    fleet = fleet_of([make_offer(gpus=int(plans.gpus[0]), **offer)])
    return step_times(TINY, method, fleet, plans, length, {**constants, "block_launch_s": launch_s})


def shown(found: StepTimes) -> dict[str, float]:
    parts = ("matrix_products", "attention", "memory_bound", "communication", "optimizer")
    values = {part: float(getattr(found, part)[0]) for part in parts}
    assert float(found.total[0]) == pytest.approx(sum(values.values()), rel=1e-12)
    return values


def test_a_step_of_full_fine_tuning(make_offer: MakeOffer, constants: ConstantValues) -> None:
    """4,096 tokens, 3 micro-batches, nothing recomputed."""
    tokens = 4096
    found = times(make_offer, constants, FULL, plan("single", 1, accumulation=3), tokens)
    # 2 FLOP a weight and token forward, 4 backward; 2 blocks of 576 and a head of 128.
    linear = 6 * tokens * (2 * 576 + 128)
    # Scores and values 4 T S q a block forward, 2.5 times that backward; a causal kernel does half.
    attention = 2 * 4 * tokens * tokens * 8 * (1 + 2.5) / 2
    # What 2 blocks keep crosses memory 5 times, 12 bytes a word are written and read.
    moved = tokens * (2 * 320 * 5 + 2 * 12 * 16)
    assert shown(found) == pytest.approx(
        {
            "matrix_products": 1.1 * 3 * linear / PRODUCTS,
            "attention": 1.1 * 3 * attention / ATTENTION,
            "memory_bound": 1.1 * 3 * moved / MEMORY_SPEED,
            "communication": 0.0,
            # Read 2 + 4 + 4 + 4, written 4 + 4 + 4 + 2 bytes a parameter, once a step.
            "optimizer": 1.1 * 28 * 1448 / MEMORY_SPEED,
        },
        rel=1e-12,
    )


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_a_step_with_adapters(
    make_offer: MakeOffer, constants: ConstantValues, method: str
) -> None:
    """4,096 tokens, 3 micro-batches, every block recomputed."""
    tokens = 4096
    plans = plan("single", 1, accumulation=3, checkpointing=True)
    found = times(make_offer, constants, METHODS[method], plans, tokens)
    forward = 2 * (2 * 576 + 2 * 256) + 2 * 128
    backward = 2 * (2 * 576 + 4 * 256) + 2 * 128  # no gradients of frozen weights
    again = 2 * (2 * 576 + 2 * 256 - 2 * 2 * 8)  # all but the last product of the last adapter
    linear = tokens * (forward + backward + again)
    attention = 2 * 4 * tokens * tokens * 8 * (1 + 2.5 + 1) / 2
    # Two passes more for recomputation. Adapters: 2 bytes in and 6 out, over all linears
    # 2 x (6 x 8 + 16) + 6 x (8 + 4 + 4 + 8 + 16 + 16 + 8) = 512, in four passes.
    moved = tokens * (2 * 320 * (5 + 2) + 2 * 12 * 16 + 2 * 512 * 4)
    if method == "qlora":
        # In each of three passes half a byte is read and two written a weight, 5 times as slow.
        moved += 5 * 3 * 2.5 * 1152
    assert shown(found) == pytest.approx(
        {
            "matrix_products": 1.1 * 3 * linear / PRODUCTS,
            "attention": 1.1 * 3 * attention / ATTENTION,
            "memory_bound": 1.1 * 3 * moved / MEMORY_SPEED,
            "communication": 0.0,
            "optimizer": 1.1 * 28 * 512 / MEMORY_SPEED,
        },
        rel=1e-12,
    )


@pytest.mark.parametrize(
    ("method", "recomputed", "passes"),
    # Forward and backward; again where recomputed; gradients are read and written for full.
    [("full", False, 4), ("full", True, 5), ("lora", False, 2), ("lora", True, 3)],
)
def test_products_are_never_faster_than_their_weights_are_read(
    make_offer: MakeOffer, constants: ConstantValues, method: str, recomputed: bool, passes: int
) -> None:
    plans = plan("single", 1, checkpointing=recomputed)
    found = times(make_offer, constants, METHODS[method], plans, 4)
    assert found.matrix_products[0] == pytest.approx(1.1 * passes * 2 * 1448 / MEMORY_SPEED)


def test_a_tiny_step_takes_the_launches_of_its_blocks(
    make_offer: MakeOffer, constants: ConstantValues
) -> None:
    plans = plan("single", 1, accumulation=3)
    found = shown(times(make_offer, constants, FULL, plans, 4, launch_s=6e-4))
    computing = found["matrix_products"] + found["attention"] + found["memory_bound"]
    assert computing == pytest.approx(1.1 * 3 * 2 * 6e-4)


@pytest.mark.parametrize("strategy", ["ddp", "zero2", "fsdp"])
def test_communication_hides_behind_computation(
    make_offer: MakeOffer, constants: ConstantValues, strategy: str
) -> None:
    """Up to 0.7 of it, and never more than there is computation."""
    plans = plan(strategy, 8, accumulation=3)
    sent = {"ddp": 2, "zero2": 4, "fsdp": 9}[strategy] * 2896 * 7 / 8
    much = shown(times(make_offer, constants, FULL, plans, 4096))
    assert much["communication"] == pytest.approx(1.1 * 0.3 * sent / (0.75 * 450e9))
    slow = {"intra_node_link": "pcie", "intra_node_bytes_per_s": 1e9}
    little = shown(times(make_offer, constants, FULL, plans, 4, **slow))
    computing = little["matrix_products"] + little["attention"] + little["memory_bound"]
    assert 0.7 * 1.1 * sent / 0.25e9 > computing
    assert little["communication"] == pytest.approx(1.1 * sent / 0.25e9 - computing)
    # Each GPU updates its share, except in DDP.
    updated = 1448 if strategy == "ddp" else 1448 / 8
    assert much["optimizer"] == pytest.approx(1.1 * 28 * updated / MEMORY_SPEED)
