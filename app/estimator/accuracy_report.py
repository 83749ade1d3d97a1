"""The parts of the report about accuracy: per method, the evidence, and the pilot."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.estimator.accuracy import PriorSummary, Range, prior_summary
from app.estimator.case import Case
from app.estimator.decision import Choice, Contender
from app.estimator.evidence import REGIME
from app.estimator.learning_curve import curve_of, curve_sizes
from app.estimator.report import Comparison
from app.estimator.report_accuracy import (
    AccuracyReport,
    CurveReport,
    EvidenceReport,
    PilotReport,
    PilotScoreReport,
    RankRecovery,
)
from app.estimator.report_values import Distribution
from app.estimator.score_draws import Believed
from app.estimator.uncertainty import distribution
from app.estimator.worked import Worked

Floats = NDArray[np.float64]

CURVE_DRAWS = 2_000
"""Draws behind a learning curve: enough for a band that is only looked at."""


def evidence_summary(believed: Believed, case: Case) -> PriorSummary:
    """What the studies say of the case, before any pilot."""
    return prior_summary(believed.model, believed.task, case.constants)


def evidence_report(case: Case, summary: PriorSummary) -> EvidenceReport:
    """The studies behind the expected accuracy."""
    return EvidenceReport(
        task_group=case.task_group,
        regime=REGIME[case.task_group],
        distance=case.distance,
        studies=summary.studies,
        rows=summary.rows,
        own_studies=summary.own_studies,
        own_rows=summary.own_rows,
        share_from_other_groups=summary.weight_of_other_groups,
        error_removed=_distribution(summary.error_removed),
        recovery=_distribution(summary.recovery_lora),
        recovery_by_rank=tuple(
            RankRecovery(rank, _distribution(found)) for rank, found in summary.recovery_by_rank
        ),
    )


def accuracy_report(
    case: Case, believed: Believed, summary: PriorSummary, worked: Worked
) -> AccuracyReport:
    """Accuracy of one method, before and after the pilot."""
    key = worked.method.key
    prior = believed.prior_scores
    measured = believed.update is not None
    return AccuracyReport(
        base_points=float(believed.scores.base.mean())
        if measured
        else case.value.base_accuracy_points,
        final_points=distribution(worked.final),
        gain_points=distribution(worked.gain),
        studies=summary.studies,
        rows=summary.rows,
        share_of_draws_from_other_groups=summary.weight_of_other_groups,
        probability_worse_than_base=worked.worse,
        prior_points=distribution(prior.base + prior.gain(key)) if measured else None,
        recovery=_recovery(case, believed, key),
        learning_curve=_curve(case, believed, key) if measured else None,
    )


def _recovery(case: Case, believed: Believed, key: str) -> Distribution | None:
    """Share of the expected gain of full fine-tuning that an adapter keeps.

    Notes
    -----
    1 + (gain of the adapter - gain of full) / mean gain of full: over the expected gain, since a
    ratio of two draws has no mean. Gains are those that are used: a model that tests below the base
    is not released. None where the gain is too small for a share of it to mean anything.
    """
    if key == "full":
        return None
    scores = believed.scores
    gain = float(scores.gain("full").mean())
    if gain < case.constants["least_gain_for_recovery_points"]:
        return None
    return distribution(1.0 + (scores.gain(key) - scores.gain("full")) / gain)


def _curve(case: Case, believed: Believed, key: str) -> CurveReport:
    """Learning curve of one method."""
    sizes = curve_sizes(case.data.examples, [score.examples for score in case.pilot])
    mean, p10, p90 = curve_of(
        believed.belief,
        key,
        sizes,
        case.data.examples,
        believed.uniform[:CURVE_DRAWS],
        believed.normal[:CURVE_DRAWS],
        case.constants,
    )
    return CurveReport(sizes, *(tuple(found.tolist()) for found in (mean, p10, p90)))


def pilot_report(
    case: Case,
    believed: Believed,
    comparison: Comparison | None,
    before: Mapping[str, Contender],
    choices: tuple[Choice, Choice],
) -> PilotReport | None:
    """What was measured, and how far it moved the answer; None without a pilot.

    Parameters
    ----------
    comparison : after the pilot; None where not both kinds of method are feasible.
    before : the methods by what the studies alone expect, under the same plans.
    choices : by the rule of the verdict, before and after.
    """
    update = believed.update
    if update is None:
        return None
    probability, gap = None, None
    if comparison is not None:
        full, adapter = before["full"], before[comparison.adapter_method]
        probability = float(np.mean(full.npv > adapter.npv))
        prior = believed.prior_scores
        gap = distribution(prior.gain("full") - prior.gain(adapter.key))
    return PilotReport(
        scores=tuple(
            PilotScoreReport(s.method, s.examples, s.points, s.test_set_size, sd)
            for s, sd in zip(case.pilot, update.noise_sd, strict=True)
        ),
        choice_before=choices[0].choice,
        choice_after=choices[1].choice,
        probability_full_before=probability,
        probability_full_after=comparison.probability_full_beats_adapter if comparison else None,
        gap_before=gap,
        gap_after=comparison.gap_points if comparison else None,
        surprise_sd=update.surprise_sd,
    )


def _distribution(found: Range) -> Distribution:
    return Distribution(found.mean, found.p10, found.p50, found.p90)
