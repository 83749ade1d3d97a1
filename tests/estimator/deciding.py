"""Handmade contenders for the tests of the verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.estimator.case import Programme, Value
from app.estimator.constants import constant_values
from app.estimator.decision import Contender, Terms
from app.estimator.report import Comparison
from app.estimator.report_values import Distribution
from app.estimator.uncertainty import PresentDraws
from app.estimator.verdict import Setting

CONSTANTS = constant_values()
DECISIVE = CONSTANTS["decisive_probability"]

VALUE = Value(
    base_accuracy_points=60,
    test_set_size=500,
    answers_per_month=1_000,
    value_per_correct_answer_usd=10,
    horizon_months=24,
    discount_rate_fraction=0.1,
    value_uncertainty_fraction=0.3,
    price_uncertainty_fraction=0.2,
)
PROGRAMME = Programme(
    experiments=5,
    experiment_fraction=0.2,
    failed_fraction=0.1,
    engineer_weeks_full=10,
    engineer_weeks_adapter=5,
    engineer_week_usd=4_000,
    data_preparation_usd=0,
    releases_per_year=2,
    release_fixed_usd=0,
)
WEEKS_IN_USE = 80.0


def contender(
    key: str,
    npv: Sequence[float],
    total_usd: float = 2000.0,
    gpu_usd: float = 500.0,
    run_usd: float = 0.0,
) -> Contender:
    """One whose worth is `npv` and whose costs are nothing."""
    worth = np.array(npv, dtype=np.float64)
    none = np.zeros_like(worth)
    return Contender(key, worth, none, none, 0.0, total_usd, gpu_usd, run_usd)


def of_gains(
    key: str, gain: Sequence[float], point_usd: float, gpu_usd: float, fixed_usd: float
) -> Contender:
    """One whose points are worth an amount each, without other worth; a week of engineering more
    is paid, and takes its share of the weeks in use."""
    score = np.array(gain, dtype=np.float64)
    worth = point_usd * np.maximum(score, 0.0)
    one = np.ones_like(score)
    now = PROGRAMME.engineer_weeks_full if key == "full" else PROGRAMME.engineer_weeks_adapter

    def at_weeks(weeks: float) -> PresentDraws:
        more = weeks - now
        return PresentDraws(
            volume=max(0.0, 1 - more / WEEKS_IN_USE) * worth,
            other=0 * one,
            gpu=gpu_usd * one,
            fixed=fixed_usd + more * PROGRAMME.engineer_week_usd,
        )

    terms = Terms(
        answer_pv=worth,
        worth_of=lambda points: point_usd * points,
        value_factor=one,
        gain=score,
        room=40.0 * one,
        at_weeks=at_weeks,
    )
    total = fixed_usd + gpu_usd
    return Contender(
        key, worth, 0 * one, gpu_usd * one, fixed_usd, total, gpu_usd, gpu_usd / 10, terms
    )


def against(
    full: Contender, adapter: Contender, break_even: float | None = 1.0
) -> tuple[dict[str, Contender], Comparison]:
    """Both methods, and the comparison that their draws make."""
    comparison = Comparison(
        adapter_method=adapter.key,
        gap_points=Distribution(0.3, -2.4, 0.2, 3.1),
        break_even_gap_points=break_even,
        probability_full_beats_adapter=float(np.mean(full.npv > adapter.npv)),
        extra_cost_usd=full.total_usd - adapter.total_usd,
        incremental=None,
        break_evens=(),
    )
    return {"full": full, adapter.key: adapter}, comparison


def setting(
    studies: int = 5,
    max_gpus: int = 64,
    *,
    measured: bool = False,
    own_studies: int = 0,
    value: Value = VALUE,
    **constants: float,
) -> Setting:
    """A setting, with constants changed."""
    return Setting(
        studies=studies,
        max_gpus=max_gpus,
        value=value,
        programme=PROGRAMME,
        constants=constant_values(constants),
        measured=measured,
        own_studies=own_studies,
    )
