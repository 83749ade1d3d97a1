"""Means and ranges of head-to-heads in which every study weighs the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from app.estimator.evidence import HeadToHead


@dataclass(frozen=True, slots=True)
class Weighed:
    """A quantity over rows.

    Parameters
    ----------
    studies, rows : that state it. [count]
    mean : of the means of the studies.
    low, high : 10th and 90th percentile, the rows of a study sharing its weight.
    """

    studies: int
    rows: int
    mean: float
    low: float
    high: float


def gap(row: HeadToHead) -> float:
    """Adapter less full. [points]"""
    return row.adapter - row.full


def recovery_with(least_gain: float) -> Callable[[HeadToHead], float | None]:
    """A function that reads the share of the gain of full that the adapter kept.

    Parameters
    ----------
    least_gain : gain of full from which on a share is read. [points]
    """

    def recovery(row: HeadToHead) -> float | None:
        if row.retention or row.base is None or row.full - row.base < least_gain:
            return None
        return (row.adapter - row.base) / (row.full - row.base)

    return recovery


def weighed(
    rows: Iterable[HeadToHead], read: Callable[[HeadToHead], float | None]
) -> Weighed | None:
    """Mean and range of a quantity, every study weighing the same; None where no row states it."""
    found = [(row.study, value) for row in rows if (value := read(row)) is not None]
    if not found:
        return None
    count = Counter(study for study, _ in found)
    weights = [1.0 / count[study] / len(count) for study, _ in found]
    values = [value for _, value in found]
    mean = sum(weight * value for weight, value in zip(weights, values, strict=True))
    return Weighed(
        studies=len(count),
        rows=len(found),
        mean=mean,
        low=weighted_quantile(values, weights, 0.1),
        high=weighted_quantile(values, weights, 0.9),
    )


def weighted_quantile(values: Sequence[float], weights: Sequence[float], share: float) -> float:
    """The smallest value up to which that share of the weight lies.

    Examples
    --------
    >>> weighted_quantile([3.0, 1.0, 2.0], [1.0, 1.0, 1.0], 0.5)
    2.0
    """
    pairs = sorted(zip(values, weights, strict=True))
    wanted = share * sum(weights) * (1 - 1e-12)
    reached = 0.0
    for value, weight in pairs:
        reached += weight
        if reached >= wanted:
            return value
    return pairs[-1][0]


def sharing(rows: Iterable[HeadToHead]) -> dict[str, int]:
    """By key of a row: how many rows of its study were held against the same full model. [count]"""
    rows = list(rows)
    count: Counter[Hashable] = Counter(row.shared_full for row in rows)
    return {row.key: count[row.shared_full] for row in rows}
