"""The planner: evaluates every plan on every offer, and finds the cheapest, fastest and best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from app.estimator.architecture import Architecture
from app.estimator.calibration import (
    RESERVED,
    Calibration,
    memory_difficulty,
    probability_above,
)
from app.estimator.case import Data
from app.estimator.constants import ConstantValues
from app.estimator.fleet import Fleet, Floats
from app.estimator.memory import Footprint, Memory, footprint, peak_memory
from app.estimator.methods import Method
from app.estimator.plans import Plans, Space, enumerate_plans
from app.estimator.prediction import soft_share
from app.estimator.purchase import OPTIONS, billed, spot_hours
from app.estimator.schedule import ONE_RUN, Schedule
from app.estimator.software import Software
from app.estimator.throughput import StepTimes, step_times
from app.estimator.units import GIB
from app.estimator.wall_clock import CHECKPOINTS_PER_RUN, WallClock, wall_clock
from app.estimator.work import step_work

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Task:
    """What is planned: a model, a method, the software and the data.

    Parameters
    ----------
    calibration : for the probability of running out of memory.
    """

    architecture: Architecture
    method: Method
    software: Software
    data: Data
    constants: ConstantValues
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plan may take.

    Parameters
    ----------
    max_gpus : [count]
    deadline_hours, budget_usd : of one run; None for no limit. [h], [USD]
    """

    max_gpus: int
    deadline_hours: float | None = None
    budget_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The plans that fit, with their memory, time and hours. Arrays of length p.

    Parameters
    ----------
    considered : all plans. [count]
    every, total_bytes : all plans (q,), and what each needs. (q,) [bytes]
    usable_bytes : what each has to plan on. (q,) [bytes]
    plans, memory : those that fit.
    probability_oom : of running out of memory.
    times, clock : one step, and one whole run.
    """

    considered: int
    every: Plans
    total_bytes: Floats
    usable_bytes: Floats
    plans: Plans
    memory: Memory
    capacity_bytes: Floats
    probability_oom: Floats
    times: StepTimes
    clock: WallClock

    @property
    def hours(self) -> Floats:
        """Of one whole run on instances that are not taken away. (p,) [h]"""
        return self.clock.total

    @property
    def checkpoint_hours(self) -> Floats:
        """To write one checkpoint. (p,) [h]"""
        return self.clock.checkpoints / CHECKPOINTS_PER_RUN

    def of_fitting(self) -> Evaluation:
        """Without the plans that do not fit, which are many and only say why nothing fits."""
        none = np.array([], dtype=np.intp)
        return replace(
            self,
            every=self.every.take(none),
            total_bytes=self.total_bytes[none],
            usable_bytes=self.usable_bytes[none],
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """One plan on one offer.

    Parameters
    ----------
    plan : index into the evaluation's plans that fit.
    offer : index into the fleet's offers.
    usd : price of one run: its share of all GPU money of the programme. [USD]
    hours : of one run, interruptions of spot instances included. [h]
    paid_hours : of each instance that are paid for one run: its share of all of them. [h]
    """

    plan: int
    offer: int
    usd: float
    hours: float
    paid_hours: float

    @property
    def idle_fraction(self) -> float:
        """Share of the paid hours that nothing runs in."""
        return max(0.0, 1.0 - self.hours / self.paid_hours)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What makes a quicker plan worth more than its price.

    Parameters
    ----------
    runs : whole runs that are paid for over the horizon. [count]
    usd_per_hour : what one more hour of a run costs by delaying the first release. [USD/h]
    """

    runs: float
    usd_per_hour: float


NO_WAITING = Waiting(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Planned:
    """What the planner found for one method; the choices are None where nothing fits the limits.

    Parameters
    ----------
    frontier : no other plan is both cheaper and quicker; from the cheapest to the fastest.
    considered, out_of_memory, over_limits : layouts times the offers that rent their hardware; how
        many of them do not fit a card, and how many pass the deadline or the budget. [count]
    """

    evaluation: Evaluation
    cheapest: Choice | None
    fastest: Choice | None
    best_value: Choice | None
    frontier: tuple[Choice, ...]
    considered: int
    out_of_memory: int
    over_limits: int

    @property
    def fitting(self) -> int:
        """Plans within memory and limits. [count]"""
        return self.considered - self.out_of_memory - self.over_limits


def memory_of(task: Task, plans: Plans) -> tuple[Memory, Floats]:
    """Memory of every plan, and half its 80% interval in the logarithm. (p,)"""
    held: Footprint = footprint(
        task.architecture, task.method, task.software, plans, task.data.sequence_length
    )
    memory = peak_memory(held, task.constants)
    known = task.calibration.knows_stack(RESERVED, task.software.stack)
    half = task.calibration.half_width(RESERVED, task.method.key, known=known)
    weight = task.calibration.difficulty[RESERVED]
    return memory, half * memory_difficulty(soft_share(memory), weight)


def times_of(task: Task, fleet: Fleet, plans: Plans) -> tuple[StepTimes, WallClock]:
    """Step times of every plan, and the hours of one run. (p,)"""
    work = step_work(
        task.architecture,
        task.method,
        task.software,
        fleet,
        plans,
        task.data.sequence_length,
    )
    times = step_times(work, task.constants)
    saved = task.software.saved_bytes_per_parameter(full=task.method.adapters is None)
    checkpoint = saved * task.method.trainable_parameters(task.architecture)
    return times, wall_clock(task.data, plans, work, times, checkpoint, task.constants)


TIMED_TOGETHER = 8192
"""Plans in one part of the arrays of `evaluate`. [count]"""


def evaluate(task: Task, fleet: Fleet, plans: Plans) -> Evaluation:
    """Memory of every plan, and the times of those that fit.

    Notes
    -----
    A plan fits where the probability that it runs out of memory is within the limit that the
    scenario sets, and where the host holds what is offloaded. Memory does not depend on the
    hardware, so it is computed once for plans that differ in nothing else; times are computed for
    the plans that fit.
    """
    first, alike = plans.apart_from_hardware()
    memory, half = memory_of(task, plans.take(first))
    total = memory.total[alike]
    capacity = fleet.memory_bytes[plans.shape]
    usable = capacity * (1.0 - task.constants["memory_margin"])
    probability = probability_above(total, usable, half[alike])
    fits = probability <= task.constants["largest_oom_probability"]
    if np.any(plans.offload):
        fits &= _host_holds(task, fleet, plans, memory.host[alike])
    fitting = np.flatnonzero(fits)
    kept = plans.take(fitting)
    # Part by part, so that the arrays on the way stay in the cache.
    parts = [
        times_of(task, fleet, kept.take(slice(start, start + TIMED_TOGETHER)))
        for start in range(0, max(len(kept), 1), TIMED_TOGETHER)
    ]
    return Evaluation(
        considered=len(plans),
        every=plans,
        total_bytes=total,
        usable_bytes=usable,
        plans=kept,
        memory=memory.take(alike[fitting]),
        capacity_bytes=capacity[fitting],
        probability_oom=probability[fitting],
        times=StepTimes(*_joined([times for times, _ in parts])),
        clock=WallClock(*_joined([clock for _, clock in parts])),
    )


def _host_holds(task: Task, fleet: Fleet, plans: Plans, host_bytes: Floats) -> NDArray[np.bool_]:
    """Whether an instance's memory holds what its GPUs offload. (p,)

    Notes
    -----
    Where an offer does not state its host memory, the assumption for one GPU stands in.
    """
    gpus = fleet.gpus_per_instance[plans.shape]
    stated = fleet.host_memory_bytes[plans.shape]
    assumed = task.constants["host_memory_gib_per_gpu"] * GIB * gpus
    there = np.where(np.isnan(stated), assumed, stated)
    return np.asarray(host_bytes * gpus <= task.constants["host_memory_share"] * there)


def _joined(parts: Sequence[StepTimes] | Sequence[WallClock]) -> Iterator[Floats]:
    """The fields of several parts, each as one array."""
    for field in fields(parts[0]):
        yield np.concatenate([getattr(part, field.name) for part in parts])


def plan_run(
    task: Task,
    fleet: Fleet,
    space: Space,
    limits: Limits,
    waiting: Waiting = NO_WAITING,
    schedule: Schedule = ONE_RUN,
) -> Planned:
    """The cheapest plan within the limits, the fastest, the best value, and the frontier.

    Parameters
    ----------
    schedule : the runs of the programme, over which a commitment is shared out.

    Notes
    -----
    Cost of a run = price of an instance x instances x hours that are paid for it. Best value has
    the lowest cost of all runs and of waiting for the first release: runs x cost + hours x cost of
    an hour. Ties go to the fewer hours (or dollars), then the fewer GPUs, then the first offer in
    order: the same input gives the same plan.
    """
    plans = enumerate_plans(
        fleet,
        space,
        max_gpus=limits.max_gpus,
        global_batch=task.data.global_batch_sequences,
    )
    evaluation = evaluate(task, fleet, plans)
    rented = np.bincount(fleet.offer_shape, minlength=len(fleet.accelerators))
    considered = int(rented[plans.shape].sum())
    in_memory = int(rented[evaluation.plans.shape].sum())
    if len(evaluation.plans) == 0:
        return Planned(evaluation, None, None, None, (), considered, considered, 0)

    # On one shape and node count the price an hour is the same, so only the quickest layout can
    # win. (A slower one could at most save a term of a reservation by releasing less often.)
    quickest = _quickest_per_shape_and_nodes(evaluation)
    kept = evaluation.plans
    offer, candidate = np.nonzero(fleet.offer_shape[:, None] == kept.shape[quickest][None, :])
    plan = quickest[candidate]
    nodes = kept.nodes[plan]
    hours, paid = billed(
        fleet.offer_option[offer],
        evaluation.hours[plan],
        evaluation.checkpoint_hours[plan],
        nodes,
        schedule,
        task.constants,
    )
    usd = fleet.offer_usd_per_instance_hour[offer] * nodes * paid
    within = np.isfinite(hours)
    if limits.deadline_hours is not None:
        within &= hours <= limits.deadline_hours
    if limits.budget_usd is not None:
        within &= usd <= limits.budget_usd
    over = _over_limits(task, evaluation, fleet, limits, schedule)
    plan, offer = plan[within], offer[within]
    hours, usd, paid = hours[within], usd[within], paid[within]
    out_of_memory = considered - in_memory
    if len(plan) == 0:
        return Planned(evaluation, None, None, None, (), considered, out_of_memory, over)
    gpus = kept.gpus[plan]
    by_cost = np.lexsort((offer, gpus, hours, usd))
    by_time = np.lexsort((offer, gpus, usd, hours))[0]
    in_all = waiting.runs * usd + waiting.usd_per_hour * hours
    by_value = np.lexsort((offer, gpus, hours, in_all))[0]

    def choice(at: np.intp) -> Choice:
        return Choice(
            int(plan[at]), int(offer[at]), float(usd[at]), float(hours[at]), float(paid[at])
        )

    lowest = np.minimum.accumulate(hours[by_cost])
    first = np.concatenate([[True], lowest[1:] < lowest[:-1]])
    return Planned(
        evaluation.of_fitting(),
        choice(by_cost[0]),
        choice(by_time),
        choice(by_value),
        tuple(choice(at) for at in by_cost[first]),
        considered,
        out_of_memory,
        over,
    )


def _over_limits(
    task: Task, evaluation: Evaluation, fleet: Fleet, limits: Limits, schedule: Schedule
) -> int:
    """Plans times offers that fit a card, but pass the deadline or the budget, or are taken away
    faster than they advance. [count]

    Notes
    -----
    Hours depend on the hardware and the purchase option alone, so offers that share both are
    counted together, by their prices in order.
    """
    if limits.deadline_hours is None and limits.budget_usd is None:
        return _taken_away(task, evaluation, fleet)
    kinds = fleet.offer_shape * len(OPTIONS) + fleet.offer_option
    by_shape = np.argsort(evaluation.plans.shape, kind="stable")
    shapes = evaluation.plans.shape[by_shape]
    over = 0
    for kind in np.unique(kinds):
        shape, option = divmod(int(kind), len(OPTIONS))
        first, end = np.searchsorted(shapes, [shape, shape + 1])
        mine = by_shape[first:end]
        if len(mine) == 0:
            continue
        prices, alike = np.unique(
            fleet.offer_usd_per_instance_hour[kinds == kind], return_counts=True
        )
        offers = np.concatenate([[0], np.cumsum(alike)])
        nodes = evaluation.plans.nodes[mine]
        hours, paid = billed(
            np.broadcast_to(option, len(mine)),
            evaluation.hours[mine],
            evaluation.checkpoint_hours[mine],
            nodes,
            schedule,
            task.constants,
        )
        late = ~np.isfinite(hours)
        if limits.deadline_hours is not None:
            late |= hours > limits.deadline_hours
        over += int(offers[-1] * late.sum())
        if limits.budget_usd is not None:
            nodes, paid = nodes[~late], paid[~late]
            kept = offers[_affordable(prices, nodes, paid, limits.budget_usd)]
            over += int((offers[-1] - kept).sum())
    return over


def _affordable(
    prices: Floats, nodes: NDArray[np.int64], paid_hours: Floats, budget_usd: float
) -> NDArray[np.int64]:
    """How many of the prices, which ascend, keep the budget under each plan. (p,) [count]"""
    count = np.searchsorted(prices, budget_usd / (nodes * paid_hours), side="right")

    def cost(at: NDArray[np.int64]) -> Floats:
        # Multiplied in the order of `plan_run`, so that both agree to the last digit.
        return np.asarray(prices[at] * nodes * paid_hours)

    while np.any(dear := (count > 0) & (cost(np.maximum(count - 1, 0)) > budget_usd)):
        count = count - dear
    last = len(prices) - 1
    while np.any(more := (count <= last) & (cost(np.minimum(count, last)) <= budget_usd)):
        count = count + more
    return np.asarray(count, dtype=np.int64)


def _taken_away(task: Task, evaluation: Evaluation, fleet: Fleet) -> int:
    """Plans times spot offers on which a run would never end. [count]"""
    spot = fleet.offer_shape[fleet.offer_option == OPTIONS.index("spot")]
    offers = np.bincount(spot, minlength=len(fleet.accelerators))[evaluation.plans.shape]
    mine = np.flatnonzero(offers)
    hours = spot_hours(
        evaluation.hours[mine],
        evaluation.checkpoint_hours[mine],
        evaluation.plans.nodes[mine],
        task.constants,
    )
    return int(offers[mine][np.isinf(hours)].sum())


def _quickest_per_shape_and_nodes(evaluation: Evaluation) -> Index:
    """Positions of the quickest fitting plan of each shape and node count, the first of several."""
    plans, hours = evaluation.plans, evaluation.hours
    group = plans.shape * (plans.nodes.max() + 1) + plans.nodes
    lowest = np.full(group.max() + 1, np.inf)
    np.minimum.at(lowest, group, hours)
    quickest = np.flatnonzero(hours == lowest[group])
    _, first = np.unique(group[quickest], return_index=True)
    return quickest[first]
