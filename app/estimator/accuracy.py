"""The accuracy prior: what published head-to-heads say a method gains, always as a distribution.

One draw: pick a study of the task's group (every study weighs the same; one more pseudo-study
stands for all other groups, which is the shrinkage), then one of its rows. Full fine-tuning removes
a share of the base model's errors; an adapter recovers a share of that gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.adapters import Adapters
from app.estimator.constants import ConstantValues
from app.estimator.evidence import HeadToHead
from app.estimator.methods import Method

Floats = NDArray[np.float64]

MAX_RANK_STEPS = 2.0
"""The rank effect is not carried beyond 16 times the rank at which it was measured."""

PLAIN_ADAPTERS = frozenset({"lora", "qlora"})


@dataclass(frozen=True, slots=True)
class Prior:
    """Rows that can be drawn, and how often each is. Arrays of length n.

    Parameters
    ----------
    weight : probability of a row when the adapter is drawn; sums to 1.
    gain_weight : the same when the gain of full is drawn, 0 where `error_removed` is NaN.
    error_removed : share of the base's errors that full fine-tuning removed; NaN without a base,
        where the metric is not a share of right answers, and where hardly an error was left.
    recovery : share of the gain that the adapter kept; NaN where the gap speaks instead: without a
        base, with one that another harness measured, or where full gained little.
    gap : adapter less full. [points]
    log4_rank : logarithm to base 4 of the adapter's rank; NaN where not stated.
    studies, rows : of the task's own group. [count]
    others : probability that a draw comes from another group.
    """

    weight: Floats
    gain_weight: Floats
    error_removed: Floats
    recovery: Floats
    gap: Floats
    log4_rank: Floats
    studies: int
    rows: int
    others: float


def study_weights(rows: Sequence[HeadToHead], group: str) -> tuple[Floats, int, float]:
    """Probability of each row: studies of the group equal, one pseudo-study for all others.

    Returns
    -------
    The weights, the number of studies in the group, and the share of the pseudo-study.
    """
    inside = np.array([row.group == group for row in rows])
    studies = sorted({row.study for row, own in zip(rows, inside, strict=True) if own})
    n = len(studies)
    others = sorted({row.study for row, own in zip(rows, inside, strict=True) if not own})
    shares = {(True, study): 1.0 / (n + 1) for study in studies}
    shares |= {(False, study): 1.0 / (n + 1) / len(others) for study in others}
    keys = [(bool(own), row.study) for row, own in zip(rows, inside, strict=True)]
    count = {key: keys.count(key) for key in set(keys)}
    weight = np.array([shares[key] / count[key] for key in keys])
    weight /= weight.sum()
    return weight, n, float(weight[~inside].sum())


def prior_of(evidence: Sequence[HeadToHead], group: str, constants: ConstantValues) -> Prior:
    """The prior of a task group from plain LoRA and QLoRA rows on the trained task."""
    rows = [r for r in evidence if not r.retention and r.method in PLAIN_ADAPTERS]
    weight, studies, others = study_weights(rows, group)
    base = np.array([np.nan if r.base is None else r.base for r in rows])
    full = np.array([r.full for r in rows])
    adapter = np.array([r.adapter for r in rows])
    counted = np.array([r.metric_kind == "share" for r in rows])
    gain = full - base
    same_harness = np.array([r.base_same_harness for r in rows])
    with np.errstate(invalid="ignore", divide="ignore"):
        room = counted & (100 - base >= constants["least_errors_for_gain_points"])
        clear = same_harness & (gain >= constants["least_gain_for_recovery_points"])
        error_removed = np.where(room, gain / (100 - base), np.nan)
        recovery = np.where(clear, (adapter - base) / gain, np.nan)
    known = ~np.isnan(error_removed)
    gain_weight = np.zeros(len(rows))
    gain_weight[known], _, _ = study_weights(
        [row for row, is_known in zip(rows, known, strict=True) if is_known], group
    )
    return Prior(
        weight=weight,
        gain_weight=gain_weight,
        error_removed=error_removed,
        recovery=recovery,
        gap=adapter - full,
        log4_rank=np.log([np.nan if r.rank is None else r.rank for r in rows]) / np.log(4),
        studies=studies,
        rows=sum(r.group == group for r in rows),
        others=others,
    )


def _draw(generator: np.random.Generator, weight: Floats, draws: int) -> NDArray[np.intp]:
    """Row indices drawn by weight. (draws,)"""
    cumulative = np.cumsum(weight)
    uniform = generator.random(draws) * cumulative[-1]
    row = np.searchsorted(cumulative, uniform, side="right")
    return np.asarray(np.minimum(row, len(weight) - 1), dtype=np.intp)


def rank_effect(group: str, constants: ConstantValues) -> float:
    """Recovery added by four times the rank, 0 where no study shows an effect. [fraction]"""
    return constants.get(f"rank_effect_{group}", 0.0)


def draw_accuracy(
    prior: Prior,
    group: str,
    methods: Sequence[Method],
    base_points: float,
    test_set_size: int,
    draws: int,
    generator: np.random.Generator,
    constants: ConstantValues,
) -> tuple[Floats, dict[str, Floats]]:
    """Draws of the base accuracy and of each method's accuracy. [points]

    Returns
    -------
    base : (draws,)
    final : method key to (draws,)

    Notes
    -----
    - base: the measured figure with its binomial standard error sqrt(p (1 - p) / n).
    - full: base + h (100 - base), h drawn from the rows that state a base score.
    - LoRA: base + (r + e log4(rank / measured rank)) (full - base) where the drawn row states a
      recovery r; full + gap + e log4(...) (full - base) where it states only a gap.
    - QLoRA: as LoRA at its own rank and targets, plus N(0, s).

    The same rows are drawn for LoRA and QLoRA, so that they differ by rank and s alone. All in 0 to
    100. Validity: that of the studies, mostly models of 7 to 8 billion parameters.

    References
    ----------
    The studies on the evidence list; rank effect: Biderman et al., arXiv:2405.09673; QLoRA against
    LoRA: Dettmers et al., arXiv:2305.14314, and pairs in other studies.
    """
    p = base_points / 100
    error = 100 * np.sqrt(p * (1 - p) / test_set_size)
    base = np.clip(base_points + error * generator.standard_normal(draws), 0.0, 100.0)
    removed = prior.error_removed[_draw(generator, prior.gain_weight, draws)]
    full = np.clip(base + removed * (100 - base), 0.0, 100.0)
    row = _draw(generator, prior.weight, draws)
    noise = constants["qlora_sd_points"] * generator.standard_normal(draws)
    final: dict[str, Floats] = {}
    for method in methods:
        if method.adapters is None:
            final[method.key] = full
            continue
        steps = _rank_steps(method.adapters, prior.log4_rank[row])
        more = rank_effect(group, constants) * steps
        gain = full - base
        recovered = base + (prior.recovery[row] + more) * gain
        shifted = full + prior.gap[row] + more * gain
        drawn = np.where(np.isnan(prior.recovery[row]), shifted, recovered)
        if method.quantized:
            drawn = drawn + noise
        final[method.key] = np.clip(drawn, 0.0, 100.0)
    return base, final


def _rank_steps(adapters: Adapters, measured_log4: Floats) -> Floats:
    """Steps of four times the rank between the measured adapters and these. (draws,)"""
    steps = np.log(adapters.rank) / np.log(4) - measured_log4
    steps = np.clip(np.nan_to_num(steps, nan=0.0), -MAX_RANK_STEPS, MAX_RANK_STEPS)
    return np.asarray(steps, dtype=np.float64)
