"""Reports of plans: where and how one run trains, its frontier, and its bill of infrastructure."""

from __future__ import annotations

from math import exp

import numpy as np

from app.estimator.calibration import RESERVED, TIME, Z80, memory_difficulty, time_difficulty
from app.estimator.case import Case
from app.estimator.energy import energy_report
from app.estimator.fleet import Floats
from app.estimator.flops import step_flop
from app.estimator.infrastructure import bill
from app.estimator.memory import LINE_LABELS, MOMENTS
from app.estimator.methods import BF16_BYTES, Method
from app.estimator.planner import Choice, Planned
from app.estimator.plans import CHECKPOINTING, OFFLOADS, STRATEGIES, STRATEGY_LABELS, Plans
from app.estimator.prediction import hard_share, soft_share
from app.estimator.purchase import checkpoint_interval_hours
from app.estimator.report_plans import (
    BillEntry,
    FlopReport,
    FrontierPoint,
    MemoryLine,
    PlanReport,
    StepTime,
    WallClockReport,
)
from app.estimator.report_values import Distribution
from app.estimator.uncertainty import distribution
from app.estimator.wall_clock import CHECKPOINTS_PER_RUN
from app.estimator.work import causal_fraction, step_work

CHECKPOINTS_KEPT = 2
"""Checkpoints that a run keeps. Assumption."""

MOST_FRONTIER_POINTS = 40

SHORT_LABELS = {
    "single": "one GPU",
    "ddp": "DDP",
    "zero1": "ZeRO-1",
    "zero2": "ZeRO-2",
    "fsdp": "FSDP",
}


def layout_label(plans: Plans, i: int) -> str:
    """The layout of one plan in a few words."""
    name = STRATEGIES[int(plans.strategy[i])]
    parts = [SHORT_LABELS[name]] if plans.replicas[i] > 1 else []
    if plans.gpus[i] == 1:
        parts = ["one GPU"]
    for name, short in (
        ("tensor", "TP"),
        ("pipeline", "PP"),
        ("context", "CP"),
        ("expert", "EP"),
    ):
        size = int(getattr(plans, name)[i])
        if size > 1:
            parts.append(f"{short}{size}")
    if plans.offload[i]:
        parts.append(f"{OFFLOADS[int(plans.offload[i])]} on the host")
    return " × ".join(parts)


def time_half_width(
    case: Case, method: str, planned: Planned | None, choice: Choice | None
) -> float:
    """Half the 80% range of the step time of a plan, None for an easy one; what was entered where
    something was. [natural logarithm]"""
    if case.time_uncertainty_fraction is not None:
        return float(np.log1p(case.time_uncertainty_fraction))
    known = case.calibration.knows_stack(TIME, case.software.stack)
    if planned is None or choice is None:
        return case.calibration.half_width(TIME, method, known=known)
    chip = case.fleet.offers[choice.offer].accelerator.chip
    half = case.calibration.time_half_width(method, chip, known=known)
    hard = hard_share(planned.evaluation.times)[choice.plan]
    return half * float(time_difficulty(hard, case.calibration.difficulty[TIME]))


def plan_report(
    case: Case, method: Method, planned: Planned, choice: Choice, time: Floats
) -> PlanReport:
    """One plan on one offer. `time` are the draws of its time factor."""
    evaluation, i = planned.evaluation, choice.plan
    plans, times, memory = evaluation.plans, evaluation.times, evaluation.memory
    clock = evaluation.clock
    offer = case.fleet.offers[choice.offer]
    accelerator = offer.accelerator
    gpus = int(plans.gpus[i])
    share = float(case.data.share_of(plans)[i])
    step = float(times.total[i]) * share * case.constants["cluster_time_factor"]
    scale = step / float(times.total[i])
    micro_batches = float(plans.accumulation[i])
    tokens = float(plans.global_batch[i]) * case.data.sequence_length * share
    one = plans.take(np.array([i]))
    flop = step_flop(
        case.model.architecture,
        method.adapters,
        sequences=one.micro_batch,
        sequence_length=case.data.sequence_length,
        checkpointing=one.checkpointing,
    )
    # Model FLOP: what the method needs, without recomputation and without masked scores.
    masked = 1.0 - causal_fraction(case.model.architecture, case.data.sequence_length)
    needed = float(np.sum(flop.forward + flop.backward)) - masked * float(
        np.sum(flop.attention_forward + flop.attention_backward)
    )
    needed *= micro_batches * float(plans.replicas[i]) * share
    known = case.calibration.knows_stack(RESERVED, case.software.stack)
    half = case.calibration.half_width(RESERVED, method.key, known=known) * float(
        memory_difficulty(soft_share(memory), case.calibration.difficulty[RESERVED])[i]
    )
    total = float(memory.total[i])
    return PlanReport(
        offer_key=offer.key,
        provider=offer.provider,
        provider_name=offer.provider_name,
        instance=offer.instance,
        region=offer.region,
        tier=offer.tier,
        accelerator=accelerator.key,
        accelerator_name=accelerator.name,
        gpus_per_instance=offer.gpus_per_instance,
        nodes=int(plans.nodes[i]),
        gpus=gpus,
        purchase_option=offer.purchase_option,
        usd_per_instance_hour=offer.usd_per_instance_hour,
        usd_per_gpu_hour=offer.usd_per_gpu_hour,
        list_usd_per_instance_hour=offer.list_usd_per_instance_hour,
        discount_fraction=offer.discount_fraction,
        price_book=offer.price_book,
        idle_fraction=choice.idle_fraction,
        price_valid_from=offer.valid_from.isoformat(),
        price_age_days=(case.as_of - offer.valid_from).days,
        price_source_key=offer.source.key,
        strategy=STRATEGIES[int(plans.strategy[i])],
        strategy_label=STRATEGY_LABELS[STRATEGIES[int(plans.strategy[i])]],
        data_parallel=int(plans.replicas[i]),
        tensor_parallel=int(plans.tensor[i]),
        pipeline_parallel=int(plans.pipeline[i]),
        context_parallel=int(plans.context[i]),
        expert_parallel=int(plans.expert[i]),
        micro_batch=int(plans.micro_batch[i]),
        gradient_accumulation_steps=int(plans.accumulation[i]),
        checkpointing=CHECKPOINTING[int(plans.checkpointing[i])],
        offload=OFFLOADS[int(plans.offload[i])],
        memory_lines=tuple(
            MemoryLine(key, LINE_LABELS[key], float(line[i])) for key, line in memory.lines.items()
        ),
        memory_bytes=total,
        memory_range_bytes=Distribution(
            mean=total * exp((half / Z80) ** 2 / 2),
            p10=total * exp(-half),
            p50=total,
            p90=total * exp(half),
        ),
        memory_allocated_bytes=float(memory.allocated[i]),
        memory_reserved_bytes=float(memory.reserved[i]),
        memory_capacity_bytes=float(evaluation.capacity_bytes[i]),
        probability_out_of_memory=float(evaluation.probability_oom[i]),
        host_memory_bytes=float(memory.host[i]),
        memory_peak=MOMENTS[int(memory.moment[i])],
        step_time=StepTime(
            matrix_products_s=float(times.matrix_products[i]) * scale,
            attention_s=float(times.attention[i]) * scale,
            memory_bound_s=float(times.memory_bound[i]) * scale,
            communication_s=float(times.communication[i]) * scale,
            optimizer_s=float(times.optimizer[i]) * scale,
            overhead_s=float(times.overhead[i]) * scale,
            total_s=step,
        ),
        wall_clock=WallClockReport(
            training_h=float(clock.training[i]),
            evaluation_h=float(clock.evaluation[i]),
            checkpoints_h=float(clock.checkpoints[i]),
            start_up_h=float(clock.start_up[i]),
            failures_h=float(clock.failures[i]),
            interruptions_h=choice.hours - float(clock.total[i]),
        ),
        tokens_per_s=tokens / step,
        model_flop_utilisation_fraction=needed
        / (step * gpus * float(case.fleet.bf16_flop_per_s[int(plans.shape[i])])),
        hours=choice.hours,
        hours_range=distribution(choice.hours * time),
        gpu_hours=choice.hours * gpus,
        usd=choice.usd,
        energy=energy_report(gpus, choice.hours, accelerator.tdp_w, offer.grid, case.constants),
    )


def frontier_report(case: Case, planned: Planned) -> tuple[FrontierPoint, ...]:
    """The frontier of cost against hours, thinned evenly where it is long."""
    points = planned.frontier
    if len(points) > MOST_FRONTIER_POINTS:
        at = np.linspace(0, len(points) - 1, MOST_FRONTIER_POINTS).round().astype(int)
        points = tuple(points[i] for i in at)
    plans = planned.evaluation.plans
    found = []
    for choice in points:
        offer, i = case.fleet.offers[choice.offer], choice.plan
        found.append(
            FrontierPoint(
                offer_key=offer.key,
                provider_name=offer.provider_name,
                instance=offer.instance,
                region=offer.region,
                purchase_option=offer.purchase_option,
                tier=offer.tier,
                accelerator=offer.accelerator.key,
                accelerator_name=offer.accelerator.name,
                gpus=int(plans.gpus[i]),
                nodes=int(plans.nodes[i]),
                layout=layout_label(plans, i),
                micro_batch=int(plans.micro_batch[i]),
                checkpointing=CHECKPOINTING[int(plans.checkpointing[i])],
                hours=choice.hours,
                usd=choice.usd,
                probability_out_of_memory=float(planned.evaluation.probability_oom[i]),
            )
        )
    return tuple(found)


def bill_report(
    case: Case, method: Method, planned: Planned, choice: Choice
) -> tuple[BillEntry, ...]:
    """What the chosen plan needs: machines, memory, links, storage, traffic and skills."""
    evaluation, i = planned.evaluation, choice.plan
    plans = evaluation.plans
    one = plans.take(np.array([i]))
    offer = case.fleet.offers[choice.offer]
    architecture, software = case.model.architecture, case.software
    work = step_work(
        architecture, method, software, case.fleet, one, case.data.sequence_length
    ).messages
    micro_batches = float(one.accumulation[0])
    data_bytes = float(work.data_bytes[0]) * micro_batches + float(work.step_bytes[0])
    inside = float(work.tensor_bytes[0] + work.context_bytes[0] + work.expert_bytes[0])
    several = int(one.nodes[0]) > 1
    full = method.adapters is None
    lines = bill(
        gpus=int(one.gpus[0]),
        nodes=int(one.nodes[0]),
        accelerator=offer.accelerator.name,
        strategy=STRATEGIES[int(one.strategy[0])],
        tensor=int(one.tensor[0]),
        pipeline=int(one.pipeline[0]),
        context=int(one.context[0]),
        expert=int(one.expert[0]),
        offload=OFFLOADS[int(one.offload[0])],
        memory_needed_bytes=float(evaluation.memory.total[i]),
        memory_held_bytes=float(evaluation.capacity_bytes[i]),
        host_memory_held_bytes=offer.host_memory_bytes,
        in_node_link=offer.intra_node_link,
        in_node_held_bytes_per_s=offer.intra_node_bytes_per_s,
        in_node_step_bytes=data_bytes + inside * micro_batches,
        between_nodes_held_bytes_per_s=offer.inter_node_bytes_per_s if several else None,
        between_nodes_step_bytes=data_bytes if several else 0.0,
        step_s=float(evaluation.times.total[i]),
        steps=int(case.data.steps(one)[0]),
        adapters=not full,
        quantized=method.quantized,
        base_parameters=float(architecture.parameter_count),
        base_file_bytes=BF16_BYTES * architecture.parameter_count,
        trained_parameters=float(method.trainable_parameters(architecture)),
        trained_weight_bytes=software.held.weight_bytes if full else software.adapter_bytes,
        trained_gradient_bytes=software.held.gradient_bytes if full else software.adapter_bytes,
        trained_state_bytes=software.state_bytes(full=full)
        + (software.held.master_bytes if full else 0.0),
        dataset_tokens=case.data.tokens_per_epoch,
        vocab_size=architecture.vocab_size,
        checkpoints_written=_checkpoints_written(case, planned, choice),
        checkpoints_kept=CHECKPOINTS_KEPT,
        compute=software.compute,
        interruptible=offer.purchase_option == "spot",
        constants=case.constants,
    )
    return tuple(
        BillEntry(line.key, line.label, line.quantity, line.unit, line.note, line.source)
        for line in lines
    )


def _checkpoints_written(case: Case, planned: Planned, choice: Choice) -> int:
    """Checkpoints of one run; more of them on spot instances. [count]"""
    if case.fleet.offers[choice.offer].purchase_option != "spot":
        return CHECKPOINTS_PER_RUN
    evaluation, one = planned.evaluation, np.array([choice.plan])
    hours = evaluation.hours[one]
    interval = checkpoint_interval_hours(
        hours, evaluation.checkpoint_hours[one], evaluation.plans.nodes[one], case.constants
    )
    return max(CHECKPOINTS_PER_RUN, round(float(hours[0] / interval[0])) - 1)


def flop_report(case: Case, method: Method, plan: PlanReport) -> FlopReport:
    """FLOP per token of a method under its plan."""
    length = case.data.sequence_length

    def of(method: Method, mode: int) -> tuple[float, float, float]:
        flop = step_flop(
            case.model.architecture,
            method.adapters,
            sequences=1,
            sequence_length=length,
            checkpointing=mode,
        )
        return (
            float(flop.forward) / length,
            float(flop.backward) / length,
            float(flop.recompute) / length,
        )

    forward, backward, recompute = of(method, CHECKPOINTING.index(plan.checkpointing))
    plain = sum(of(method, 0))
    full = sum(of(Method("full"), 0))
    return FlopReport(
        forward_per_token_flop=forward,
        backward_per_token_flop=backward,
        recompute_per_token_flop=recompute,
        run_flop=(forward + backward + recompute) * case.data.tokens_per_run,
        ratio_to_full=plain / full,
    )
