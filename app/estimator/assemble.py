"""Turns the arrays of a worked case into the plain objects of the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.estimator.accuracy import PLAIN_ADAPTERS, Prior
from app.estimator.case import Case
from app.estimator.constants import CONSTANTS, efficiency_key
from app.estimator.cost import Costs
from app.estimator.finance import payback_months
from app.estimator.flops import step_flop
from app.estimator.hardware import Source
from app.estimator.memory import LINE_LABELS, MOMENTS
from app.estimator.methods import Method
from app.estimator.planner import Choice, Planned
from app.estimator.plans import STRATEGIES, STRATEGY_LABELS
from app.estimator.report import (
    AccuracyReport,
    Assumption,
    CashFlowReport,
    DataReport,
    FlopReport,
    MemoryLine,
    MethodReport,
    ModelReport,
    PlanReport,
    SourceReport,
    StepTime,
)
from app.estimator.uncertainty import Factors, MoneyDraws, distribution
from app.estimator.units import GB, TERA

Floats = NDArray[np.float64]


# Assumption: beyond these the studies say little of the case at hand.
STUDIED_BILLIONS = (1.0, 16.0)
FEW_EXAMPLES = 1_000
FEW_STEPS = 50


@dataclass(frozen=True, slots=True)
class Worked:
    """One feasible method, worked out.

    Parameters
    ----------
    choice : the plan by the objective of the case.
    gain, final : accuracy over the base model, and accuracy. (draws,) [points]
    worse : share of draws in which it tests below the base.
    """

    method: Method
    planned: Planned
    choice: Choice
    costs: Costs
    gain: Floats
    final: Floats
    worse: float
    money: MoneyDraws


def model_report(case: Case) -> ModelReport:
    """The base model and its exact counts."""
    a = case.model.architecture
    return ModelReport(
        name=a.name,
        label=case.model.label,
        family=case.model.family,
        parameters=a.parameter_count,
        embedding_parameters=a.embedding_count,
        layers=a.num_hidden_layers,
        hidden_size=a.hidden_size,
        vocab_size=a.vocab_size,
        max_position_embeddings=a.max_position_embeddings,
        source_key=case.model.source.key if case.model.source else None,
    )


def data_report(case: Case) -> DataReport:
    """The data of one run."""
    d = case.data
    return DataReport(
        examples=d.examples,
        tokens_per_example=d.tokens_per_example,
        epochs=d.epochs,
        tokens_per_run=d.tokens_per_run,
        sequence_length=d.sequence_length,
        sequences_per_run=d.sequences_per_run,
        global_batch_sequences=d.global_batch_sequences,
        steps_per_run=-(-d.sequences_per_run // d.global_batch_sequences),
    )


def plan_report(case: Case, planned: Planned, choice: Choice, time: Floats) -> PlanReport:
    """One plan on one offer. `time` are the draws of its time factor."""
    evaluation, i = planned.evaluation, choice.plan
    plans, times = evaluation.plans, evaluation.times
    offer = case.fleet.offers[choice.offer]
    accelerator = offer.accelerator
    gpus = int(plans.gpus[i])
    hours = float(evaluation.hours[i])
    step = float(times.total[i])
    micro_batches = float(plans.accumulation[i])
    tokens = micro_batches * float(plans.micro_batch[i]) * gpus * case.data.sequence_length
    # Model FLOP: what the method needs, without recomputation and without masked scores.
    f = times.flop
    needed = (
        float(f.forward[i] + f.backward[i])
        - float(f.attention_forward[i] + f.attention_backward[i]) / 2
    )
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
        usd_per_instance_hour=offer.usd_per_instance_hour,
        usd_per_gpu_hour=offer.usd_per_gpu_hour,
        price_valid_from=offer.valid_from.isoformat(),
        price_age_days=(case.as_of - offer.valid_from).days,
        price_source_key=offer.source.key,
        strategy=STRATEGIES[int(plans.strategy[i])],
        strategy_label=STRATEGY_LABELS[STRATEGIES[int(plans.strategy[i])]],
        micro_batch=int(plans.micro_batch[i]),
        gradient_accumulation_steps=int(plans.accumulation[i]),
        checkpointing="full" if plans.checkpointing[i] else "none",
        memory_lines=tuple(
            MemoryLine(key, LINE_LABELS[key], float(line[i]))
            for key, line in evaluation.memory.lines.items()
        ),
        memory_bytes=float(evaluation.memory.total[i]),
        memory_capacity_bytes=float(evaluation.capacity_bytes[i]),
        memory_peak=MOMENTS[int(evaluation.memory.moment[i])],
        step_time=StepTime(
            matrix_products_s=float(times.matrix_products[i]),
            attention_s=float(times.attention[i]),
            memory_bound_s=float(times.memory_bound[i]),
            communication_s=float(times.communication[i]),
            optimizer_s=float(times.optimizer[i]),
            total_s=step,
        ),
        tokens_per_s=tokens / step,
        model_flop_utilisation_fraction=micro_batches
        * needed
        / (step * float(case.fleet.bf16_flop_per_s[int(plans.shape[i])])),
        hours=hours,
        hours_range=distribution(hours * time),
        gpu_hours=hours * gpus,
        usd=choice.usd,
    )


def flop_report(case: Case, method: Method, plan: PlanReport) -> FlopReport:
    """FLOP per token of a method under its plan."""

    def of(method: Method, *, checkpointing: bool) -> tuple[float, float, float]:
        flop = step_flop(
            case.model.architecture,
            method.adapters,
            sequences=1,
            sequence_length=case.data.sequence_length,
            checkpointing=checkpointing,
        )
        length = case.data.sequence_length
        return (
            float(flop.forward) / length,
            float(flop.backward) / length,
            float(flop.recompute) / length,
        )

    forward, backward, recompute = of(method, checkpointing=plan.checkpointing == "full")
    plain = sum(of(method, checkpointing=False))
    full = sum(of(Method("full"), checkpointing=False))
    return FlopReport(
        forward_per_token_flop=forward,
        backward_per_token_flop=backward,
        recompute_per_token_flop=recompute,
        run_flop=(forward + backward + recompute) * case.data.tokens_per_run,
        ratio_to_full=plain / full,
    )


def method_outline(
    case: Case, method: Method, planned: Planned, reasons: tuple[str, ...]
) -> MethodReport:
    """What is known of a method before it has a plan; `reasons` say why it has none."""
    architecture = case.model.architecture
    trainable = method.trainable_parameters(architecture)
    return MethodReport(
        method=method.key,
        label=method.label,
        rank=method.adapters.rank if method.adapters else None,
        targets=", ".join(method.adapters.targets) if method.adapters else None,
        parameters=architecture.parameter_count + method.adapter_parameters(architecture),
        trainable_parameters=trainable,
        trainable_fraction=trainable
        / (architecture.parameter_count + method.adapter_parameters(architecture)),
        feasible=not reasons,
        reasons=reasons,
        plan=None,
        cheapest=None,
        fastest=None,
        best_value=None,
        plans_considered=planned.considered,
        plans_that_fit=planned.fitting,
        flop=None,
        accuracy=None,
        cost_lines=(),
        upfront_usd=None,
        total_usd=None,
        total_usd_range=None,
        usd_per_point=None,
        time_to_release_months=None,
        cash_flow=None,
        npv_usd=None,
        payback_months=None,
        roi_fraction=None,
        probability_pays=None,
        probability_best=None,
    )


def method_report(
    case: Case, prior: Prior, factors: Factors, worked: Worked, best: float
) -> MethodReport:
    """Everything about one feasible method.

    Parameters
    ----------
    best : probability that it has the highest NPV, above doing nothing.
    """
    method, money, costs = worked.method, worked.money, worked.costs
    time = factors.time[method.key]

    planned = worked.planned
    # The choices often are one plan: each is reported once.
    choices = {planned.cheapest, planned.fastest, planned.best_value, worked.choice}
    plans = {c: plan_report(case, planned, c, time) for c in choices if c is not None}
    chosen = plans[worked.choice]
    gain = float(worked.gain.mean())
    cost = money.expected_cost
    return replace(
        method_outline(case, method, worked.planned, ()),
        plan=chosen,
        cheapest=plans.get(planned.cheapest) if planned.cheapest else None,
        fastest=plans.get(planned.fastest) if planned.fastest else None,
        best_value=plans.get(planned.best_value) if planned.best_value else None,
        flop=flop_report(case, method, chosen),
        accuracy=AccuracyReport(
            base_points=case.value.base_accuracy_points,
            final_points=distribution(worked.final),
            gain_points=distribution(worked.gain),
            studies=prior.studies,
            rows=prior.rows,
            share_of_draws_from_other_groups=prior.others,
            probability_worse_than_base=worked.worse,
        ),
        cost_lines=costs.lines,
        upfront_usd=costs.upfront_usd,
        total_usd=costs.total_usd,
        total_usd_range=distribution(money.total_cost),
        usd_per_point=costs.total_usd / gain if gain > 0 else None,
        time_to_release_months=costs.release_month,
        cash_flow=CashFlowReport(
            monthly_usd=tuple(money.expected_flow.tolist()),
            cumulative_usd=tuple(np.cumsum(money.expected_flow).tolist()),
            cumulative_p10_usd=tuple(money.cumulative_p10.tolist()),
            cumulative_p90_usd=tuple(money.cumulative_p90.tolist()),
        ),
        npv_usd=distribution(money.npv),
        payback_months=payback_months(money.expected_flow),
        roi_fraction=(money.expected_benefit - cost) / cost if cost > 0 else None,
        probability_pays=float(np.mean(money.npv > 0)),
        probability_best=best,
    )


def _used_efficiencies(methods: Iterable[MethodReport], case: Case) -> set[str]:
    used = {
        plan.accelerator
        for m in methods
        for plan in (m.plan, m.cheapest, m.fastest, m.best_value)
        if plan
    }
    return {efficiency_key(a.key, a.architecture) for a in case.fleet.accelerators if a.key in used}


def constant_ledger(case: Case, methods: Iterable[MethodReport]) -> tuple[Assumption, ...]:
    """The constants that this report rests on; efficiencies of other GPUs are left out."""
    used = _used_efficiencies(methods, case)
    return tuple(
        Assumption(
            key=constant.key,
            label=constant.label,
            value=case.constants[constant.key],
            unit=constant.unit,
            kind="input" if case.constants[constant.key] != constant.value else constant.kind,
            source=constant.source,
            changed=case.constants[constant.key] != constant.value,
        )
        for constant in CONSTANTS.values()
        if not constant.key.startswith("matmul_efficiency_") or constant.key in used
    )


def fact_ledger(methods: Iterable[MethodReport], case: Case) -> tuple[Assumption, ...]:
    """The sourced facts behind the chosen plans: prices and accelerator figures."""
    rows: dict[str, Assumption] = {}
    accelerators = {a.key: a for a in case.fleet.accelerators}
    for plan in (m.plan for m in methods if m.plan):
        rows[plan.offer_key] = Assumption(
            f"offer.{plan.offer_key}",
            f"{plan.provider_name} {plan.instance}, {plan.region}, {plan.price_valid_from}",
            plan.usd_per_instance_hour,
            "USD per instance-hour",
            "fact",
            plan.price_source_key,
            changed=False,
        )
        a = accelerators[plan.accelerator]
        for name, label, value, unit in (
            ("bf16", "dense bf16 peak", a.bf16_flop_per_s / TERA, "TFLOP/s"),
            ("bandwidth", "memory bandwidth", a.memory_bytes_per_s / GB, "GB/s"),
            ("link", f"link between GPUs ({a.link})", a.link_bytes_per_s / GB, "GB/s one way"),
        ):
            rows[f"{a.key}.{name}"] = Assumption(
                f"accelerator.{a.key}.{name}",
                f"{a.name}: {label}",
                value,
                unit,
                "fact",
                a.source.key,
                changed=False,
            )
    return tuple(rows.values())


def report_notes(case: Case) -> tuple[str, ...]:
    """What a careful reader should know about this very report."""
    notes = []
    longest = case.model.architecture.max_position_embeddings
    if longest is not None and case.data.sequence_length > longest:
        notes.append(
            f"The sequence length of {case.data.sequence_length:,} tokens is beyond the "
            f"{longest:,} that this model was made for."
        )
    if case.programme.releases_per_year > 0 and case.programme.release_fixed_usd == 0:
        notes.append(
            "Later releases cost only their GPU time here: enter what evaluation, audit and people "
            "cost each time."
        )
    billions = case.model.architecture.parameter_count / 1e9
    if not STUDIED_BILLIONS[0] <= billions <= STUDIED_BILLIONS[1]:
        notes.append(
            f"The studies are mostly of models with 7 to 8 billion parameters; this one has "
            f"{billions:.3g}."
        )
    steps = case.data.sequences_per_run / case.data.global_batch_sequences
    if case.data.examples < FEW_EXAMPLES or steps < FEW_STEPS:
        notes.append(
            "The training set is far smaller than those of the studies: expect less than the "
            "accuracy that is shown."
        )
    if case.data.sequences_per_run < case.data.global_batch_sequences:
        notes.append(
            "The whole training set is smaller than one global batch: a run is a single step."
        )
    return tuple(notes)


def report_sources(case: Case, worked: Mapping[str, Worked]) -> tuple[SourceReport, ...]:
    """Sources of the model, of the chosen plans and of the studies, each once."""
    found: dict[str, Source] = {}
    if case.model.source:
        found[case.model.source.key] = case.model.source
    for w in worked.values():
        for choice in (w.choice, w.planned.cheapest, w.planned.fastest, w.planned.best_value):
            if choice is not None:
                offer = case.fleet.offers[choice.offer]
                found[offer.source.key] = offer.source
                found[offer.accelerator.source.key] = offer.accelerator.source
    # The studies of the task's own group first; the others stand behind the pseudo-study.
    rows = [row for row in case.evidence if not row.retention and row.method in PLAIN_ADAPTERS]
    for row in sorted(rows, key=lambda row: (row.group != case.task_group, row.study)):
        found[row.study] = case.studies[row.study]
    return tuple(
        SourceReport(s.key, s.title, s.publisher, s.locator, s.retrieved.isoformat())
        for s in found.values()
    )
