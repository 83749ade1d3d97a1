"""The planner against plain Python: every plan one by one, every offer one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.estimator.adapters import ALL_LINEARS, Adapters
from app.estimator.architecture import Architecture
from app.estimator.case import Data
from app.estimator.constants import ConstantValues
from app.estimator.hardware import Offer
from app.estimator.methods import Method
from app.estimator.planner import (
    NO_WAITING,
    Choice,
    Waiting,
    evaluate,
    plan_run,
    reasons_nothing_fits,
)
from app.estimator.plans import (
    MICRO_BATCHES,
    NODE_COUNTS,
    STRATEGIES,
    Fleet,
    Plans,
    enumerate_plans,
    fleet_of,
)

MakeOffer = Callable[..., Offer]
METHODS = (
    Method("full"),
    Method("lora", Adapters(64, ALL_LINEARS)),
    Method("qlora", Adapters(16, ("q_proj", "v_proj"))),
)
DATA = Data(
    examples=50_000,
    tokens_per_example=900,
    epochs=3,
    sequence_length=2048,
    global_batch_sequences=64,
)


@pytest.fixture(scope="module")
def mixed_fleet(catalog: Catalog) -> Fleet:
    """Every tenth offer of the catalogue: many shapes, some with the same hardware."""
    chosen = catalog.offers[::10]
    same = [o for o in catalog.offers if o.instance == chosen[3].instance][:3]
    return fleet_of([*chosen, *same])


def _take(plans: Plans, index: list[int]) -> Plans:
    return Plans(*(getattr(plans, field.name)[index] for field in dataclasses.fields(plans)))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.key)
def test_many_plans_at_once_are_the_same_as_one_by_one(
    catalog: Catalog, llama_8b: Architecture, constants: ConstantValues, method: Method
) -> None:
    fleet = fleet_of(catalog.offers)
    every = enumerate_plans(fleet, max_gpus=256, global_batch=64)
    some = np.random.default_rng(5).choice(len(every), 150, replace=False)
    plans = _take(every, some.tolist())
    together = evaluate(llama_8b, method, DATA, fleet, plans, constants)
    for i in range(len(plans)):
        alone = evaluate(llama_8b, method, DATA, fleet, _take(plans, [i]), constants)
        assert together.hours[i] == alone.hours[0]
        assert together.memory.total[i] == alone.memory.total[0]
        assert together.fits[i] == alone.fits[0]
        for key, line in together.memory.lines.items():
            assert line[i] == alone.memory.lines[key][0]


def _by_hand(
    architecture: Architecture,
    method: Method,
    data: Data,
    fleet: Fleet,
    constants: ConstantValues,
    max_gpus: int,
) -> tuple[list[tuple[float, float, int, int]], int]:
    """(dollars, hours, GPUs, offer) of every plan that fits on every offer, and how many there are.

    Loops over offers, not shapes, and asks for one plan at a time.
    """
    found = []
    considered = 0
    for position, offer in enumerate(fleet.offers):
        own = fleet_of([offer])
        for nodes in NODE_COUNTS:
            gpus = nodes * offer.gpus_per_instance
            if gpus > max_gpus or (nodes > 1 and not offer.inter_node_bytes_per_s):
                continue
            for strategy in ("single",) if gpus == 1 else ("ddp", "zero2", "fsdp"):
                for micro in MICRO_BATCHES:
                    if micro * gpus > data.global_batch_sequences:
                        continue
                    for checkpointing in (False, True):
                        considered += 1
                        plan = Plans(
                            shape=np.array([0]),
                            nodes=np.array([nodes]),
                            gpus=np.array([gpus]),
                            strategy=np.array([STRATEGIES.index(strategy)]),
                            micro_batch=np.array([micro]),
                            accumulation=np.array(
                                [-(-data.global_batch_sequences // (micro * gpus))]
                            ),
                            checkpointing=np.array([checkpointing]),
                        )
                        worked = evaluate(architecture, method, data, own, plan, constants)
                        # A sixteenth of the memory is not planned on.
                        if worked.memory.total[0] <= offer.memory_bytes * 15 / 16:
                            hours = float(worked.hours[0])
                            usd = offer.usd_per_instance_hour * nodes * hours
                            found.append((usd, hours, gpus, position))
    return found, considered


WAITINGS = (Waiting(10.0, 5.0), Waiting(10.0, 100.0), Waiting(2.5, 1e4))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.key)
def test_the_planner_finds_what_plain_loops_find(
    mixed_fleet: Fleet, llama_8b: Architecture, constants: ConstantValues, method: Method
) -> None:
    planned = plan_run(llama_8b, method, DATA, mixed_fleet, constants, max_gpus=16)
    every, considered = _by_hand(llama_8b, method, DATA, mixed_fleet, constants, 16)
    assert planned.considered == considered > 500
    assert planned.fitting == len(every) > 50
    assert planned.cheapest is not None
    assert planned.fastest is not None

    def shown(choice: Choice) -> tuple[float, float, int, int]:
        hours = float(planned.evaluation.hours[choice.plan])
        return choice.usd, hours, int(planned.evaluation.plans.gpus[choice.plan]), choice.offer

    assert shown(planned.cheapest) == min(every)
    assert shown(planned.fastest) == min(every, key=lambda e: (e[1], e[0], e[2], e[3]))
    # Where waiting costs nothing, the best value is the cheapest.
    assert planned.best_value == planned.cheapest
    found = set()
    for waiting in WAITINGS:
        planned = plan_run(llama_8b, method, DATA, mixed_fleet, constants, 16, waiting)
        assert planned.best_value is not None
        usd, hours, gpus, offer = min(
            every,
            key=lambda e: (waiting.runs * e[0] + waiting.usd_per_hour * e[1], e[1], e[2], e[3]),
        )
        assert shown(planned.best_value) == (usd, hours, gpus, offer)
        found.add(offer)
        # The others do not depend on waiting.
        assert planned.cheapest is not None
        assert planned.fastest is not None
        assert shown(planned.cheapest) == min(every)
    assert len(found) > 1


def test_hours_that_cost_much_make_the_fastest_the_best_value(
    make_offer: MakeOffer, llama_8b: Architecture, constants: ConstantValues
) -> None:
    fleet = fleet_of([make_offer("one"), make_offer("eight", gpus=8, usd=32)])

    def planned(waiting: Waiting) -> tuple[Choice | None, ...]:
        found = plan_run(llama_8b, METHODS[1], DATA, fleet, constants, 8, waiting)
        return found.best_value, found.cheapest, found.fastest

    best, cheapest, fastest = planned(NO_WAITING)
    assert best == cheapest != fastest
    best, cheapest, fastest = planned(Waiting(1.0, 1e6))
    assert best == fastest != cheapest
    # More runs to pay for outweigh the hours again.
    best, cheapest, fastest = planned(Waiting(1e9, 1e6))
    assert best == cheapest != fastest


def test_a_plan_that_fills_the_last_sixteenth_does_not_fit(
    make_offer: MakeOffer, llama_8b: Architecture, constants: ConstantValues
) -> None:
    """Whatever the margin: a plan fits up to it, and not a byte beyond."""
    fleet = fleet_of([make_offer()])
    plans = enumerate_plans(fleet, max_gpus=1, global_batch=64)
    for margin in (constants["memory_margin"], 0.0, 0.5):
        found = evaluate(
            llama_8b, METHODS[1], DATA, fleet, plans, {**constants, "memory_margin": margin}
        )
        assert (found.capacity_bytes == 80 * 2**30).all()
        assert (found.fits == (found.memory.total <= (1 - margin) * 80 * 2**30)).all()
        assert found.fits.any()
        assert not found.fits.all()
    assert constants["memory_margin"] == 0.0625


def test_ties_go_to_the_first_offer(
    make_offer: MakeOffer, llama_8b: Architecture, constants: ConstantValues
) -> None:
    offers = [make_offer("b"), make_offer("a"), make_offer("c", usd=1.9), make_offer("d", usd=1.9)]
    fleet = fleet_of(offers)
    planned = [plan_run(llama_8b, METHODS[1], DATA, fleet, constants, 1) for _ in range(3)]
    # The same hardware, so the same hours: the dollars decide, then the order.
    assert {p.cheapest.offer for p in planned if p.cheapest} == {2}
    assert {p.fastest.offer for p in planned if p.fastest} == {2}
    assert planned[0].cheapest == planned[1].cheapest == planned[2].cheapest


@given(factor=st.floats(1, 20), which=st.integers(0, 3))
@hypothesis_settings(max_examples=25)
def test_a_dearer_offer_never_makes_the_run_cheaper(
    make_offer: MakeOffer,
    llama_8b: Architecture,
    constants: ConstantValues,
    factor: float,
    which: int,
) -> None:
    prices = [2.0, 15.0, 4.0, 7.0]
    sizes = [1, 8, 2, 4]

    def cheapest(prices: list[float]) -> float:
        fleet = fleet_of(
            [
                make_offer(f"o{i}", gpus=n, usd=usd)
                for i, (n, usd) in enumerate(zip(sizes, prices, strict=True))
            ]
        )
        found = plan_run(llama_8b, METHODS[1], DATA, fleet, constants, 8).cheapest
        assert found is not None
        return found.usd

    dearer = [usd * factor if i == which else usd for i, usd in enumerate(prices)]
    assert cheapest(dearer) >= cheapest(prices) * (1 - 1e-12)


@given(limits=st.tuples(st.integers(1, 64), st.integers(1, 64)).map(sorted))
@hypothesis_settings(max_examples=25)
def test_more_freedom_never_costs_more(
    make_offer: MakeOffer, llama_8b: Architecture, constants: ConstantValues, limits: list[int]
) -> None:
    fleet = fleet_of([make_offer(f"o{n}", gpus=n, usd=2.5 * n) for n in (1, 2, 8)])
    less, more = (plan_run(llama_8b, METHODS[1], DATA, fleet, constants, limit) for limit in limits)
    assert less.cheapest is not None
    assert more.cheapest is not None
    assert less.fastest is not None
    assert more.fastest is not None
    assert more.cheapest.usd <= less.cheapest.usd
    hours = [p.evaluation.hours[p.fastest.plan] for p in (less, more) if p.fastest]
    assert hours[1] <= hours[0]


def test_steps_are_those_of_the_batch_that_the_plan_really_uses(
    make_offer: MakeOffer, llama_8b: Architecture, constants: ConstantValues
) -> None:
    """12 GPUs cannot share 64 sequences evenly: each step takes 72, so fewer steps are left."""
    fleet = fleet_of([make_offer(gpus=12)])
    plans = enumerate_plans(fleet, max_gpus=12, global_batch=64)
    found = evaluate(llama_8b, METHODS[0], DATA, fleet, plans, constants)
    one_each = np.flatnonzero(plans.micro_batch == 1)[0]
    assert plans.accumulation[one_each] == 6
    # 50,000 x 900 x 3 tokens in sequences of 2,048: 65,918 sequences, 916 steps of 72.
    steps = (found.hours[one_each] - constants["start_up_hours"]) * 3600 / found.times.total
    assert steps[one_each] == pytest.approx(916)


def _reasons(
    architecture: Architecture,
    method: Method,
    data: Data,
    fleet: Fleet,
    reference: Fleet,
    constants: ConstantValues,
    max_gpus: int,
) -> tuple[str, ...]:
    planned = plan_run(architecture, method, data, fleet, constants, max_gpus)
    assert planned.cheapest is None
    return reasons_nothing_fits(
        architecture, method, data, planned, fleet, reference, constants, max_gpus
    )


def _remedy(reasons: tuple[str, ...], remedy: str) -> tuple[int, str]:
    """GPUs and their name, where exactly this remedy is said."""
    assert len(reasons) == 2
    start, end = f"To make it fit, {remedy}: it fits on ", "."
    assert reasons[1].startswith(start), reasons[1]
    assert reasons[1].endswith(end)
    count, name = reasons[1].removeprefix(start).removesuffix(end).split(" × ")
    return int(count), name


def test_too_small_a_gpu_names_what_is_missing_and_what_would_do(
    make_offer: MakeOffer, llama_8b: Architecture, constants: ConstantValues
) -> None:
    small = make_offer("small", gib=24, accelerator="L4-24GB")
    large = make_offer("large", gpus=4, usd=12)
    reasons = _reasons(
        llama_8b,
        METHODS[0],
        DATA,
        fleet_of([small]),
        fleet_of([small, large]),
        constants,
        1,
    )
    assert "1 × The L4-24GB" in reasons[0]
    assert "GiB per GPU and has 22.5 GiB to plan on." in reasons[0]  # 24 x 15/16
    # The limit is raised first: other GPUs are the larger change.
    count, name = _remedy(reasons, "raise the limit of GPUs")
    assert name == "The L4-24GB"
    assert plan_run(llama_8b, METHODS[0], DATA, fleet_of([small]), constants, count).cheapest
    assert not plan_run(
        llama_8b, METHODS[0], DATA, fleet_of([small]), constants, count - 1
    ).cheapest
    # Where more of the same cannot be joined, others and more of them are needed.
    alone = make_offer("small", gib=24, accelerator="L4-24GB", network=None)
    reference = fleet_of([alone, large])
    fleet = fleet_of([alone])
    reasons = _reasons(llama_8b, METHODS[0], DATA, fleet, reference, constants, 1)
    both = "raise the limit of GPUs and choose other GPUs or providers"
    assert _remedy(reasons, both) == (4, "The H100-SXM-80GB")
    # With a limit that is high enough only the GPUs are named.
    reasons = _reasons(llama_8b, METHODS[0], DATA, fleet, reference, constants, 4)
    others = "choose other GPUs or providers"
    assert _remedy(reasons, others) == (4, "The H100-SXM-80GB")
    assert plan_run(llama_8b, METHODS[0], DATA, fleet_of([large]), constants, 4).cheapest


def test_what_nothing_remedies(
    make_offer: MakeOffer, llama_8b: Architecture, constants: ConstantValues
) -> None:
    fleet = fleet_of([make_offer(gib=2, network=None)])
    reasons = _reasons(llama_8b, METHODS[1], DATA, fleet, fleet, constants, 8)
    assert reasons[1] == (
        "No firm offer fits it on up to 1024 GPUs either: choose a smaller model, a shorter "
        "sequence, or another method."
    )


def test_instances_larger_than_the_limit(
    make_offer: MakeOffer, llama_8b: Architecture, constants: ConstantValues
) -> None:
    fleet = fleet_of([make_offer(gpus=8)])
    reasons = _reasons(llama_8b, METHODS[1], DATA, fleet, fleet, constants, 4)
    assert "smallest instance among the offers has 8 GPUs" in reasons[0]
    assert "limit of 4 GPUs" in reasons[0]
    assert _remedy(reasons, "raise the limit of GPUs") == (8, "The H100-SXM-80GB")


def test_a_batch_too_small_to_spread_is_said(
    make_offer: MakeOffer, llama_8b: Architecture, constants: ConstantValues
) -> None:
    """With one sequence a step only one GPU can work; a larger batch would make it fit."""
    fleet = fleet_of([make_offer("one"), make_offer("eight", gpus=8)])
    tiny = Data(50_000, 900, 3, 2048, 1)
    assert plan_run(llama_8b, METHODS[0], DATA, fleet, constants, 64).cheapest
    reasons = _reasons(llama_8b, METHODS[0], tiny, fleet, fleet, constants, 64)
    assert "To make it fit, raise the global batch to 1024: it fits on" in reasons[1]
