"""The space of plans, and what memory and time must do when a plan changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.adapters import ALL_LINEARS, Adapters
from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues
from app.estimator.hardware import Offer
from app.estimator.memory import LINE_LABELS, Memory, plan_memory
from app.estimator.methods import Method
from app.estimator.plans import STRATEGIES, Plans, enumerate_plans, fleet_of

MakeOffer = Callable[..., Offer]


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """Decoders of any shape, small and large."""
    kv_heads = draw(st.integers(1, 8))
    return Architecture(
        name="any",
        model_type="llama",
        hidden_size=64 * draw(st.integers(1, 128)),
        intermediate_size=64 * draw(st.integers(1, 400)),
        num_hidden_layers=draw(st.integers(1, 90)),
        num_attention_heads=kv_heads * draw(st.integers(1, 8)),
        num_key_value_heads=kv_heads,
        head_dim=draw(st.sampled_from([64, 128])),
        vocab_size=draw(st.integers(1000, 260_000)),
        tie_word_embeddings=draw(st.booleans()),
        qk_norm=draw(st.booleans()),
    )


targets = st.sets(st.sampled_from(ALL_LINEARS), min_size=1).map(
    lambda chosen: tuple(name for name in ALL_LINEARS if name in chosen)
)
adapters = st.builds(Adapters, st.integers(1, 256), targets)
methods = st.one_of(
    st.just(Method("full")),
    st.builds(Method, st.just("lora"), adapters),
    st.builds(Method, st.just("qlora"), adapters),
)


def layouts(
    strategy: str, gpus: list[int], *, micro_batch: int = 1, checkpointing: bool = True
) -> Plans:
    """Plans that differ in their number of GPUs."""
    n = len(gpus)
    return Plans(
        shape=np.zeros(n, dtype=np.int64),
        nodes=np.ones(n, dtype=np.int64),
        gpus=np.array(gpus, dtype=np.int64),
        strategy=np.full(n, STRATEGIES.index(strategy)),
        micro_batch=np.full(n, micro_batch),
        accumulation=np.ones(n, dtype=np.int64),
        checkpointing=np.full(n, checkpointing),
    )


@given(
    per_instance=st.lists(st.sampled_from([1, 2, 4, 8]), min_size=1, max_size=3, unique=True),
    joined=st.booleans(),
    max_gpus=st.integers(1, 300),
    global_batch=st.integers(1, 300),
)
@hypothesis_settings(max_examples=60)
def test_plans_keep_to_the_limits(
    make_offer: MakeOffer, per_instance: list[int], joined: bool, max_gpus: int, global_batch: int
) -> None:
    network = 50e9 if joined else None
    fleet = fleet_of([make_offer(f"o{n}", gpus=n, network=network) for n in per_instance])
    plans = enumerate_plans(fleet, max_gpus=max_gpus, global_batch=global_batch)
    assert (plans.gpus <= max_gpus).all()
    assert (plans.gpus == plans.nodes * fleet.gpus_per_instance[plans.shape]).all()
    assert joined or (plans.nodes == 1).all()
    single = plans.strategy == STRATEGIES.index("single")
    assert ((plans.gpus == 1) == single).all()
    sequences = plans.gpus * plans.micro_batch
    assert (sequences <= global_batch).all()
    assert (plans.accumulation * sequences >= global_batch).all()
    assert ((plans.accumulation - 1) * sequences < global_batch).all()
    rows = set(zip(*(getattr(plans, f.name) for f in dataclasses.fields(plans)), strict=True))
    assert len(rows) == len(plans)
    smallest = min(per_instance)
    assert (len(plans) > 0) == (smallest <= min(max_gpus, global_batch))


def test_offers_of_the_same_hardware_share_a_shape(make_offer: MakeOffer) -> None:
    fleet = fleet_of(
        [
            make_offer("a", gpus=8, usd=20),
            make_offer("b", gpus=1, usd=3),
            make_offer("c", gpus=8, usd=16),
            make_offer("d", gpus=8, usd=16, gib=94),
        ]
    )
    assert fleet.offer_shape.tolist() == [0, 1, 0, 2]
    assert fleet.gpus_per_instance.tolist() == [8, 1, 8]


def _sum_of(memory: Memory, *keys: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.sum([memory.lines[key] for key in keys], axis=0)


@given(
    architecture=architectures(),
    method=methods,
    strategy=st.sampled_from(STRATEGIES[1:]),
    micro_batch=st.sampled_from([1, 4]),
    checkpointing=st.booleans(),
)
def test_memory_lines(
    constants: ConstantValues,
    architecture: Architecture,
    method: Method,
    strategy: str,
    micro_batch: int,
    checkpointing: bool,
) -> None:
    """The lines are always there, in order, never negative, and sum to the total."""
    plans = layouts(strategy, [2, 8], micro_batch=micro_batch, checkpointing=checkpointing)
    memory = plan_memory(architecture, method, plans, 2048, constants)
    assert list(memory.lines) == list(LINE_LABELS)
    lines = np.array(list(memory.lines.values()))
    assert (lines >= 0).all()
    assert lines.sum(axis=0) == pytest.approx(memory.total, rel=1e-12)


@given(
    architecture=architectures(),
    method=methods,
    length=st.sampled_from([256, 2048, 8192]),
    checkpointing=st.booleans(),
)
def test_sharding_over_more_gpus_never_needs_more(
    constants: ConstantValues,
    architecture: Architecture,
    method: Method,
    length: int,
    checkpointing: bool,
) -> None:
    plans = layouts("fsdp", [2, 4, 8, 16, 64, 256], checkpointing=checkpointing)
    total = plan_memory(architecture, method, plans, length, constants).total
    assert (np.diff(total) <= 1e-9 * total[0]).all()


@given(architecture=architectures(), method=methods, gpus=st.sampled_from([2, 8, 64]))
def test_each_stage_shards_more(
    constants: ConstantValues, architecture: Architecture, method: Method, gpus: int
) -> None:
    states = ("weights", "adapters", "gradients", "master_weights", "optimizer_states")
    ddp, zero2, fsdp = (
        float(
            _sum_of(
                plan_memory(architecture, method, layouts(name, [gpus]), 2048, constants), *states
            )[0]
        )
        for name in ("ddp", "zero2", "fsdp")
    )
    assert fsdp < zero2 < ddp


@given(
    architecture=architectures(),
    method=methods,
    lengths=st.tuples(st.integers(64, 30_000), st.integers(64, 30_000)).map(sorted),
    checkpointing=st.booleans(),
    strategy=st.sampled_from(STRATEGIES),
)
def test_longer_sequences_never_need_less(
    constants: ConstantValues,
    architecture: Architecture,
    method: Method,
    lengths: list[int],
    checkpointing: bool,
    strategy: str,
) -> None:
    plans = layouts(strategy, [1 if strategy == "single" else 8], checkpointing=checkpointing)
    short, long = (
        float(plan_memory(architecture, method, plans, length, constants).total[0])
        for length in lengths
    )
    assert short <= long * (1 + 1e-12)


@given(
    architecture=architectures(),
    method=methods,
    length=st.sampled_from([512, 4096]),
    checkpointing=st.booleans(),
)
def test_smaller_micro_batches_never_need_more(
    constants: ConstantValues,
    architecture: Architecture,
    method: Method,
    length: int,
    checkpointing: bool,
) -> None:
    totals = []
    for micro_batch in (1, 2, 4):
        plans = layouts("single", [1], micro_batch=micro_batch, checkpointing=checkpointing)
        totals.append(float(plan_memory(architecture, method, plans, length, constants).total[0]))
    assert totals == sorted(totals)


def test_recomputation_spares_activations(
    llama_8b: Architecture, constants: ConstantValues
) -> None:
    kept, recomputed = (
        plan_memory(
            llama_8b,
            Method("full"),
            layouts("single", [1], micro_batch=4, checkpointing=checkpointing),
            2048,
            constants,
        ).lines["activations"][0]
        for checkpointing in (False, True)
    )
    assert recomputed < kept / 10


@given(architecture=architectures(), wanted=targets)
def test_adapters_below_the_full_rank_train_less_than_everything(
    architecture: Architecture, wanted: tuple[str, ...]
) -> None:
    """A product of two matrices is smaller than their product while r < in out / (in + out)."""
    rank = min(
        linear.weight_count // (linear.in_features + linear.out_features)
        for linear in architecture.linears
    )
    lora = Method("lora", Adapters(max(1, rank), wanted))
    assert lora.trainable_parameters(architecture) <= architecture.parameter_count
    more = Method("lora", Adapters(max(1, rank) + 1, wanted))
    assert more.trainable_parameters(architecture) > lora.trainable_parameters(architecture)


def test_adam_in_mixed_precision_takes_sixteen_bytes_a_parameter(
    llama_8b: Architecture, constants: ConstantValues
) -> None:
    """2 weights + 2 gradients + 4 master + 8 states: Rajbhandari et al., arXiv:1910.02054, 3.1."""
    plans = layouts("ddp", [8], micro_batch=8, checkpointing=True)
    memory = plan_memory(llama_8b, Method("full"), plans, 4096, constants)
    held = _sum_of(memory, "weights", "gradients", "master_weights", "optimizer_states")
    # The peak is around the loss here, so no temporary of the optimizer is among the states.
    assert memory.lines["logits_and_loss"][0] > 0
    assert held[0] == 16 * llama_8b.parameter_count
