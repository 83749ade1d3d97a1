"""What measured scores change: a belief is updated by their likelihood, with the noise of each.

A score at D examples is base + s(D) gain, with the noise of its test set, of its training run, and
of how far the data size is from the planned one. Nothing is weighed by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.estimator.belief import BASE, GAIN, QUANTITIES, Belief
from app.estimator.case import PilotScore
from app.estimator.constants import ConstantValues
from app.estimator.errors import InvalidSpec
from app.estimator.learning_curve import FURTHEST, curve_place, share_of_gain

Floats = NDArray[np.float64]

MOST_STEPS: Final = 60
"""Linear steps towards the point where belief and scores agree; a few are enough as a rule."""
SETTLED: Final = 1e-7
"""Change of every expected quantity below which the steps end."""
SURPRISING_SD: Final = 3.0
"""Standard deviations above which scores and studies do not speak of the same thing."""
STEP: Final = 1e-4
"""Of the steepness, in standard deviations, over which the slope of a curve is taken."""


@dataclass(frozen=True, slots=True)
class PilotUpdate:
    """A belief after measured scores.

    Parameters
    ----------
    belief : afterwards.
    surprise_sd : how far the scores lie from what was expected of them, in standard deviations of
        that, over all scores; about 1 where they were foreseen.
    noise_sd : of each score as it was given: by its test set and its training run. [points]
    """

    belief: Belief
    surprise_sd: float
    noise_sd: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Linear:
    """Scores as linear functions of the quantities, near a point.

    Parameters
    ----------
    design : (o, m); value : with what the line leaves out taken off. (o,)
    test, run : variances of each score. (o,)
    """

    design: Floats
    value: Floats
    test: Floats
    run: Floats


def question_variance(expected_points: float, test_set_size: int) -> float:
    """Variance of a score by the chance of the questions asked. [points^2]

    Parameters
    ----------
    expected_points : share of right answers that is expected; taken into 0 to 100. [points]
    test_set_size : independent questions. [count] >= 1

    Notes
    -----
    The binomial variance p (1 - p) / n, with half a right and half a wrong answer added to the
    expectation: so a score of 0 or 100 has noise too, that of about one question.

    Examples
    --------
    >>> round(question_variance(50.0, 400) ** 0.5, 2), question_variance(100.0, 400) > 0
    (2.5, True)
    """
    return float(question_variances(np.asarray(expected_points), test_set_size))


def question_variances(expected_points: Floats, test_set_size: int) -> Floats:
    """`question_variance` of many expected scores at once, in their shape. [points^2]"""
    n = test_set_size
    p = (np.clip(expected_points, 0.0, 100.0) / 100 * n + 0.5) / (n + 1)
    return np.asarray(1e4 * p * (1 - p) / n)


def transfer_variance(examples: float, target_examples: int, constants: ConstantValues) -> float:
    """Variance around the learning curve, by how far the size is from the planned one. [points^2]

    Parameters
    ----------
    examples : trained on, above 0; target_examples : planned, above 0. [count]

    Notes
    -----
    Assumption: a random walk over the logarithm of the size, 0 at the planned one.
    """
    tens = abs(float(np.log10(target_examples / examples)))
    return float(constants["pilot_transfer_sd_points"] ** 2 * tens)


def observe_pilot(
    belief: Belief,
    scores: Sequence[PilotScore],
    target_examples: int,
    constants: ConstantValues,
    *,
    base_points: float | None = None,
    test_set_size: int | None = None,
) -> PilotUpdate:
    """The belief after scores were measured, and how surprising they were.

    Parameters
    ----------
    belief : before, for `target_examples`.
    scores : in any order.
    target_examples : planned size of the training set. [count]
    base_points, test_set_size : the base score that the belief already rests on, if it does: the
        same score on as many questions is not counted twice.

    Raises
    ------
    InvalidSpec : a method, number of examples, score or test set that cannot be.

    Notes
    -----
    Binomial likelihood by its normal approximation at the most probable point: the variance of each
    score is that at its expectation, and the curve is a line there. Both are renewed until they
    settle, always from the belief before, so no score counts twice. At that point the mode is that
    of the exact likelihood (iteratively reweighted least squares; Green 1984, J. R. Stat. Soc. B
    46(2), section 2).

    What noises have in common is in their covariance (`_noise`). Several equal base scores are one.
    """
    for score in scores:
        _check(score)
    known = _used(scores, base_points, test_set_size)
    point = belief.expected
    before = _linear(known, point, target_examples, constants)
    noise_sd = tuple(_noise_sd(score, constants) for score in scores)
    if not known:
        return PilotUpdate(belief, 0.0, noise_sd)
    after = belief
    reach = 1.0
    last = np.inf
    for _ in range(MOST_STEPS):
        line = _linear(known, point, target_examples, constants)
        noise = _noise(known, line, target_examples, constants)
        after = belief.observed(line.design, line.value, noise)
        step = after.expected - point
        size = float(np.abs(step).max())
        if size < SETTLED:
            break
        # A step that is not shorter than the last one goes back and forth over the point.
        reach = reach / 2 if size > 0.9 * last else reach
        last = size
        point = point + reach * step
    surprise = _surprise(belief, known, before, target_examples, constants)
    return PilotUpdate(after, surprise, noise_sd)


def expected_score(
    belief: Belief, method: str, examples: float, target_examples: int, constants: ConstantValues
) -> float:
    """Score at a data size with every quantity at its mean, not clipped. [points]"""
    return _score(belief.expected, method, examples, target_examples, constants)


def _check(score: PilotScore) -> None:
    if score.method != "base" and score.method not in GAIN:
        raise InvalidSpec(
            f"pilot of {score.method!r}: the method must be base, full, lora or qlora"
        )
    if not 0 <= score.points <= 100:
        raise InvalidSpec(f"pilot of {score.method}: a score is 0 to 100 points")
    if score.test_set_size < 1:
        raise InvalidSpec(f"pilot of {score.method}: the test set needs a question or more")
    if score.method != "base" and score.examples < 1:
        raise InvalidSpec(f"pilot of {score.method}: it was trained on one example or more")


def _used(
    scores: Sequence[PilotScore], base_points: float | None, test_set_size: int | None
) -> list[PilotScore]:
    """Scores to learn from, in an order that does not depend on theirs."""
    tuned = [score for score in scores if score.method != "base"]
    bases = {(s.points, s.test_set_size) for s in scores if s.method == "base"}
    bases.discard((base_points, test_set_size))
    known = tuned + [PilotScore("base", 0, points, size) for points, size in bases]
    return sorted(known, key=lambda s: (s.method, s.examples, s.test_set_size, s.points))


def _score(
    point: Floats, method: str, examples: float, target: int, constants: ConstantValues
) -> float:
    if method == "base":
        return float(point[BASE])
    steepness = point[curve_place(method)]
    share = share_of_gain(method, examples, target, steepness, constants)
    return float(point[BASE] + share * point[GAIN[method]])


def _linear(
    scores: Sequence[PilotScore], point: Floats, target: int, constants: ConstantValues
) -> _Linear:
    """Every score as a linear function of the quantities near a point."""
    design = np.zeros((len(scores), len(QUANTITIES)))
    value = np.zeros(len(scores))
    test = np.zeros(len(scores))
    run = np.zeros(len(scores))
    for row, score in enumerate(scores):
        now = _score(point, score.method, score.examples, target, constants)
        design[row] = _slope(point, score, target, constants)
        value[row] = score.points - now + design[row] @ point
        test[row] = question_variance(now, score.test_set_size)
        run[row] = 0.0 if score.method == "base" else constants["run_sd_points"] ** 2
    return _Linear(design, value, test, run)


def _slope(point: Floats, score: PilotScore, target: int, constants: ConstantValues) -> Floats:
    """Change of a score with each quantity. (m,)"""
    slope = np.zeros(len(QUANTITIES))
    slope[BASE] = 1.0
    if score.method == "base":
        return slope
    place = curve_place(score.method)
    at = np.clip(point[place], -FURTHEST + STEP, FURTHEST - STEP)
    near = share_of_gain(
        score.method, score.examples, target, at + np.array([-STEP, 0.0, STEP]), constants
    )
    slope[GAIN[score.method]] = near[1]
    slope[place] = point[GAIN[score.method]] * (near[2] - near[0]) / (2 * STEP)
    return slope


def _transfer(score: PilotScore, target: int, constants: ConstantValues) -> float:
    """Variance of one score around its learning curve; the base model has none. [points^2]"""
    if score.method == "base":
        return 0.0
    return transfer_variance(score.examples, target, constants)


def _noise(
    scores: Sequence[PilotScore], line: _Linear, target: int, constants: ConstantValues
) -> Floats:
    """Covariance of the noises of scores. (o, o) [points^2]

    Notes
    -----
    - Scores of equally many questions have the luck of these questions partly in common.
      Assumption: they were asked the same ones.
    - Scores of one method at one size of the data share how far that size is from the planned one.
    - The chance of a training run is its own.
    """
    size = np.array([score.test_set_size for score in scores])
    same_test = size[:, None] == size[None, :]
    shared = constants["paired_questions_correlation"] * np.sqrt(np.outer(line.test, line.test))
    kind = [(score.method, score.examples) for score in scores]
    same_curve = np.array([[a == b for a in kind] for b in kind])
    transfer = np.array([_transfer(score, target, constants) for score in scores])
    noise = np.where(same_test, shared, 0.0) + np.where(same_curve, transfer[:, None], 0.0)
    np.fill_diagonal(noise, line.test + line.run + transfer)
    return np.asarray(noise)


def _surprise(
    belief: Belief,
    scores: Sequence[PilotScore],
    line: _Linear,
    target: int,
    constants: ConstantValues,
) -> float:
    """Mahalanobis distance of the scores from what was expected, over the root of their number."""
    apart = line.value - line.design @ belief.expected
    noise = _noise(scores, line, target, constants)
    total = line.design @ belief.spread @ line.design.T + noise
    distance = float(apart @ np.linalg.solve(total, apart))
    return float(np.sqrt(max(distance, 0.0) / len(apart)))


def _noise_sd(score: PilotScore, constants: ConstantValues) -> float:
    """Standard deviation of a score if its run and its test were done again. [points]"""
    run = 0.0 if score.method == "base" else constants["run_sd_points"] ** 2
    return float(np.sqrt(question_variance(score.points, score.test_set_size) + run))
