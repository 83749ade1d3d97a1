"""The space of plans: every one could be launched, none is there twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.fleet import fleet_of
from app.estimator.hardware import Offer
from app.estimator.plans import (
    CHECKPOINTING,
    MICRO_BATCHES,
    NODE_COUNTS,
    OFFLOADS,
    STRATEGIES,
    Layout,
    Plans,
    Space,
    distinct,
    enumerate_plans,
    layouts_of,
)
from app.estimator.software import Software
from tests.estimator.planning import CONFIGS, decoder, plans_of

MakeOffer = Callable[..., Offer]


def rows_of(plans: Plans) -> list[tuple[int, ...]]:
    names = [field.name for field in dataclasses.fields(plans) if field.name != "alike"]
    columns = (getattr(plans, name).tolist() for name in names)
    return list(zip(*columns, strict=True))


@given(
    per_instance=st.lists(st.sampled_from([1, 2, 3, 4, 8]), min_size=1, max_size=3, unique=True),
    joined=st.booleans(),
    max_gpus=st.integers(1, 300),
    global_batch=st.integers(1, 300),
    model=st.sampled_from(sorted(CONFIGS)),
    stack=st.sampled_from(["transformers", "fsdp", "megatron"]),
)
@hypothesis_settings(max_examples=60)
def test_every_plan_could_be_launched_and_none_is_there_twice(
    make_offer: MakeOffer,
    per_instance: list[int],
    joined: bool,
    max_gpus: int,
    global_batch: int,
    model: str,
    stack: str,
) -> None:
    network = 50e9 if joined else None
    fleet = fleet_of([make_offer(f"o{n}", gpus=n, network=network) for n in per_instance])
    architecture, length = decoder(model), 8192
    space = Space(layouts_of(architecture, Software(stack=stack), length))
    plans = enumerate_plans(fleet, space, max_gpus=max_gpus, global_batch=global_batch)
    inside = fleet.gpus_per_instance[plans.shape]
    assert (plans.gpus == plans.nodes * inside).all()
    assert (plans.gpus <= max_gpus).all()
    assert joined or (plans.nodes == 1).all()
    # Groups: whole replicas, tensor groups inside an instance, experts over data-parallel ranks.
    model_gpus = plans.tensor * plans.pipeline * plans.context
    assert (plans.gpus == model_gpus * plans.replicas).all()
    assert (inside % plans.tensor == 0).all()
    assert ((plans.replicas * plans.context) % plans.expert == 0).all()
    # The model divides: heads, layers, sequence and experts.
    for block in architecture.blocks:
        assert (block.attention.heads % plans.tensor == 0).all()
        experts = max((x.copies for x in block.linears), default=1)
        assert (experts % plans.expert == 0).all()
    largest_stage = -(-architecture.num_hidden_layers // plans.pipeline)
    assert (largest_stage * plans.pipeline <= 1.1 * architecture.num_hidden_layers).all()
    assert (length % plans.context == 0).all()
    # One GPU runs alone, several in a group; offload needs what is offloaded to be sharded.
    assert ((plans.gpus == 1) == plans.uses("single")).all()
    assert (plans.uses("single", "zero2", "fsdp") | (plans.offload != 1)).all()
    assert (plans.uses("single", "fsdp") | (plans.offload != 2)).all()
    # The batch: as few micro-batches as reach it.
    sequences = plans.replicas * plans.micro_batch
    assert (sequences <= global_batch).all()
    assert (plans.accumulation * sequences >= global_batch).all()
    assert ((plans.accumulation - 1) * sequences < global_batch).all()
    rows = rows_of(plans)
    assert len(set(rows)) == len(rows)
    # Plans that share a number are those that differ in their hardware alone.
    assert plans.alike is not None
    pairs = {(number, row[2:]) for number, row in zip(plans.alike.tolist(), rows, strict=True)}
    assert len(pairs) == len(set(plans.alike.tolist())) == len({row[2:] for row in rows})


def test_every_plan_is_there(make_offer: MakeOffer) -> None:
    """Against plain loops."""
    fleet = fleet_of([make_offer("one"), make_offer("four", gpus=4), make_offer("x", network=None)])
    layouts = (*map(Layout, STRATEGIES), Layout("zero1", 2, 2, 1, 1), Layout("zero1", expert=4))
    found = enumerate_plans(fleet, Space(layouts), max_gpus=32, global_batch=10)
    expected = set()
    grid = product(range(3), NODE_COUNTS, layouts, MICRO_BATCHES, range(3), range(3))
    for shape, nodes, x, micro, again, away in grid:
        inside = int(fleet.gpus_per_instance[shape])
        gpus = nodes * inside
        replicas, left = divmod(gpus, x.model_gpus)
        alone = x.strategy == "single"
        joined = nodes == 1 or fleet.inter_node_bytes_per_s[shape] > 0
        if gpus > 32 or left or alone != (gpus == 1) or not joined or inside % x.tensor:
            continue
        if (replicas * x.context) % x.expert or replicas * micro > 10:
            continue
        if away == 1 and x.strategy in ("ddp", "zero1"):
            continue
        if away == 2 and x.strategy in ("ddp", "zero1", "zero2"):
            continue
        steps = -(-10 // (replicas * micro))
        strategy = STRATEGIES.index(x.strategy)
        groups = (x.tensor, x.pipeline, x.context, x.expert)
        expected.add((shape, nodes, gpus, strategy, *groups, micro, steps, again, away))
    assert set(rows_of(found)) == expected
    assert len(expected) > 300


def test_what_a_stack_can_split() -> None:
    plain = layouts_of(decoder("llama"), Software(stack="transformers"), 8192)
    assert [x.strategy for x in plain] == list(STRATEGIES)
    split = layouts_of(decoder("llama"), Software(stack="megatron"), 8192)
    assert {x.tensor for x in split} == {1, 2, 4, 8}
    assert {x.pipeline for x in split} == {1, 2, 4, 8, 16}
    assert {x.context for x in split} == {1, 2, 4}  # 2,048 tokens a rank
    assert {x.expert for x in split} == {1}
    assert {x.expert for x in layouts_of(decoder("mixture"), Software(stack="fsdp"), 2048)} == {
        1,
        2,
        4,
        8,
    }
    # Nine heads; 30 layers in 2 stages of 15, 16 stages would hold two of 1.9 on average.
    odd = layouts_of(decoder("tied"), Software(stack="megatron"), 2048)
    assert {x.tensor for x in odd} == {1}
    assert {x.pipeline for x in odd} == {1, 2, 4, 8, 16}
    assert {x.pipeline for x in layouts_of(decoder("gpt2"), Software(stack="fsdp"), 64)} == {
        1,
        2,
        4,
    }


def test_the_space_can_be_narrowed(make_offer: MakeOffer) -> None:
    fleet = fleet_of([make_offer(gpus=8)])
    space = Space((Layout("fsdp"),), (2,), (CHECKPOINTING.index("full"),), (0,))
    plans = enumerate_plans(fleet, space, max_gpus=8, global_batch=64)
    assert rows_of(plans) == [(0, 1, 8, STRATEGIES.index("fsdp"), 1, 1, 1, 1, 2, 4, 2, 0)]


def test_offers_of_the_same_hardware_share_a_shape(make_offer: MakeOffer) -> None:
    fleet = fleet_of(
        [
            make_offer("a", gpus=8, usd=20),
            make_offer("b", gpus=1, usd=3),
            make_offer("c", gpus=8, usd=16),
            make_offer("d", gpus=8, usd=16, gib=94),
            make_offer("e", gpus=8, usd=16, network=None),
        ]
    )
    assert fleet.offer_shape.tolist() == [0, 1, 0, 2, 3]
    assert fleet.gpus_per_instance.tolist() == [8, 1, 8, 8]
    assert fleet.inter_node_bytes_per_s.tolist() == [400e9, 50e9, 400e9, 0]


@given(st.lists(st.tuples(*[st.integers(1, 3)] * 3), max_size=40))
def test_plans_that_differ_in_their_hardware_alone_are_found(
    columns: list[tuple[int, int, int]],
) -> None:
    if not columns:
        plans = plans_of(shape=np.array([], dtype=int))
    else:
        shape, gpus, offload = np.array(columns).T
        plans = plans_of(shape=shape, nodes=shape, gpus=gpus, offload=offload - 1)
    first, alike = plans.apart_from_hardware()
    keys = [row[2:] for row in rows_of(plans)]
    assert len(first) == len(set(keys))
    assert [keys[first[i]] for i in alike] == keys


@given(st.lists(st.integers(0, 100)) | st.lists(st.integers(0, 10**12)))
def test_distinct_is_unique(values: list[int]) -> None:
    found, place = distinct(np.array(values, dtype=np.int64))
    expected, inverse = np.unique(np.array(values, dtype=np.int64), return_inverse=True)
    assert found.tolist() == (expected.tolist() or [0])
    assert place.tolist() == inverse.tolist()


@pytest.mark.parametrize("names", [(), ("fsdp",), ("single", "zero1")])
def test_uses(names: tuple[str, ...]) -> None:
    plans = plans_of(gpus=[2] * len(STRATEGIES))
    plans = dataclasses.replace(plans, strategy=np.arange(len(STRATEGIES)))
    assert plans.uses(*names).tolist() == [name in names for name in STRATEGIES]
    assert OFFLOADS[0] == CHECKPOINTING[0] == "none"
