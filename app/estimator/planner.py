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
class Planned:
    """What the planner found for one method; `cheapest` is None where nothing fits."""

    evaluation: Evaluation
    cheapest: Choice | None
    fastest: Choice | None
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
    times = step_times(architecture, method, fleet, plans, data.sequence_length, constants)
    per_step = plans.accumulation * plans.micro_batch * plans.gpus
    steps = np.ceil(data.sequences_per_run / per_step)
    hours = steps * times.total / SECONDS_PER_HOUR + constants["start_up_hours"]
    return Evaluation(plans, memory, capacity, memory.total <= capacity, times, hours)


def plan_run(
    architecture: Architecture,
    method: Method,
    data: Data,
    fleet: Fleet,
    constants: ConstantValues,
    max_gpus: int,
) -> Planned:
    """The cheapest and the fastest plan that fits, among all offers.

    Notes
    -----
    Cost of a run = price of an instance x instances x hours. Ties go to the fewer hours (or
    dollars), then the fewer GPUs, then the first offer in order: the same input, the same plan.
    """
    plans = enumerate_plans(fleet, max_gpus=max_gpus, global_batch=data.global_batch_sequences)
    evaluation = evaluate(architecture, method, data, fleet, plans, constants)
    rented = np.bincount(fleet.offer_shape, minlength=len(fleet.accelerators))
    considered = int(rented[plans.shape].sum())
    fitting = np.flatnonzero(evaluation.fits)
    if len(fitting) == 0:
        return Planned(evaluation, None, None, considered, 0)

    # On one shape and node count the price is the same, so only the quickest layout can win.
    quickest = _quickest_per_shape_and_nodes(evaluation, fitting)
    offer, candidate = np.nonzero(fleet.offer_shape[:, None] == plans.shape[quickest][None, :])
    plan = quickest[candidate]
    usd = fleet.offer_usd_per_instance_hour[offer] * plans.nodes[plan] * evaluation.hours[plan]
    gpus = plans.gpus[plan]
    hours = evaluation.hours[plan]
    by_cost = np.lexsort((offer, gpus, hours, usd))[0]
    by_time = np.lexsort((offer, gpus, usd, hours))[0]

    def choice(position: np.intp) -> Choice:
        return Choice(int(plan[position]), int(offer[position]), float(usd[position]))

    return Planned(
        evaluation,
        choice(by_cost),
        choice(by_time),
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
        smallest = int(fleet.gpus_per_instance.min()) if len(fleet.offers) else 0
        why = (
            f"No layout is possible: the smallest instance among the chosen offers has {smallest} "
            f"GPUs, against a limit of {max_gpus} GPUs and a global batch of "
            f"{data.global_batch_sequences} sequences."
            if smallest
            else "No offer matches the chosen GPUs and providers."
        )
    else:
        short = evaluation.memory.total - evaluation.capacity_bytes
        nearest = int(np.argmin(short / evaluation.capacity_bytes))
        shape = int(evaluation.plans.shape[nearest])
        gpus = int(evaluation.plans.gpus[nearest])
        why = (
            f"Out of memory on every plan. The nearest, {gpus} x {fleet.accelerators[shape].name}, "
            f"needs {evaluation.memory.total[nearest] / GIB:.1f} GiB per GPU and has "
            f"{evaluation.capacity_bytes[nearest] / GIB:.0f} GiB."
        )
    wider = plan_run(architecture, method, data, reference_fleet, constants, REMEDY_GPUS)
    if wider.cheapest is None and data.global_batch_sequences < REMEDY_GPUS:
        larger = replace(data, global_batch_sequences=REMEDY_GPUS)
        wider = plan_run(architecture, method, larger, reference_fleet, constants, REMEDY_GPUS)
        if wider.cheapest is not None:
            gpus = int(wider.evaluation.plans.gpus[wider.evaluation.fits].min())
            return (
                why,
                f"With a global batch of {gpus} sequences or more it can be spread over {gpus} "
                "GPUs, and fits: raise the global batch and the limit of GPUs, or choose a shorter "
                "sequence.",
            )
    if wider.cheapest is None:
        return (
            why,
            f"No firm offer fits it on up to {REMEDY_GPUS} GPUs either: choose a smaller model, a "
            "shorter sequence, or another method.",
        )
    plans = wider.evaluation.plans
    fitting = np.flatnonzero(wider.evaluation.fits)
    fewest = fitting[np.lexsort((wider.evaluation.hours[fitting], plans.gpus[fitting]))[0]]
    name = reference_fleet.accelerators[int(plans.shape[fewest])].name
    return (
        why,
        f"It would fit on {int(plans.gpus[fewest])} x {name}: raise the limit of GPUs, or choose "
        "more GPUs and providers, or a shorter sequence.",
    )
