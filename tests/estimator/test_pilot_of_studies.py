"""Pilots on what the published studies expect: the interval holds what it says, and narrows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from app.catalog.catalog import Catalog
from app.estimator.accuracy import AccuracyTask, prior_belief
from app.estimator.belief import BASE, CURVE_ADAPTER, CURVE_FULL, FULL, GAIN, LORA, QLORA, Belief
from app.estimator.case import PilotScore
from app.estimator.constants import constant_values
from app.estimator.evidence import DISTANCE
from app.estimator.evidence_model import EvidenceModel, fit_evidence
from app.estimator.learning_curve import share_of_gain
from app.estimator.pilot import expected_score, observe_pilot

Floats = NDArray[np.float64]

PLANNED = 100_000
CONSTANT = constant_values()
METHODS = ("base", "full", "lora")
GAP = np.array([0.0, 1.0, -1.0, 0.0, 0.0, 0.0])
SIMULATED = 150


@pytest.fixture(scope="module")
def model(catalog: Catalog) -> EvidenceModel:
    return fit_evidence(catalog.head_to_heads, CONSTANT)


@pytest.fixture(scope="module", params=["far", "narrow", "skill"])
def belief(model: EvidenceModel, request: pytest.FixtureRequest) -> Belief:
    """Of three kinds of task, rank 64 on all layers."""
    task = AccuracyTask(
        group=request.param,
        distance=DISTANCE[request.param],
        base_points=55.0,
        test_set_size=800,
        tokens_per_run=1e8,
        examples=PLANNED,
        trainable_parameters={"lora": 160_000_000, "qlora": 160_000_000},
        rank={"lora": 64, "qlora": 64},
        targets={"lora": ("all-linear",), "qlora": ("all-linear",)},
    )
    return prior_belief(model, task, CONSTANT)


def measured(
    truth: Floats, examples: int, n: int, generator: np.random.Generator
) -> list[PilotScore]:
    """Scores of base, full and LoRA as they would come out if that were the truth.

    Every model is asked the same questions; the share of them that a model answers as the luck of
    the question has it, and not by its own, is the root of the correlation between two models.
    """
    scores = []
    luck = generator.random(n)
    together = np.sqrt(CONSTANT["paired_questions_correlation"])
    drift = CONSTANT["pilot_transfer_sd_points"] * np.sqrt(np.log10(PLANNED / examples))
    for method in METHODS:
        points = truth[BASE]
        if method != "base":
            bend = truth[CURVE_FULL if method == "full" else CURVE_ADAPTER]
            share = share_of_gain(method, examples, PLANNED, bend, CONSTANT)
            noise = np.hypot(drift, CONSTANT["run_sd_points"]) * generator.standard_normal()
            points = points + share * truth[GAIN[method]] + noise
        drawn = np.where(generator.random(n) < together, luck, generator.random(n))
        right = int((drawn < points / 100).sum())
        scores.append(PilotScore(method, 0 if method == "base" else examples, 100 * right / n, n))
    return scores


def gap_variance(belief: Belief) -> float:
    return float(GAP @ belief.spread @ GAP)


@pytest.mark.parametrize("examples", [5_000, PLANNED])
def test_intervals_after_a_pilot_hold_the_truth_as_often_as_they_say(
    belief: Belief, examples: int
) -> None:
    generator = np.random.default_rng(17)
    uniform, normal = generator.random(2_000), generator.standard_normal((2_000, 6))
    hits = []
    for _ in range(SIMULATED):
        truth = belief.draw(generator.random(1), generator.standard_normal((1, 6)))[0]
        scores = measured(truth, examples, 500, generator)
        after = observe_pilot(belief, scores, PLANNED, CONSTANT).belief
        drawn = after.draw(uniform, normal)
        for values, true in (
            (drawn[:, FULL], truth[FULL]),
            (drawn[:, LORA], truth[LORA]),
            (drawn @ GAP, truth @ GAP),
        ):
            low, high = np.quantile(values, (0.1, 0.9))
            hits.append(low <= true <= high)
    # 450 intervals in correlated threes: three standard errors of a share of 0.8 are 0.1.
    assert np.mean(hits) == pytest.approx(0.8, abs=0.1)


def test_a_larger_pilot_leaves_less_to_be_known(belief: Belief) -> None:
    """On average over what may come out; a single surprise may well widen an interval."""
    generator = np.random.default_rng(23)
    plans = ((5_000, 200), (20_000, 200), (20_000, 2_000), (PLANNED, 2_000))
    left = dict.fromkeys(plans, 0.0)
    for _ in range(60):
        truth = belief.draw(generator.random(1), generator.standard_normal((1, 6)))[0]
        for examples, n in plans:
            scores = measured(truth, examples, n, generator)
            after = observe_pilot(belief, scores, PLANNED, CONSTANT).belief
            left[examples, n] += gap_variance(after) / 60
    steps = [gap_variance(belief), *left.values()]
    assert steps == sorted(steps, reverse=True)


def test_a_pilot_as_the_studies_expect_leaves_the_mean(belief: Belief) -> None:
    for examples, n in ((2_000, 200), (20_000, 1_000), (PLANNED, 10_000)):
        scores = [
            PilotScore(m, trained, expected_score(belief, m, trained, PLANNED, CONSTANT), n)
            for m in (*METHODS, "qlora")
            for trained in [0 if m == "base" else examples]
        ]
        after = observe_pilot(belief, scores, PLANNED, CONSTANT).belief
        before_sd = np.sqrt(np.diag(belief.spread))
        after_sd = np.sqrt(np.diag(after.spread))
        # A hundredth of a standard deviation: the Monte Carlo error of 10,000 draws.
        assert (np.abs(after.expected - belief.expected) <= 0.01 * before_sd).all()
        assert (after_sd <= before_sd * (1 + 1e-9)).all()
        assert (after_sd[[BASE, FULL, LORA, QLORA]] < before_sd[[BASE, FULL, LORA, QLORA]]).all()
        assert gap_variance(after) < gap_variance(belief)


@pytest.mark.parametrize("examples", [10_000, PLANNED])
def test_the_better_lora_scores_the_less_full_leads(belief: Belief, examples: int) -> None:
    """With the scores of base and full as they are; at the planned size and on a slice."""
    leads, gains = [], []
    for points in (56.0, 60.0, 64.0, 68.0, 72.0, 76.0):
        scores = [
            PilotScore("base", 0, 55.0, 1_000),
            PilotScore("full", examples, 64.0, 1_000),
            PilotScore("lora", examples, points, 1_000),
        ]
        after = observe_pilot(belief, scores, PLANNED, CONSTANT).belief.expected
        leads.append(float(GAP @ after))
        gains.append(float(after[LORA]))
    assert leads == sorted(leads, reverse=True)
    assert gains == sorted(gains)
