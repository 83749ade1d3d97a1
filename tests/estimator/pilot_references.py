"""What a pilot is worth by other ways: nested simulation, and a closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from app.estimator.belief import BASE, GAIN, Belief
from app.estimator.case import PilotScore
from app.estimator.decision import Contender
from app.estimator.learning_curve import curve_place, share_of_gain
from app.estimator.pilot import observe_pilot

Floats = NDArray[np.float64]
Worth = Callable[[Floats], Mapping[str, Floats]]
"""Worth by method, of draws of the quantities."""


def drawn(belief: Belief, draws: int, seed: int = 1) -> Floats:
    """Quantities of a belief."""
    random = np.random.default_rng(seed)
    return belief.draw(random.random(draws), random.standard_normal((draws, 6)))


def as_contenders(worth: Mapping[str, Floats], run_usd: float = 50.0) -> dict[str, Contender]:
    """Methods of so much worth."""
    return {
        key: Contender(key, npv, 0 * npv, 0 * npv, 0.0, 0.0, 0.0, run_usd)
        for key, npv in worth.items()
    }


def unit_normal_loss(u: float) -> float:
    """Expected excess of a standard normal over u (Raiffa and Schlaifer 1961, chapter 5)."""
    return float(stats.norm.pdf(u) - u * stats.norm.sf(u))


def scores_and_noise(
    quantities: Floats, methods: list[str], examples: int, n: int, planned: int, constant: dict
) -> tuple[Floats, Floats]:
    """Expected scores (draws, f) and their covariance (draws, f, f), written out anew."""
    columns = [quantities[:, BASE]]
    for method in methods:
        steep = quantities[:, curve_place(method)]
        share = share_of_gain(method, examples, planned, steep, constant)
        columns.append(quantities[:, BASE] + share * quantities[:, GAIN[method]])
    mean = np.clip(np.array(columns).T, 0, 100)
    right = (mean / 100 * n + 0.5) / (n + 1)
    asked = 1e4 * right * (1 - right) / n
    both = constant["paired_questions_correlation"] * np.sqrt(asked[:, :, None] * asked[:, None, :])
    trained = constant["run_sd_points"] ** 2 + constant["pilot_transfer_sd_points"] ** 2 * np.log10(
        planned / examples
    )
    for place in range(mean.shape[1]):
        both[:, place, place] = asked[:, place] + (trained if place else 0.0)
    return mean, both


def by_weights(
    quantities: Floats,
    worth: Mapping[str, Floats],
    examples: int,
    n: int,
    planned: int,
    constant: dict,
    pilots: int,
    seed: int = 2,
) -> tuple[float, float]:
    """Worth of a pilot and its standard error: each weighs all draws by the likelihood of all its
    scores."""
    mean, noise = scores_and_noise(quantities, list(worth), examples, n, planned, constant)
    random = np.random.default_rng(seed)
    chosen = random.integers(0, len(mean), pilots)
    scores = [random.multivariate_normal(mean[i], noise[i]) for i in chosen]
    precision, size = np.linalg.inv(noise), np.linalg.slogdet(noise)[1]
    choices = np.stack([0 * quantities[:, 0], *worth.values()])
    after = []
    for score in scores:
        apart = score - mean
        log = -(np.einsum("ni,nij,nj->n", apart, precision, apart) + size) / 2
        weight = np.exp(log - log.max())
        after.append(choices @ weight / weight.sum())
    return _gain(np.array(after), choices.mean(axis=1))


def by_posteriors(
    belief: Belief,
    worth_of: Worth,
    methods: list[str],
    examples: int,
    n: int,
    planned: int,
    constant: dict,
    pilots: int,
    inner: int = 2_000,
    seed: int = 3,
) -> tuple[float, float]:
    """Worth of a pilot and its standard error: each is entered, as a user would enter it."""
    random = np.random.default_rng(seed)
    uniform, normal = random.random(inner), random.standard_normal((inner, 6))
    truth = drawn(belief, pilots, seed + 1)
    mean, noise = scores_and_noise(truth, methods, examples, n, planned, constant)
    after = []
    for i in range(pilots):
        score = np.clip(random.multivariate_normal(mean[i], noise[i]), 0, 100)
        entered = [PilotScore("base", 0, float(score[0]), n)] + [
            PilotScore(method, examples, float(points), n)
            for method, points in zip(methods, score[1:], strict=True)
        ]
        posterior = observe_pilot(belief, entered, planned, constant).belief
        worth = worth_of(posterior.draw(uniform, normal))
        after.append([0.0, *(float(worth[method].mean()) for method in methods)])
    found = np.array(after)
    return _gain(found, found.mean(axis=0))


def _gain(after: Floats, now: Floats) -> tuple[float, float]:
    """Mean gain over what is best now, and its standard error.

    Notes
    -----
    What is expected after a pilot is on average what was expected before: taking the chance of the
    simulated pilots off by regression leaves less of it (control variates).
    """
    gain = after.max(axis=1) - after[:, int(np.argmax(now))]
    by = after[:, 1:] - now[1:]
    slope = np.linalg.lstsq(by - by.mean(axis=0), gain - gain.mean(), rcond=None)[0]
    left = gain - by @ slope
    return float(left.mean()), float(left.std() / np.sqrt(len(left)))
