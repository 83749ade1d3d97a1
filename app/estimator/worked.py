"""One feasible method, worked out: its plan, what it costs, and what it is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from app.estimator.benefits import benefit_flows, use_drivers
from app.estimator.case import Case, Value
from app.estimator.cost import Upkeep, programme_costs
from app.estimator.decision import Contender, Terms
from app.estimator.flows import Costs, Seller
from app.estimator.forgetting import Forgotten
from app.estimator.gpu_bill import Run
from app.estimator.hardware import Offer
from app.estimator.later import ByWeeks
from app.estimator.ledger import Ledger, ledger_of
from app.estimator.method_serving import Served
from app.estimator.methods import Method
from app.estimator.plan_reports import bill_report
from app.estimator.planner import Choice, Planned
from app.estimator.report_money import UseDrivers
from app.estimator.report_plans import BillEntry
from app.estimator.score_draws import Scores
from app.estimator.stored import egress_of, storage_of
from app.estimator.uncertainty import (
    Factors,
    MoneyDraws,
    PresentDraws,
    gpu_factor,
    money_draws,
    present_draws,
)
from app.estimator.value import InUse, streams_of, worth_by_gain

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Worked:
    """One feasible method.

    Parameters
    ----------
    choice : the plan by the objective of the case.
    use : its model in use.
    base : accuracy of the base model. (draws,) [points]
    final : accuracy of what is used, the base model's where that tests better. (draws,) [points]
    costs_at : what it costs with so many weeks of engineering, under the same plan.
    gpu_factor, value_factor : on the listed cost of GPU time, and on the worth entered. (draws,)
    infrastructure : what the plan needs beside its GPUs.
    ledger, drivers : expected money by month, and the means that it is made of.
    """

    method: Method
    planned: Planned
    choice: Choice
    served: Served
    infrastructure: tuple[BillEntry, ...]
    ledger: Ledger
    drivers: UseDrivers
    use: InUse
    base: Floats
    final: Floats
    costs_at: Callable[[float], Costs]
    gpu_factor: Floats
    value_factor: Floats
    money: MoneyDraws

    @property
    def costs(self) -> Costs:
        """What it costs, on the grid of its ledger."""
        return self.ledger.costs

    @property
    def worth_factor(self) -> Floats:
        """On what a gain is worth at the answers and the worth entered. (draws,)"""
        return np.asarray(self.value_factor * self.use.adoption)

    @property
    def gain(self) -> Floats:
        """Accuracy over the base model; 0 where it tests below. (draws,) [points]"""
        return self.use.gain

    @property
    def worse(self) -> float:
        """Share of draws in which it tests below the base."""
        return float(np.mean(self.use.score < 0))


def work_out(
    case: Case,
    method: Method,
    planned: Planned,
    choice: Choice,
    served: Served,
    scores: Scores,
    forgotten: Forgotten,
    factors: Factors,
) -> Worked:
    """Cost and worth of one method under its chosen plan."""
    offer = case.fleet.offers[choice.offer]
    run = Run(
        hours=choice.hours,
        gpus=int(planned.evaluation.plans.gpus[choice.plan]),
        usd_per_gpu_hour=offer.usd_per_gpu_hour,
        price_source=offer.source.key,
        option=offer.purchase_option,
        seller=_seller(offer),
    )
    infrastructure = bill_report(case, method, planned, choice)
    programme, rate = case.programme, case.value.discount_rate_fraction
    costs_at = partial(
        programme_costs,
        run,
        programme,
        horizon_months=case.value.horizon_months,
        upkeep=_upkeep(case, method, served, offer, infrastructure),
        accounting=case.accounting,
    )
    costs = costs_at(programme.engineer_weeks(method))
    use = InUse(
        score=scores.over_base(method.key),
        forgotten=forgotten.of(method),
        extra_seconds=served.extra_seconds,
        live_by_month=costs.live_by_month,
        release_month=costs.release_month,
        adoption=factors.adoption,
        ramp_months=case.value.adoption_ramp_months,
    )
    drivers = use_drivers(case.value, use, factors.value)
    ledger = ledger_of(costs, benefit_flows(case.value, use, drivers), rate)
    gpu = gpu_factor(factors, method.key, offer.purchase_option)
    return Worked(
        method=method,
        planned=planned,
        choice=choice,
        served=served,
        infrastructure=infrastructure,
        ledger=ledger,
        drivers=drivers,
        use=use,
        base=scores.base,
        final=scores.base + use.gain,
        costs_at=costs_at,
        gpu_factor=gpu,
        value_factor=factors.value,
        money=money_draws(ledger.costs, streams_of(case.value, use, factors.value), gpu, rate),
    )


def _upkeep(
    case: Case,
    method: Method,
    served: Served,
    offer: Offer,
    infrastructure: tuple[BillEntry, ...],
) -> Upkeep:
    """What the model of a method takes beyond engineering and training."""
    serving = served.way.offer if served.way else None
    is_full = method.adapters is None
    return Upkeep(
        is_full=is_full,
        release_fraction=1.0 if is_full else case.programme.adapter_release_fraction,
        artefacts=served.artefacts,
        serving_usd_per_month=served.extra_usd_per_month,
        serving_source=serving.source.key if serving else "assumption",
        serving_seller=_seller(serving) if serving else Seller(),
        storage=storage_of(infrastructure, case.storage, offer, case.demand.variants),
        egress=egress_of(infrastructure, case.storage, offer, serving, case.demand.variants),
    )


def _seller(offer: Offer) -> Seller:
    return Seller(offer.provider, offer.region, offer.key)


def contender_of(case: Case, worked: Worked, scores: Scores | None = None) -> Contender:
    """A worked method as the verdict weighs it.

    Parameters
    ----------
    scores : others than those that it was worked out with, to see what it would be worth by them.
    """
    present = worked.money.present
    if scores is not None:
        use = replace(worked.use, score=scores.over_base(worked.method.key))
        present = present_draws(
            worked.costs,
            streams_of(case.value, use, worked.value_factor),
            worked.gpu_factor,
            case.value.discount_rate_fraction,
        )
    return Contender(
        key=worked.method.key,
        volume_pv=present.volume,
        other_pv=present.other,
        gpu_pv=present.gpu,
        fixed_pv=present.fixed,
        total_usd=worked.costs.total_usd,
        gpu_usd=worked.costs.gpu_usd,
        run_usd=(1.0 - case.accounting.tax_fraction) * _run_usd(worked),
        terms=None if scores is not None else _terms(case, worked),
        other_usd=worked.costs.other_usd_by_category,
    )


def _run_usd(worked: Worked) -> float:
    """GPU time that one run uses, at its price: idle hours are bought by the programme. [USD]"""
    (run,) = (flow for flow in worked.costs.flows if flow.key == "release_run")
    return run.quantity * run.unit_price_usd


def kept_weight(case: Case) -> Floats:
    """Present value, after tax, of a worth in prices of month 0, by month. (months + 1,)"""
    return case.accounting.kept(case.value.horizon_months, case.value.discount_rate_fraction)


def _terms(case: Case, worked: Worked) -> Terms:
    """What the worth is made of, for the question what would change the verdict."""
    use, value = worked.use, case.value
    weight = kept_weight(case)
    answers = np.sum(
        [
            stream.amount(weight) * np.ones(case.draws)
            for stream in streams_of(value, use, worked.value_factor)
            if stream.key in {"answers", "growth"}
        ],
        axis=0,
    )
    return Terms(
        answer_pv=answers * use.gain / 100 * value.usd_per_error * worked.worth_factor,
        worth_of=worth_by_gain(value, use, weight),
        value_factor=worked.worth_factor,
        gain=use.score,
        room=100.0 - worked.base,
        at_weeks=ByWeeks(
            case.programme.engineer_weeks(worked.method),
            worked.money.present,
            partial(_present_at, value, worked),
        ).at,
    )


def _present_at(value: Value, worked: Worked, engineer_weeks: float) -> PresentDraws:
    """What a method earns and costs, were its first release so many weeks of engineering away."""
    costs = worked.costs_at(engineer_weeks)
    use = replace(worked.use, live_by_month=costs.live_by_month, release_month=costs.release_month)
    return present_draws(
        costs,
        streams_of(value, use, worked.value_factor),
        worked.gpu_factor,
        value.discount_rate_fraction,
    )
