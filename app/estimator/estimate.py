"""Composition only: a case in, the report out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.estimator.accuracy import draw_accuracy, prior_of
from app.estimator.assemble import (
    Worked,
    constant_ledger,
    currency_report,
    data_report,
    fact_ledger,
    method_outline,
    method_report,
    model_report,
    report_notes,
    report_sources,
    software_report,
)
from app.estimator.case import Case
from app.estimator.cost import Run, programme_costs
from app.estimator.decision import Contender, better_adapter, decide, probabilities_best
from app.estimator.errors import EstimatorError
from app.estimator.finance import npv_usd
from app.estimator.methods import LABELS, Method
from app.estimator.plan_reports import time_half_width
from app.estimator.planner import Choice, Limits, Planned, Task, Waiting, plan_run
from app.estimator.remedies import Refusal, why_nothing_fits
from app.estimator.report import REPORT_SCHEMA, Comparison, Report
from app.estimator.schedule import Schedule, schedule_of
from app.estimator.uncertainty import (
    Factors,
    distribution,
    draw_factors,
    gpu_factor,
    money_draws,
)
from app.estimator.units import HOURS_PER_MONTH

Floats = NDArray[np.float64]


class NothingFits(EstimatorError):  # noqa: N818
    """No method has a plan that fits; `refusals` say why, and what would make each fit."""

    def __init__(self, refusals: dict[str, Refusal]) -> None:
        self.refusals = refusals
        super().__init__(" ".join(s for refusal in refusals.values() for s in refusal.sentences))


def estimate(case: Case, version: str, catalog_hash: str, prices_as_of: str) -> Report:
    """The whole answer to one case.

    Parameters
    ----------
    version, catalog_hash, prices_as_of : what computed it and from which facts; only recorded.

    Raises
    ------
    NothingFits : no method has a plan that fits.
    """
    architecture = case.model.architecture
    generator = np.random.default_rng(case.seed)
    prior = prior_of(case.evidence, case.task_group, case.constants)
    base, final = draw_accuracy(
        prior,
        case.task_group,
        case.methods,
        case.value.base_accuracy_points,
        case.value.test_set_size,
        case.draws,
        generator,
        case.constants,
    )
    limits = Limits(case.max_gpus, case.deadline_hours, case.budget_usd)
    schedules = {
        method.key: schedule_of(
            case.programme, case.programme.engineer_weeks(method), case.value.horizon_months
        )
        for method in case.methods
    }
    tasks = {
        method.key: Task(
            architecture, method, case.software, case.data, case.constants, case.calibration
        )
        for method in case.methods
    }
    planned = {
        key: plan_run(
            task,
            case.fleet,
            case.space,
            limits,
            _waiting(case, np.maximum(final[key] - base, 0.0), schedules[key]),
            schedules[key],
        )
        for key, task in tasks.items()
    }
    refusals = {
        key: why_nothing_fits(
            task,
            planned[key],
            case.fleet,
            case.reference_fleet,
            case.space,
            limits,
            schedules[key],
        )
        for key, task in tasks.items()
        if planned[key].cheapest is None
    }
    if len(refusals) == len(case.methods):
        raise NothingFits(refusals)

    factors = draw_factors(
        case.draws,
        generator,
        case.value.price_uncertainty_fraction,
        case.value.value_uncertainty_fraction,
        {key: _time_half_width(case, key, planned.get(key)) for key in LABELS},
        case.constants,
    )
    worked = {
        method.key: _work(case, method, planned[method.key], base, final[method.key], factors)
        for method in case.methods
        if method.key not in refusals
    }
    contenders = {
        key: Contender(key, w.money.npv, w.costs.total_usd, w.costs.gpu_usd)
        for key, w in worked.items()
    }
    best = probabilities_best(contenders)
    comparison = _compare(case, worked)
    labels = {method.key: method.label for method in case.methods}
    verdict = decide(
        contenders,
        {key: labels[key] for key in refusals},
        comparison,
        prior.studies,
        case.max_gpus,
        case.currency,
    )
    methods = tuple(
        method_report(case, prior, factors, worked[method.key], best[method.key])
        if method.key in worked
        else method_outline(case, method, planned[method.key], refusals[method.key].sentences)
        for method in case.methods
    )
    return Report(
        schema=REPORT_SCHEMA,
        estimator_version=version,
        catalog_hash=catalog_hash,
        as_of=case.as_of.isoformat(),
        prices_as_of=prices_as_of,
        price_book=case.price_book,
        currency=currency_report(case),
        title=case.title,
        situation=case.situation,
        model=model_report(case),
        data=data_report(case),
        software=software_report(case),
        horizon_months=case.value.horizon_months,
        discount_rate_fraction=case.value.discount_rate_fraction,
        value_per_point_month_usd=case.value.usd_per_point_month,
        draws=case.draws,
        seed=case.seed,
        methods=methods,
        comparison=comparison,
        verdict=verdict,
        notes=report_notes(case),
        assumptions=(
            *case.ledger,
            *fact_ledger(methods, case),
            *constant_ledger(case, methods),
        ),
        sources=report_sources(case, worked, methods),
    )


def _time_half_width(case: Case, method: str, planned: Planned | None) -> float:
    """Half the 80% range of the step time of the chosen plan. [natural logarithm]"""
    choice = None if planned is None else _chosen(case, planned)
    return time_half_width(case, method, planned, choice)


def _chosen(case: Case, planned: Planned) -> Choice | None:
    """The plan by the objective of the case."""
    return {
        "value": planned.best_value,
        "cheapest": planned.cheapest,
        "fastest": planned.fastest,
    }[case.objective]


def _waiting(case: Case, gain: Floats, schedule: Schedule) -> Waiting:
    """What makes a quicker plan worth more than its price in this case.

    Notes
    -----
    All plans are compared over the releases that runs of no length would leave time for: one that
    is too slow for them releases less often, and is not cheaper for it.
    """
    wanted = schedule.campaigns(0.0)
    worth = case.value.usd_per_point_month * float(gain.mean())
    return Waiting(
        runs=float(wanted.runs[0]), usd_per_hour=wanted.first_runs * worth / HOURS_PER_MONTH
    )


def _work(
    case: Case, method: Method, planned: Planned, base: Floats, final: Floats, factors: Factors
) -> Worked:
    choice = _chosen(case, planned)
    assert choice is not None  # noqa: S101 - infeasible methods were set apart
    offer = case.fleet.offers[choice.offer]
    run = Run(
        hours=choice.hours,
        gpus=int(planned.evaluation.plans.gpus[choice.plan]),
        usd_per_gpu_hour=offer.usd_per_gpu_hour,
        price_source=offer.source.key,
        option=offer.purchase_option,
    )
    programme = case.programme
    costs = programme_costs(
        run, programme, programme.engineer_weeks(method), case.value.horizon_months
    )
    # A model that tests below the base is not released: the base stays in use.
    gain = np.maximum(final - base, 0.0)
    money = money_draws(
        costs,
        gain,
        gpu_factor(factors, method.key, offer.purchase_option),
        factors.value,
        case.value.usd_per_point_month,
        case.value.discount_rate_fraction,
    )
    worse = float(np.mean(final < base))
    return Worked(method, planned, choice, costs, gain, base + gain, worse, money)


def _compare(case: Case, worked: dict[str, Worked]) -> Comparison | None:
    """Full against LoRA, or against QLoRA where that is the better one or the only one."""
    adapters = [worked[key] for key in ("lora", "qlora") if key in worked]
    if "full" not in worked or not adapters:
        return None
    full = worked["full"]
    adapter = worked[better_adapter({w.method.key: w.money.npv for w in adapters})]
    rate = case.value.discount_rate_fraction

    def present_cost(w: Worked) -> float:
        return npv_usd(w.costs.fixed_by_month + w.costs.gpu_by_month, rate)

    def present_point(w: Worked) -> float:
        return case.value.usd_per_point_month * npv_usd(w.costs.live_by_month, rate)

    npv = float(adapter.money.npv.mean())
    break_even = None
    if present_point(full) > 0:
        # Gains weighted by what a point turns out to be worth, so that the gap is exact.
        worth = present_point(adapter)
        gain = (npv + present_cost(adapter)) / worth if worth > 0 else 0.0
        break_even = (npv + present_cost(full)) / present_point(full) - gain
    return Comparison(
        adapter_method=adapter.method.key,
        gap_points=distribution(full.gain - adapter.gain),
        break_even_gap_points=break_even,
        probability_full_beats_adapter=float(np.mean(full.money.npv > adapter.money.npv)),
        extra_cost_usd=full.costs.total_usd - adapter.costs.total_usd,
    )
