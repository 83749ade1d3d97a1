"""Other weeks of engineering, held against estimates that are made with them."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from app.catalog.catalog import Catalog
from app.estimator.decision import Contender
from app.estimator.estimate import workings_of
from app.estimator.later import ByWeeks
from app.estimator.uncertainty import PresentDraws
from app.estimator.worked import contender_of
from app.inputs import ScenarioInput
from app.services.cases import case_of
from app.services.estimates import estimate

TODAY = date(2026, 11, 23)
PLAIN: dict[str, Any] = {
    "methods": ("full", "lora"),
    "draws": 1_000,
    "answers_per_month": 60_000,
    "objective": "cheapest",
}
SCENARIOS: dict[str, dict[str, Any]] = {
    "plain": {},
    "few answers, serving left out": {"answers_per_month": 30_000, "serving": "none"},
    "growth": {"growth_percent": 40},
    "growth by accuracy": {"growth_per_point_percent": 1, "margin_per_answer_usd": 0.1},
    "ramp": {"adoption_ramp_months": 12, "answers_per_month": 100_000},
    "on one base": {
        "serving": "unmerged",
        "variants": 5,
        "other_answers_per_month": 100_000,
        "other_value_usd": 0.4,
    },
    "tax, delay and governance": {
        "tax_percent": 30,
        "capitalised_percent": 80,
        "inflation_percent": 4,
        "delay_cost_usd_per_month": 20_000,
        "artefact_year_usd": 9_000,
        "answers_per_month": 90_000,
    },
}
FIELDS = {"full": "engineer_weeks_full", "lora": "engineer_weeks_adapter"}


def contenders(catalog: Catalog, **members: Any) -> dict[str, Contender]:
    case = case_of(ScenarioInput.model_validate(PLAIN | members), catalog, TODAY)
    return {key: contender_of(case, w) for key, w in workings_of(case).worked.items()}


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("key", FIELDS)
def test_other_weeks_are_worth_what_an_estimate_with_them_says(
    catalog: Catalog, name: str, key: str
) -> None:
    """To rounding at none and at doublings; in between to a hundredth of what they change."""
    now = contenders(catalog, **SCENARIOS[name])[key]
    assert now.terms is not None
    weeks_now: float = ScenarioInput.model_fields[FIELDS[key]].default
    for factor, close in ((0, 1e-9), (0.3, 0.01), (0.8, 0.01), (1.5, 0.01), (2, 1e-9), (4, 1e-9)):
        weeks = factor * weeks_now
        fresh = contenders(catalog, **SCENARIOS[name], **{FIELDS[key]: weeks})[key]
        found = now.terms.at_weeks(weeks)
        change = abs(fresh.expected_npv - now.expected_npv)
        assert change > 1_000
        difference = np.abs(found.npv - fresh.npv)
        assert difference.mean() <= close * change, factor
        assert found.fixed == pytest.approx(fresh.fixed_pv, abs=close * change)


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_estimate_at_the_printed_weeks_says_the_other_verdict(
    catalog: Catalog, name: str
) -> None:
    """And one at the present weeks does not, so that it is the weeks that turn it."""
    scenario = ScenarioInput.model_validate(PLAIN | SCENARIOS[name])
    verdict = estimate(scenario, catalog, TODAY, brief=True).verdict
    turns = [turn for turn in verdict.turns if turn.field in FIELDS.values()]
    assert turns
    for turn in turns:
        assert turn.becomes != verdict.choice
        moved = scenario.model_copy(update={turn.field: turn.needed})
        fresh = estimate(moved, catalog, TODAY, brief=True).verdict
        assert fresh.choice == turn.becomes


def test_the_programme_is_laid_out_anew_at_a_few_weeks_only() -> None:
    asked: list[float] = []

    def exact(weeks: float) -> PresentDraws:
        asked.append(weeks)
        one = np.ones(2)
        return PresentDraws((100 - weeks) * one, weeks * one, 2 * weeks * one, 7 * weeks)

    present = exact(6.0)
    by_weeks = ByWeeks(6.0, present, exact)
    asked.clear()
    assert by_weeks.at(6.0) is present
    for weeks in (7.0, 11.9, 12.0, 4.0, 0.0, 3.5, 23.0, 5.0):
        found = by_weeks.at(weeks)
        assert found.volume == pytest.approx(100 - weeks)
        assert found.other == pytest.approx(weeks)
        assert found.gpu == pytest.approx(2 * weeks)
        assert found.fixed == pytest.approx(7 * weeks)
    assert asked == [12.0, 24.0, 0.0]
