"""Composition only: a case in, the report out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.accuracy_report import (
    accuracy_report,
    evidence_report,
    evidence_summary,
    pilot_report,
)
from app.estimator.arguments import arguments_of
from app.estimator.assemble import (
    currency_report,
    data_report,
    method_outline,
    method_report,
    model_report,
    report_notes,
    software_report,
)
from app.estimator.case import Case
from app.estimator.comparing import compare
from app.estimator.decision import (
    Contender,
    choose,
    probabilities_best,
    standing,
)
from app.estimator.errors import EstimatorError
from app.estimator.forgetting import draw_forgotten
from app.estimator.method_serving import ServedMethods, served_methods
from app.estimator.methods import LABELS
from app.estimator.money import timeline_of
from app.estimator.pilot_value import Pilots, pilots_of
from app.estimator.plan_reports import time_half_width
from app.estimator.planner import Choice, Limits, Planned, Task, Waiting, plan_run
from app.estimator.provenance import constant_ledger, fact_ledger, report_sources
from app.estimator.remedies import Refusal, why_nothing_fits
from app.estimator.report import REPORT_SCHEMA, Comparison, Report
from app.estimator.report_accuracy import PilotReport
from app.estimator.report_risk import RiskReport
from app.estimator.risk import figures_of, information_report, risk_report
from app.estimator.schedule import Schedule, schedule_of
from app.estimator.score_draws import Believed, Scores, believed_scores
from app.estimator.uncertainty import Factors, Ranges, draw_factors
from app.estimator.units import HOURS_PER_MONTH
from app.estimator.verdict import decide
from app.estimator.verdict_setting import Setting
from app.estimator.worked import Worked, contender_of, work_out

Floats = NDArray[np.float64]

PILOT_STREAM = 1
"""Sets the random numbers of simulated pilots apart from those of the draws."""


class NothingFits(EstimatorError):  # noqa: N818
    """No method has a plan that fits; `refusals` say why, and what would make each fit."""

    def __init__(self, refusals: Mapping[str, Refusal]) -> None:
        self.refusals = refusals
        super().__init__(" ".join(s for refusal in refusals.values() for s in refusal.sentences))


@dataclass(frozen=True, slots=True)
class Workings:
    """All that the report is made from.

    Parameters
    ----------
    planned : of every method; refusals : why there is no plan, of those that fit nowhere.
    worked : the others.
    """

    believed: Believed
    planned: Mapping[str, Planned]
    refusals: Mapping[str, Refusal]
    factors: Factors
    served: ServedMethods
    worked: Mapping[str, Worked]


def workings_of(case: Case) -> Workings:
    """Draw, plan, cost and value every method of a case.

    Raises
    ------
    NothingFits : no method has a plan that fits.
    """
    generator = np.random.default_rng(case.seed)
    believed = believed_scores(case, generator)
    forgotten = draw_forgotten(
        case.evidence, case.task_group, case.draws, generator, case.constants
    )
    planned, refusals = _plan(case, believed.scores)
    if len(refusals) == len(case.methods):
        raise NothingFits(refusals)
    ranges = Ranges(
        price=case.value.price_uncertainty_fraction,
        value=case.value.value_uncertainty_fraction,
        adoption=case.value.adoption_uncertainty_fraction,
        time={key: _time_half_width(case, key, planned.get(key)) for key in LABELS},
    )
    factors = draw_factors(generator, ranges, believed.scores.over_base("full"), case.constants)
    served = served_methods(case)
    worked = {
        method.key: work_out(
            case,
            method,
            planned[method.key],
            _chosen(case, planned[method.key]),
            served.by_method[method.key],
            believed.scores,
            forgotten,
            factors,
        )
        for method in case.methods
        if method.key not in refusals
    }
    return Workings(believed, planned, refusals, factors, served, worked)


def estimate(
    case: Case,
    version: str,
    catalog_hash: str,
    prices_as_of: str,
    *,
    brief: bool = False,
) -> Report:
    """The whole answer to one case.

    Parameters
    ----------
    version, catalog_hash, prices_as_of : what computed it and from which facts; only recorded.
    brief : leave out what only the whole result shows: risk, serving, ways to pay, other plans than
        the chosen one, and what those rest on. A third of the time; nothing else differs.

    Raises
    ------
    NothingFits : no method has a plan that fits.
    """
    workings = workings_of(case)
    believed, worked, refusals = workings.believed, workings.worked, workings.refusals
    contenders = {key: contender_of(case, w) for key, w in worked.items()}
    comparison = compare(case, worked, contenders)
    pilots = _pilots(case, contenders, believed.drawn, beside=not brief)
    summary = evidence_summary(believed, case)
    best = probabilities_best(contenders)
    labels = {method.key: method.label for method in case.methods}
    verdict = decide(
        contenders,
        {key: labels[key] for key in refusals},
        comparison,
        Setting(
            studies=summary.studies,
            max_gpus=case.max_gpus,
            value=case.value,
            programme=case.programme,
            constants=case.constants,
            measured=believed.update is not None,
            surprise_sd=0.0 if believed.update is None else believed.update.surprise_sd,
            own_studies=summary.own_studies,
            currency=case.currency,
            pilot=pilots.offer,
            taxed=case.accounting.tax_fraction > 0,
        ),
    )
    timeline = timeline_of(case)
    serving = None if brief else workings.served.report(case)
    methods = tuple(
        method_report(
            case,
            accuracy_report(case, believed, summary, worked[method.key]),
            workings.factors,
            worked[method.key],
            timeline,
            contenders[method.key],
            best[method.key],
            brief=brief,
        )
        if method.key in worked
        else method_outline(
            case, method, workings.planned[method.key], refusals[method.key].sentences
        )
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
        timeline=timeline,
        methods=methods,
        comparison=comparison,
        verdict=verdict,
        risk=None if brief else _risk(case, workings, contenders, comparison, pilots),
        evidence=evidence_report(case, summary),
        pilot=_pilot(case, workings, comparison, contenders, pilots),
        arguments=arguments_of(case, worked),
        serving=serving,
        notes=report_notes(case),
        assumptions=(
            *case.ledger,
            *fact_ledger(methods, case),
            *constant_ledger(case, methods),
        ),
        sources=report_sources(case, worked, methods, serving),
    )


def _pilot(
    case: Case,
    workings: Workings,
    comparison: Comparison | None,
    contenders: Mapping[str, Contender],
    pilots: Pilots,
) -> PilotReport | None:
    """What a pilot changed, under the same plans; None without one."""
    believed = workings.believed
    if believed.update is None:
        return None
    prior = believed.prior_scores
    before = {key: contender_of(case, w, prior) for key, w in workings.worked.items()}
    offer = _pilots(case, before, believed.prior_drawn, beside=False).offer
    choices = (
        choose(before, case.constants, offer),
        choose(contenders, case.constants, pilots.offer),
    )
    return pilot_report(case, believed, comparison, before, choices)


def _risk(
    case: Case,
    workings: Workings,
    contenders: Mapping[str, Contender],
    comparison: Comparison | None,
    pilots: Pilots,
) -> RiskReport:
    """What could come, what it hangs on, and what knowing more is worth."""
    worked, factors = workings.worked, workings.factors
    stand = standing(contenders, case.constants)
    figures = figures_of({key: worked[key] for key in stand}, factors)
    return risk_report(
        case,
        worked,
        {key: contenders[key] for key in stand},
        factors,
        None if comparison is None else comparison.adapter_method,
        information_report(stand, figures, pilots.designs),
    )


def _pilots(
    case: Case, contenders: Mapping[str, Contender], drawn: Floats, *, beside: bool
) -> Pilots:
    """Pilots that could be run, with numbers of their own."""
    return pilots_of(
        contenders,
        drawn,
        case.data.examples,
        case.constants,
        test_questions=case.next_pilot.questions,
        other_cost_usd=(1.0 - case.accounting.tax_fraction) * case.next_pilot.other_cost_usd,
        generator=np.random.default_rng([case.seed, PILOT_STREAM]),
        beside=beside,
    )


def _plan(case: Case, scores: Scores) -> tuple[dict[str, Planned], dict[str, Refusal]]:
    """Plans of every method, and why there is none for those that fit nowhere."""
    limits = Limits(case.max_gpus, case.deadline_hours, case.budget_usd)
    planned, refusals = {}, {}
    for method in case.methods:
        task = Task(
            case.model.architecture,
            method,
            case.software,
            case.data,
            case.constants,
            case.calibration,
        )
        schedule = schedule_of(
            case.programme, case.programme.engineer_weeks(method), case.value.horizon_months
        )
        waiting = _waiting(case, scores.gain(method.key), schedule)
        found = plan_run(task, case.fleet, case.space, limits, waiting, schedule)
        planned[method.key] = found
        if found.cheapest is None:
            refusals[method.key] = why_nothing_fits(
                task, found, case.fleet, case.reference_fleet, case.space, limits, schedule
            )
    return planned, refusals


def _time_half_width(case: Case, method: str, planned: Planned | None) -> float:
    """Half the 80% range of the step time of the chosen plan. [natural logarithm]"""
    if planned is None or planned.cheapest is None:
        return time_half_width(case, method, planned, None)
    return time_half_width(case, method, planned, _chosen(case, planned))


def _chosen(case: Case, planned: Planned) -> Choice:
    """The plan by the objective of the case, of a method that fits."""
    choice = {
        "value": planned.best_value,
        "cheapest": planned.cheapest,
        "fastest": planned.fastest,
    }[case.objective]
    assert choice is not None  # noqa: S101 - infeasible methods were set apart
    return choice


def _waiting(case: Case, gain: Floats, schedule: Schedule) -> Waiting:
    """What makes a quicker plan worth more than its price in this case.

    Notes
    -----
    A month of waiting costs the worth of the expected gain, before growth, and what a delay costs
    besides. All plans are compared over the releases that runs of no length would leave time for:
    one that is too slow for them releases less often, and is not cheaper for it.
    """
    wanted = schedule.campaigns(0.0)
    worth = case.value.usd_per_point_month * float(gain.mean())
    a_month = worth + case.programme.delay_usd_per_month
    return Waiting(
        runs=float(wanted.runs[0]), usd_per_hour=wanted.first_runs * a_month / HOURS_PER_MONTH
    )
