"""What a back-test found, in figures; every study weighs the same in each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.backtest import LEVEL, PREDICTORS, Collection, Predicted

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of the adapter's score over the same rows.

    Parameters
    ----------
    n, studies : that were predicted. [count]
    mean_absolute_error : by predictor, the model first; empty without rows. [points]
    coverage80 : share of the rows that the 80% interval of the model holds; None without rows.
    interval_score, residual_interval_score : Winkler scores of the intervals of the model, and of
        those by the residuals of the mean of all studies; lower is better. [points]
    """

    n: int
    studies: int
    mean_absolute_error: Mapping[str, float]
    coverage80: float | None
    interval_score: float | None
    residual_interval_score: float | None


@dataclass(frozen=True, slots=True)
class PilotErrors:
    """Error of the share kept, before and after one small pilot in the same study.

    Parameters
    ----------
    n, studies : rows with such a pilot that are not part of it. [count]
    before, after : mean absolute error of recovery; None without rows. [fraction]
    """

    n: int
    studies: int
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class StudyErrors:
    """One study, predicted without it."""

    study: str
    errors: Errors


@dataclass(frozen=True, slots=True)
class Backtest:
    """All of it.

    Parameters
    ----------
    every : all rows; with_base : those that state the score of the base model.
    predicted : what was predicted, a study each.
    """

    every: Errors
    with_base: Errors
    pilot: PilotErrors
    by_study: tuple[StudyErrors, ...]
    predicted: tuple[Predicted, ...]


def backtest(
    collection: Collection,
    train: Mapping[str, Sequence[str]] | None = None,
) -> Backtest:
    """Predict each study from others.

    Parameters
    ----------
    train : studies to predict, and those to predict each from; each study of the collection from
        all others unless given. A study without a row on its own task has nothing to predict.
    """
    wanted = dict.fromkeys(collection.studies) if train is None else train
    known = [study for study in wanted if study in collection.studies]
    found = tuple(collection.predict([study], wanted[study]) for study in known)
    return Backtest(
        every=_errors(found),
        with_base=_errors(found, lambda one: ~np.isnan(one.base)),
        pilot=_pilot_errors(found, collection.constants["least_gain_for_recovery_points"]),
        by_study=tuple(
            StudyErrors(study, _errors([one])) for study, one in zip(known, found, strict=True)
        ),
        predicted=found,
    )


def winkler(low: Floats, high: Floats, value: Floats) -> Floats:
    """Interval score: the width, and 2 / (1 - level) of what lies outside. (n,)

    References
    ----------
    Winkler, "A decision-theoretic approach to interval estimation", JASA 67, 1972; Gneiting and
    Raftery, JASA 102, 2007, equation 43.

    Examples
    --------
    >>> low, high = np.zeros(3), np.ones(3)
    >>> winkler(low, high, np.array([0.5, 1.5, -0.1])).round(6).tolist()
    [1.0, 6.0, 2.0]
    """
    outside = np.maximum(low - value, 0.0) + np.maximum(value - high, 0.0)
    return np.asarray(high - low + 2 / (1 - LEVEL) * outside)


def _held(one: Predicted) -> Floats:
    """1 where the interval holds what was measured, else 0. (n,)"""
    return ((one.low <= one.adapter) & (one.adapter <= one.high)).astype(np.float64)


def _every(one: Predicted) -> Bools:
    return np.ones(len(one.rows), dtype=bool)


def _errors(found: Sequence[Predicted], kept: Callable[[Predicted], Bools] = _every) -> Errors:
    """Figures of the rows that are kept of each study."""

    def mean(values: Callable[[Predicted], Floats]) -> float | None:
        return _over_studies([values(one)[kept(one)] for one in found])

    def miss(name: str) -> Callable[[Predicted], Floats]:
        def of(one: Predicted) -> Floats:
            return np.asarray(np.abs(one.score[name] - one.adapter))

        return of

    misses = {name: mean(miss(name)) for name in PREDICTORS}
    return Errors(
        n=int(sum(kept(one).sum() for one in found)),
        studies=sum(1 for one in found if kept(one).any()),
        mean_absolute_error={name: error for name, error in misses.items() if error is not None},
        coverage80=mean(_held),
        interval_score=mean(lambda one: winkler(one.low, one.high, one.adapter)),
        residual_interval_score=mean(
            lambda one: winkler(one.residual_low, one.residual_high, one.adapter)
        ),
    )


def _pilot_errors(found: Sequence[Predicted], least_gain: float) -> PilotErrors:
    before: list[Floats] = []
    after: list[Floats] = []
    for one in found:
        gain = one.full - one.base
        known = ~np.isnan(one.piloted) & (np.abs(gain) >= least_gain)
        for errors, score in ((before, one.score["model"]), (after, one.piloted)):
            errors.append(np.abs((score - one.adapter)[known] / gain[known]))
    return PilotErrors(
        n=sum(len(mine) for mine in after),
        studies=sum(1 for mine in after if len(mine)),
        before=_over_studies(before),
        after=_over_studies(after),
    )


def _over_studies(values: Sequence[Floats]) -> float | None:
    """Mean over studies of the mean of each; studies without rows do not count."""
    means = [float(mine.mean()) for mine in values if len(mine)]
    return float(np.mean(means)) if means else None
