"""What the studies let us expect of a case, as a belief in points: base, full, LoRA and QLoRA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.belief import (
    BASE,
    CURVE_ADAPTER,
    CURVE_FULL,
    FULL,
    LORA,
    QLORA,
    QUANTITIES,
    Belief,
    mixture,
)
from app.estimator.constants import ConstantValues
from app.estimator.evidence_fit import PARAMETERS, Component
from app.estimator.evidence_model import EvidenceModel
from app.estimator.evidence_rows import COMMON, common_loading, plain_rows, rank_steps
from app.estimator.mixtures import mixture_quantiles

Floats = NDArray[np.float64]

SHOWN_RANKS = (4, 8, 16, 32, 64, 128, 256)
LEAST_WEIGHT = 1e-3
"""Components of the belief that weigh less are left out."""


@dataclass(frozen=True, slots=True)
class AccuracyTask:
    """The case whose accuracy is asked for.

    Parameters
    ----------
    group : a `TaskGroup`; distance : near, medium or far.
    base_points : measured score of the base model. [points]
    test_set_size : questions that it was measured with. [count]
    tokens_per_run, examples : trained on. [tokens], [count]
    trainable_parameters, rank, targets : by method key; of the adapter methods that are compared.
    variant : plain, dora, pissa, lora-ga or rslora.
    """

    group: str
    distance: str
    base_points: float
    test_set_size: int
    tokens_per_run: float
    examples: int
    trainable_parameters: Mapping[str, int]
    rank: Mapping[str, int]
    targets: Mapping[str, tuple[str, ...]]
    variant: str = "plain"


@dataclass(frozen=True, slots=True)
class Range:
    """A quantity that is not known exactly."""

    mean: float
    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class PriorSummary:
    """What the studies say of a kind of task.

    Parameters
    ----------
    studies, rows : published, of this group. [count]
    own_studies, own_rows : a company's own, of any group. [count]
    weight_of_other_groups : how much of the expected loss comes from other groups. [fraction]
    recovery_lora : share of the gain of full that LoRA keeps in one more study, at its rank.
    error_removed : share of the base model's errors that full removes in one more study.
    recovery_by_rank : rank and recovery, for ranks that are usual.
    """

    studies: int
    rows: int
    own_studies: int
    own_rows: int
    weight_of_other_groups: float
    recovery_lora: Range
    error_removed: Range
    recovery_by_rank: tuple[tuple[int, Range], ...]


@dataclass(frozen=True, slots=True)
class _Gain:
    """Share of errors that full removes in one more study, by one component."""

    weight: float
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class _Loss:
    """What adapters lose in one more study, by one component.

    Parameters
    ----------
    mean, covariance : of the loss share of each of m adapters. (m,), (m, m) [fraction]
    value_mean, value_variance, cross : of the effect in points, common to them, and its covariance
        with their shares. [points], (m,)
    run : spread of a training run. [points]
    """

    weight: float
    mean: Floats
    covariance: Floats
    value_mean: float
    value_variance: float
    cross: Floats
    run: float


def _gains(components: Sequence[Component], task: AccuracyTask, own: _Own) -> list[_Gain]:
    share = own.loading(task, 1.0)
    return [
        _Gain(
            weight=c.weight,
            mean=float(share @ c.mean),
            variance=float(share @ c.covariance @ share) + own.fresh * c.study**2 + c.row**2,
        )
        for c in components
    ]


def _losses(
    components: Sequence[Component],
    task: AccuracyTask,
    own: _Own,
    adapters: Sequence[tuple[float | None, float]],
) -> list[_Loss]:
    """Loss of adapters in one more study.

    Parameters
    ----------
    adapters : rank, and what adapters on attention alone lose more, of each.

    Notes
    -----
    The rank lowers what studies have in common of a loss. An advantage of LoRA does not shrink with
    it, nor does what is special to a study, a case or a row: so a higher rank never lowers the
    expected recovery, and a lower one never widens the hope. Assumption: no adapter is expected to
    end below the base model, so no more than the gain is lost.
    """
    more = np.array([attention for _, attention in adapters])
    value = np.zeros(PARAMETERS)
    value[len(COMMON) + 1] = own.there
    found = []
    for c in components:
        fall = np.array([c.factor ** rank_steps(rank) for rank, _ in adapters])
        common = float(own.loading(task, 1.0)[: len(COMMON)] @ c.mean[: len(COMMON)])
        special = own.there * float(c.mean[len(COMMON)])
        expected = fall * max(common, 0.0) + min(common, 0.0) + special
        load = np.array(
            [m * own.loading(task, f) for m, f in zip(more, fall, strict=True)]
        ).reshape(len(more), PARAMETERS)
        apart = own.fresh * c.study**2 + c.row**2
        found.append(
            _Loss(
                weight=c.weight,
                mean=np.minimum(more * np.maximum(expected, 0.0), 1.0) + np.minimum(expected, 0.0),
                covariance=load @ c.covariance @ load.T + apart * np.outer(more, more),
                value_mean=float(value @ c.mean),
                value_variance=float(value @ c.covariance @ value) + own.fresh * c.arm_value**2,
                cross=load @ c.covariance @ value,
                run=c.run,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class _Own:
    """A company's own studies: whether there are any, and what of a next study is still new."""

    there: float
    fresh: float

    def loading(self, task: AccuracyTask, fall: float) -> Floats:
        """Loading of the share of a case, `fall` times what studies have in common. (p,)"""
        load = np.zeros(PARAMETERS)
        load[: len(COMMON)] = fall * common_loading(task.group, task.distance)
        load[len(COMMON)] = self.there
        return load


def _own_of(model: EvidenceModel, constants: ConstantValues) -> _Own:
    share = constants["own_study_share_fraction"]
    return _Own(1.0, 1.0 - share) if model.has_own else _Own(0.0, 1.0)


ATTENTION_NAMES = ("attention", "attn", "q_", "k_", "v_", "o_", "qkv", "query", "key", "value")


def is_attention_only(targets: Sequence[str]) -> bool:
    """Whether adapters are on the projections of attention alone."""
    return bool(targets) and all(name.startswith(ATTENTION_NAMES) for name in targets)


def _adapter(
    task: AccuracyTask, method: str, constants: ConstantValues
) -> tuple[float | None, float]:
    """Rank of a method, and what its layers lose more. Without its own it has that of the other."""
    key = method if method in task.rank else next(iter(task.rank), "")
    only = is_attention_only(task.targets.get(key, ()))
    return task.rank.get(key), constants["attention_only_loss_factor"] if only else 1.0


def prior_belief(model: EvidenceModel, task: AccuracyTask, constants: ConstantValues) -> Belief:
    """What the studies let us believe of the scores of a case. [points]

    Notes
    -----
    - base: the measured score, with its binomial noise.
    - gain of full: h (100 - base), h the errors removed in one more study.
    - gain of LoRA: (1 - l) gain of full + v, l the loss share at its rank and targets, v an effect
      of the study in points. QLoRA: the same at its rank, plus N(0, s).
    - h, l and the base are independent; the products are replaced by normals of the same means and
      covariances: Var(XY) = E[X]^2 Var Y + E[Y]^2 Var X + Var X Var Y.
    - the training noise of two runs is their own; LoRA and QLoRA differ by rank and s alone.

    Without a rank of its own a method has that of the other.
    """
    base = task.base_points
    p = base / 100
    base_variance = 1e4 * p * (1 - p) / task.test_set_size
    own = _own_of(model, constants)
    adapters = [_adapter(task, method, constants) for method in ("lora", "qlora")]
    losses = _losses(model.loss, task, own, adapters)
    extra, extra_sd = variant_effect(task, constants)
    room = 100 - base
    places = (LORA, QLORA)
    parts = []
    for gain in _gains(model.gain, task, own):
        full = gain.mean * room
        spread = gain.variance * (room**2 + base_variance) + gain.mean**2 * base_variance
        for loss in losses:
            weight = gain.weight * loss.weight
            if weight < LEAST_WEIGHT:
                continue
            mean = np.zeros(len(QUANTITIES))
            covariance = np.zeros((len(QUANTITIES), len(QUANTITIES)))
            mean[BASE], covariance[BASE, BASE] = base, base_variance
            mean[FULL], covariance[FULL, FULL] = full, spread + loss.run**2
            covariance[BASE, FULL] = covariance[FULL, BASE] = -gain.mean * base_variance
            kept = 1 - loss.mean
            for place, share in zip(places, kept, strict=True):
                mean[place] = share * full + loss.value_mean + extra
                for known, shared in ((BASE, -gain.mean * base_variance), (FULL, spread)):
                    covariance[place, known] = covariance[known, place] = share * shared
            covariance[np.ix_(places, places)] = (
                np.outer(kept, kept) * spread
                + loss.covariance * (full**2 + spread)
                - (loss.cross[:, None] + loss.cross[None, :]) * full
                + loss.value_variance
                + loss.run**2
                + extra_sd**2
            )
            covariance[QLORA, QLORA] += constants["qlora_sd_points"] ** 2
            covariance[CURVE_FULL, CURVE_FULL] = covariance[CURVE_ADAPTER, CURVE_ADAPTER] = 1.0
            covariance[CURVE_FULL, CURVE_ADAPTER] = constants["curve_correlation"]
            covariance[CURVE_ADAPTER, CURVE_FULL] = constants["curve_correlation"]
            parts.append((weight, mean, covariance))
    return mixture(parts)


def variant_effect(task: AccuracyTask, constants: ConstantValues) -> tuple[float, float]:
    """What a variant of LoRA adds to its score, mean and spread. [points]"""
    if task.variant == "plain":
        return 0.0, 0.0
    if task.group == "rl":
        name = "pissa_rl" if task.variant == "pissa" else "variant_rl"
    else:
        name = "variant"
    return constants[f"{name}_points"], constants[f"{name}_sd_points"]


def _ranges(weight: Floats, mean: Floats, variance: Floats) -> list[Range]:
    """Of n mixtures of k components: weight (k,), mean and variance (n, k)."""
    sd = np.sqrt(variance)
    low, middle, high = mixture_quantiles((0.1, 0.5, 0.9), weight, mean, sd)
    return [
        Range(*(float(x) for x in found))
        for found in zip(mean @ weight, low, middle, high, strict=True)
    ]


def prior_summary(
    model: EvidenceModel, task: AccuracyTask, constants: ConstantValues
) -> PriorSummary:
    """What the page shows of the studies behind a case."""
    own = _own_of(model, constants)
    attention = _adapter(task, "lora", constants)[1]
    adapters = [_adapter(task, "lora", constants), *((rank, attention) for rank in SHOWN_RANKS)]
    losses = _losses(model.loss, task, own, adapters)
    gains = _gains(model.gain, task, own)
    recovery, *by_rank = _ranges(
        np.array([loss.weight for loss in losses]),
        np.array([1 - loss.mean for loss in losses]).T,
        np.array([np.diag(loss.covariance) for loss in losses]).T,
    )
    (error_removed,) = _ranges(
        np.array([gain.weight for gain in gains]),
        np.array([[gain.mean for gain in gains]]),
        np.array([[gain.variance for gain in gains]]),
    )
    rows = plain_rows(model.evidence)
    mine = [row for row in rows if row.group == task.group and not row.is_own]
    entered = [row for row in rows if row.is_own]
    return PriorSummary(
        studies=len({row.study for row in mine}),
        rows=len(mine),
        own_studies=len({row.study for row in entered}),
        own_rows=len(entered),
        weight_of_other_groups=model.borrowed.get(task.group, 1.0),
        recovery_lora=recovery,
        error_removed=error_removed,
        recovery_by_rank=tuple(zip(SHOWN_RANKS, by_rank, strict=True)),
    )
