"""Errors of predictions, and the reasons where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.peers.cases import MEMORY, Case

QUANTITIES = ("memory", "time")
SKIPPED = 1.0
ENOUGH = 10


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a peer says of a case: a figure, or the reason why there is none. [bytes or 1/s]"""

    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """Absolute relative errors of some cases; a figure is None without a case. [fraction]"""

    n: int
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A peer and Tunecase on the cases that the peer can do.

    Parameters
    ----------
    quantity, grades, peer : of what, on which rows, whose.
    theirs : over the cases it did.
    ours : over the same cases; one that we skip counts as an error of 100%.
    skipped : cases among them that we skip. [count]
    undone : cases the peer could not do. [count]
    reasons : why, and how often.
    """

    quantity: str
    grades: str
    peer: str
    theirs: Score
    ours: Score | None
    skipped: int
    undone: int
    reasons: Mapping[str, int]

    @property
    def ratio(self) -> float | None:
        """Our median error over the peer's."""
        if self.ours is None or self.ours.median is None or not self.theirs.median:
            return None
        return self.ours.median / self.theirs.median


def quantity_of(case: Case) -> str:
    return "memory" if case.metric in MEMORY else "time"


def error(predicted: float, measured: float) -> float:
    """Absolute relative error. [fraction]

    Examples
    --------
    >>> error(9.0, 10.0)
    0.1
    """
    return abs(predicted - measured) / measured


def score(errors: Iterable[float]) -> Score:
    """Median and 90th percentile.

    Examples
    --------
    >>> score([0.1, 0.2, 0.3])
    Score(n=3, median=0.2, p90=0.28)
    """
    values = list(errors)
    if not values:
        return Score(0, None, None)
    median, p90 = (round(float(np.quantile(values, share)), 6) for share in (0.5, 0.9))
    return Score(len(values), median, p90)


def compare(
    peer: str,
    cases: list[Case],
    theirs: Mapping[str, Prediction],
    ours: Mapping[str, Prediction] | None,
    quantity: str,
    grades: str = "AB",
) -> Comparison:
    """Score a peer, and Tunecase where it has been run, on one quantity.

    Parameters
    ----------
    theirs, ours : predictions by id of the case.
    grades : the grades of evidence to count, for example ``A`` or ``AB``.
    """
    asked = [c for c in cases if quantity_of(c) == quantity and c.quality in grades]
    errors: list[float] = []
    our_errors: list[float] = []
    skipped = 0
    reasons: Counter[str] = Counter()
    for case in asked:
        said = theirs[case.id]
        if said.value is None:
            reasons[said.reason] += 1
            continue
        errors.append(error(said.value, case.measured))
        if ours is not None:
            value = ours[case.id].value if case.id in ours else None
            skipped += value is None
            our_errors.append(SKIPPED if value is None else error(value, case.measured))
    return Comparison(
        quantity,
        grades,
        peer,
        score(errors),
        None if ours is None else score(our_errors),
        skipped,
        len(asked) - len(errors),
        dict(reasons.most_common()),
    )


def missed(comparisons: Iterable[Comparison], most: float = 0.5) -> list[Comparison]:
    """Where our median error exceeds that share of a peer's; peers with few rows do not count."""
    return [
        found
        for found in comparisons
        if found.theirs.n >= ENOUGH and found.ratio is not None and found.ratio > most
    ]
