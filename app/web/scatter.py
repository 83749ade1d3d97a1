"""Predicted against measured on two logarithmic scales: what is drawn where, and what it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.estimator.measured import MEMORY_METRICS, SPEED_METRIC
from app.inputs import METHOD_LABELS
from app.services.validation import ValidationRow
from app.web import show_numbers, show_words
from app.web.charts import text_width
from app.web.figures import Frame, Tick

NEAR = 0.2
"""The shaded band: predictions within this share of what was measured."""
METHODS = ("full", "lora", "qlora", "dora")
_LABELS = {**METHOD_LABELS, "dora": "DoRA"}
_SMALL = 12.5
_DECADES = ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))
"""Ticks within a decade, from fine to coarse."""


@dataclass(frozen=True, slots=True)
class LogScale:
    """A map from a data range to pixels, even in the logarithm.

    Examples
    --------
    >>> LogScale(1, 100, 0, 200)(10)
    100.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        fraction = math.log(value / self.low) / math.log(self.high / self.low)
        return round(self.start + fraction * (self.end - self.start), 1)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The points of one method as one path."""

    method: str
    label: str
    d: str
    count: int


@dataclass(frozen=True, slots=True)
class ScatterDrawing:
    """Measured to the right, predicted upwards; on the diagonal both are equal."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    diagonal: str
    band: str
    clouds: tuple[Cloud, ...]
    x_title: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """A chart in two shapes (wide, and narrow for phones), with its words."""

    key: str
    title: str
    conclusion: str
    caption: str
    y_title: str
    wide: ScatterDrawing
    narrow: ScatterDrawing


def scatters(rows: Sequence[ValidationRow], key: str) -> tuple[Scatter, ...]:
    """Up to two charts: memory, and tokens/s; one without a predicted row is left out.

    Parameters
    ----------
    key : begins the ids of the charts on their page.
    """
    kinds = (
        ("memory", "Memory of one GPU", "GiB", MEMORY_METRICS),
        ("speed", "Tokens per second and GPU", "tokens/s", (SPEED_METRIC,)),
    )
    made = (
        _scatter([row for row in rows if row.metric in metrics], f"{key}-{kind}", title, unit)
        for kind, title, unit, metrics in kinds
    )
    return tuple(scatter for scatter in made if scatter is not None)


def _scatter(rows: Sequence[ValidationRow], key: str, title: str, unit: str) -> Scatter | None:
    points = [
        (row.method, row.measured, row.predicted) for row in rows if row.predicted is not None
    ]
    if not points:
        return None
    near = sum(abs(predicted / measured - 1) <= NEAR for _, measured, predicted in points)
    held = sum(
        row.low <= row.measured <= row.high
        for row in rows
        if row.low is not None and row.high is not None
    )
    too_much = sum(predicted > measured for _, measured, predicted in points)
    left_out = len(rows) - len(points)
    conclusion = (
        f"{near} of {show_words.plural(len(points), 'prediction')} "
        f"{'lies' if near == 1 else 'lie'} within {NEAR:.0%} of what was measured; {too_much} "
        f"{'is' if too_much == 1 else 'are'} too high and {len(points) - too_much} too low. {held} "
        f"of the 80% ranges {'holds' if held == 1 else 'hold'} the measured value."
    )
    if left_out:
        conclusion += f" {show_words.plural(left_out, 'row')} could not be predicted and "
        conclusion += f"{'is' if left_out == 1 else 'are'} not drawn."
    return Scatter(
        key=key,
        title=f"{title}: predicted against measured",
        conclusion=conclusion,
        caption=f"{conclusion} On the line both are equal; in the band they differ by up to "
        f"{NEAR:.0%}. Both scales are logarithmic.",
        y_title=f"Predicted, {unit}",
        wide=_drawing(points, unit, 760, 460),
        narrow=_drawing(points, unit, 400, 400),
    )


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from at or below `low` to at or above `high`, both greater than 0.

    Examples
    --------
    >>> log_ticks(3, 70, 8)
    [2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
    >>> log_ticks(0.4, 90_000, 5)
    [0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0]
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks: list[float] = []
    for within in _DECADES:
        every = [
            float(f"{factor}e{power}") for power in range(first - 1, last + 2) for factor in within
        ]
        start = max(at for at, tick in enumerate(every) if tick <= low * (1 + 1e-9))
        end = min(at for at, tick in enumerate(every) if tick >= high * (1 - 1e-9))
        ticks = every[start : max(end, start + 1) + 1]
        if len(ticks) <= most:
            break
    return ticks


def _drawing(
    points: Sequence[tuple[str, float, float]], unit: str, width: int, height: int
) -> ScatterDrawing:
    values = [value for _, measured, predicted in points for value in (measured, predicted)]
    ticks = log_ticks(min(values), max(values), 9 if width > 500 else 6)
    labels = [_written(tick) for tick in ticks]
    left = max(text_width(label, _SMALL) for label in labels) + 16
    right = width - text_width(labels[-1], _SMALL) / 2 - 4
    top, bottom = 8.0, height - 48.0
    x = LogScale(ticks[0], ticks[-1], left, right)
    y = LogScale(ticks[0], ticks[-1], bottom, top)
    clouds = []
    for method in dict.fromkeys((*METHODS, *(name for name, _, _ in points))):
        marks = [mark(method, x(m), y(p)) for name, m, p in points if name == method]
        if marks:
            clouds.append(Cloud(method, _LABELS.get(method, method), "".join(marks), len(marks)))
    return ScatterDrawing(
        frame=Frame(width, height, left, right, top, bottom),
        x_ticks=tuple(Tick(x(v), text) for v, text in zip(ticks, labels, strict=True)),
        y_ticks=tuple(Tick(y(v), text) for v, text in zip(ticks, labels, strict=True)),
        diagonal=f"M{left:g} {bottom:g}L{right:g} {top:g}",
        band=_band(x, y),
        clouds=tuple(clouds),
        x_title=f"Measured, {unit}",
    )


def _band(x: LogScale, y: LogScale) -> str:
    """The region in which predictions are within `NEAR` of what was measured."""
    low, high = x.low, x.high
    corners = [
        (low, low * (1 - NEAR)),
        (low, low),
        (low, low * (1 + NEAR)),
        (high / (1 + NEAR), high),
        (high, high),
        (high, high * (1 - NEAR)),
        (low / (1 - NEAR), low),
    ]
    drawn = [(m, p) for m, p in corners if low <= m <= high and low <= p <= high]
    return "M" + "L".join(f"{x(m):g} {y(p):g}" for m, p in drawn) + "Z"


def mark(method: str, x: float, y: float) -> str:
    """The outline of a point: a square for full, a diamond for QLoRA, a circle for the others.

    Examples
    --------
    >>> mark("full", 10, 20)
    'M7 17h6v6h-6z'
    """
    if method == "full":
        return f"M{x - 3:g} {y - 3:g}h6v6h-6z"
    if method == "qlora":
        return f"M{x:g} {y - 4.5:g}l4.5 4.5l-4.5 4.5l-4.5-4.5z"
    return f"M{x - 3.5:g} {y:g}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z"


def _written(tick: float) -> str:
    return show_numbers.significant(tick)
