"""A mixed linear model with its spreads integrated on a grid.

A row i of arm a of study s is

    value_i = size_i (f^steps_i x_i' c + u_s + u_a + w_m + w_i) + v_a + e_i

with what studies have in common c, which falls with the rank, effects of study and arm u of spread
t together, effect v of the arm of spread d in the unit of the value, effects w of the case (base
model and metric) and of the row of spread o together, and noise e: of spread r, plus what is known
of each row, plus what rows held against one full model or one base score share. Given the spreads
and f the model is linear and normal: every study gives a precision matrix and a shift of c, which
add up. That makes leaving studies out exact and cheap.

References
----------
Lindley and Smith, "Bayes estimates for the linear model", JRSS B 34, 1972; Gelman et al., "Bayesian
Data Analysis", 3rd edition, sections 5.6 (random effects of studies) and 15.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from app.estimator.evidence_rows import COMMON, Rows

Floats = NDArray[np.float64]

COMPANY = 2
"""A company's own effects, of share and of value, follow `COMMON` among the parameters."""
PARAMETERS = len(COMMON) + COMPANY


@dataclass(frozen=True, slots=True)
class Prior:
    """What is assumed before any study.

    Parameters
    ----------
    mean, sd : of the level, the slope by distance and the deviations of regimes and groups. (10,)
    study, arm_value, row, run : (levels, spread of a half-normal prior) of t, d, o and r.
    factor : levels of f, all as likely; 1 leaves rank without effect.
    between_studies : part of t^2 that all arms of a study share. [fraction]
    between_cases : part of o^2 that all rows of a case share. [fraction]
    own_share : part of t^2 and d^2 that a company's own studies share with its case. [fraction]
    most_rows : a study counts as no more independent rows than these. [count]
    widths : (multiple, probability): a study's own variances t^2, d^2, o^2 and r^2 are this
        multiple of the usual ones. Such a mixture is what a t distribution is made of.
    """

    mean: Floats
    sd: Floats
    study: tuple[Sequence[float], float]
    arm_value: tuple[Sequence[float], float]
    row: tuple[Sequence[float], float]
    run: tuple[Sequence[float], float]
    factor: Sequence[float]
    between_studies: float
    between_cases: float
    own_share: float
    most_rows: float
    widths: Sequence[tuple[float, float]] = ((1.0, 1.0),)


@dataclass(frozen=True, slots=True)
class Grid:
    """All settings of the spreads: every row setting (o, r, f) with every study setting.

    Arrays of length g; `log_prior` is not normalized.
    """

    study: Floats
    arm_value: Floats
    row: Floats
    run: Floats
    factor: Floats
    log_prior: Floats
    row_settings: tuple[tuple[float, float, float], ...]
    study_settings: tuple[tuple[float, float], ...]

    def __len__(self) -> int:
        return len(self.log_prior)


def grid_of(prior: Prior) -> Grid:
    """The grid of a prior; row settings vary slowest."""
    row_settings = tuple(product(prior.row[0], prior.run[0], prior.factor))
    study_settings = tuple(product(prior.study[0], prior.arm_value[0]))
    row = np.repeat(np.array(row_settings), len(study_settings), axis=0)
    study = np.tile(np.array(study_settings), (len(row_settings), 1))
    columns = (study[:, 0], study[:, 1], row[:, 0], row[:, 1])
    scales = (prior.study[1], prior.arm_value[1], prior.row[1], prior.run[1])
    levels = (prior.study[0], prior.arm_value[0], prior.row[0], prior.run[0])
    log_prior = np.zeros(len(row))
    for column, scale, known in zip(columns, scales, levels, strict=True):
        log_prior = log_prior - (column / scale) ** 2 / 2 + _log_widths(column, known)
    return Grid(*columns, row[:, 2], log_prior, row_settings, study_settings)


def _log_widths(column: Floats, levels: Sequence[float]) -> Floats:
    """Logarithm of the width that each level stands for: the grid is not even. (g,)"""
    if len(levels) < 2:
        return np.zeros(len(column))
    widths = np.gradient(np.array(levels, dtype=np.float64))
    return np.asarray(np.log(widths)[np.searchsorted(levels, column)])


@dataclass(frozen=True, slots=True)
class Information:
    """What one study says of the parameters at every setting.

    Parameters
    ----------
    precision : (g, p, p); shift : (g, p); log : of its likelihood at parameters of 0. (g,)
    """

    precision: Floats
    shift: Floats
    log: Floats


def informations(
    rows: Rows, prior: Prior, grid: Grid, known: Mapping[str, Information]
) -> dict[str, Information]:
    """What each study says, its own effects integrated.

    Parameters
    ----------
    known : by study, for those that need not be worked out again.
    """
    return {
        study: known[study]
        if study in known
        else _information(rows, rows.of_study(study), prior, grid)
        for study in dict.fromkeys(rows.study)
    }


def _information(rows: Rows, places: NDArray[np.intp], prior: Prior, grid: Grid) -> Information:
    """What one study says, over the widths that it may have.

    Notes
    -----
    Each width weighs by its probability and by how likely it makes the study's rows with the
    parameters integrated over their prior: a study that scatters speaks softly. The precisions and
    shifts are averaged with these weights, which keeps the study's say normal. Assumption: the
    scatter within a study tells its width; other studies do not.
    """
    start = _start(prior, grid)
    found = [_of_width(rows, places, prior, grid, multiple) for multiple, _ in prior.widths]
    log = np.array(
        [
            np.log(probability) + _log_evidence(one, start)
            for one, (_, probability) in zip(found, prior.widths, strict=True)
        ]
    )
    top = log.max(axis=0)
    weight = np.exp(log - top)
    weight = weight / weight.sum(axis=0)
    precision = np.einsum("wg,wgij->gij", weight, np.array([one.precision for one in found]))
    shift = np.einsum("wg,wgi->gi", weight, np.array([one.shift for one in found]))
    both = Information(precision, shift, np.zeros(len(grid)))
    # The likelihood at the prior is that of the mixture.
    total = top + np.log(np.exp(log - top).sum(axis=0))
    return Information(precision, shift, total - _log_evidence(both, start))


def _start(prior: Prior, grid: Grid) -> tuple[Floats, Floats]:
    """Mean (p,) and variance (g, p) of the parameters before any study."""
    variance = np.empty((len(grid), PARAMETERS))
    variance[:, : len(COMMON)] = prior.sd**2
    variance[:, len(COMMON)] = prior.own_share * grid.study**2
    variance[:, len(COMMON) + 1] = prior.own_share * grid.arm_value**2
    mean = np.zeros(PARAMETERS)
    mean[: len(COMMON)] = prior.mean
    return mean, np.maximum(variance, 1e-12)


def _log_evidence(one: Information, start: tuple[Floats, Floats]) -> Floats:
    """Logarithm of the likelihood of a study with the parameters integrated. (g,)"""
    mean, variance = start
    precision = one.precision.copy()
    places = np.arange(PARAMETERS)
    precision[:, places, places] += 1 / variance
    shift = one.shift + mean / variance
    solved = np.linalg.solve(precision, shift[..., None])[..., 0]
    log = one.log + np.einsum("gi,gi->g", shift, solved) / 2
    log = log - (mean**2 / variance).sum(axis=1) / 2 - np.log(variance).sum(axis=1) / 2
    return np.asarray(log - np.linalg.slogdet(precision)[1] / 2)


def _of_width(
    rows: Rows, places: NDArray[np.intp], prior: Prior, grid: Grid, multiple: float
) -> Information:
    """What one study says if its variances are so many times the usual ones."""
    arm = _membership([rows.arm[i] for i in places])
    case = _membership([rows.case[i] for i in places])
    base = _membership([rows.base[i] for i in places]) * rows.doubt[places][:, None]
    base = base[:, base.any(axis=0)]
    cluster = _membership([int(number) for number in rows.cluster[places]])
    arms, cases = arm.shape[1], case.shape[1]
    is_own = bool(rows.own[places[0]])
    local = 1 + 2 * arms + cases + base.shape[1]
    # What the rows of a study share makes them say less than so many independent rows.
    power = min(1.0, prior.most_rows / len(places))
    blocks = [
        _row_sums(
            rows,
            places,
            (arm, case, base, cluster),
            is_own,
            _RowSpread(
                multiple * (1 - prior.between_cases) * row_sd**2, multiple * run_sd**2, factor
            ),
        )
        for row_sd, run_sd, factor in grid.row_settings
    ]
    inner = power * np.array([block[0] for block in blocks])
    toward = power * np.array([block[1] for block in blocks])
    level = power * np.array([block[2] for block in blocks])
    fresh = multiple * (1.0 - prior.own_share if is_own else 1.0)
    share, value = np.array(grid.study_settings).T
    of_row = np.array(grid.row_settings)[:, 0]
    scale = np.empty((len(of_row), len(share), local))
    scale[..., 0] = share * np.sqrt(fresh * prior.between_studies)
    scale[..., 1 : 1 + arms] = (share * np.sqrt(fresh * (1 - prior.between_studies)))[:, None]
    scale[..., 1 + arms : 1 + 2 * arms] = (value * np.sqrt(fresh))[:, None]
    of_case = of_row * np.sqrt(multiple * prior.between_cases)
    scale[..., 1 + 2 * arms : 1 + 2 * arms + cases] = of_case[:, None, None]
    scale[..., 1 + 2 * arms + cases :] = 1.0
    p = PARAMETERS
    # (row settings, study settings, ...): the local effects have unit variance after scaling.
    both = scale[..., :, None] * scale[..., None, :]
    mid = inner[:, None, p:, p:] * both + np.eye(local)
    cross = inner[:, None, p:, :p] * scale[..., None]
    local_shift = toward[:, None, p:] * scale
    right = np.concatenate([cross, local_shift[..., None]], axis=-1)
    solved = np.linalg.solve(mid, right)
    fitted = np.swapaxes(cross, -1, -2) @ solved
    precision = inner[:, None, :p, :p] - fitted[..., :p]
    shift = toward[:, None, :p] - fitted[..., p]
    explained = np.einsum("rsl,rsl->rs", local_shift, solved[..., p])
    log = level[:, None] + explained / 2 - np.linalg.slogdet(mid)[1] / 2
    g = len(grid)
    return Information(precision.reshape(g, p, p), shift.reshape(g, p), log.reshape(g))


def _membership(names: Sequence[Hashable]) -> Floats:
    """Which of the names each row has, in order of appearance. (rows, names)"""
    known = {name: n for n, name in enumerate(dict.fromkeys(names))}
    return np.asarray(np.eye(len(known))[[known[name] for name in names]])


@dataclass(frozen=True, slots=True)
class _RowSpread:
    """Variance of a row's own share and of a run, and the factor of rank."""

    share: float
    run: float
    factor: float


def _row_sums(
    rows: Rows,
    places: NDArray[np.intp],
    members: tuple[Floats, Floats, Floats, Floats],
    is_own: bool,
    spread: _RowSpread,
) -> tuple[Floats, Floats, float]:
    """Sums over the rows of a study, weighed by the inverse of their noise.

    Returns
    -------
    Z' V^-1 Z, Z' V^-1 y and the logarithm of the likelihood at effects of 0, where Z loads the
    parameters and the effects of the study, its arms, its cases and its bases.
    """
    arm, case, base, cluster = members
    size = rows.size[places]
    at_rank = size * spread.factor ** rows.steps[places]
    own = np.full(len(places), float(is_own))
    loading = np.column_stack(
        [
            rows.common[places] * at_rank[:, None],
            own * size,
            own,
            size,
            arm * size[:, None],
            arm,
            case * size[:, None],
            base,
        ]
    )
    alone = spread.share * size**2 + spread.run + rows.noise[places]
    shared = rows.shared_noise[places] + spread.run
    weighted = loading / alone[:, None]
    value = rows.value[places]
    inner = loading.T @ weighted
    toward = weighted.T @ value
    square = float(np.sum(value**2 / alone))
    log_size = float(np.sum(np.log(alone)))
    # Of rows that share one full model: V = diag(alone) + shared 11' (Sherman and Morrison).
    together = cluster.T @ weighted
    worth = cluster.T @ (1 / alone)
    tilt = cluster.T @ (value / alone)
    common = cluster.T @ shared / cluster.sum(axis=0)
    down = common / (1 + common * worth)
    inner = inner - (together * down[:, None]).T @ together
    toward = toward - together.T @ (down * tilt)
    square -= float(down @ tilt**2)
    log_size += float(np.log1p(common * worth).sum())
    return inner, toward, -(square + log_size) / 2


@dataclass(frozen=True)
class Posterior:
    """Parameters after some studies, at every setting.

    Parameters
    ----------
    weight : of the settings, sums to 1. (g,)
    mean : (g, p); covariance : (g, p, p).
    """

    grid: Grid
    prior: Prior
    weight: Floats
    mean: Floats
    covariance: Floats

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """The settings gathered by t, for each width: few normals with one common mean.

        Means that differ between settings go into the covariance, so that a measurement at the
        expected value leaves it where it is.
        """
        mean = self.weight @ self.mean
        factor = float(self.weight @ self.grid.factor)
        found = []
        for level in self.prior.study[0]:
            mine = self.grid.study == level
            total = float(self.weight[mine].sum())
            if total < LEAST_WEIGHT:
                continue
            weight = self.weight[mine] / total
            apart = self.mean[mine] - mean
            spread = np.einsum("g,gij->ij", weight, self.covariance[mine])
            spread = spread + np.einsum("g,gi,gj->ij", weight, apart, apart)
            arm_value, row, run = (
                float(np.sqrt(weight @ column[mine] ** 2))
                for column in (self.grid.arm_value, self.grid.row, self.grid.run)
            )
            for multiple, probability in self.prior.widths:
                wider = float(np.sqrt(multiple))
                found.append(
                    Component(
                        weight=total * probability,
                        mean=mean,
                        covariance=spread,
                        study=level * wider,
                        arm_value=arm_value * wider,
                        row=row * wider,
                        run=run * wider,
                        factor=factor,
                    )
                )
        kept = sum(component.weight for component in found)
        return tuple(replace(component, weight=component.weight / kept) for component in found)


LEAST_WEIGHT = 1e-4


@dataclass(frozen=True, slots=True)
class Component:
    """One normal of the mixture: parameters and the spreads that go with them."""

    weight: float
    mean: Floats
    covariance: Floats
    study: float
    arm_value: float
    row: float
    run: float
    factor: float


def posterior(found: Mapping[str, Information], prior: Prior, grid: Grid) -> Posterior:
    """Put what studies say together with the prior.

    Notes
    -----
    Each setting weighs by its prior and the likelihood of all studies at it.
    """
    g, p = len(grid), PARAMETERS
    start, variance = _start(prior, grid)
    precision = np.zeros((g, p, p))
    precision[:, range(p), range(p)] = 1 / variance
    shift = start / variance
    log = grid.log_prior - (start**2 / variance).sum(axis=1) / 2 - np.log(variance).sum(axis=1) / 2
    for study in found.values():
        precision = precision + study.precision
        shift = shift + study.shift
        log = log + study.log
    covariance = np.linalg.inv(precision)
    covariance = (covariance + covariance.transpose(0, 2, 1)) / 2
    mean = np.einsum("gij,gj->gi", covariance, shift)
    log = log + np.einsum("gi,gi->g", mean, shift) / 2 - np.linalg.slogdet(precision)[1] / 2
    weight = np.exp(log - log.max())
    return Posterior(grid, prior, weight / weight.sum(), mean, covariance)
