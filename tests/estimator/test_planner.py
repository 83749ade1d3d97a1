"""The planner against plain Python: every plan one by one, every offer one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.estimator.adapters import ALL_LINEARS, Adapters
from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues, constant_values
from app.estimator.cost import programme_costs
from app.estimator.fleet import Fleet, Floats, fleet_of
from app.estimator.gpu_bill import Run
from app.estimator.hardware import PURCHASE_OPTIONS, Offer
from app.estimator.methods import Method
from app.estimator.planner import (
    NO_WAITING,
    Choice,
    Evaluation,
    Limits,
    Planned,
    Task,
    Waiting,
    evaluate,
    plan_run,
)
from app.estimator.plans import STRATEGIES, Layout, Plans, Space, enumerate_plans, layouts_of
from app.estimator.purchase import billed
from app.estimator.remedies import why_nothing_fits
from app.estimator.schedule import Schedule
from app.estimator.software import Software, usual_software
from app.estimator.throughput import StepTimes
from app.estimator.wall_clock import WallClock
from tests.estimator.buying import PROGRAMME
from tests.estimator.planning import data_of, decoder, plans_of, task_of

MakeOffer = Callable[..., Offer]
METHODS = (
    Method("full"),
    Method("lora", Adapters(64, ALL_LINEARS)),
    Method("qlora", Adapters(16, ("q_proj", "v_proj"))),
)
PLAIN = Space(tuple(map(Layout, STRATEGIES)), offloads=(0,))


@pytest.fixture(scope="module")
def mixed_fleet(catalog: Catalog) -> Fleet:
    """Every 18th on-demand offer: many shapes, some with the same hardware."""
    offers = [o for o in catalog.offers if o.purchase_option == "on-demand"]
    chosen = offers[::18]
    same = [o for o in offers if o.instance == chosen[3].instance][:3]
    return fleet_of([*chosen, *same])


def _calibrated(
    catalog: Catalog, architecture: Architecture, method: Method, software: Software
) -> Task:
    return task_of(
        architecture,
        method,
        constant_values(catalog.calibration.constants),
        software,
        data_of(global_batch_sequences=256, evaluation_tokens=1e6),
        catalog.calibration,
    )


def _everything(task: Task) -> Task:
    """A task that plans on whatever the memory."""
    unlimited = {"largest_oom_probability": 1.0, "host_memory_share": 1e9}
    return replace(task, constants={**task.constants, **unlimited})


@pytest.mark.parametrize(
    ("model", "method", "stack", "compute"),
    [
        ("llama", 0, "megatron", "bf16"),
        ("window", 1, "transformers", "bf16"),
        ("llama", 2, "torchtune", "bf16"),
        ("mixture", 0, "fsdp", "fp8"),
        ("mixture", 1, "megatron", "fp8"),
    ],
)
def test_500_plans_at_once_are_the_same_as_one_by_one(
    catalog: Catalog, model: str, method: int, stack: str, compute: str
) -> None:
    """Bit by bit, of all that can be planned on everything that can be rented."""
    software = replace(usual_software(stack), compute=compute)
    architecture = decoder(model)
    task = _everything(_calibrated(catalog, architecture, METHODS[method], software))
    fleet = fleet_of(catalog.offers)
    space = Space(layouts_of(architecture, software, 2048))
    every = enumerate_plans(fleet, space, max_gpus=512, global_batch=256)
    some = np.random.default_rng(5).choice(len(every), 500, replace=False)
    plans = every.take(some)
    together = evaluate(task, fleet, plans)
    assert len(together.plans) == len(plans)
    for i in range(len(plans)):
        alone = evaluate(task, fleet, plans.take(np.array([i])))
        for name in ("total_bytes", "usable_bytes", "capacity_bytes", "probability_oom", "hours"):
            assert getattr(together, name)[i] == getattr(alone, name)[0], name
        for field in fields(StepTimes):
            one, all_ = (getattr(x.times, field.name) for x in (alone, together))
            assert all_[i] == one[0], field.name
        for field in fields(WallClock):
            one, all_ = (getattr(x.clock, field.name) for x in (alone, together))
            assert all_[i] == one[0], field.name
        memory = together.memory
        assert memory.total[i] == alone.memory.total[0] == together.total_bytes[i]
        assert memory.reserved[i] == alone.memory.reserved[0]
        assert memory.host[i] == alone.memory.host[0]
        for key, line in memory.lines.items():
            assert line[i] == alone.memory.lines[key][0], key


def _alone(task: Task, offer: Offer, plans: Plans) -> Evaluation:
    return evaluate(task, fleet_of([offer]), plans)


def _by_hand(task: Task, fleet: Fleet, max_gpus: int) -> tuple[list[tuple[float, ...]], int]:
    """(dollars, hours, GPUs, offer) of every plan that fits on every offer, and how many there are.

    Loops over offers, not shapes, and asks for one plan at a time.
    """
    found = []
    considered = 0
    for position, offer in enumerate(fleet.offers):
        plans = enumerate_plans(
            fleet_of([offer]),
            PLAIN,
            max_gpus=max_gpus,
            global_batch=task.data.global_batch_sequences,
        )
        for i in range(len(plans)):
            considered += 1
            one = plans.take(np.array([i]))
            worked = _alone(task, offer, one)
            if len(worked.plans):
                hours = float(worked.hours[0])
                nodes, gpus = int(one.nodes[0]), int(one.gpus[0])
                found.append((offer.usd_per_instance_hour * nodes * hours, hours, gpus, position))
    return found, considered


WAITINGS = (Waiting(10.0, 5.0), Waiting(10.0, 100.0), Waiting(2.5, 1e4))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.key)
def test_the_planner_finds_what_plain_loops_find(
    catalog: Catalog, mixed_fleet: Fleet, llama_8b: Architecture, method: Method
) -> None:
    task = _calibrated(catalog, llama_8b, method, usual_software("transformers"))
    task = replace(task, data=data_of())
    planned = plan_run(task, mixed_fleet, PLAIN, Limits(16))
    every, considered = _by_hand(task, mixed_fleet, 16)
    assert planned.considered == considered > 500
    assert planned.fitting == len(every) > 50
    assert planned.out_of_memory == considered - len(every)
    assert planned.over_limits == 0
    assert planned.cheapest is not None
    assert planned.fastest is not None

    def shown(planned: Planned, choice: Choice) -> tuple[float, ...]:
        assert choice.hours == planned.evaluation.hours[choice.plan]
        gpus = int(planned.evaluation.plans.gpus[choice.plan])
        return choice.usd, choice.hours, gpus, choice.offer

    assert shown(planned, planned.cheapest) == min(every)
    assert shown(planned, planned.fastest) == min(every, key=lambda e: (e[1], e[0], e[2], e[3]))
    # Where waiting costs nothing, the best value is the cheapest.
    assert planned.best_value == planned.cheapest
    frontier = []
    for usd, hours, *_ in sorted(every):
        if not frontier or hours < frontier[-1][1]:
            frontier.append((usd, hours))
    assert [(choice.usd, choice.hours) for choice in planned.frontier] == frontier
    for waiting in WAITINGS:
        planned = plan_run(task, mixed_fleet, PLAIN, Limits(16), waiting)
        assert planned.best_value is not None

        def worth(e: tuple[float, ...], waiting: Waiting = waiting) -> tuple[float, ...]:
            return (waiting.runs * e[0] + waiting.usd_per_hour * e[1], e[1], e[2], e[3])

        assert shown(planned, planned.best_value) == min(every, key=worth)
    # Limits: as if what passes them were not there.
    usd, hours = np.array([e[:2] for e in every]).T
    limits = Limits(16, float(np.quantile(hours, 0.4)), float(np.quantile(usd, 0.6)))
    planned = plan_run(task, mixed_fleet, PLAIN, limits)
    left = [e for e in every if e[1] <= limits.deadline_hours and e[0] <= limits.budget_usd]
    assert planned.fitting == len(left)
    assert planned.over_limits == len(every) - len(left) > 0
    assert planned.cheapest is not None
    assert shown(planned, planned.cheapest) == min(left)


SCHEDULE = Schedule(
    runs_before=3.4,
    lost=0.1,
    engineering_months=1.0,
    releases_per_year=2.0,
    horizon_months=36,
)


def _run_by_hand(
    option: str, hours: float, written: float, nodes: int, constants: ConstantValues
) -> tuple[float, float]:
    """Hours of a run, and hours that are paid for it, in plain Python."""
    if option == "spot":
        rate = constants["spot_interruptions_per_instance_day"] / 24 * nodes
        interval = min(hours / 4, math.sqrt(2 * written / rate))
        more = (hours / interval - 4) * written
        hours = (hours + more) / (1 - rate * (interval / 2 + constants["restart_hours"]))
        return hours, hours
    month = 365.25 / 12 * 24
    first = (1 + 3.4) * 1.1 * hours
    released = 1.0 + first / month
    due = [released]
    while math.ceil(due[-1] + 6 - 1e-9) < 36:
        due.append(due[-1] + 6)
    later = len(due) - 1
    runs = (1 + 3.4 + later) * 1.1
    if option == "capacity-block":
        days = [math.ceil(h / 24) for h in (first, *[1.1 * hours] * later)]
        assert max(days) <= 14
        return hours, sum(days) * 24 / runs
    if option == "on-demand":
        return hours, hours
    term = {"reserved-1y": 8760, "reserved-3y": 3 * 8760}[option]
    return hours, math.ceil((due[-1] - 1.0) * month / term) * term / runs


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.key)
def test_every_way_to_buy_is_planned_as_plain_loops_plan_it(
    make_offer: MakeOffer, llama_8b: Architecture, method: Method
) -> None:
    """On the quickest layout of each hardware and number of instances, with and without limits."""
    task = task_of(llama_8b, method, constant_values({"spot_interruptions_per_instance_day": 2.0}))
    prices = {"on-demand": 3.0, "spot": 1.2, "reserved-1y": 0.02, "reserved-3y": 0.01}
    prices["capacity-block"] = 0.8
    offers = [
        make_offer(f"{gpus}x.{option}", gpus=gpus, usd=usd * gpus, purchase_option=option)
        for gpus in (1, 4, 8)
        for option, usd in prices.items()
    ]
    fleet = fleet_of(offers)

    def every(limits: Limits) -> list[tuple[float, ...]]:
        found = []
        for position, offer in enumerate(offers):
            plans = enumerate_plans(fleet_of([offer]), PLAIN, max_gpus=16, global_batch=64)
            fitting = _alone(task, offer, plans)
            for nodes in np.unique(fitting.plans.nodes):
                mine = fitting.plans.nodes == nodes
                quickest = fitting.hours[mine].min()
                written = fitting.clock.checkpoints[mine][0] / 3
                hours, paid = _run_by_hand(
                    offer.purchase_option, quickest, written, int(nodes), task.constants
                )
                usd = offer.usd_per_instance_hour * nodes * paid
                if hours <= (limits.deadline_hours or np.inf) and usd <= (
                    limits.budget_usd or np.inf
                ):
                    found.append((usd, hours, int(nodes) * offer.gpus_per_instance, position))
        return found

    free = every(Limits(16))
    assert len(free) >= 30
    limits = Limits(
        16, float(np.quantile([e[1] for e in free], 0.6)), float(np.median([e[0] for e in free]))
    )
    for limit in (Limits(16), limits):
        planned = plan_run(task, fleet, PLAIN, limit, Waiting(10.0, 50.0), SCHEDULE)
        left = every(limit)
        assert planned.cheapest is not None
        assert planned.fastest is not None
        assert planned.best_value is not None
        for choice, best in (
            (planned.cheapest, min(left)),
            (planned.fastest, min(left, key=lambda e: (e[1], e[0]))),
            (planned.best_value, min(left, key=lambda e: 10.0 * e[0] + 50.0 * e[1])),
        ):
            assert (choice.usd, choice.hours) == pytest.approx(best[:2], rel=1e-9)
            assert choice.offer == best[3]
            price = offers[choice.offer].usd_per_instance_hour
            nodes = planned.evaluation.plans.nodes[choice.plan]
            assert choice.usd == pytest.approx(price * nodes * choice.paid_hours)
            assert 0 <= choice.idle_fraction < 1
    assert planned.over_limits > 0


@given(
    prices=st.lists(st.sampled_from([0.5, 1.0, 1.7, 1.7, 2.0, 3.3, 9.0]), min_size=6, max_size=30),
    deadline=st.one_of(st.none(), st.floats(0.01, 1)),
    budget=st.one_of(st.none(), st.floats(0.01, 1), st.integers(0, 10_000)),
)
@hypothesis_settings(max_examples=25)
def test_what_passes_the_limits_is_counted_as_one_by_one(
    make_offer: MakeOffer,
    llama_8b: Architecture,
    prices: list[float],
    deadline: float | None,
    budget: float | None,
) -> None:
    """Offers that share hardware and option are counted together. A budget that is the very price
    of a plan keeps it, to the last digit.
    """
    kinds = [(option, gpus) for option in PURCHASE_OPTIONS for gpus in (1, 8)]
    offers = [
        make_offer(f"{at}", gpus=kind[1], usd=usd * kind[1], purchase_option=kind[0])
        for at, (usd, kind) in enumerate(zip(prices, cycle(kinds), strict=False))
    ]
    task, fleet = task_of(llama_8b), fleet_of(offers)
    evaluation = plan_run(task, fleet, PLAIN, Limits(16)).evaluation

    def plans_of_offer(at: int) -> tuple[Floats, Floats]:
        mine = evaluation.plans.shape == fleet.offer_shape[at]
        nodes = evaluation.plans.nodes[mine]
        hours, paid = billed(
            np.full(len(nodes), fleet.offer_option[at]),
            evaluation.hours[mine],
            evaluation.checkpoint_hours[mine],
            nodes,
            SCHEDULE,
            task.constants,
        )
        return hours, offers[at].usd_per_instance_hour * nodes * paid

    every = [plans_of_offer(at) for at in range(len(offers))]
    hours, usd = (np.concatenate([pair[part] for pair in every]) for part in (0, 1))
    limit_h = None if deadline is None else float(np.quantile(hours, deadline))
    if isinstance(budget, int):
        limit_usd: float | None = float(usd[budget % len(usd)])
    else:
        limit_usd = None if budget is None else float(np.quantile(usd, budget))
    planned = plan_run(task, fleet, PLAIN, Limits(16, limit_h, limit_usd), schedule=SCHEDULE)
    over = np.isinf(hours)
    if limit_h is not None:
        over |= hours > limit_h
    if limit_usd is not None:
        over |= usd > limit_usd
    assert planned.over_limits == over.sum()
    assert (planned.cheapest is None) == (planned.fitting == 0)


def test_a_discount_and_an_own_rate_change_the_plan_as_worked_by_hand(
    make_offer: MakeOffer, llama_8b: Architecture
) -> None:
    """Acme 20.00 and Bolt 21.00 USD an hour for the same 8 GPUs; 12% off Bolt is 18.48, and an own
    rate of 17.50 with Acme is less again. 6.6 runs are paid for.
    """
    acme = make_offer("acme", gpus=8, usd=20.0)
    bolt = make_offer("bolt", gpus=8, usd=21.0, provider="bolt")
    off = replace(bolt, usd_per_instance_hour=21.0 * 0.88, price_book="Ours, version 1")
    agreed = replace(acme, usd_per_instance_hour=17.5, price_book="Ours, version 1")
    task = task_of(llama_8b, METHODS[0])
    totals = {}
    for name, offers in {
        "list": [acme, bolt],
        "discount": [acme, off],
        "own rate": [agreed, off],
    }.items():
        chosen = plan_run(task, fleet_of(offers), PLAIN, Limits(8)).cheapest
        assert chosen is not None
        offer = offers[chosen.offer]
        run = Run(chosen.hours, 8, offer.usd_per_gpu_hour, offer.source.key)
        costs = programme_costs(run, PROGRAMME, 6, 24)
        hours = chosen.hours
        totals[name] = (offer.key, costs.gpu_usd / hours)
    assert totals["list"] == ("acme", pytest.approx(6.6 * 20.00))
    assert totals["discount"] == ("bolt", pytest.approx(6.6 * 18.48))
    assert totals["own rate"] == ("acme", pytest.approx(6.6 * 17.50))


def test_spot_that_never_ends_is_not_planned_on(
    make_offer: MakeOffer, llama_8b: Architecture
) -> None:
    often = constant_values({"spot_interruptions_per_instance_day": 24.0, "restart_hours": 2.0})
    task = task_of(llama_8b, METHODS[1], often)
    spot = make_offer("spot", usd=0.1, purchase_option="spot")
    fleet = fleet_of([spot, make_offer("firm")])
    planned = plan_run(task, fleet, PLAIN, Limits(4))
    assert planned.cheapest is not None
    assert planned.cheapest.offer == 1
    assert 0 < planned.over_limits == planned.fitting
    alone = fleet_of([spot])
    planned = plan_run(task, alone, PLAIN, Limits(4))
    refusal = why_nothing_fits(task, planned, alone, fleet, PLAIN, Limits(4))
    assert refusal.limit == "spot"
    assert "taken away faster than a run advances" in refusal.sentences[0]


def test_hours_that_cost_much_make_the_fastest_the_best_value(
    make_offer: MakeOffer, llama_8b: Architecture
) -> None:
    fleet = fleet_of([make_offer("one"), make_offer("eight", gpus=8, usd=32)])
    task = task_of(llama_8b, METHODS[1])

    def planned(waiting: Waiting) -> tuple[Choice | None, ...]:
        found = plan_run(task, fleet, PLAIN, Limits(8), waiting)
        return found.best_value, found.cheapest, found.fastest

    best, cheapest, fastest = planned(NO_WAITING)
    assert best == cheapest != fastest
    best, cheapest, fastest = planned(Waiting(1.0, 1e6))
    assert best == fastest != cheapest
    # More runs to pay for outweigh the hours again.
    best, cheapest, fastest = planned(Waiting(1e9, 1e6))
    assert best == cheapest != fastest


@pytest.mark.parametrize("margin", [0.0, 0.0625, 0.5])
@pytest.mark.parametrize("risk", [0.001, 0.1, 0.5])
def test_a_plan_fits_up_to_the_risk_that_is_taken(
    make_offer: MakeOffer, llama_8b: Architecture, margin: float, risk: float
) -> None:
    fleet = fleet_of([make_offer()])
    plans = enumerate_plans(fleet, PLAIN, max_gpus=1, global_batch=64)
    task = task_of(llama_8b, METHODS[1])
    task = replace(
        task,
        constants={**task.constants, "memory_margin": margin, "largest_oom_probability": risk},
    )
    found = evaluate(task, fleet, plans)
    assert (found.capacity_bytes == 80 * 2**30).all()
    assert (found.usable_bytes == (1 - margin) * 80 * 2**30).all()
    # Before any fit the logarithm is logistic with an 80% interval of 0.7 to either side: a risk of
    # one in two is the estimate itself, of one in ten lies 0.7 below.
    allowed = np.exp(0.7 * np.log(1 / risk - 1) / np.log(9))
    assert len(found.plans) == np.sum(
        found.total_bytes * allowed <= found.usable_bytes * (1 + 1e-9)
    )
    assert (found.probability_oom <= risk).all()
    assert len(found.plans) < len(plans)


def test_ties_go_to_the_first_offer(make_offer: MakeOffer, llama_8b: Architecture) -> None:
    offers = [make_offer("b"), make_offer("a"), make_offer("c", usd=1.9), make_offer("d", usd=1.9)]
    fleet = fleet_of(offers)
    task = task_of(llama_8b, METHODS[1])
    planned = [plan_run(task, fleet, PLAIN, Limits(1)) for _ in range(3)]
    # The same hardware, so the same hours: the dollars decide, then the order.
    assert {p.cheapest.offer for p in planned if p.cheapest} == {2}
    assert {p.fastest.offer for p in planned if p.fastest} == {2}
    assert planned[0].cheapest == planned[1].cheapest == planned[2].cheapest


@given(factor=st.floats(1, 20), which=st.integers(0, 3))
@hypothesis_settings(max_examples=25)
def test_a_dearer_offer_never_makes_the_run_cheaper(
    make_offer: MakeOffer, llama_8b: Architecture, factor: float, which: int
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
        found = plan_run(task_of(llama_8b, METHODS[1]), fleet, PLAIN, Limits(8)).cheapest
        assert found is not None
        return found.usd

    dearer = [usd * factor if i == which else usd for i, usd in enumerate(prices)]
    assert cheapest(dearer) >= cheapest(prices) * (1 - 1e-12)


def test_steps_are_those_of_the_batch_that_the_plan_really_uses(
    make_offer: MakeOffer, llama_8b: Architecture
) -> None:
    """12 GPUs cannot share 64 sequences evenly: each step takes 72, so fewer steps are left."""
    fleet = fleet_of([make_offer(gpus=12)])
    plans = enumerate_plans(fleet, PLAIN, max_gpus=12, global_batch=64)
    task = _everything(task_of(llama_8b, METHODS[0]))
    found = evaluate(task, fleet, plans)
    one_each = np.flatnonzero(plans.micro_batch == 1)[0]
    assert plans.accumulation[one_each] == 6
    # 50,000 x 900 x 3 tokens in sequences of 2,048: 65,918 sequences, 916 steps of 72.
    steps = found.clock.training[one_each] * 3600 / found.times.total
    assert steps[one_each] == pytest.approx(916)


def test_hours_of_padding_and_evaluation(make_offer: MakeOffer, llama_8b: Architecture) -> None:
    """Half-filled sequences take half the steps' time; evaluation a third of training a token."""
    fleet = fleet_of([make_offer()])
    plans = enumerate_plans(fleet, PLAIN, max_gpus=1, global_batch=64)
    task = _everything(task_of(llama_8b, METHODS[1]))
    plain = evaluate(task, fleet, plans).clock
    half = replace(task, data=replace(task.data, computed_share=(0.5,) * 7))
    assert evaluate(half, fleet, plans).clock.training == pytest.approx(plain.training / 2)
    tokens = float(65_918 * 2048)  # as many as one run trains on
    evaluated = replace(task, data=replace(task.data, evaluation_tokens=tokens))
    found = evaluate(evaluated, fleet, plans).clock
    assert found.training == pytest.approx(plain.training)
    assert found.evaluation == pytest.approx(plain.training / 3, rel=1e-3)
    assert (plain.evaluation == 0).all()
    slow = replace(task, constants={**task.constants, "cluster_time_factor": 2.0})
    found = evaluate(slow, fleet, plans).clock
    assert found.training == pytest.approx(2 * plain.training)
    assert found.start_up == pytest.approx(plain.start_up)


def test_hours_of_checkpoints_and_failures(make_offer: MakeOffer) -> None:
    """Three checkpoints of 14 bytes a parameter, written by two instances at 2 GB/s each; machines
    that fail lose an eighth of the run and half an hour."""
    fleet = fleet_of([make_offer(gpus=8)])
    task = task_of(decoder("llama"), METHODS[0])
    task = replace(
        task,
        constants={
            **task.constants,
            "largest_oom_probability": 1.0,
            "checkpoint_write_gb_per_s": 2.0,
            "failures_per_gpu_day": 0.01,
            "restart_hours": 0.5,
        },
    )
    clock = evaluate(task, fleet, plans_of("fsdp", gpus=16, nodes=2, micro_batch=4)).clock
    saved = task.software.saved_bytes_per_parameter(full=True)
    assert clock.checkpoints[0] == pytest.approx(3 * saved * 6_738_415_616 / (2 * 2e9) / 3600)
    busy = clock.training[0] + clock.evaluation[0] + clock.checkpoints[0]
    assert clock.failures[0] == pytest.approx(0.01 * 16 * busy / 24 * (busy / 8 + 0.5))
    parts = (clock.training, clock.evaluation, clock.checkpoints, clock.start_up, clock.failures)
    assert sum(part[0] for part in parts) == pytest.approx(clock.total[0])


def test_what_is_offloaded_must_fit_the_host(make_offer: MakeOffer, llama_8b: Architecture) -> None:
    """8.03 billion parameters leave 12 bytes each of masters and states to the host: 90 GiB."""
    plans = enumerate_plans(
        fleet_of([make_offer()]), replace(PLAIN, offloads=(1,)), max_gpus=1, global_batch=1
    )
    task = task_of(llama_8b, METHODS[0])
    task = replace(task, constants={**task.constants, "largest_oom_probability": 1.0})
    for gib, fits in ((100, False), (128, True)):  # 0.8 of it may be taken
        fleet = fleet_of([replace(make_offer(), host_memory_bytes=gib * 2.0**30)])
        assert bool(len(evaluate(task, fleet, plans).plans)) is fits


def _reasons(
    task: Task, fleet: Fleet, reference: Fleet, limits: Limits, space: Space = PLAIN
) -> tuple[str, ...]:
    planned = plan_run(task, fleet, space, limits)
    assert planned.cheapest is None
    return why_nothing_fits(task, planned, fleet, reference, space, limits).sentences


def _remedy(reasons: tuple[str, ...], remedy: str) -> tuple[int, str]:
    """GPUs and their name, where exactly this remedy is said."""
    assert len(reasons) == 2
    start, end = f"To make it fit, {remedy}: it fits on ", "."
    assert reasons[1].startswith(start), reasons[1]
    assert reasons[1].endswith(end)
    count, name = reasons[1].removeprefix(start).removesuffix(end).split(" × ")
    return int(count), name


def test_too_small_a_gpu_names_what_is_missing_and_what_would_do(
    make_offer: MakeOffer, llama_8b: Architecture
) -> None:
    task = task_of(llama_8b, METHODS[0])
    # Never more than one GPU in two is out of memory.
    task = replace(task, constants={**task.constants, "largest_oom_probability": 0.5})
    small = make_offer("small", gib=24, accelerator="L4-24GB")
    large = make_offer("large", gpus=4, usd=12)
    fleet = fleet_of([small])
    reasons = _reasons(task, fleet, fleet_of([small, large]), Limits(1))
    assert "1 × The L4-24GB" in reasons[0]
    assert "GiB per GPU and has 22.5 GiB to plan on." in reasons[0]  # 24 x 15/16
    # The limit is raised first: other GPUs are the larger change.
    count, name = _remedy(reasons, "raise the limit of GPUs")
    assert name == "The L4-24GB"
    assert plan_run(task, fleet, PLAIN, Limits(count)).cheapest
    assert not plan_run(task, fleet, PLAIN, Limits(count - 1)).cheapest
    # Where more of the same cannot be joined, others and more of them are needed.
    alone = make_offer("small", gib=24, accelerator="L4-24GB", network=None)
    reference = fleet_of([alone, large])
    fleet = fleet_of([alone])
    reasons = _reasons(task, fleet, reference, Limits(1))
    both = "raise the limit of GPUs and choose other GPUs or providers"
    assert _remedy(reasons, both) == (4, "The H100-SXM-80GB")
    # With a limit that is high enough only the GPUs are named.
    reasons = _reasons(task, fleet, reference, Limits(4))
    assert _remedy(reasons, "choose other GPUs or providers") == (4, "The H100-SXM-80GB")
    assert plan_run(task, fleet_of([large]), PLAIN, Limits(4)).cheapest


def test_what_nothing_remedies(make_offer: MakeOffer, llama_8b: Architecture) -> None:
    fleet = fleet_of([make_offer(gib=2, network=None)])
    reasons = _reasons(task_of(llama_8b, METHODS[1]), fleet, fleet, Limits(8))
    assert reasons[1] == (
        "No firm offer fits it on up to 1024 GPUs either: choose a smaller model, a shorter "
        "sequence, software that splits a model, or another method."
    )
    parallel = replace(task_of(llama_8b, METHODS[1]), software=Software(stack="megatron"))
    said = _reasons(parallel, fleet, fleet, Limits(8))[1]
    assert said.endswith("choose a smaller model, a shorter sequence, or another method.")


def test_a_loss_that_is_too_large_is_said(make_offer: MakeOffer, llama_8b: Architecture) -> None:
    """Logits of 128,256 words at 65,536 tokens are 17 GB in 16 bits, and held in 32 bits too."""
    long = data_of(sequence_length=65_536, tokens_per_example=60_000, global_batch_sequences=1)
    fleet = fleet_of([make_offer(gib=141)])
    task = replace(task_of(llama_8b, METHODS[1]), data=long)
    reasons = _reasons(task, fleet, fleet, Limits(1))
    assert _remedy(reasons, "set the loss to chunked") == (1, "The H100-SXM-80GB")
    chunked = replace(task, software=replace(task.software, loss="chunked"))
    assert plan_run(chunked, fleet, PLAIN, Limits(1)).cheapest


def test_instances_larger_than_the_limit(make_offer: MakeOffer, llama_8b: Architecture) -> None:
    fleet = fleet_of([make_offer(gpus=8)])
    reasons = _reasons(task_of(llama_8b, METHODS[1]), fleet, fleet, Limits(4))
    assert "smallest instance among the offers has 8 GPUs" in reasons[0]
    assert "limit of 4 GPUs" in reasons[0]
    assert _remedy(reasons, "raise the limit of GPUs") == (8, "The H100-SXM-80GB")


def test_a_batch_too_small_to_spread_is_said(make_offer: MakeOffer, llama_8b: Architecture) -> None:
    """With one sequence a step only one GPU can work; a larger batch would make it fit."""
    fleet = fleet_of([make_offer("one"), make_offer("eight", gpus=8)])
    task = task_of(llama_8b, METHODS[0])
    assert plan_run(task, fleet, PLAIN, Limits(64)).cheapest
    tiny = replace(task, data=data_of(global_batch_sequences=1))
    reasons = _reasons(tiny, fleet, fleet, Limits(64))
    assert "To make it fit, raise the global batch to 1024: it fits on" in reasons[1]


def test_limits_that_are_too_tight_say_what_they_would_have_to_be(
    make_offer: MakeOffer, llama_8b: Architecture
) -> None:
    fleet = fleet_of([make_offer("one"), make_offer("eight", gpus=8, usd=32)])
    task = task_of(llama_8b, METHODS[1])
    free = plan_run(task, fleet, PLAIN, Limits(8))
    assert free.cheapest is not None
    assert free.fastest is not None
    hurried, poor = 0.5 * free.fastest.hours, 0.5 * free.cheapest.usd
    said = _reasons(task, fleet, fleet, Limits(8, hurried, poor))
    assert said == (
        "Plans fit in memory, but none keeps both limits.",
        f"The fastest takes {free.fastest.hours:.1f} h (US${free.fastest.usd:,.0f}), against a "
        f"deadline of {hurried:g} h.",
        f"The cheapest costs US${free.cheapest.usd:,.0f} ({free.cheapest.hours:.1f} h), against a "
        f"budget of US${poor:,.2f}.",
    )
    late = _reasons(task, fleet, fleet, Limits(8, hurried))
    assert len(late) == 2
    assert late[0] == "Plans fit in memory, but none keeps the deadline."


def test_a_small_budget_is_said_as_it_was_entered(
    make_offer: MakeOffer, llama_8b: Architecture
) -> None:
    fleet = fleet_of([make_offer()])
    task = replace(task_of(llama_8b, METHODS[1]), data=data_of(examples=500))
    free = plan_run(task, fleet, PLAIN, Limits(1)).cheapest
    assert free is not None
    assert 0.5 < free.usd < 10
    said = _reasons(task, fleet, fleet, Limits(1, None, 0.5))[1]
    assert f"The cheapest costs US${free.usd:,.2f} (" in said
    assert said.endswith("against a budget of US$0.50.")
    assert _reasons(task, fleet, fleet, Limits(1, None, 0.25))[1].endswith("of US$0.25.")
