"""The planner: evaluates every plan on every offer, and picks the cheapest and the fastest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.estimator.architecture import Architecture
from app.estimator.case import Data
from app.estimator.constants import ConstantValues
from app.estimator.memory import Memory, plan_memory
from app.estimator.methods import Method
from app.estimator.plans import Fleet, Plans, enumerate_plans
from app.estimator.throughput import StepTimes, step_times
from app.estimator.units import GIB, SECONDS_PER_HOUR

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Plans with their memory, time and hours. Arrays of length p."""

    plans: Plans
    memory: Memory
    capacity_bytes: Floats
    fits: NDArray[np.bool_]
    times: StepTimes
    hours: Floats
    """one whole run, start-up included"""


@dataclass(frozen=True, slots=True)
class Choice:
    """One plan on one offer.

    Parameters
    ----------
    plan : index into the evaluation.
    offer : index into the fleet's offers.
    usd : price of one run. [USD]
    """

    plan: int
    offer: int
    usd: float


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
    """What the planner found for one method; `cheapest` is None where nothing fits."""

    evaluation: Evaluation
    cheapest: Choice | None
    fastest: Choice | None
    best_value: Choice | None
    considered: int
    """layouts times the offers that rent their hardware"""
    fitting: int


def evaluate(
    architecture: Architecture,
    method: Method,
    data: Data,
    fleet: Fleet,
    plans: Plans,
    constants: ConstantValues,
) -> Evaluation:
    """Memory and time of every plan.

    Notes
    -----
    Hours = steps x step time + start-up. Steps are counted with the global batch that the plan
    really uses.
    """
    memory = plan_memory(architecture, method, plans, data.sequence_length, constants)
    capacity = fleet.memory_bytes[plans.shape]
    usable = capacity * (1.0 - constants["memory_margin"])
    times = step_times(architecture, method, fleet, plans, data.sequence_length, constants)
    per_step = plans.accumulation * plans.micro_batch * plans.gpus
    steps = np.ceil(data.sequences_per_run / per_step)
    hours = steps * times.total / SECONDS_PER_HOUR + constants["start_up_hours"]
    return Evaluation(plans, memory, capacity, memory.total <= usable, times, hours)


def plan_run(
    architecture: Architecture,
    method: Method,
    data: Data,
    fleet: Fleet,
    constants: ConstantValues,
    max_gpus: int,
    waiting: Waiting = NO_WAITING,
) -> Planned:
    """The cheapest plan that fits, the fastest, and the one of best value, among all offers.

    Notes
    -----
    Cost of a run = price of an instance x instances x hours. Best value has the lowest cost of all
    runs and of waiting for the first release: runs x cost + hours x cost of an hour. Ties go to the
    fewer hours (or dollars), then the fewer GPUs, then the first offer in order: the same input
    gives the same plan.
    """
    plans = enumerate_plans(fleet, max_gpus=max_gpus, global_batch=data.global_batch_sequences)
    evaluation = evaluate(architecture, method, data, fleet, plans, constants)
    rented = np.bincount(fleet.offer_shape, minlength=len(fleet.accelerators))
    considered = int(rented[plans.shape].sum())
    fitting = np.flatnonzero(evaluation.fits)
    if len(fitting) == 0:
        return Planned(evaluation, None, None, None, considered, 0)

    # On one shape and node count the price is the same, so only the quickest layout can win.
    quickest = _quickest_per_shape_and_nodes(evaluation, fitting)
    offer, candidate = np.nonzero(fleet.offer_shape[:, None] == plans.shape[quickest][None, :])
    plan = quickest[candidate]
    usd = fleet.offer_usd_per_instance_hour[offer] * plans.nodes[plan] * evaluation.hours[plan]
    gpus = plans.gpus[plan]
    hours = evaluation.hours[plan]
    by_cost = np.lexsort((offer, gpus, hours, usd))[0]
    by_time = np.lexsort((offer, gpus, usd, hours))[0]
    in_all = waiting.runs * usd + waiting.usd_per_hour * hours
    by_value = np.lexsort((offer, gpus, hours, in_all))[0]

    def choice(position: np.intp) -> Choice:
        return Choice(int(plan[position]), int(offer[position]), float(usd[position]))

    return Planned(
        evaluation,
        choice(by_cost),
        choice(by_time),
        choice(by_value),
        considered,
        int(rented[plans.shape[fitting]].sum()),
    )


def _quickest_per_shape_and_nodes(
    evaluation: Evaluation, fitting: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Positions of the quickest fitting plan of each shape and node count."""
    plans = evaluation.plans
    order = fitting[
        np.lexsort(
            (
                fitting,
                evaluation.hours[fitting],
                plans.nodes[fitting],
                plans.shape[fitting],
            )
        )
    ]
    group = np.stack([plans.shape[order], plans.nodes[order]])
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = np.any(group[:, 1:] != group[:, :-1], axis=0)
    return order[starts]


REMEDY_GPUS = 1024


def reasons_nothing_fits(
    architecture: Architecture,
    method: Method,
    data: Data,
    planned: Planned,
    fleet: Fleet,
    reference_fleet: Fleet,
    constants: ConstantValues,
    max_gpus: int,
) -> tuple[str, ...]:
    """Why no plan fits, and what would make one fit, in sentences for a reader."""
    evaluation = planned.evaluation
    if len(evaluation.plans) == 0:
        smallest = int(fleet.gpus_per_instance.min())
        why = (
            f"No layout is possible: the smallest instance among the offers has {smallest} GPUs, "
            f"against a limit of {max_gpus} GPUs and a global batch of "
            f"{data.global_batch_sequences} sequences."
        )
    else:
        short = evaluation.memory.total - evaluation.capacity_bytes
        nearest = int(np.argmin(short / evaluation.capacity_bytes))
        shape = int(evaluation.plans.shape[nearest])
        gpus = int(evaluation.plans.gpus[nearest])
        usable = evaluation.capacity_bytes[nearest] * (1 - constants["memory_margin"])
        why = (
            f"Out of memory on every plan. The nearest, {gpus} × {fleet.accelerators[shape].name}, "
            f"needs {evaluation.memory.total[nearest] / GIB:.1f} GiB per GPU and has "
            f"{usable / GIB:.1f} GiB to plan on."
        )
    larger = replace(data, global_batch_sequences=max(data.global_batch_sequences, REMEDY_GPUS))
    more, others = max(max_gpus, REMEDY_GPUS), "choose other GPUs or providers"
    limit = "raise the limit of GPUs"
    batch = f"raise the global batch to {larger.global_batch_sequences}"
    # From the smallest change to the largest; the first that works is said, and only what it takes.
    for remedy, tried, offers, gpus in (
        (limit, data, fleet, more),
        (others, data, reference_fleet, max_gpus),
        (f"{limit} and {others}", data, reference_fleet, more),
        (batch, larger, fleet, max_gpus),
        (f"{batch} and {limit}", larger, fleet, more),
        (f"{batch} and {others}", larger, reference_fleet, max_gpus),
        (f"{batch}, {limit} and {others}", larger, reference_fleet, more),
    ):
        fewest = _fewest_gpus(architecture, method, tried, offers, constants, gpus)
        if fewest is not None:
            count, name = fewest
            return why, f"To make it fit, {remedy}: it fits on {count} × {name}."
    return (
        why,
        f"No firm offer fits it on up to {more} GPUs either: choose a smaller model, a shorter "
        "sequence, or another method.",
    )


def _fewest_gpus(
    architecture: Architecture,
    method: Method,
    data: Data,
    fleet: Fleet,
    constants: ConstantValues,
    max_gpus: int,
) -> tuple[int, str] | None:
    """The smallest number of GPUs on which something fits, and their name."""
    evaluation = plan_run(architecture, method, data, fleet, constants, max_gpus).evaluation
    fitting = np.flatnonzero(evaluation.fits)
    if len(fitting) == 0:
        return None
    gpus = evaluation.plans.gpus[fitting]
    best = fitting[np.lexsort((evaluation.hours[fitting], gpus))[0]]
    name = fleet.accelerators[int(evaluation.plans.shape[best])].name
    return int(evaluation.plans.gpus[best]), name
