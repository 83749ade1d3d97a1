"""The fit: constants near their priors that make the logarithms of predictions right."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from benchmarks.calibration.problem import Floats, Mask, Rows, fitted_keys, priors, with_fitted

RESIDUAL_SD = {"time": 0.08, "memory": 0.05}
"""Scale of a usual residual, in the logarithm: below it the loss is square, above it linear."""

ROWS_OF_A_SOURCE = 60.0
"""Weight of a source, in rows: the square root of this over its own rows weighs each of them, so
that a large source counts more than a small one, but not in proportion."""

EVALUATIONS = 40


def fit(rows: Rows, kind: str) -> Floats:
    """Fitted logarithms of the constants, starting cold from their priors. (k,)

    Notes
    -----
    Maximum a posteriori with a pseudo-Huber loss on log(predicted / measured) and normal priors on
    the logarithms of the constants. Few constants, each with a meaning and a prior from elsewhere:
    a prior that data do not speak to stays.

    References
    ----------
    Gelman et al., "Bayesian Data Analysis", 3rd ed., section 4.1; Huber, "Robust Estimation of a
    Location Parameter", 1964; Branch, Coleman and Li, 1999 (scipy's ``trf``).
    """
    keys = fitted_keys(rows)
    centre, sd = priors(keys)
    scale = RESIDUAL_SD[kind]
    names, counts = np.unique(rows.source, return_counts=True)
    of_source = dict(zip(names, counts, strict=True))
    weight = np.array([(ROWS_OF_A_SOURCE / of_source[source]) ** 0.25 for source in rows.source])

    def residuals(logarithms: Floats) -> Floats:
        predicted = rows.predict(with_fitted(keys, logarithms))
        r = np.log(predicted / rows.measured) / scale
        robust = np.sign(r) * np.sqrt(2.0 * (np.sqrt(1.0 + r * r) - 1.0))
        return np.concatenate([weight * robust, (logarithms - centre) / sd])

    return np.asarray(least_squares(residuals, centre, max_nfev=EVALUATIONS).x)


def left_out(rows: Rows, kind: str, key: str) -> Floats:
    """Predictions of every row by a fit on grade A rows without its group, source or chip. (n,)

    Parameters
    ----------
    key : ``group``, ``source`` or ``chip``.
    """
    names = getattr(rows, key)
    keys = fitted_keys(rows)
    fitted: Mask = rows.grade == "A"
    predicted = np.empty(len(rows))
    everything: Floats | None = None
    for name in np.unique(names):
        out = names == name
        if np.any(out & fitted):
            logarithms = fit(rows.take(fitted & ~out), kind)
        else:
            # No row of it was fitted at all.
            everything = fit(rows.take(fitted), kind) if everything is None else everything
            logarithms = everything
        predicted[out] = rows.take(out).predict(with_fitted(keys, logarithms))
    return predicted
