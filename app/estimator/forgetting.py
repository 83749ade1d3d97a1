"""What a tuned model forgets outside its task, drawn from the studies that scored other tasks too.

The studies are few and disagree, so nothing is fitted: they are drawn from, each as likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.constants import ConstantValues
from app.estimator.evidence import PLAIN_ADAPTERS, HeadToHead
from app.estimator.methods import Method

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Points lost on other tasks; below 0 where something is gained. (draws,) [points]"""

    full: Floats
    adapter: Floats

    def of(self, method: Method) -> Floats:
        """Of one method; QLoRA as LoRA, since no study tells them apart. (draws,) [points]"""
        return self.full if method.adapters is None else self.adapter


def retention_rows(evidence: Sequence[HeadToHead]) -> list[HeadToHead]:
    """Scores of LoRA and QLoRA on tasks that were not trained on."""
    return [row for row in evidence if row.retention and row.method in PLAIN_ADAPTERS]


def group_weights(rows: Sequence[HeadToHead], group: str) -> Floats:
    """How often each row is drawn: studies of the kind of task alike, one more for all others.

    Notes
    -----
    Every study of the kind weighs the same, and so do its rows; the studies of other kinds together
    weigh as much as one of them. That draws thin kinds of task towards all studies.
    """
    inside = np.array([row.group == group for row in rows], dtype=bool)
    arms = [(bool(own), row.study) for own, row in zip(inside, rows, strict=True)]
    studies = sum(own for own, _ in set(arms))
    others = len(set(arms)) - studies
    share = {True: 1.0, False: 1.0 / max(others, 1)}
    weight = np.array([share[arm[0]] / arms.count(arm) for arm in arms])
    return np.asarray(weight / weight.sum())


def draw_forgotten(
    evidence: Sequence[HeadToHead],
    group: str,
    draws: int,
    generator: np.random.Generator,
    constants: ConstantValues,
) -> Forgotten:
    """Draw what full fine-tuning and an adapter forget. [points]

    Notes
    -----
    - A row is drawn by `group_weights`. It gives what the adapter keeps more than full does.
    - What the adapter forgets is that row's own where it states the score of the base model, and
      else that of a second row which does. Full forgets that much and the difference.
    - Each gets a normal error of its own, for what one more study would differ by.

    Both are drawn whichever methods are compared, so that one more leaves the others as they were.
    Without any row nothing is known to be forgotten: the mean is 0.
    Validity: weak. Few studies, models of 7 billion parameters, other tasks than a company's.

    References
    ----------
    Biderman et al. 2024, arXiv:2405.09673; Yang et al. 2024 (CorDA), arXiv:2406.05223;
    against a law of it: arXiv:2410.21228.
    """
    uniform = generator.random((2, draws))
    spread = constants["forgetting_sd_points"] * generator.standard_normal((2, draws))
    rows = retention_rows(evidence)
    if not rows:
        return Forgotten(spread[0], spread[1])
    weight = group_weights(rows, group)
    more = np.array([row.adapter - row.full for row in rows])
    lost = np.array([np.nan if row.base is None else row.base - row.adapter for row in rows])
    known = ~np.isnan(lost)
    row = _drawn(weight, uniform[0])
    adapter = lost[row]
    if known.any():
        stated = np.flatnonzero(known)
        second = stated[_drawn(weight[stated] / weight[stated].sum(), uniform[1])]
        adapter = np.where(np.isnan(adapter), lost[second], adapter)
    adapter = np.nan_to_num(adapter, nan=0.0)
    return Forgotten(adapter + more[row] + spread[0], adapter + spread[1])


def _drawn(weight: Floats, uniform: Floats) -> NDArray[np.intp]:
    """Places drawn by weight. (draws,)"""
    found = np.searchsorted(np.cumsum(weight), uniform, side="right")
    return np.asarray(np.minimum(found, len(weight) - 1), dtype=np.intp)
