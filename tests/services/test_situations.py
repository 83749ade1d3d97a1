"""The ready-made situations: valid, different, and their verdicts as worked by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import log
from urllib.parse import parse_qsl

import numpy as np
import pytest
from numpy.typing import NDArray

from app.catalog.catalog import Catalog
from app.estimator.belief import BASE, FULL, LORA
from app.estimator.estimate import workings_of
from app.estimator.forgetting import draw_forgotten
from app.inputs import ScenarioInput, fields_from_pairs
from app.services.cases import case_of
from app.services.estimates import estimate
from app.services.situations import SITUATIONS

Floats = NDArray[np.float64]

TODAY = date(2026, 11, 28)
SCENARIOS = {made.key: made.scenario for made in SITUATIONS}
DRAWS = 40_000


def test_three_situations_that_can_be_carried_in_a_link() -> None:
    assert [ready.key for ready in SITUATIONS] == [
        "deep-domain",
        "controlled-behaviour",
        "core-product",
    ]
    for ready in SITUATIONS:
        assert ready.scenario.situation == ready.key
        assert ready.scenario.title
        assert ready.question.endswith("?")
        pairs = parse_qsl(ready.scenario.to_query(), keep_blank_values=True)
        assert ScenarioInput.model_validate(fields_from_pairs(pairs)) == ready.scenario


def test_all_compare_the_same_methods() -> None:
    assert {ready.scenario.methods for ready in SITUATIONS} == {("full", "lora", "qlora")}


@dataclass(frozen=True)
class Worked:
    """Full against LoRA: the chance that full is worth more, and the gap in points it needs."""

    probability: float
    break_even: float


def worked(scenario: ScenarioInput, catalog: Catalog) -> Worked:
    """A situation in plain steps, from what is believed of the scores and the cost by month.

    With random numbers and sums of its own: a month's answers times what is worth something in
    them, discounted from the end of the month.
    """
    case = case_of(scenario, catalog, TODAY)
    found = workings_of(case)
    v = case.value
    random = np.random.default_rng(20261128)
    drawn = found.believed.belief.draw(random.random(DRAWS), random.standard_normal((DRAWS, 6)))
    base = np.clip(drawn[:, BASE], 0, 100)
    lead = {
        key: np.clip(base + drawn[:, place], 0, 100) - base
        for key, place in (("full", FULL), ("lora", LORA))
    }
    gain = {key: np.maximum(points, 0) for key, points in lead.items()}
    sd = log(1 + v.value_uncertainty_fraction) / 1.2816
    factor = np.exp(sd * random.standard_normal(DRAWS) - sd**2 / 2)
    forgotten = draw_forgotten(case.evidence, case.task_group, DRAWS, random, case.constants)
    lost = {"full": forgotten.full, "lora": forgotten.adapter}
    error_usd = (
        v.value_per_correct_answer_usd
        + v.hallucination_fraction * v.hallucination_usd
        + v.violation_fraction * v.incident_fraction * v.incident_usd
    )
    discount = [(1 + v.discount_rate_fraction) ** (-month / 12) for month in range(200)]

    def answers(key: str, points: Floats) -> Floats:
        total = np.zeros(DRAWS)
        costs = found.worked[key].costs
        for month, live in enumerate(costs.live_by_month):
            # The middle of the part of the month in which the release is in use.
            at = month - live / 2
            asked = live * v.answers_per_month * (1 + v.growth_fraction) ** (at / 12)
            years = max(at - costs.release_month, 0) / 12
            more = (1 + v.growth_per_point_fraction * points) ** years - 1
            right = points / 100 * error_usd
            total += discount[month] * asked * (right + more * (right + v.margin_usd)) * factor
        return total

    def rest(key: str) -> Floats:
        total = np.zeros(DRAWS)
        costs = found.worked[key].costs
        usd = v.other_answers_per_month * v.other_value_usd / 100
        for month, live in enumerate(costs.live_by_month):
            total -= discount[month] * live * usd * np.where(lead[key] > 0, lost[key], 0)
            total -= discount[month] * (costs.fixed_by_month[month] + costs.gpu_by_month[month])
        return total

    full, lora = (answers(key, gain[key]) + rest(key) for key in ("full", "lora"))
    needed = float((lora - rest("full")).mean())
    low, high = -50.0, 50.0
    for _ in range(40):
        middle = (low + high) / 2
        enough = float(answers("full", gain["lora"] + middle).mean()) >= needed
        low, high = (low, middle) if enough else (middle, high)
    return Worked(float(np.mean(full > lora)), high)


@pytest.mark.parametrize(
    ("key", "change", "before", "after"),
    [
        # A quarter of the rank: LoRA loses more of what there is to learn.
        ("deep-domain", {"lora_rank": 64}, "pilot", "full"),
        # A quarter of the questions: too few for what learning takes.
        ("deep-domain", {"answers_per_month": 1_000.0}, "pilot", "neither"),
        # Auditors who need half the checks for an adapter.
        ("controlled-behaviour", {"adapter_release_percent": 50.0}, "pilot", "lora"),
        # A model for each of 20 customers instead of three plans.
        ("core-product", {"variants": 20}, "pilot", "lora"),
    ],
    ids=["deep-rank", "deep-answers", "controlled-audit", "core-variants"],
)
def test_a_situation_and_what_turns_it_as_worked_by_hand(
    key: str, change: dict[str, object], before: str, after: str, catalog: Catalog
) -> None:
    turned = SCENARIOS[key].model_copy(update=change)
    found = []
    for scenario, choice in ((SCENARIOS[key], before), (turned, after)):
        report = estimate(scenario, catalog, TODAY)
        by_hand = worked(scenario, catalog)
        comparison = report.comparison
        assert report.verdict.choice == choice
        assert comparison is not None
        assert comparison.adapter_method == "lora"
        assert comparison.break_even_gap_points is not None
        # Of 10,000 draws a share of a half is known to 0.005; three of these.
        assert comparison.probability_full_beats_adapter == pytest.approx(
            by_hand.probability, abs=0.015
        )
        # Three standard errors of the mean of what is forgotten and gained, over a point's worth.
        assert comparison.break_even_gap_points == pytest.approx(by_hand.break_even, abs=0.06)
        found.append(by_hand)
    # The change moves the chance or the gap that is needed, not only the word for it.
    assert (
        abs(found[0].probability - found[1].probability) > 0.01
        or abs(found[0].break_even - found[1].break_even) > 0.1
    )
