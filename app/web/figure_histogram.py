"""The chart of what could come: how the simulated cases are spread, a row for each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from app.estimator.report_risk import Histogram
from app.web import show_numbers
from app.web.charts import Scale, spread, text_width, ticks_with_room
from app.web.figures import SMALL, Frame, Tick, Write

BREAK_FROM = 2.0
"""A bar that is so many times as tall as the next one is cut, and says what share it holds."""
BROKEN_AT = 1.3
"""How tall a bar that is cut stands, over the tallest other one."""
_TITLE, _BARS, _MARKS, _GAP = 26.0, 62.0, 34.0, 18.0


@dataclass(frozen=True, slots=True)
class Spread:
    """What one row of the chart shows, in the shown currency.

    Parameters
    ----------
    method : key of a method, or `difference`.
    low, middle, high : P10, P50 and P90, written beside their marks with `write`.
    """

    method: str
    label: str
    detail: str
    histogram: Histogram
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A quantile: where it is, and its words below."""

    x: float
    text_x: float
    text: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A bar that is taller than it is drawn."""

    x: float
    y: float
    width: float
    text: str
    text_x: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One row: its bars stand on `base_y`; marks of quantiles are below."""

    method: str
    label: str
    detail: str
    label_y: float
    base_y: float
    below: str
    above: str
    cut: Cut | None
    range_y: float
    text_y: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class HistogramDrawing:
    """Net present value to the right, one row above the other."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    x_title: str
    zero_x: float
    lanes: tuple[Lane, ...]


def heights(counts: Sequence[int], room: float) -> tuple[list[float], int | None]:
    """Height of each bar, and which one is cut because it would flatten all others. [px]

    Examples
    --------
    >>> heights([2, 4, 4], 40.0)
    ([20.0, 40.0, 40.0], None)
    >>> heights([100, 10, 5], 52.0)
    ([52.0, 40.0, 20.0], 0)
    """
    order = sorted(counts, reverse=True)
    tallest, second = order[0], order[1] if len(order) > 1 else 0
    cut = counts.index(tallest) if second and tallest > BREAK_FROM * second else None
    top = tallest if cut is None else BROKEN_AT * second
    return [round(room * min(count / max(top, 1), 1.0), 1) for count in counts], cut


def drawing(spreads: Sequence[Spread], title: str, width: int, write: Write) -> HistogramDrawing:
    """All rows on one axis.

    Parameters
    ----------
    write : an amount in words.
    """
    ends = [edge for row in spreads for edge in row.histogram.edges_usd]
    low, high = min(*ends, 0.0), max(*ends, 0.0)
    ticks = ticks_with_room(low, high, 0.88 * width, partial(write, trim=True), SMALL)
    labels = [write(tick, trim=True) for tick in ticks]
    edge = max(text_width(text, SMALL) for text in (labels[0], labels[-1])) / 2 + 2
    x = Scale(ticks[0], ticks[-1], round(edge, 1), round(width - edge, 1))
    height = _TITLE + _BARS + _MARKS + _GAP
    lanes = tuple(_lane(row, 4 + i * height, x, width, write) for i, row in enumerate(spreads))
    bottom = 4 + len(spreads) * height
    return HistogramDrawing(
        frame=Frame(width, round(bottom + 48), x.start, x.end, 4.0, bottom),
        x_ticks=tuple(Tick(x(v), text) for v, text in zip(ticks, labels, strict=True)),
        x_title=title,
        zero_x=x(0.0),
        lanes=lanes,
    )


def _lane(row: Spread, top: float, x: Scale, width: int, write: Write) -> Lane:
    base = top + _TITLE + _BARS
    tall, cut = heights(row.histogram.counts, _BARS)
    below: list[str] = []
    above: list[str] = []
    cut_at = None
    for i, ((low, high), height) in enumerate(
        zip(pairwise(row.histogram.edges_usd), tall, strict=True)
    ):
        left, right = x(low), x(high)
        # A bin of no width is still seen.
        wide = max(right - left, 1.5)
        if height:
            bar = f"M{left:g} {base:g}v-{height:g}h{wide:.4g}v{height:g}z"
            (below if (low + high) / 2 < 0 else above).append(bar)
        if i == cut:
            share = row.histogram.counts[i] / sum(row.histogram.counts)
            early = left < width * 0.7
            cut_at = Cut(
                left,
                round(base - _BARS + 12, 1),
                wide,
                f"{show_numbers.percent(share)} of cases",
                round(right + 6 if early else left - 6, 1),
                "start" if early else "end",
            )
    named = (("P10", row.low), ("P50", row.middle), ("P90", row.high))
    texts = [f"{name} {write(value)}" for name, value in named]
    wide_text = 1.1 * max(text_width(text, SMALL) for text in texts)
    at = spread([x(v) for _, v in named], wide_text + 8, wide_text / 2, width - wide_text / 2)
    return Lane(
        method=row.method,
        label=row.label,
        detail=row.detail,
        label_y=top + 13,
        base_y=base,
        below="".join(below),
        above="".join(above),
        cut=cut_at,
        range_y=base + 9,
        text_y=base + 28,
        marks=tuple(
            Mark(x(v), place, text) for (_, v), place, text in zip(named, at, texts, strict=True)
        ),
    )
