"""What the studies let us expect of a case, as a belief in points: base, full, LoRA and QLoRA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
from app.estimator.mixtures import mixture_quantile

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
class _Effect:
    """Share of one component for one more study: mean, variance, and what goes with it.

    Parameters
    ----------
    value_mean, value_variance, covariance : of the effect in points, and with the share.
    """

    weight: float
    mean: float
    variance: float
    value_mean: float
    value_variance: float
    covariance: float
    run: float
    factor: float


def _effects(
    components: Sequence[Component], task: AccuracyTask, has_own: bool, own_share: float
) -> list[_Effect]:
    """Share and effect in points of one more study of a kind, by component."""
    share = np.zeros(PARAMETERS)
    share[: len(COMMON)] = common_loading(task.group, task.distance)
    value = np.zeros(PARAMETERS)
    if has_own:
        share[len(COMMON)] = 1.0
        value[len(COMMON) + 1] = 1.0
    fresh = 1.0 - own_share if has_own else 1.0
    return [
        _Effect(
            weight=c.weight,
            mean=float(share @ c.mean),
            variance=float(share @ c.covariance @ share) + fresh * c.study**2 + c.row**2,
            value_mean=float(value @ c.mean),
            value_variance=float(value @ c.covariance @ value) + fresh * c.arm_value**2,
            covariance=float(share @ c.covariance @ value),
            run=c.run,
            factor=c.factor,
        )
        for c in components
    ]


def loss_factor(factor: float, rank: float | None, attention_only: bool, more: float) -> float:
    """What a loss share is multiplied by at a rank and targets. [fraction]

    Parameters
    ----------
    factor : for every four times the rank, at most 1.
    more : for adapters on attention alone.
    """
    return float(factor ** rank_steps(rank)) * (more if attention_only else 1.0)


def _expected_loss(mean: float, factor: float) -> float:
    """Rank lowers a loss; an advantage of LoRA does not shrink with it. [fraction]

    Notes
    -----
    So a higher rank never lowers the expected recovery. Assumption: no adapter is expected to end
    below the base model, so no more than the gain is lost.
    """
    return min(factor * max(mean, 0.0), 1.0) + min(mean, 0.0)


ATTENTION_NAMES = ("attention", "attn", "q_", "k_", "v_", "o_", "qkv", "query", "key", "value")


def is_attention_only(targets: Sequence[str]) -> bool:
    """Whether adapters are on the projections of attention alone."""
    return bool(targets) and all(name.startswith(ATTENTION_NAMES) for name in targets)


def _factor(task: AccuracyTask, method: str, factor: float, constants: ConstantValues) -> float:
    key = method if method in task.rank else next(iter(task.rank), "")
    return loss_factor(
        factor,
        task.rank.get(key),
        is_attention_only(task.targets.get(key, ())),
        constants["attention_only_loss_factor"],
    )


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
    - the training noise of two runs is their own; LoRA and QLoRA differ by s alone.

    Without a rank of its own a method has that of the other.
    """
    base = task.base_points
    p = base / 100
    base_variance = 1e4 * p * (1 - p) / task.test_set_size
    own = constants["own_study_share_fraction"]
    extra, extra_sd = variant_effect(task, constants)
    parts = []
    for gain in _effects(model.gain, task, model.has_own, own):
        for loss in _effects(model.loss, task, model.has_own, own):
            weight = gain.weight * loss.weight
            if weight < LEAST_WEIGHT:
                continue
            room = 100 - base
            full = gain.mean * room
            spread = gain.variance * (room**2 + base_variance) + gain.mean**2 * base_variance
            mean = np.zeros(len(QUANTITIES))
            covariance = np.zeros((len(QUANTITIES), len(QUANTITIES)))
            mean[BASE], covariance[BASE, BASE] = base, base_variance
            mean[FULL], covariance[FULL, FULL] = full, spread + loss.run**2
            covariance[BASE, FULL] = covariance[FULL, BASE] = -gain.mean * base_variance
            factors = {
                place: _factor(task, method, loss.factor, constants)
                for place, method in ((LORA, "lora"), (QLORA, "qlora"))
            }
            for place, factor in factors.items():
                kept = 1 - _expected_loss(loss.mean, factor)
                mean[place] = kept * full + loss.value_mean + extra
                for known, shared in ((BASE, -gain.mean * base_variance), (FULL, spread)):
                    covariance[place, known] = covariance[known, place] = kept * shared
            for a, b in ((LORA, LORA), (LORA, QLORA), (QLORA, QLORA)):
                kept = (1 - _expected_loss(loss.mean, factors[a])) * (
                    1 - _expected_loss(loss.mean, factors[b])
                )
                both = factors[a] * factors[b]
                covariance[a, b] = (
                    kept * spread
                    + both * loss.variance * (full**2 + spread)
                    - (factors[a] + factors[b]) * full * loss.covariance
                    + loss.value_variance
                    + loss.run**2
                    + extra_sd**2
                )
                covariance[b, a] = covariance[a, b]
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
    low, middle, high = (mixture_quantile(q, weight, mean, sd) for q in (0.1, 0.5, 0.9))
    return [
        Range(*(float(x) for x in found))
        for found in zip(mean @ weight, low, middle, high, strict=True)
    ]


def prior_summary(
    model: EvidenceModel, task: AccuracyTask, constants: ConstantValues
) -> PriorSummary:
    """What the page shows of the studies behind a case."""
    own_share = constants["own_study_share_fraction"]
    loss = _effects(model.loss, task, model.has_own, own_share)
    gain = _effects(model.gain, task, model.has_own, own_share)
    targets = {"lora": task.targets.get("lora", ())}
    asked = [task] + [replace(task, rank={"lora": r}, targets=targets) for r in SHOWN_RANKS]
    factors = np.array([_factor(one, "lora", loss[0].factor, constants) for one in asked])
    spread = np.array([effect.variance for effect in loss])
    recovery, *by_rank = _ranges(
        np.array([effect.weight for effect in loss]),
        np.array([[1 - _expected_loss(e.mean, factor) for e in loss] for factor in factors]),
        factors[:, None] ** 2 * spread,
    )
    (error_removed,) = _ranges(
        np.array([effect.weight for effect in gain]),
        np.array([[effect.mean for effect in gain]]),
        np.array([[effect.variance for effect in gain]]),
    )
    rows = plain_rows(model.evidence)
    mine = [row for row in rows if row.group == task.group and not row.is_own]
    own = [row for row in rows if row.is_own]
    return PriorSummary(
        studies=len({row.study for row in mine}),
        rows=len(mine),
        own_studies=len({row.study for row in own}),
        own_rows=len(own),
        weight_of_other_groups=model.borrowed.get(task.group, 1.0),
        recovery_lora=recovery,
        error_removed=error_removed,
        recovery_by_rank=tuple(zip(SHOWN_RANKS, by_rank, strict=True)),
    )
