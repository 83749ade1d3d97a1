"""Studies that a fit has not seen: how far off it is, against simpler predictors.

The adapter's score is predicted from the base score, the score of full fine-tuning and the kind of
task. Every study counts the same in every figure.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.backtest_baselines import (
    descriptors,
    group_means,
    ridge,
    weighted_mean,
    weighted_quantile,
)
from app.estimator.constants import ConstantValues
from app.estimator.evidence import HeadToHead
from app.estimator.evidence_fit import Component, Information, Posterior
from app.estimator.evidence_model import Fit, fit_of, loss_prior
from app.estimator.evidence_rows import Rows, arm_of, loss_rows, plain_rows
from app.estimator.mixtures import mixture_quantiles

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

LEVEL = 0.8
PREDICTORS = ("model", "lora_equals_full", "global_mean", "group_mean", "ridge")
"""Ours first."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """Rows of studies that were left out, with what was predicted of them. Arrays of length n.

    Parameters
    ----------
    score : of the adapter, by predictor. [points]
    low, high : its 80% interval by the model. [points]
    residual_low, residual_high : its 80% interval by the residuals of the mean of all studies.
    piloted : as the model predicts it after a small pilot in the same arm; NaN where there is none
        and for the rows of the pilot itself. [points]
    """

    rows: tuple[HeadToHead, ...]
    score: Mapping[str, Floats]
    low: Floats
    high: Floats
    residual_low: Floats
    residual_high: Floats
    piloted: Floats

    @property
    def base(self) -> Floats:
        """NaN where none is stated. (n,) [points]"""
        return np.array([np.nan if row.base is None else row.base for row in self.rows])

    @property
    def full(self) -> Floats:
        """(n,) [points]"""
        return np.array([row.full for row in self.rows])

    @property
    def adapter(self) -> Floats:
        """What was measured. (n,) [points]"""
        return np.array([row.adapter for row in self.rows])


class Collection:
    """All rows of all studies, with what each study says, so that any may be left out.

    Parameters
    ----------
    evidence : head-to-heads of all studies, those to be left out included.
    known : what some of these studies say, from an earlier fit with the same constants.
    """

    def __init__(
        self,
        evidence: Sequence[HeadToHead],
        constants: ConstantValues,
        known: Mapping[str, Information] | None = None,
    ) -> None:
        self.rows = plain_rows(evidence)
        self.constants = constants
        self.fit: Fit = fit_of(loss_rows(evidence, constants), loss_prior(constants), known)
        self.study = np.array([row.study for row in self.rows])
        self.base = np.array([np.nan if row.base is None else row.base for row in self.rows])
        self.full = np.array([row.full for row in self.rows])
        self.adapter = np.array([row.adapter for row in self.rows])
        self.gain = self.full - self.base
        with np.errstate(invalid="ignore", divide="ignore"):
            clear = np.abs(self.gain) >= constants["least_gain_for_recovery_points"]
            self.recovery = np.where(clear, (self.adapter - self.base) / self.gain, np.nan)
        self.descriptors = descriptors(self.rows)

    @property
    def studies(self) -> tuple[str, ...]:
        """Keys of the studies that have rows, in their order."""
        return tuple(self.fit.found)

    def predict(self, left_out: Sequence[str], train: Sequence[str] | None = None) -> Predicted:
        """Predict the rows of some studies from all others, or from `train`."""
        left = set(left_out)
        kept = [s for s in (self.studies if train is None else train) if s not in left]
        test = np.flatnonzero(np.isin(self.study, sorted(left)))
        fitted = np.flatnonzero(np.isin(self.study, kept))
        model = self.fit.of(kept)
        full = self.full[test]
        median, low, high = predict_gaps(self.fit.rows, test, model)
        score = {"model": full + median} | self._simple_scores(fitted, test)
        residual = self._residual_interval(fitted)
        residual_gap = self._residual_gap_interval(fitted)
        blank = np.isnan(self.base[test])
        pilots = pilot_of(
            [self.rows[i] for i in test], self.constants["least_gain_for_recovery_points"]
        )
        return Predicted(
            rows=tuple(self.rows[i] for i in test),
            score=score,
            low=full + low,
            high=full + high,
            residual_low=score["global_mean"] + np.where(blank, residual_gap[0], residual[0]),
            residual_high=score["global_mean"] + np.where(blank, residual_gap[1], residual[1]),
            piloted=full + _piloted(self.fit.rows, test, pilots, model),
        )

    def _recoveries(self, fitted: Indices) -> tuple[Indices, list[str]]:
        clear = fitted[~np.isnan(self.recovery[fitted])]
        return clear, [str(name) for name in self.study[clear]]

    def _simple_scores(self, fitted: Indices, test: Indices) -> dict[str, Floats]:
        """The adapter's score by the baselines. [points]

        Notes
        -----
        base + recovery x gain; full and the mean gap, of all or of the group, where a row states no
        base: the ridge has nothing of its own to say there.
        """
        clear, study = self._recoveries(fitted)
        values = self.recovery[clear]
        means = group_means(values, [self.rows[i] for i in clear])
        recovery = {
            "lora_equals_full": np.ones(len(test)),
            "global_mean": np.full(len(test), weighted_mean(values, study)),
            "group_mean": np.array([means[self.rows[i].group] for i in test]),
            "ridge": ridge(self.descriptors[clear], values, study, self.descriptors[test]),
        }
        gap = self._simple_gaps(fitted, test)
        blank = np.isnan(self.base[test])
        return {
            name: np.where(
                blank,
                self.full[test] + gap.get(name, gap["group_mean"]),
                self.base[test] + share * self.gain[test],
            )
            for name, share in recovery.items()
        }

    def _simple_gaps(self, fitted: Indices, test: Indices) -> dict[str, Floats]:
        """The gap by the baselines. [points]"""
        values = (self.adapter - self.full)[fitted]
        rows = [self.rows[i] for i in fitted]
        means = group_means(values, rows)
        everywhere = weighted_mean(values, [row.study for row in rows])
        return {
            "lora_equals_full": np.zeros(len(test)),
            "global_mean": np.full(len(test), everywhere),
            "group_mean": np.array([means[self.rows[i].group] for i in test]),
        }

    def _residual_interval(self, fitted: Indices) -> tuple[float, float]:
        """80% interval of what the global mean missed in studies left out of it. [points]"""
        clear, study = self._recoveries(fitted)
        names = np.array(study)
        residuals, owners = [], []
        for name in sorted(set(study)):
            others = clear[names != name]
            if not len(others):
                continue
            mean = weighted_mean(self.recovery[others], [str(s) for s in names[names != name]])
            mine = fitted[(self.study[fitted] == name) & ~np.isnan(self.base[fitted])]
            expected = self.base[mine] + mean * self.gain[mine]
            residuals.append(self.adapter[mine] - expected)
            owners += [name] * len(mine)
        return _between(residuals, owners)

    def _residual_gap_interval(self, fitted: Indices) -> tuple[float, float]:
        """80% interval of what the mean gap missed in studies left out of it. [points]"""
        gap, study = (self.adapter - self.full)[fitted], self.study[fitted]
        residuals, owners = [], []
        for name in sorted(set(study.tolist())):
            others = study != name
            if not others.any():
                continue
            mean = weighted_mean(gap[others], [str(s) for s in study[others]])
            residuals.append(gap[~others] - mean)
            owners += [name] * int((~others).sum())
        return _between(residuals, owners)


def _between(residuals: Sequence[Floats], owners: Sequence[str]) -> tuple[float, float]:
    """80% interval of residuals where every study counts the same; of no width without any."""
    if not residuals:
        return 0.0, 0.0
    together = np.concatenate(residuals)
    tail = (1 - LEVEL) / 2
    low, high = (weighted_quantile(together, owners, q) for q in (tail, 1 - tail))
    return low, high


def joint(
    rows: Rows, places: Indices, component: Component, own_share: float, between_cases: float
) -> tuple[Floats, Floats]:
    """Mean and covariance of the values of rows of one arm of a study that was not seen.

    Notes
    -----
    Parameters, the effects of the study and the arm, of rows, of runs, and what is known of noise.
    """
    loading, size = _loading(rows, places, component)
    fresh = np.sqrt(np.where(rows.own[places], 1.0 - own_share, 1.0))
    covariance = loading @ component.covariance @ loading.T
    covariance += component.study**2 * np.outer(size * fresh, size * fresh)
    covariance += component.arm_value**2 * np.outer(fresh, fresh)
    together = rows.cluster[places][:, None] == rows.cluster[places][None, :]
    shared = np.sqrt(np.outer(rows.shared_noise[places], rows.shared_noise[places]))
    covariance += np.where(together, shared + component.run**2, 0.0)
    same = np.array([[rows.case[i] == rows.case[j] for j in places] for i in places])
    of_row = component.row**2 * np.outer(size, size)
    covariance += np.where(same, between_cases * of_row, 0.0)
    covariance += np.diag((1 - between_cases) * np.diag(of_row) + component.run**2)
    one_base = np.array([[rows.base[i] == rows.base[j] for j in places] for i in places])
    doubt = rows.doubt[places]
    covariance += np.where(one_base, np.outer(doubt, doubt), 0.0)
    covariance += np.diag(rows.noise[places])
    return loading @ component.mean, covariance


def _loading(rows: Rows, places: Indices, component: Component) -> tuple[Floats, Floats]:
    """Loading of rows on the parameters (n, p), and their size at their rank (n,)."""
    size = rows.size[places]
    at_rank = size * component.factor ** rows.steps[places]
    own = rows.own[places].astype(np.float64)
    return np.column_stack([rows.common[places] * at_rank[:, None], own * size, own]), size


def predict_gaps(rows: Rows, places: Indices, model: Posterior) -> tuple[Floats, Floats, Floats]:
    """Median and 80% interval of the gap of rows, each on its own. (n,) each [points]"""
    parts = model.components
    weight = np.array([part.weight for part in parts])
    mean, sd = np.empty((len(places), len(parts))), np.empty((len(places), len(parts)))
    fresh = np.where(rows.own[places], 1.0 - model.prior.own_share, 1.0)
    for k, part in enumerate(parts):
        loading, size = _loading(rows, places, part)
        mean[:, k] = loading @ part.mean
        variance = np.einsum("np,pq,nq->n", loading, part.covariance, loading)
        variance += fresh * ((part.study * size) ** 2 + part.arm_value**2)
        variance += (part.row * size) ** 2 + 2 * part.run**2
        known = rows.noise + rows.shared_noise + rows.doubt**2
        sd[:, k] = np.sqrt(variance + known[places])
    tail = (1 - LEVEL) / 2
    low, high = mixture_quantiles((tail, 1 - tail), weight, mean, sd)
    # All components have one mean and are symmetric: it is the median.
    return mean @ weight, low, high


def pilot_of(rows: Sequence[HeadToHead], least_gain: float) -> list[list[int]]:
    """For each row the rows that a small pilot of its base model in its arm would have measured.

    Notes
    -----
    The pilot trains full and LoRA on the smallest slice of data whose size is stated (tokens, else
    examples), at all ranks; where sizes do not differ or are not stated, it scores the first metric
    alone; where there is one metric, it is the first row. Rows whose gain is too small to read a
    recovery from are not part of it. The rows of the pilot itself have none.
    """
    out: list[list[int]] = [[] for _ in rows]
    units: dict[Hashable, list[int]] = {}
    for place, row in enumerate(rows):
        if row.base is not None and abs(row.full - row.base) >= least_gain:
            units.setdefault((*arm_of(row), row.base_model), []).append(place)
    for places in units.values():
        chosen = _smallest(rows, places)
        for n in places:
            if n not in chosen:
                out[n] = chosen
    return out


def _smallest(rows: Sequence[HeadToHead], places: list[int]) -> list[int]:
    """The first cut that leaves rows to be predicted."""
    sizes = {n: rows[n].train_tokens or rows[n].train_examples or 0 for n in places}
    stated = [size for size in sizes.values() if size]
    if stated and min(stated) < max(stated):
        return [n for n in places if sizes[n] == min(stated)]
    first = [n for n in places if rows[n].metric == rows[places[0]].metric]
    return first if len(first) < len(places) else places[:1]


def _piloted(
    rows: Rows, test: Indices, pilots: Sequence[Sequence[int]], model: Posterior
) -> Floats:
    """Expected gap of each row after the gaps of its pilot are known, by conditioning. [points]"""
    parts = model.components
    prior = model.prior
    out = np.full(len(test), np.nan)
    for n, pilot in enumerate(pilots):
        if not pilot:
            continue
        places = np.concatenate([test[[n]], test[list(pilot)]])
        log, expected = np.empty((2, len(parts)))
        for k, part in enumerate(parts):
            mean, covariance = joint(rows, places, part, prior.own_share, prior.between_cases)
            apart = rows.value[places[1:]] - mean[1:]
            solved = np.linalg.solve(covariance[1:, 1:], apart)
            expected[k] = mean[0] + covariance[0, 1:] @ solved
            spread = np.linalg.slogdet(covariance[1:, 1:])[1]
            log[k] = np.log(part.weight) - spread / 2 - apart @ solved / 2
        weight = np.exp(log - log.max())
        out[n] = float(weight @ expected / weight.sum())
    return out
