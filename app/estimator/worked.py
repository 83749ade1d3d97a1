"""One feasible method, worked out: its plan, what it costs, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.estimator.case import Case
from app.estimator.cost import Costs, Run, Upkeep, programme_costs
from app.estimator.decision import Contender, Terms
from app.estimator.finance import discount_factors
from app.estimator.forgetting import Forgotten
from app.estimator.method_serving import Served
from app.estimator.methods import Method
from app.estimator.planner import Choice, Planned
from app.estimator.score_draws import Scores
from app.estimator.uncertainty import (
    Factors,
    MoneyDraws,
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
    gpu_factor, value_factor : on the listed cost of GPU time, and on the worth entered. (draws,)
    """

    method: Method
    planned: Planned
    choice: Choice
    served: Served
    costs: Costs
    use: InUse
    base: Floats
    final: Floats
    gpu_factor: Floats
    value_factor: Floats
    money: MoneyDraws

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
    )
    programme = case.programme
    upkeep = Upkeep(
        release_fraction=1.0 if method.adapters is None else programme.adapter_release_fraction,
        artefacts=served.artefacts,
        serving_usd_per_month=served.extra_usd_per_month,
        serving_source=served.way.offer.source.key if served.way else "assumption",
    )
    costs = programme_costs(
        run, programme, programme.engineer_weeks(method), case.value.horizon_months, upkeep
    )
    use = InUse(
        score=scores.over_base(method.key),
        forgotten=forgotten.of(method),
        extra_seconds=served.extra_seconds,
        live_by_month=costs.live_by_month,
        release_month=costs.release_month,
    )
    gpu = gpu_factor(factors, method.key, offer.purchase_option)
    money = money_draws(
        costs,
        streams_of(case.value, use, factors.value),
        gpu,
        case.value.discount_rate_fraction,
    )
    return Worked(
        method=method,
        planned=planned,
        choice=choice,
        served=served,
        costs=costs,
        use=use,
        base=scores.base,
        final=scores.base + use.gain,
        gpu_factor=gpu,
        value_factor=factors.value,
        money=money,
    )


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
        run_usd=worked.choice.usd,
        terms=None if scores is not None else _terms(case, worked),
    )


def _terms(case: Case, worked: Worked) -> Terms:
    """What the worth is made of, for the question what would change the verdict."""
    use, value = worked.use, case.value
    discount = discount_factors(value.discount_rate_fraction, value.horizon_months)
    answers = np.sum(
        [
            stream.amount(discount) * np.ones(case.draws)
            for stream in streams_of(value, use, worked.value_factor)
            if stream.key in {"answers", "growth"}
        ],
        axis=0,
    )
    return Terms(
        answer_pv=answers * use.gain / 100 * value.usd_per_error * worked.value_factor,
        worth_of=worth_by_gain(value, use, discount),
        value_factor=worked.value_factor,
        gain=use.score,
        room=100.0 - worked.base,
        live_months=float(use.live_by_month @ discount),
    )
