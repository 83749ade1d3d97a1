"""What published head-to-heads say, as two small mixed models: what full fine-tuning gains, and
what share of that an adapter loses.

- Gain of full: the share of the base model's errors that it removes. A level, a slope by distance,
  a change by regime, a deviation of each group, of each study and of each row.
- Loss of LoRA: gap = -gain x loss share + v + noise. The loss share has the same parts and falls by
  a factor with every four times the rank; v is what a study's adapters gain or lose whatever the
  size of the gain.

Studies are exchangeable: rows of one study share an effect, so that many rows of one study weigh
hardly more than a few, and a case is one more study of its group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.estimator.constants import ConstantValues
from app.estimator.evidence import DISTANCE, HeadToHead
from app.estimator.evidence_fit import (
    Component,
    Grid,
    Information,
    Posterior,
    Prior,
    grid_of,
    informations,
    posterior,
)
from app.estimator.evidence_rows import (
    COMMON,
    GROUPS,
    REGIMES,
    Rows,
    common_loading,
    gain_rows,
    loss_rows,
    plain_rows,
)

Floats = NDArray[np.float64]


WIDTHS = ((0.3, 0.3), (1.0, 0.4), (3.5, 0.3))
"""Variance of a study over the usual one, and how often: near a t distribution of four degrees of
freedom. Assumption: careful and careless studies exist, and no study says which it is."""


def loss_prior(constants: ConstantValues) -> Prior:
    """What is assumed of the loss share before any study.

    Notes
    -----
    Centred on LoRA losing nothing, and on distance making no difference; both wide, so that the
    studies decide. Assumption: the form and the widths.
    """
    group = constants["group_loss_sd"]
    return Prior(
        mean=np.zeros(len(COMMON)),
        sd=np.array([0.5, 0.5, *([0.3] * len(REGIMES)), *([group] * len(GROUPS))]),
        study=((0.04, 0.09, 0.16, 0.28, 0.5), 0.4),
        arm_value=((0.05, 1.0, 2.5, 5.0), 3.0),
        row=((0.05, 0.12, 0.25), 0.3),
        run=((0.5, 1.2, 2.8), 3.0),
        factor=(0.55, 0.7, 0.85, 1.0),
        between_studies=constants["between_studies_fraction"],
        between_cases=constants["between_cases_fraction"],
        own_share=constants["own_study_share_fraction"],
        most_rows=constants["most_rows_of_a_study"],
        widths=WIDTHS,
    )


def gain_prior(constants: ConstantValues) -> Prior:
    """What is assumed of the errors removed before any study: about a quarter, widely."""
    group = constants["group_gain_sd"]
    return Prior(
        mean=np.array([0.25, *([0.0] * (len(COMMON) - 1))]),
        sd=np.array([0.3, 0.15, *([0.15] * len(REGIMES)), *([group] * len(GROUPS))]),
        study=((0.04, 0.08, 0.14, 0.22, 0.35), 0.3),
        arm_value=((0.0,), 1.0),
        row=((0.04, 0.08, 0.14, 0.22), 0.3),
        run=((0.0,), 1.0),
        factor=(1.0,),
        between_studies=constants["between_studies_fraction"],
        between_cases=constants["between_cases_fraction"],
        own_share=constants["own_study_share_fraction"],
        most_rows=constants["most_rows_of_a_study"],
        widths=WIDTHS,
    )


@dataclass(frozen=True, slots=True)
class Fit:
    """One of the two models, with what each study said, so that studies can be left out."""

    rows: Rows
    prior: Prior
    grid: Grid
    found: Mapping[str, Information]

    def of(self, studies: Sequence[str]) -> Posterior:
        """The model by some of the studies alone."""
        kept = {name: self.found[name] for name in studies if name in self.found}
        return posterior(kept, self.prior, self.grid)

    def without(self, *studies: str) -> Posterior:
        """The model by all other studies."""
        return self.of([name for name in self.found if name not in studies])


def fit_of(rows: Rows, prior: Prior, known: Mapping[str, Information] | None = None) -> Fit:
    """What each study says, at every setting of the spreads.

    Parameters
    ----------
    known : what studies said in an earlier fit of the same prior, whose rows have not changed.
    """
    grid = grid_of(prior)
    return Fit(rows, prior, grid, informations(rows, prior, grid, known or {}))


@dataclass(frozen=True, slots=True)
class Fits:
    """Both models, before they are put together."""

    loss: Fit
    gain: Fit


def fits_of(
    rows: Sequence[HeadToHead], constants: ConstantValues, known: Fits | None = None
) -> Fits:
    """What each study says of loss and gain.

    Parameters
    ----------
    known : of some of these studies, with the same constants; only the others are worked out.
    """
    loss, gain = ({}, {}) if known is None else (known.loss.found, known.gain.found)
    return Fits(
        fit_of(loss_rows(rows, constants), loss_prior(constants), loss),
        fit_of(gain_rows(rows, constants), gain_prior(constants), gain),
    )


@dataclass(frozen=True, slots=True)
class EvidenceModel:
    """The two models after all studies.

    Parameters
    ----------
    loss, gain : normals of the parameters, one for each level of the spread between studies.
    evidence : the rows that were fitted, and those on other tasks.
    has_own : whether a company's own studies are among them.
    borrowed : by group, how much of what is known of its loss share comes from other groups.
        [fraction]
    """

    loss: tuple[Component, ...]
    gain: tuple[Component, ...]
    evidence: tuple[HeadToHead, ...]
    has_own: bool
    borrowed: Mapping[str, float]


def fit_evidence(
    rows: Sequence[HeadToHead], constants: ConstantValues, known: Fits | None = None
) -> EvidenceModel:
    """Fit both models to all studies.

    Parameters
    ----------
    known : as in `fits_of`.

    Notes
    -----
    Pure and deterministic; takes about a second, so callers keep the result.
    """
    fits = fits_of(rows, constants, known)
    loss = fits.loss.without()
    return EvidenceModel(
        loss=loss.components,
        gain=fits.gain.without().components,
        evidence=tuple(rows),
        has_own=any(row.is_own for row in plain_rows(rows)),
        borrowed=_borrowed(rows, loss, constants),
    )


def _borrowed(
    rows: Sequence[HeadToHead], loss: Posterior, constants: ConstantValues
) -> Mapping[str, float]:
    """How much of what is known of the loss share of each group comes from others. [fraction]

    Notes
    -----
    By precision, the inverse of the variance of the expected loss share:
    (by other groups alone - by the prior) / (by all - by the prior), at the most probable spreads.
    1 where a group has no study of its own.
    """
    grid, prior = loss.grid, loss.prior
    at = int(np.argmax(loss.weight))
    setting = replace(
        prior,
        study=((float(grid.study[at]),), prior.study[1]),
        arm_value=((float(grid.arm_value[at]),), prior.arm_value[1]),
        row=((float(grid.row[at]),), prior.row[1]),
        run=((float(grid.run[at]),), prior.run[1]),
        factor=(float(grid.factor[at]),),
    )

    def covariance(kept: Sequence[HeadToHead]) -> Floats:
        return np.asarray(fit_of(loss_rows(kept, constants), setting).without().covariance[0])

    nothing, every = covariance(()), covariance(rows)
    found = {}
    for group in GROUPS:
        loading = np.zeros(len(every))
        loading[: len(COMMON)] = common_loading(group, DISTANCE[group])
        others = covariance([row for row in rows if row.group != group])
        before, without, all_of_it = (
            1 / float(loading @ c @ loading) for c in (nothing, others, every)
        )
        told = all_of_it - before
        found[group] = min(max((without - before) / told, 0.0), 1.0) if told > 0 else 1.0
    return found
