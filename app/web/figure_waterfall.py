"""The chart of what each change moved: a waterfall, its rows from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.web.charts import Scale, nice_ticks, text_width
from app.web.figures import SMALL, Frame, Tick

_LABEL_SIZE = 13.0
_LINE = 16.0
_BAR = 18.0
_NEAR_ZERO = 0.4
"""Zero is on the axis where the values span at least this share of the largest: further away, it
would press every change into a hair."""


@dataclass(frozen=True, slots=True)
class Level:
    """One row to be drawn.

    Parameters
    ----------
    method : whose value it is, for the marker of an end; empty for a change.
    before, after : in the currency shown; the same for an end.
    text : the amount beside it.
    """

    label: str
    method: str
    before: float
    after: float
    text: str


@dataclass(frozen=True, slots=True)
class WaterfallRow:
    """One row as it is drawn.

    Parameters
    ----------
    kind : end, gain or loss.
    link : from this level down to the next row, as the ``d`` of a line; empty for the last.
    """

    kind: str
    method: str
    label_lines: tuple[Tick, ...]
    label_x: float
    x: float
    width: float
    y: float
    height: float
    text: str
    text_x: float
    text_y: float
    link: str


@dataclass(frozen=True, slots=True)
class WaterfallDrawing:
    """Amounts to the right; each bar begins where the one above it ended."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    x_title: str
    zero_x: float | None
    rows: tuple[WaterfallRow, ...]


def wrapped(text: str, width: float, lines: int) -> tuple[str, ...]:
    """A label in at most so many lines of that width; what is too long ends with an ellipsis.

    Examples
    --------
    >>> wrapped("Cost of an engineer-week", 110, 2)
    ('Cost of an', 'engineer-week')
    >>> wrapped("Cost of an engineer-week", 90, 1), wrapped("LoRA", 90, 2)
    (('Cost of an…',), ('LoRA',))
    """
    found = [""]
    words = text.split()
    for place, word in enumerate(words):
        longer = f"{found[-1]} {word}".strip()
        if not found[-1] or text_width(longer, _LABEL_SIZE) <= width:
            found[-1] = longer
        elif len(found) < lines:
            found.append(word)
        else:
            found[-1] = f"{found[-1]}…"
            break
        if place == len(words) - 1:
            break
    return tuple(_cut(line, width) for line in found)


def _cut(line: str, width: float) -> str:
    """One word may be longer than a line."""
    if text_width(line, _LABEL_SIZE) <= width:
        return line
    while line and text_width(f"{line}…", _LABEL_SIZE) > width:
        line = line[:-1]
    return f"{line.rstrip('… ')}…"


def waterfall(
    levels: Sequence[Level], tick_labels: Sequence[tuple[float, str]], x_title: str, *, narrow: bool
) -> WaterfallDrawing:
    """The drawing, with labels beside the bars or, where there is little room, above them.

    Parameters
    ----------
    levels : the first end, the changes, the second end.
    tick_labels : of `ticks`, with their words.
    """
    width = 400 if narrow else 760
    amounts = math.ceil(max(text_width(level.text, SMALL) for level in levels)) + 20.0
    left = 12.0 if narrow else 268.0
    right = width - amounts
    row = (2 if narrow else 1) * 20.0 + (16.0 if narrow else 20.0)
    label_width = width - 16.0 if narrow else left - 24.0
    top = 8.0
    bottom = top + row * len(levels)
    frame = Frame(width, math.ceil(bottom + 44), left, right, top, bottom)
    low, high = tick_labels[0][0], tick_labels[-1][0]
    x = Scale(low, high, left, right)
    rows = []
    for place, level in enumerate(levels):
        y = top + place * row
        bar_y = y + (24.0 if narrow else (row - _BAR) / 2)
        middle = bar_y + _BAR / 2
        texts = wrapped(level.label, label_width, 1 if narrow else 2)
        first = y + 15.0 if narrow else middle + 4.5 - (len(texts) - 1) * _LINE / 2
        from_x, to_x = x(level.before), x(level.after)
        kind = "end" if level.method else ("gain" if level.after >= level.before else "loss")
        ends_at = max(from_x, to_x) + (14.0 if level.method else 8.0)
        link = ""
        if place < len(levels) - 1:
            next_y = bar_y + row
            start_y = middle + 8 if level.method else bar_y + _BAR
            if place == len(levels) - 2:
                next_y += _BAR / 2 - 8
            link = f"M{to_x:g} {start_y:g}V{next_y:g}"
        rows.append(
            WaterfallRow(
                kind=kind,
                method=level.method,
                label_lines=tuple(Tick(first + i * _LINE, t) for i, t in enumerate(texts)),
                label_x=left if narrow else 0.0,
                x=min(from_x, to_x),
                width=round(max(abs(to_x - from_x), 1.5), 1),
                y=bar_y,
                height=_BAR,
                text=level.text,
                text_x=round(ends_at, 1),
                text_y=middle + 4.5,
                link=link,
            )
        )
    # Amounts of an axis are wide: those that would touch their neighbour are left out.
    kept: list[Tick] = []
    for value, label in tick_labels:
        at = x(value)
        half = text_width(label, SMALL) / 2
        taken = kept[-1].at + text_width(kept[-1].label, SMALL) / 2 + 8 if kept else -math.inf
        if at - half >= max(taken, 0.0) and at + half <= width:
            kept.append(Tick(at, label))
    return WaterfallDrawing(
        frame=frame,
        x_ticks=tuple(kept),
        x_title=x_title,
        zero_x=x(0) if low <= 0 <= high else None,
        rows=tuple(rows),
    )


def ticks(levels: Sequence[Level], count: int) -> list[float]:
    """Round values around all levels, from zero where it is near."""
    values = [value for level in levels for value in (level.before, level.after)]
    low, high = min(values), max(values)
    if high - low >= _NEAR_ZERO * max(abs(low), abs(high)):
        low, high = min(low, 0.0), max(high, 0.0)
    return nice_ticks(low, high, count)
