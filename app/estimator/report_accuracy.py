"""The parts of the report about accuracy: the studies, a pilot, the score of each method."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.report_values import Distribution


@dataclass(frozen=True, slots=True)
class CurveReport:
    """Expected score by the number of training examples. Arrays of one length."""

    examples: tuple[int, ...]
    mean_points: tuple[float, ...]
    p10_points: tuple[float, ...]
    p90_points: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AccuracyReport:
    """Accuracy on the task, in points of 0 to 100. The gain is over the base model and never below
    0, since a model that tests below the base is not released."""

    base_points: float
    final_points: Distribution
    gain_points: Distribution
    studies: int
    rows: int
    share_of_draws_from_other_groups: float
    probability_worse_than_base: float
    """share of draws in which it tests below the base; it is then not released and gains nothing"""
    prior_points: Distribution | None
    """what the studies alone expect, before a pilot; None without one"""
    recovery: Distribution | None
    """share of the expected gain of full fine-tuning that an adapter keeps; None for full, and
    where full is expected to gain nothing"""
    learning_curve: CurveReport | None


@dataclass(frozen=True, slots=True)
class RankRecovery:
    """Expected recovery of LoRA at one rank, by the studies."""

    rank: int
    recovery: Distribution


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """What the studies say of this kind of task, before any pilot."""

    task_group: str
    regime: str
    """sft, continued or rl"""
    distance: str
    """near, medium or far: from what the base model knows"""
    studies: int
    rows: int
    """published, of this kind of task"""
    own_studies: int
    own_rows: int
    """entered with the scenario"""
    share_from_other_groups: float
    error_removed: Distribution
    """share of the base model's errors that full fine-tuning removes"""
    recovery: Distribution
    """share of that gain which LoRA keeps, at the rank of the scenario"""
    recovery_by_rank: tuple[RankRecovery, ...]


@dataclass(frozen=True, slots=True)
class PilotScoreReport:
    """One measured score, with the noise of its test set."""

    method: str
    """base, full, lora or qlora"""
    examples: int
    points: float
    test_set_size: int
    sd_points: float


@dataclass(frozen=True, slots=True)
class PilotReport:
    """What was measured, and how far it moved the answer."""

    scores: tuple[PilotScoreReport, ...]
    choice_before: str
    choice_after: str
    probability_full_before: float | None
    probability_full_after: float | None
    """that full fine-tuning is worth more than the adapter; None without both"""
    gap_before: Distribution | None
    gap_after: Distribution | None
    """full less the adapter, in points of accuracy"""
    surprise_sd: float
    """how far the scores lie from what was expected, in standard deviations of that; above 3 the
    pilot and the studies do not speak of the same thing"""
