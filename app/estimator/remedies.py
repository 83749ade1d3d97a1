"""Why nothing fits, and the smallest change that would make something fit, in sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from app.estimator.fleet import Fleet
from app.estimator.planner import Evaluation, Limits, Planned, Task, plan_run
from app.estimator.plans import Space
from app.estimator.schedule import ONE_RUN, Schedule
from app.estimator.units import GIB
from app.estimator.wording import plural

REMEDY_GPUS = 1024
LEAST_LOSS = "chunked"
"""Of `LOSSES`, the one that needs the least memory."""

LEAST_WHOLE_USD = 10.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a method has no plan.

    Parameters
    ----------
    limit : what stands in the way: gpus, deadline, budget or spot. Where deadline and budget could
        each be met alone, but no plan meets both, it is the deadline.
    sentences : why, and what would make a plan fit, for a reader.
    """

    limit: Literal["gpus", "deadline", "budget", "spot"]
    sentences: tuple[str, ...]


def why_nothing_fits(
    task: Task,
    planned: Planned,
    fleet: Fleet,
    reference_fleet: Fleet,
    space: Space,
    limits: Limits,
    schedule: Schedule = ONE_RUN,
) -> Refusal:
    """Why no plan fits, and what would make one fit."""
    evaluation = planned.evaluation
    if len(evaluation.plans):
        return _limits_too_tight(task, fleet, space, limits, schedule)
    if len(evaluation.every) == 0:
        smallest = int(fleet.gpus_per_instance.min())
        why = (
            "No layout is possible: the smallest instance among the offers has "
            f"{plural(smallest, 'GPU')}, against a limit of {plural(limits.max_gpus, 'GPU')} and a "
            f"global batch of {plural(task.data.global_batch_sequences, 'sequence')}."
        )
    else:
        short = evaluation.total_bytes / evaluation.usable_bytes
        nearest = int(np.argmin(short))
        shape = int(evaluation.every.shape[nearest])
        gpus = int(evaluation.every.gpus[nearest])
        why = (
            f"Out of memory on every plan. The nearest, {gpus} × {fleet.accelerators[shape].name}, "
            f"needs {evaluation.total_bytes[nearest] / GIB:.1f} GiB per GPU and has "
            f"{evaluation.usable_bytes[nearest] / GIB:.1f} GiB to plan on"
            + _too_close(task, evaluation, nearest, short[nearest] <= 1)
        )
    data = task.data
    larger_data = replace(
        data, global_batch_sequences=max(data.global_batch_sequences, REMEDY_GPUS)
    )
    larger = replace(task, data=larger_data)
    whole = task.software.loss != LEAST_LOSS
    chunked = replace(task, software=replace(task.software, loss=LEAST_LOSS))
    more = max(limits.max_gpus, REMEDY_GPUS)
    others = "choose other GPUs or providers"
    limit = "raise the limit of GPUs"
    chunks = f"set the loss to {LEAST_LOSS}"
    batch = f"raise the global batch to {larger_data.global_batch_sequences}"
    # From the smallest change to the largest; the first that works is said, and only what it takes.
    for remedy, tried, offers, gpus in (
        *([(chunks, chunked, fleet, limits.max_gpus)] if whole else []),
        (limit, task, fleet, more),
        (others, task, reference_fleet, limits.max_gpus),
        (f"{limit} and {others}", task, reference_fleet, more),
        (batch, larger, fleet, limits.max_gpus),
        (f"{batch} and {limit}", larger, fleet, more),
        (f"{batch} and {others}", larger, reference_fleet, limits.max_gpus),
        (f"{batch}, {limit} and {others}", larger, reference_fleet, more),
        *([(f"{chunks} and {limit}", chunked, fleet, more)] if whole else []),
        *([(f"{chunks}, {limit} and {others}", chunked, reference_fleet, more)] if whole else []),
    ):
        fewest = _fewest_gpus(tried, offers, space, gpus)
        if fewest is not None:
            count, name = fewest
            return Refusal("gpus", (why, f"To make it fit, {remedy}: it fits on {count} × {name}."))
    splits = "" if task.software.kernels.model_parallel else ", software that splits a model"
    return Refusal(
        "gpus",
        (
            why,
            f"No firm offer fits it on up to {more} GPUs either: choose a smaller model, a shorter "
            f"sequence{splits}, or another method.",
        ),
    )


def _too_close(task: Task, evaluation: Evaluation, nearest: int, enough: bool) -> str:
    """The end of the sentence, where a plan has enough memory and still is not planned on."""
    if not enough:
        return "."
    if evaluation.every.offload[nearest]:
        return ", but its host cannot hold what it offloads."
    risk = task.constants["largest_oom_probability"]
    return f": too close, as the chance of running out is above {risk:.0%}."


def _limits_too_tight(
    task: Task, fleet: Fleet, space: Space, limits: Limits, schedule: Schedule
) -> Refusal:
    """What the deadline and the budget would have to be."""
    free = plan_run(task, fleet, space, Limits(limits.max_gpus), schedule=schedule)
    if free.cheapest is None:
        return Refusal(
            "spot",
            (
                "Plans fit in memory, but only on spot instances that are taken away faster than a "
                "run advances: choose other GPUs or providers, or fewer interruptions.",
            ),
        )
    both = limits.deadline_hours is not None and limits.budget_usd is not None
    one = "the budget" if limits.deadline_hours is None else "the deadline"
    said = [f"Plans fit in memory, but none keeps {'both limits' if both else one}."]
    if limits.deadline_hours is not None and free.fastest is not None:
        said.append(
            f"The fastest takes {free.fastest.hours:.1f} h (US${_usd(free.fastest.usd)}), against "
            f"a deadline of {limits.deadline_hours:g} h."
        )
    if limits.budget_usd is not None and free.cheapest is not None:
        said.append(
            f"The cheapest costs US${_usd(free.cheapest.usd)} ({free.cheapest.hours:.1f} h), "
            f"against a budget of US${_entered(limits.budget_usd)}."
        )
    late = limits.deadline_hours is not None and (
        limits.budget_usd is None
        or (free.fastest is not None and free.fastest.hours > limits.deadline_hours)
    )
    dear = (
        limits.budget_usd is not None
        and free.cheapest is not None
        and free.cheapest.usd > limits.budget_usd
    )
    return Refusal("budget" if dear and not late else "deadline", tuple(said))


def _usd(value: float) -> str:
    """An amount without its sign: whole, or with cents where they matter."""
    return f"{value:,.0f}" if value >= LEAST_WHOLE_USD else f"{value:,.2f}"


def _entered(value: float) -> str:
    """An amount as it was entered, with cents where it has some."""
    return f"{value:,.2f}".removesuffix(".00")


def _fewest_gpus(task: Task, fleet: Fleet, space: Space, max_gpus: int) -> tuple[int, str] | None:
    """The smallest number of GPUs on which something fits, and their name."""
    evaluation = plan_run(task, fleet, space, Limits(max_gpus)).evaluation
    if len(evaluation.plans) == 0:
        return None
    best = int(np.lexsort((evaluation.hours, evaluation.plans.gpus))[0])
    name = fleet.accelerators[int(evaluation.plans.shape[best])].name
    return int(evaluation.plans.gpus[best]), name
