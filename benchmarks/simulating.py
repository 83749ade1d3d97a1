"""The simulation for benchmarks: every draw of every method's money in every month."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from app.catalog.catalog import Catalog
from app.estimator.case import Case
from app.estimator.estimate import workings_of
from app.estimator.methods import LABELS
from app.estimator.uncertainty import MoneyDraws, Ranges, draw_factors, gpu_factor, money_draws
from app.estimator.value import streams_of
from app.estimator.worked import Worked
from app.inputs import ScenarioInput
from app.services.cases import case_of

DRAWS = 100_000
MONTHS = 60
CALLS = 20
LIMIT_S = 0.250
RANGES = Ranges(price=0.15, value=0.3, adoption=0.2, time=dict.fromkeys(LABELS, 0.3))


@dataclass(frozen=True, slots=True)
class Simulation:
    """Three methods with their costs and scores; what is drawn and summed of them is timed."""

    case: Case
    worked: dict[str, Worked]

    @classmethod
    def of(cls, catalog: Catalog, today: date, *, growing: bool) -> Simulation:
        """With growth, answers that accuracy brings compound in every draw and month."""
        scenario = ScenarioInput(
            draws=DRAWS,
            horizon_months=MONTHS,
            growth_per_point_percent=0.5 if growing else 0,
            margin_per_answer_usd=0.02 if growing else 0,
            other_answers_per_month=10_000,
            other_value_usd=0.1,
        )
        case = case_of(scenario, catalog, today)
        return cls(case, dict(workings_of(case).worked))

    def run(self, seed: int) -> dict[str, MoneyDraws]:
        """Factors that go together; then present values, totals and bands by month."""
        scores = np.mean([w.use.score for w in self.worked.values()], axis=0)
        factors = draw_factors(np.random.default_rng(seed), RANGES, scores, self.case.constants)
        value = self.case.value
        return {
            key: money_draws(
                w.costs,
                streams_of(value, replace(w.use, adoption=factors.adoption), factors.value),
                gpu_factor(factors, key, "on-demand"),
                value.discount_rate_fraction,
            )
            for key, w in self.worked.items()
        }


def same_bits(simulation: Simulation) -> bool:
    """Whether a seed gives the same bits again."""
    first, again = (simulation.run(7) for _ in range(2))
    return all(
        first[key].npv.tobytes() == again[key].npv.tobytes()
        and first[key].cumulative_p10.tobytes() == again[key].cumulative_p10.tobytes()
        for key in first
    )
