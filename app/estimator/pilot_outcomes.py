"""What a pilot would measure: its scores by draw with their noise, and what they tell of worth.

The scores that a pilot brings are brought down to one or two numbers that say most of what the
methods are worth, and these to a hundred outcomes, each with its chance in every draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.estimator.belief import BASE, GAIN
from app.estimator.constants import ConstantValues
from app.estimator.learning_curve import curve_place, share_of_gain
from app.estimator.pilot import question_variances, transfer_variance

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Places = NDArray[np.intp]

STRATA: Final = (12, 10)
"""Outcomes along the first number and, in each of these, along the second."""

STRATA_OF_ONE: Final = 64
"""Outcomes where one number says all."""

MOST_SIMULATED: Final = 10_000
"""Draws from which pilots are simulated, to make the outcomes of."""

MOST_AVERAGED: Final = 2_500
"""Draws over which the likelihood of each outcome is averaged; all draws are weighed by it."""

FINEST: Final = 0.03
"""Noise that is added to every number, in standard deviations of it: no outcome is told finer than
the outcomes lie apart."""

UNTOLD: Final = 1e-12
"""Share of the variance of a worth below which scores tell nothing of it."""

UNLIKELY: Final = np.float32(-60.0)
"""Logarithm of the least likelihood, over the highest: denormal numbers would be slow to add."""

ROWS: Final = 1_024
"""Draws that are weighed at once: their weights stay in the cache of a core."""


@dataclass(frozen=True, slots=True)
class PilotScores:
    """Scores that a pilot would bring: of the base model first, then of the methods, f in all.

    Parameters
    ----------
    expected : by draw, within 0 to 100. (draws, f) [points]
    asked : variance by the chance of the questions. (draws, f) [points^2]
    common : share of that which all have in common, since they are asked the same. 0 to 1
    own : variance by training run and learning curve. (f,) [points^2]
    """

    expected: Floats
    asked: Floats
    common: float
    own: Floats


@dataclass(frozen=True, slots=True)
class Told:
    """What a pilot tells of what the methods are worth, in r numbers: 0, 1 or 2.

    Parameters
    ----------
    centre : expected by draw. (draws, r)
    noise : around it by draw: variance of the first number, covariance, variance of the second; or
        the one variance. (draws, 3) or (draws, 1)

    Notes
    -----
    Over all draws and noise each number has mean 0 and variance 1, and they are uncorrelated.
    """

    centre: Floats
    noise: Floats


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a pilot may tell, as few outcomes that stand for all.

    Parameters
    ----------
    place : (k, r); mass : share of the simulated pilots that each stands for, sums to 1. (k,)
    """

    place: Floats
    mass: Floats


def pilot_scores(
    quantities: Floats,
    methods: Sequence[str],
    examples: int,
    test_questions: int,
    target_examples: int,
    constants: ConstantValues,
) -> PilotScores:
    """The scores of a pilot that trains every method once and asks all models the same questions.

    Parameters
    ----------
    quantities : draws of a belief, as `Belief.draw` gives them. (draws, 6)
    methods : full, lora or qlora.
    examples : trained on; target_examples : planned. [count] >= 1
    test_questions : [count] >= 1

    Notes
    -----
    The noises are those by which `app.estimator.pilot.observe_pilot` weighs scores: questions,
    training run, and distance of the data size. Those of the questions are at the expected score of
    each draw.
    """
    base = quantities[:, BASE]
    expected = [base]
    for method in methods:
        steepness = quantities[:, curve_place(method)]
        share = share_of_gain(method, examples, target_examples, steepness, constants)
        expected.append(base + share * quantities[:, GAIN[method]])
    scores = np.clip(np.stack(expected, axis=1), 0.0, 100.0)
    trained = constants["run_sd_points"] ** 2
    trained += transfer_variance(examples, target_examples, constants)
    return PilotScores(
        scores,
        question_variances(scores, test_questions),
        constants["paired_questions_correlation"],
        np.array([0.0, *[trained for _ in methods]]),
    )


def told_of(scores: PilotScores, worth: Sequence[Floats]) -> Told:
    """What the scores tell of the worth of one or two methods.

    Parameters
    ----------
    worth : by method. (draws,) each [USD]

    Notes
    -----
    The numbers are the linear combinations of the scores that best predict what the methods are
    worth: first the difference of two methods, then what of their sum that leaves open. Whoever
    hears less of an experiment is not told more (Blackwell 1953, Ann. Math. Stat. 24), so this errs
    towards less. With scores and worths jointly normal nothing would be lost; see
    `app.estimator.pilot_value.pilots_of` for what is.
    """
    root = np.sqrt(scores.asked)
    own = (1.0 - scores.common) * scores.asked + scores.own
    centred = scores.expected - scores.expected.mean(axis=0)
    noise = scores.common * root.T @ root / len(root) + np.diag(own.mean(axis=0))
    total = centred.T @ centred / len(centred) + noise
    contrasts = [worth[0] - worth[1], worth[0] + worth[1]] if len(worth) == 2 else list(worth)
    chosen: list[Floats] = []
    for contrast in contrasts:
        apart = contrast - contrast.mean()
        along = np.linalg.solve(total, apart @ centred / len(centred))
        for other in chosen:
            along = along - (along @ total @ other) * other
        explained = float(along @ total @ along)
        if explained > UNTOLD * float(apart @ apart) / len(apart):
            chosen.append(along / np.sqrt(explained))
    if not chosen:
        return Told(np.empty((len(centred), 0)), np.empty((len(centred), 0)))
    to = np.stack(chosen)  # (r, f)
    pairs = [(i, j) for i in range(len(to)) for j in range(i, len(to))]
    shared = root @ to.T  # (draws, r)
    varied = own @ np.stack([to[i] * to[j] for i, j in pairs], axis=1)  # (draws, pairs)
    varied += scores.common * np.stack([shared[:, i] * shared[:, j] for i, j in pairs], axis=1)
    return Told(centred @ to.T, varied + np.array([FINEST**2 * (i == j) for i, j in pairs]))


def outcomes_of(told: Told, normal: Floats) -> Outcomes:
    """Outcomes that stand for all that a pilot may tell.

    Parameters
    ----------
    normal : standard normal, the noise of one pilot in each draw. (draws, 2)

    Notes
    -----
    Pilots are simulated from the draws and sorted into strata of the first number, and each of
    these into strata of the second; every stratum is stood for by its mean. Strata are thinner the
    further out: where a choice is nearly sure, it hangs on outcomes that are rare.
    """
    step = -(-len(told.centre) // MOST_SIMULATED)
    centre, noise, chance = told.centre[::step], told.noise[::step], normal[::step]
    root = np.sqrt(noise[:, 0])
    simulated = centre.copy()
    simulated[:, 0] += root * chance[:, 0]
    if centre.shape[1] == 1:
        return _means(simulated, _sorted(simulated, 0, STRATA_OF_ONE))
    along = noise[:, 1] / root
    simulated[:, 1] += along * chance[:, 0] + np.sqrt(noise[:, 2] - along**2) * chance[:, 1]
    parts: list[Places] = []
    for part in _sorted(simulated, 0, STRATA[0]):
        parts.extend(part[within] for within in _sorted(simulated[part], 1, STRATA[1]))
    return _means(simulated, parts)


def _sorted(values: Floats, column: int, strata: int) -> list[Places]:
    """Rows in order of a column, in at most so many strata that are thinner at both ends."""
    ends = (1.0 - np.cos(np.pi * np.arange(1, strata) / strata)) / 2 * len(values)
    order = np.argsort(values[:, column])
    return [part for part in np.split(order, np.rint(ends).astype(np.intp)) if len(part)]


def _means(values: Floats, parts: Sequence[Places]) -> Outcomes:
    place = np.array([values[part].mean(axis=0) for part in parts])
    return Outcomes(place, np.array([len(part) for part in parts]) / len(values))


def weighed(told: Told, outcomes: Outcomes, amounts: Floats) -> Floats:
    """Mean over all draws of each amount times the chance of each outcome. (a, k)

    Parameters
    ----------
    amounts : (a, draws)

    Notes
    -----
    The chance of outcome k in draw i is mass(k) L(k | i) / m(k), made to sum to 1 over k: L is the
    normal likelihood and m its mean over the draws, so that an outcome counts for what lies around
    it. As many simulated pilots as draws are weighed alike by importance sampling (Menzies 2016,
    Med. Decis. Making 36). Whatever the weights, this is an experiment with k outcomes.
    """
    places = _powers(outcomes.place)
    features = _features(told)
    step = -(-features.shape[1] // MOST_AVERAGED)
    share = _shares(np.ascontiguousarray(features[:, ::step]), places, outcomes.mass)
    total = np.zeros((len(amounts), len(share)))
    for start in range(0, features.shape[1], ROWS):
        rows = slice(start, start + ROWS)
        chance, _ = _relative(features[:, rows], places)
        chance *= share[:, None]
        each = (amounts[:, rows] / chance.sum(axis=0)).astype(np.float32)
        total += each @ chance.T
    return np.asarray(total / features.shape[1])


def _shares(features: Singles, places: Singles, mass: Floats) -> Singles:
    """Mass of each outcome over its mean likelihood, at most 1. (k,)"""
    mean = np.zeros(places.shape[0])
    highest = -np.inf
    for start in range(0, features.shape[1], ROWS):
        chance, top = _relative(features[:, start : start + ROWS], places)
        now = max(highest, float(top.max()))
        mean *= np.exp(highest - now)
        mean += chance @ np.exp(top - np.float32(now))
        highest = now
    share = mass / mean
    return np.asarray(share / share.max(), dtype=np.float32)


def _relative(features: Singles, places: Singles) -> tuple[Singles, Singles]:
    """Likelihoods over the highest of each draw (k, n), and the logarithm of that. (n,)"""
    log = places @ features
    top = log.max(axis=0)
    log -= top
    np.maximum(log, UNLIKELY, out=log)
    return np.exp(log, out=log), top


def _powers(outcomes: Floats) -> Singles:
    """Outcomes as the likelihood takes them: squares, product, and themselves. (k, p)"""
    one = np.ones(len(outcomes))
    if outcomes.shape[1] == 1:
        (x,) = outcomes.T
        rows = [x * x, x, one]
    else:
        x, y = outcomes.T
        rows = [x * x, x * y, y * y, x, y, one]
    return np.stack(rows, axis=1).astype(np.float32)


def _features(told: Told) -> Singles:
    """What each power of an outcome adds to its log-likelihood. (p, draws)"""
    if told.centre.shape[1] == 1:
        variance, x = told.noise[:, 0], told.centre[:, 0]
        ends = -(x * x / variance + np.log(variance)) / 2
        columns = [-0.5 / variance, x / variance, ends]
    else:
        a, b, c = told.noise.T
        size = a * c - b * b
        xx, xy, yy = c / size, -b / size, a / size
        x, y = told.centre.T
        along_x, along_y = xx * x + xy * y, xy * x + yy * y
        ends = -(along_x * x + along_y * y + np.log(size)) / 2
        columns = [-xx / 2, -xy, -yy / 2, along_x, along_y, ends]
    return np.stack(columns).astype(np.float32)
