"""Draws of the scores of every method: what the studies expect, and what a pilot makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.accuracy import AccuracyTask, prior_belief
from app.estimator.belief import BASE, GAIN, QUANTITIES, Belief
from app.estimator.case import Case
from app.estimator.evidence_model import EvidenceModel, fit_evidence
from app.estimator.pilot import PilotUpdate, observe_pilot

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Draws of the scores on the task. [points, 0 to 100]

    Parameters
    ----------
    base : (draws,)
    final : of every method, by key. (draws,)
    """

    base: Floats
    final: Mapping[str, Floats]

    def over_base(self, method: str) -> Floats:
        """Score less that of the base model, below 0 where it tests worse. (draws,) [points]"""
        return np.asarray(self.final[method] - self.base)

    def gain(self, method: str) -> Floats:
        """What is gained: a model that tests below the base is not used. (draws,) [points]"""
        return np.maximum(self.over_base(method), 0.0)


@dataclass(frozen=True, slots=True)
class Believed:
    """What is believed of the scores of a case, before and after its pilot.

    Parameters
    ----------
    model, task : what the belief was made from.
    prior, belief : before and after the pilot; the same one without a pilot.
    update : None without a pilot.
    drawn, prior_drawn : draws of the quantities of both, made with the same numbers.
        (draws, quantities)
    scores, prior_scores : of these draws.
    uniform, normal : the numbers that made them. (draws,), (draws, quantities)
    """

    model: EvidenceModel
    task: AccuracyTask
    prior: Belief
    belief: Belief
    update: PilotUpdate | None
    drawn: Floats
    prior_drawn: Floats
    scores: Scores
    prior_scores: Scores
    uniform: Floats
    normal: Floats


def accuracy_task(case: Case) -> AccuracyTask:
    """The case as the evidence model asks for it."""
    adapters = dict(case.adapters) | {m.key: m.adapters for m in case.methods if m.adapters}
    return AccuracyTask(
        group=case.task_group,
        distance=case.distance,
        base_points=case.value.base_accuracy_points,
        test_set_size=case.value.test_set_size,
        tokens_per_run=case.data.tokens_per_run,
        examples=case.data.examples,
        trainable_parameters={
            m.key: m.trainable_parameters(case.model.architecture)
            for m in case.methods
            if m.adapters
        },
        rank={key: adapter.rank for key, adapter in adapters.items()},
        targets={key: adapter.targets for key, adapter in adapters.items()},
        variant=case.variant,
    )


def believed_scores(case: Case, generator: np.random.Generator) -> Believed:
    """Draw the scores of all methods, those that are not compared too.

    Notes
    -----
    The same numbers make the draws before and after a pilot, so that both differ only as the
    beliefs do. All methods are drawn, so that one more method in a scenario leaves the others as
    they were.
    """
    uniform = generator.random(case.draws)
    normal = generator.standard_normal((case.draws, len(QUANTITIES)))
    model = case.evidence_model or fit_evidence(case.evidence, case.constants)
    task = accuracy_task(case)
    prior = prior_belief(model, task, case.constants)
    update = None
    belief = prior
    if case.pilot:
        update = observe_pilot(
            prior,
            case.pilot,
            case.data.examples,
            case.constants,
            base_points=task.base_points,
            test_set_size=task.test_set_size,
        )
        belief = update.belief

    def drawn_of(of: Belief) -> Floats:
        return _spread(of, of.draw(uniform, normal), case.accuracy_spread)

    prior_drawn = drawn_of(prior)
    drawn = prior_drawn if belief is prior else drawn_of(belief)
    return Believed(
        model=model,
        task=task,
        prior=prior,
        belief=belief,
        update=update,
        drawn=drawn,
        prior_drawn=prior_drawn,
        scores=scores_of(drawn),
        prior_scores=scores_of(prior_drawn),
        uniform=uniform,
        normal=normal,
    )


def _spread(belief: Belief, drawn: Floats, factor: float) -> Floats:
    """Draws as many times as far from what is expected. (draws, quantities)"""
    if factor == 1:
        return drawn
    return np.asarray(belief.expected + factor * (drawn - belief.expected))


def scores_of(drawn: Floats) -> Scores:
    """Scores from draws of the quantities of a belief.

    Notes
    -----
    Scores are cut off at 0 and 100.
    """
    base = drawn[:, BASE]
    final = {key: np.clip(base + drawn[:, at], 0.0, 100.0) for key, at in GAIN.items()}
    return Scores(np.clip(base, 0.0, 100.0), final)
