"""Scales, ticks and label placement of the charts: pure geometry, no markup."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from a data range to pixels.

    Examples
    --------
    >>> Scale(0, 10, 100, 200)(5)
    150.0
    >>> Scale(0, 10, 200, 100)(10)
    100.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        fraction = (value - self.low) / (self.high - self.low)
        return round(self.start + fraction * (self.end - self.start), 1)


SMALLEST_SPAN = 1e-290
"""Spans below it count as none: their parts would be too small for a float."""


def nice_step(span: float, count: int) -> float:
    """A step of 1, 2, 2.5 or 5 times a power of ten that cuts the span into about `count` parts.

    Examples
    --------
    >>> nice_step(100, 5), nice_step(0.7, 4), nice_step(90_000, 4)
    (20.0, 0.2, 25000.0)
    """
    if not span > SMALLEST_SPAN or not math.isfinite(span):
        return 1.0
    raw = span / max(count, 1)
    power = math.floor(math.log10(raw))
    unit = 10.0**power
    for factor in (1, 2, 2.5, 5, 10):
        if factor * unit >= raw * (1 - 1e-9):
            return factor * unit
    return 10 * unit


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values from at or below `low` to at or above `high`.

    Examples
    --------
    >>> nice_ticks(0, 93, 5)
    [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    >>> nice_ticks(-2.4, 3.1, 4)
    [-4.0, -2.0, 0.0, 2.0, 4.0]
    >>> nice_ticks(5, 5, 4)
    [4.0, 4.5, 5.0, 5.5, 6.0]
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return [0.0, 1.0]
    if high - low <= SMALLEST_SPAN:
        margin = abs(low) * 0.1 or 1.0
        low, high = low - max(margin, 1.0), high + max(margin, 1.0)
    step = nice_step(high - low, count)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    decimals = max(0, 2 - math.floor(math.log10(step)))
    return [round(i * step, decimals) + 0.0 for i in range(first, last + 1)]


def ticks_with_room(
    low: float, high: float, room: float, write: Callable[[float], str], size: float
) -> list[float]:
    """As many round values as their labels have room for, two at least.

    Parameters
    ----------
    room : along the axis; size : of the text. [px]

    Examples
    --------
    >>> ticks_with_room(0, 100, 300, "{:g}".format, 10), ticks_with_room(0, 100, 60, str, 10)
    ([0.0, 20.0, 40.0, 60.0, 80.0, 100.0], [0.0, 100.0])
    """
    ticks: list[float] = []
    for count in (7, 6, 5, 4, 3, 2, 1):
        ticks = nice_ticks(low, high, count)
        widest = max(text_width(write(tick), size) for tick in ticks)
        if room / (len(ticks) - 1) >= 1.1 * widest + size:
            break
    return ticks


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions as near to the wanted ones as possible, at least `gap` apart, within the limits.

    Notes
    -----
    Labels that overlap are merged into blocks that sit around the mean of what they wanted (pool
    adjacent violators). Where there is no room for all, the gap shrinks.

    Examples
    --------
    >>> spread([10.0, 12.0, 40.0], 10, 0, 100)
    [6.0, 16.0, 40.0]
    >>> spread([98.0, 99.0], 10.0, 0.0, 100.0)
    [90.0, 100.0]
    """
    count = len(wanted)
    if count == 0:
        return []
    if count > 1:
        gap = min(gap, (high - low) / (count - 1))
    order = sorted(range(count), key=lambda i: wanted[i])
    # Without the gaps the task is to find non-decreasing values nearest to the targets.
    targets = [wanted[i] - rank * gap for rank, i in enumerate(order)]
    blocks: list[tuple[float, int]] = []
    for target in targets:
        blocks.append((target, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (mean_b, n_b), (mean_a, n_a) = blocks.pop(), blocks.pop()
            blocks.append(((mean_a * n_a + mean_b * n_b) / (n_a + n_b), n_a + n_b))
    flat = [mean for mean, size in blocks for _ in range(size)]
    limit = high - (count - 1) * gap
    placed = [0.0] * count
    for rank, i in enumerate(order):
        placed[i] = round(0.0 + min(max(flat[rank], low), limit) + rank * gap, 1)
    return placed


def path(xs: Sequence[float], ys: Sequence[float]) -> str:
    """The ``d`` of a line through the points.

    Examples
    --------
    >>> path([0, 1.5], [2, 3])
    'M0 2L1.5 3'
    """
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in zip(xs, ys, strict=True))


def area(xs: Sequence[float], lower: Sequence[float], upper: Sequence[float]) -> str:
    """The ``d`` of the region between two lines.

    Examples
    --------
    >>> area([0, 1], [2, 2], [0, 0])
    'M0 0L1 0L1 2L0 2Z'
    """
    xs = list(xs)
    return path(xs + xs[::-1], [*upper, *list(lower)[::-1]]) + "Z"


def text_width(text: str, size: float) -> float:
    """Width that a text may take in a system sans-serif font; on the safe side. [px]

    Examples
    --------
    >>> round(text_width("LoRA", 10))
    24
    """
    wide = sum(1 for letter in text if letter in "mwMW@%$QLORA")
    return size * (0.56 * len(text) + 0.04 * wide)
