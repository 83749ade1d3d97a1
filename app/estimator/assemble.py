"""Turns the arrays of a worked case into the plain objects of the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.estimator.break_even import break_evens
from app.estimator.calibration import RESERVED, TIME
from app.estimator.case import Case
from app.estimator.currency import US_DOLLAR
from app.estimator.decision import Contender
from app.estimator.finance import discounted, payback_months
from app.estimator.flows import GPU_LINES
from app.estimator.hardware import STALE_PRICE_DAYS
from app.estimator.methods import Method
from app.estimator.money import money_report
from app.estimator.plan_reports import (
    flop_report,
    frontier_report,
    plan_report,
    time_half_width,
)
from app.estimator.planner import Choice, Planned
from app.estimator.report import (
    CashFlowReport,
    CurrencyReport,
    DataReport,
    MethodReport,
    ModelReport,
    SoftwareReport,
)
from app.estimator.report_accuracy import AccuracyReport
from app.estimator.report_money import Timeline
from app.estimator.report_plans import PlanReport
from app.estimator.returns import irr
from app.estimator.software import LOSSES
from app.estimator.uncertainty import Factors, distribution
from app.estimator.ways import ways_to_pay
from app.estimator.worked import Worked

Floats = NDArray[np.float64]


# Assumption: beyond these the studies say little of the case at hand.
STUDIED_BILLIONS = (1.0, 16.0)
FEW_EXAMPLES = 1_000
FEW_STEPS = 50


def model_report(case: Case) -> ModelReport:
    """The base model and its exact counts."""
    a = case.model.architecture
    return ModelReport(
        name=a.name,
        label=case.model.label,
        family=case.model.family,
        parameters=a.parameter_count,
        active_parameters=a.active_parameter_count,
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
        packing=d.packing,
        padding_fraction=d.padding_fraction,
        truncated_fraction=d.truncated_fraction,
        evaluation_tokens_per_run=d.evaluation_tokens,
        sequence_length=d.sequence_length,
        sequences_per_run=d.sequences_per_run,
        global_batch_sequences=d.global_batch_sequences,
        steps_per_run=-(-d.sequences_per_run // d.global_batch_sequences),
    )


def software_report(case: Case) -> SoftwareReport:
    """The software of a step."""
    software = case.software
    return SoftwareReport(
        stack=software.stack,
        label=software.kernels.label,
        precision=software.precision,
        precision_label=software.held.label,
        optimizer=software.optimizer,
        optimizer_label=software.update.label,
        loss=software.loss,
        loss_label=LOSSES[software.loss],
        adapter_dtype=software.adapter_dtype,
        compute=software.compute,
        attention=software.attention,
        time_calibrated=case.calibration.knows_stack(TIME, software.stack),
        memory_calibrated=case.calibration.knows_stack(RESERVED, software.stack),
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
        plans_out_of_memory=planned.out_of_memory,
        plans_over_limits=planned.over_limits,
        plans_that_fit=planned.fitting,
        frontier=(),
        infrastructure=(),
        programme_gpu_hours=None,
        flop=None,
        accuracy=None,
        cost_lines=(),
        ways=(),
        buying=None,
        upfront_usd=None,
        total_usd=None,
        total_usd_range=None,
        usd_per_point=None,
        time_to_release_months=None,
        cash_flow=None,
        money=None,
        npv_usd=None,
        payback_months=None,
        discounted_payback_months=None,
        irr_fractions=(),
        irr_note="",
        roi_fraction=None,
        break_evens=(),
        probability_pays=None,
        probability_best=None,
    )


def method_report(
    case: Case,
    accuracy: AccuracyReport,
    factors: Factors,
    worked: Worked,
    timeline: Timeline,
    contender: Contender,
    best: float,
    *,
    brief: bool,
) -> MethodReport:
    """Everything about one feasible method.

    Parameters
    ----------
    timeline : the calendar of its money.
    contender : the method as the verdict weighs it.
    best : probability that it has the highest NPV, above doing nothing.
    brief : leave out ways to pay, and all plans but the chosen one.
    """
    method, money, costs = worked.method, worked.money, worked.costs
    time = factors.time[method.key]

    planned = worked.planned
    # The choices often are one plan: each is reported once.
    others = () if brief else (planned.cheapest, planned.fastest, planned.best_value)
    choices = {*others, worked.choice}
    width = time_half_width(case, method.key, planned, worked.choice)

    def report(choice: Choice) -> PlanReport:
        """One plan, with the same draws in the range of its own time."""
        own = time ** (time_half_width(case, method.key, planned, choice) / max(width, 1e-9))
        return plan_report(case, method, planned, choice, own / own.mean())

    plans = {choice: report(choice) for choice in choices if choice is not None}
    chosen = plans[worked.choice]
    ways, buying = ((), None) if brief else ways_to_pay(case, method, planned, worked.choice)
    gain = float(worked.gain.mean())
    cost, net = costs.total_usd, worked.ledger.net
    rates = irr(net)
    return replace(
        method_outline(case, method, worked.planned, ()),
        plan=chosen,
        cheapest=plans.get(planned.cheapest) if planned.cheapest else None,
        fastest=plans.get(planned.fastest) if planned.fastest else None,
        best_value=plans.get(planned.best_value) if planned.best_value else None,
        frontier=() if brief else frontier_report(case, planned),
        infrastructure=worked.infrastructure,
        ways=ways,
        buying=buying,
        programme_gpu_hours=float(
            sum(line.quantity for line in costs.lines if line.key in GPU_LINES)
        ),
        flop=flop_report(case, method, chosen),
        accuracy=accuracy,
        cost_lines=costs.lines,
        upfront_usd=costs.upfront_usd,
        total_usd=costs.total_usd,
        total_usd_range=distribution(money.total_cost),
        usd_per_point=costs.total_usd / gain if gain > 0 else None,
        time_to_release_months=costs.release_month,
        cash_flow=CashFlowReport(
            monthly_usd=tuple(net.tolist()),
            cumulative_usd=tuple(np.cumsum(net).tolist()),
            cumulative_p10_usd=tuple(money.cumulative_p10.tolist()),
            cumulative_p90_usd=tuple(money.cumulative_p90.tolist()),
        ),
        money=money_report(worked, timeline),
        npv_usd=distribution(money.npv),
        payback_months=payback_months(net),
        discounted_payback_months=payback_months(
            discounted(net, case.value.discount_rate_fraction)
        ),
        irr_fractions=rates.yearly,
        irr_note=rates.why_none,
        roi_fraction=(worked.ledger.benefit_usd - cost) / cost if cost > 0 else None,
        break_evens=break_evens(contender, case.value, chosen.usd_per_gpu_hour),
        probability_pays=float(np.mean(money.npv > 0)),
        probability_best=best,
    )


def currency_report(case: Case) -> CurrencyReport:
    """The currency of a case, and where its rate is from."""
    currency, rate = case.currency, case.exchange_rate
    unsourced = "" if currency.code == US_DOLLAR.code else "input"
    return CurrencyReport(
        code=currency.code,
        digits=currency.digits,
        per_usd=currency.per_usd,
        valid_from=rate.valid_from.isoformat() if rate else "",
        source_key=rate.source.key if rate else unsourced,
    )


def report_notes(case: Case) -> tuple[str, ...]:
    """What a careful reader should know about this very report."""
    notes = []
    longest = case.model.architecture.max_position_embeddings
    if longest is not None and case.data.sequence_length > longest:
        notes.append(
            f"The sequence length of {case.data.sequence_length:,} tokens is beyond the "
            f"{longest:,} that this model was made for."
        )
    served = case.demand.serving != "none" and case.value.answers_per_month > 0
    asked = case.demand.prompt_tokens + case.demand.completion_tokens
    if longest is not None and served and asked > longest:
        notes.append(
            f"A prompt with its answer, {asked:,} tokens on average, is beyond the {longest:,} "
            "that this model was made for: serving is priced as if it took them."
        )
    if case.old_prices_left_out:
        many = case.old_prices_left_out > 1
        notes.append(
            f"{case.old_prices_left_out} {'prices' if many else 'price'} older than "
            f"{STALE_PRICE_DAYS} days {'are' if many else 'is'} left out, since newer ones exist: "
            "some may be lower. They can be included under Infrastructure."
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
