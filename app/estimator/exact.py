"""Amounts of money that add up exactly, in whatever order they are added.

Sums of floating-point numbers depend on their order in the last bits, so lines, months, quarters
and totals would differ by a hair. Amounts that are whole multiples of one power of two, far enough
above the last bit of their sum, add without any rounding.
"""

from __future__ import annotations

from math import frexp

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SPARE_BITS = 51
"""Of the 53 of a double: two are kept, so that a difference of two totals is exact too."""


FINEST = -1000
"""Exponent of the finest grid: amounts below it are nothing, and can be divided by it."""


def grid_of(size: float) -> float:
    """Power of two whose multiples add exactly as long as their magnitudes sum to `size` at most.

    Notes
    -----
    2^(e - 51) with size < 2^e: every partial sum is below 2^51 multiples, and a double holds all
    integers up to 2^53. What rounding to it changes is at most 2^-51 of `size`.

    Examples
    --------
    >>> grid_of(1.0) == 2.0**-50, grid_of(0.0)
    (True, 1.0)
    """
    if size == 0 or not np.isfinite(size):
        return 1.0
    return float(2.0 ** max(frexp(size)[1] - SPARE_BITS, FINEST))


def on_grid(amounts: ArrayLike, grid: float) -> Floats:
    """Amounts as the nearest multiples of a grid of `grid_of`, of any shape.

    Examples
    --------
    >>> a = on_grid([0.1, 0.2, 0.3], grid_of(0.6))
    >>> bool(a[0] + a[1] - a[2] == -a[2] + a[1] + a[0])
    True
    """
    return np.asarray(np.rint(np.asarray(amounts, dtype=np.float64) / grid) * grid + 0.0)
