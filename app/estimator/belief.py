"""What is believed of the scores of base, full and adapter models, as joint normal distributions.

A `Belief` is a mixture of joint normals over `QUANTITIES`. Its components differ in the settings of
the evidence model that fits could not tell apart, which gives the whole heavier tails than one
normal has. A score that was measured is a linear function of the quantities with noise, so it
updates every component exactly and shifts weight to those that foresaw it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.estimator.errors import InvalidSpec

Floats = NDArray[np.float64]

QUANTITIES = ("base", "full", "lora", "qlora", "curve_full", "curve_adapter")
"""Base score [points]; gains over it at the planned data size [points]; and how steep the learning
curves are, in standard deviations of the published slopes."""
BASE, FULL, LORA, QLORA, CURVE_FULL, CURVE_ADAPTER = range(len(QUANTITIES))
FIRST_DRAWN = [BASE, FULL, CURVE_FULL]
DRAWN = [*FIRST_DRAWN, LORA, QLORA, CURVE_ADAPTER]
"""The order in which quantities are drawn, each given those before it."""

LEAST_SPREAD = 1e-12
"""Share of its variance below which what is left of it is a rounding error."""

GAIN = {"full": FULL, "lora": LORA, "qlora": QLORA}
"""Place of a method's gain among the quantities."""


@dataclass(frozen=True, slots=True)
class Belief:
    """A mixture of k joint normals over the m = 6 quantities.

    Parameters
    ----------
    weight : of each component, sums to 1. (k,)
    mean : (k, m); covariance : (k, m, m), positive semi-definite.
    """

    weight: Floats
    mean: Floats
    covariance: Floats

    @property
    def expected(self) -> Floats:
        """Mean of every quantity. (m,)"""
        return np.asarray(self.weight @ self.mean)

    @property
    def spread(self) -> Floats:
        """Covariance over all components. (m, m)"""
        apart = self.mean - self.expected
        between = np.einsum("k,ki,kj->ij", self.weight, apart, apart)
        return np.asarray(np.einsum("k,kij->ij", self.weight, self.covariance) + between)

    def observed(self, design: ArrayLike, value: ArrayLike, noise: ArrayLike) -> Self:
        """The belief after measurements, value = design @ quantities + noise.

        Parameters
        ----------
        design : (o, m); value : (o,); noise : covariance, each variance above 0. (o, o)

        Raises
        ------
        InvalidSpec : a noise without variance.

        References
        ----------
        Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, appendix A.2;
        the weights: Bishop, "Pattern Recognition and Machine Learning", 2006, section 9.2.
        """
        h, y, both = (np.asarray(x, dtype=np.float64) for x in (design, value, noise))
        if len(y) == 0:
            return self
        if np.any(np.diag(both) <= 0):
            raise InvalidSpec("a measurement needs noise above 0")
        expected = self.mean @ h.T  # (k, o)
        cross = self.covariance @ h.T  # (k, m, o)
        total = h @ cross + both  # (k, o, o)
        apart = y - expected
        gain = np.linalg.solve(total, cross.transpose(0, 2, 1)).transpose(0, 2, 1)  # (k, m, o)
        mean = self.mean + np.einsum("kmo,ko->km", gain, apart)
        covariance = self.covariance - gain @ cross.transpose(0, 2, 1)
        covariance = (covariance + covariance.transpose(0, 2, 1)) / 2
        distance = np.einsum("ko,ko->k", apart, np.linalg.solve(total, apart[:, :, None])[:, :, 0])
        log = np.log(np.maximum(self.weight, 1e-300))
        log = log - (np.linalg.slogdet(total)[1] + distance) / 2
        weight = np.exp(log - log.max())
        return type(self)(weight / weight.sum(), mean, covariance)

    def draw(self, uniform: Floats, normal: Floats) -> Floats:
        """Draws of the quantities. (draws, m)

        Parameters
        ----------
        uniform : chooses the component. (draws,) in 0 to 1
        normal : standard normal. (draws, m)

        Notes
        -----
        The same numbers give draws of two beliefs that differ only as the beliefs do. Base and full
        fine-tuning are drawn first, from numbers of their own and the component: what is believed
        of adapters alone leaves their draws as they are.
        """
        of_full = self.covariance[:, FIRST_DRAWN, FIRST_DRAWN].sum(axis=1)
        order = np.argsort(of_full, kind="stable")
        edges = np.cumsum(self.weight[order])
        component = order[np.minimum(np.searchsorted(edges, uniform), len(order) - 1)]
        root = _roots(self.covariance)
        out = np.empty_like(normal)
        # One slice for each component, instead of a look through all draws.
        by_component = np.argsort(component, kind="stable")
        ends = np.cumsum(np.bincount(component, minlength=len(order)))
        for k, mine in enumerate(np.split(by_component, ends[:-1])):
            if len(mine):
                out[mine] = self.mean[k] + normal[mine] @ root[k].T
        return out


def mixture(parts: Sequence[tuple[float, Floats, Floats]]) -> Belief:
    """A belief of (weight, mean, covariance) parts; weights need not sum to 1."""
    weight = np.array([part[0] for part in parts])
    return Belief(
        weight / weight.sum(),
        np.array([part[1] for part in parts]),
        np.array([part[2] for part in parts]),
    )


def _roots(covariance: Floats) -> Floats:
    """Square roots, triangular in the order of `DRAWN`. (k, m, m)

    Notes
    -----
    Cholesky factors, with a column of zeros for what has no spread beside those before it, so that
    it follows them exactly and one without any stays at its mean.
    """
    root = np.zeros_like(covariance)
    for at, quantity in enumerate(DRAWN):
        before, after = DRAWN[:at], DRAWN[at:]
        known = root[:, after][:, :, before] @ root[:, quantity, before][:, :, None]
        left = covariance[:, after, quantity] - known[:, :, 0]
        spread = left[:, 0] > LEAST_SPREAD * covariance[:, quantity, quantity]
        scale = np.sqrt(np.where(spread, left[:, 0], 1.0))
        root[:, after, quantity] = np.where(spread[:, None], left / scale[:, None], 0.0)
    return root
