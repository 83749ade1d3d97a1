"""What must hold for any decoder, method, software and layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.calibration import RESERVED, uncalibrated
from app.estimator.constants import ConstantValues
from app.estimator.fleet import fleet_of
from app.estimator.hardware import Offer
from app.estimator.memory import LINE_LABELS, MOMENTS, Memory, footprint, peak_memory
from app.estimator.planner import Limits, evaluate, memory_of, plan_run
from app.estimator.plans import STRATEGIES, Layout, Plans, Space, enumerate_plans, layouts_of
from app.estimator.software import COMPUTES, LOSSES, OPTIMIZERS, PRECISIONS, STACKS, Software
from app.estimator.throughput import step_times
from app.estimator.work import step_work
from tests.estimator.planning import CONFIGS, METHODS, data_of, decoder, plans_of, task_of

MakeOffer = Callable[..., Offer]

models = st.sampled_from(sorted(CONFIGS))
methods = st.sampled_from(sorted(METHODS))
lengths = st.sampled_from([256, 1024, 4096])
softwares = st.builds(
    Software,
    stack=st.sampled_from(sorted(STACKS)),
    precision=st.sampled_from(sorted(PRECISIONS)),
    optimizer=st.sampled_from(sorted(OPTIMIZERS)),
    loss=st.sampled_from(sorted(LOSSES)),
    adapter_dtype=st.sampled_from(["fp32", "bf16"]),
    compute=st.sampled_from(COMPUTES),
    looped_experts=st.booleans(),
    multi_tensor_update=st.booleans(),
)
many = hypothesis_settings(max_examples=80)


def memory_for(
    constants: ConstantValues,
    model: str,
    method: str,
    software: Software,
    plans: Plans,
    length: int = 1024,
) -> Memory:
    return peak_memory(
        footprint(decoder(model), METHODS[method], software, plans, length), constants
    )


def every_layout(make_offer: MakeOffer, model: str, software: Software) -> Plans:
    """All plans of a stack on one and on two instances of eight."""
    fleet = fleet_of([make_offer(gpus=8), make_offer("one")])
    space = Space(layouts_of(decoder(model), software, 8192), micro_batches=(1, 4))
    return enumerate_plans(fleet, space, max_gpus=16, global_batch=32)


@given(model=models, method=methods, software=softwares, length=lengths)
@many
def test_lines_sum_to_the_total_at_every_moment(
    make_offer: MakeOffer,
    constants: ConstantValues,
    model: str,
    method: str,
    software: Software,
    length: int,
) -> None:
    plans = every_layout(make_offer, model, software)
    memory = memory_for(constants, model, method, software, plans, length)
    assert list(memory.lines) == list(LINE_LABELS)
    lines = np.array(list(memory.lines.values()))
    assert (lines >= 0).all()
    assert lines.sum(axis=0) == pytest.approx(memory.total, rel=1e-12)
    assert lines[:-1].sum(axis=0) == pytest.approx(memory.allocated, rel=1e-12)
    assert (memory.allocated <= memory.reserved).all()
    assert (memory.reserved <= memory.total).all()
    assert (memory.host >= 0).all()
    assert set(memory.moment) <= set(range(len(MOMENTS)))
    # Whatever is held at the end of the step is held at the peak.
    held = footprint(decoder(model), METHODS[method], software, plans, length)
    resting = held.weights + held.adapters + held.master + held.states + held.quantization
    assert (resting <= memory.allocated * (1 + 1e-12)).all()


@given(model=models, method=methods, software=softwares, length=lengths, again=st.integers(0, 2))
@many
def test_sharding_over_more_gpus_never_needs_more(
    constants: ConstantValues, model: str, method: str, software: Software, length: int, again: int
) -> None:
    plans = plans_of("fsdp", gpus=[2, 4, 8, 16, 64, 256], checkpointing=again)
    total = memory_for(constants, model, method, software, plans, length).total
    assert (np.diff(total) <= 1e-9 * total[0]).all()


@given(
    model=models, method=methods, software=softwares, gpus=st.sampled_from([2, 8, 64]),
    accumulation=st.integers(1, 3),
)  # fmt: skip
@many
def test_each_stage_shards_more(
    model: str, method: str, software: Software, gpus: int, accumulation: int
) -> None:
    def states(strategy: str) -> float:
        plans = plans_of(strategy, gpus=gpus, accumulation=accumulation)
        found = footprint(decoder(model), METHODS[method], software, plans, 256)
        return float(
            (found.weights + found.adapters + found.gradients + found.master + found.states)[0]
        )

    ddp, zero1, zero2, fsdp = map(states, ("ddp", "zero1", "zero2", "fsdp"))
    assert fsdp < zero2 < ddp
    assert zero2 <= zero1 <= ddp


@given(
    model=models,
    method=methods,
    software=softwares,
    # With fewer tokens the gradient of the head is larger than the logits, which a chunked loss
    # spares: that is not told apart.
    longer=st.tuples(st.integers(1024, 9000), st.integers(1024, 9000)).map(sorted),
    more=st.tuples(st.integers(1, 64), st.integers(1, 64)).map(sorted),
    again=st.integers(0, 2),
    strategy=st.sampled_from(STRATEGIES),
)
@many
def test_longer_sequences_and_larger_micro_batches_never_need_less(
    constants: ConstantValues,
    model: str,
    method: str,
    software: Software,
    longer: list[int],
    more: list[int],
    again: int,
    strategy: str,
) -> None:
    gpus = 1 if strategy == "single" else 8

    def total(length: int, micro: int) -> float:
        plans = plans_of(strategy, gpus=gpus, micro_batch=micro, checkpointing=again)
        return float(memory_for(constants, model, method, software, plans, length).total[0])

    few, many_ = (total(longer[0], micro) for micro in more)
    assert few <= many_ * (1 + 1e-12)
    assert few <= total(longer[1], more[0]) * (1 + 1e-12)


@given(model=models, method=methods, software=softwares, length=lengths)
@many
def test_checkpointing_keeps_less(model: str, method: str, software: Software, length: int) -> None:
    plans = plans_of(micro_batch=4, checkpointing=[0, 1, 2])
    kept = footprint(decoder(model), METHODS[method], software, plans, length).blocks
    assert kept[2] <= kept[1]
    assert kept[2] <= kept[0]
    # With adapters, outputs of frozen products would not be kept at all without checkpointing.
    assert kept[1] <= kept[0] or method != "full"


@given(model=models, method=methods, software=softwares, length=lengths)
@many
def test_the_parts_of_a_step_sum_to_it(
    make_offer: MakeOffer,
    constants: ConstantValues,
    model: str,
    method: str,
    software: Software,
    length: int,
) -> None:
    plans = every_layout(make_offer, model, software)
    fleet = fleet_of([make_offer(gpus=8), make_offer("one")])
    work = step_work(decoder(model), METHODS[method], software, fleet, plans, length)
    times = step_times(work, constants)
    parts = np.array(
        [
            times.matrix_products,
            times.attention,
            times.memory_bound,
            times.communication,
            times.optimizer,
            times.overhead,
        ]
    )
    assert np.isfinite(parts).all()
    assert (parts >= -1e-12 * times.total).all()
    assert parts.sum(axis=0) == pytest.approx(times.total, rel=1e-12)
    assert (times.total > 0).all()


@given(
    model=models,
    method=methods,
    software=softwares,
    factor=st.floats(1, 100),
    which=st.sampled_from(["intra_node_bytes_per_s", "network"]),
    link=st.sampled_from(["nvlink", "pcie"]),
)
@many
def test_a_faster_link_is_never_slower(
    make_offer: MakeOffer,
    constants: ConstantValues,
    model: str,
    method: str,
    software: Software,
    factor: float,
    which: str,
    link: str,
) -> None:
    plans = every_layout(make_offer, model, software)
    speed = {"intra_node_bytes_per_s": 30e9, "network": 3e9}

    def total(speed: dict[str, float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        fleet = fleet_of(
            [make_offer(gpus=8, intra_node_link=link, **speed), make_offer("one", **speed)]
        )
        work = step_work(decoder(model), METHODS[method], software, fleet, plans, 1024)
        return step_times(work, constants).total

    faster = total(speed | {which: speed[which] * factor})
    assert (faster <= total(speed) * (1 + 1e-12)).all()


@given(model=models, method=methods, capacity=st.floats(1, 2000), factor=st.floats(1, 10))
@many
def test_a_larger_card_never_runs_out_more_often(
    make_offer: MakeOffer, model: str, method: str, capacity: float, factor: float
) -> None:
    task = task_of(decoder(model), METHODS[method])
    task = replace(task, constants={**task.constants, "largest_oom_probability": 1.0})
    plans = plans_of("fsdp", gpus=8, micro_batch=[1, 4, 16])

    def probability(gib: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        fleet = fleet_of([make_offer(gpus=8, gib=gib)])
        return evaluate(task, fleet, plans).probability_oom

    small, large = probability(capacity), probability(capacity * factor)
    assert (large <= small).all()
    assert (small >= 0).all()
    assert (small <= 1).all()
    # Larger micro-batches run out more often.
    assert (np.diff(small) >= 0).all()


def test_what_was_never_calibrated_has_a_wider_range(make_offer: MakeOffer) -> None:
    """The same plan, with the software known to the calibration and not."""
    before = uncalibrated()
    spreads = tuple(replace(s, half_width=0.1 if s.known else 0.3) for s in before.spreads)
    fitted = replace(
        before,
        spreads=spreads,
        frameworks=dict.fromkeys(before.frameworks, STACKS["torchtune"].frameworks),
        chips=frozenset({"hopper"}),
        new_chip=dict.fromkeys(before.new_chip, 0.5),
    )
    # A new chip widens the range of time as new software does.
    assert fitted.time_half_width("lora", "hopper", known=True) == 0.1
    assert fitted.time_half_width("lora", "hopper", known=False) == 0.3
    assert fitted.time_half_width("lora", "blackwell", known=True) == 0.5

    assert fitted.knows_stack(RESERVED, "torchtune")
    assert not fitted.knows_stack(RESERVED, "unsloth")
    plans = plans_of(micro_batch=[1, 4])
    halves = [
        memory_of(
            task_of(decoder("llama"), software=Software(stack=stack), calibration=fitted), plans
        )[1]
        for stack in ("torchtune", "unsloth")
    ]
    assert (halves[1] == pytest.approx(3 * halves[0])) is True


# ------------------------------------------------------------------------------------- the planner


@given(
    method=methods,
    deadlines=st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)).map(sorted),
    budgets=st.tuples(st.floats(1, 1000), st.floats(1, 1000)).map(sorted),
)
@hypothesis_settings(max_examples=40)
def test_tighter_limits_never_make_anything_better(
    make_offer: MakeOffer, method: str, deadlines: list[float], budgets: list[float]
) -> None:
    fleet = fleet_of([make_offer("one"), make_offer("eight", gpus=8, usd=18.0)])
    space = Space(tuple(map(Layout, STRATEGIES)), offloads=(0,))
    task = task_of(decoder("window"), METHODS[method])
    for loose, tight in (
        (Limits(16, deadlines[1]), Limits(16, deadlines[0])),
        (Limits(16, None, budgets[1]), Limits(16, None, budgets[0])),
        (Limits(16), Limits(16, deadlines[1], budgets[1])),
        (Limits(16), Limits(8)),
    ):
        some, fewer = (plan_run(task, fleet, space, limits) for limits in (loose, tight))
        assert fewer.fitting <= some.fitting
        if fewer.cheapest is None or fewer.fastest is None:
            continue
        assert some.cheapest is not None
        assert some.fastest is not None
        assert some.cheapest.usd <= fewer.cheapest.usd
        assert some.fastest.hours <= fewer.fastest.hours
        assert fewer.fastest.hours <= (tight.deadline_hours or np.inf)
        assert all(choice.usd <= (tight.budget_usd or np.inf) for choice in fewer.frontier)


@given(method=methods, model=models, prices=st.lists(st.floats(1, 9), min_size=4, max_size=4))
@hypothesis_settings(max_examples=40)
def test_the_frontier_is_one(
    make_offer: MakeOffer, method: str, model: str, prices: list[float]
) -> None:
    sizes = (1, 2, 4, 8)
    fleet = fleet_of(
        [make_offer(f"o{n}", gpus=n, usd=n * usd) for n, usd in zip(sizes, prices, strict=True)]
    )
    space = Space(tuple(map(Layout, STRATEGIES)), offloads=(0,))
    task = task_of(decoder(model), METHODS[method], data=data_of(sequence_length=1024))
    planned = plan_run(task, fleet, space, Limits(32))
    assume(planned.cheapest is not None)
    points = [(choice.usd, choice.hours) for choice in planned.frontier]
    assert planned.cheapest == planned.frontier[0]
    assert planned.fastest is not None
    assert planned.frontier[-1].hours == planned.fastest.hours
    assert points[-1] == (planned.fastest.usd, planned.fastest.hours)
    usd, hours = np.array(points).T
    assert (np.diff(usd) > 0).all()
    assert (np.diff(hours) < 0).all()
    # Nothing that fits is both cheaper and quicker than a point.
    found = planned.evaluation
    for at, shape in enumerate(fleet.offer_shape):
        mine = found.plans.shape == shape
        own_hours = found.hours[mine]
        own_usd = fleet.offer_usd_per_instance_hour[at] * found.plans.nodes[mine] * own_hours
        for point_usd, point_hours in points:
            assert not np.any((own_usd < point_usd) & (own_hours < point_hours))
    # The same input gives the same plan.
    again = plan_run(task, fleet, space, Limits(32))
    assert (again.cheapest, again.fastest, again.best_value, again.frontier) == (
        planned.cheapest,
        planned.fastest,
        planned.best_value,
        planned.frontier,
    )
