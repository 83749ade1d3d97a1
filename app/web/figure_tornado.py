"""The chart of what the net present value hangs on: one uncertain figure at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from app.web.charts import Scale, text_width, ticks_with_room
from app.web.figures import SMALL, Frame, Tick, Write

_ROW_WIDE, _ROW_NARROW = 40.0, 58.0
_BAR = 16.0
_TOP = 30.0


@dataclass(frozen=True, slots=True)
class Swing:
    """One figure: its name, its P10 and P90 in words, and the worth at each in the currency."""

    label: str
    low_text: str
    high_text: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One row; the end of the P10 is hollow and that of the P90 solid.

    Parameters
    ----------
    left, right : ends of the bar; low_x, high_x : which of them is which.
    low_text_x, high_text_x : of the words, on the outer side of each end.
    """

    label: str
    label_x: float
    label_y: float
    y: float
    left: float
    right: float
    low_x: float
    high_x: float
    low_text: str
    low_text_x: float
    low_anchor: str
    high_text: str
    high_text_x: float
    high_anchor: str


@dataclass(frozen=True, slots=True)
class TornadoDrawing:
    """Net present value to the right; the widest bar is on top."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    x_title: str
    zero_x: float
    bar_height: float
    middle_x: float
    middle_text: str
    middle_anchor: str
    bars: tuple[Bar, ...]


def drawing(
    swings: Sequence[Swing],
    middle: float,
    title: str,
    width: int,
    write: Write,
    *,
    beside: bool,
) -> TornadoDrawing:
    """The bars around what is expected.

    Parameters
    ----------
    middle : the expected worth, in the shown currency.
    beside : names stand beside the bars, else above them.
    """
    values = [value for swing in swings for value in (swing.low, swing.high)]
    words = [text_width(text, SMALL) for s in swings for text in (s.low_text, s.high_text)]
    margin = max(words) + 14
    names = max(text_width(swing.label, 14.5) for swing in swings) + 10 if beside else 0.0
    left, right = names + margin, width - margin
    low, high = min(*values, middle, 0.0), max(*values, middle, 0.0)
    ticks = ticks_with_room(low, high, right - left, partial(write, trim=True), SMALL)
    labels = [write(tick, trim=True) for tick in ticks]
    x = Scale(ticks[0], ticks[-1], round(left, 1), round(right, 1))
    row = _ROW_WIDE if beside else _ROW_NARROW
    bars = tuple(
        _bar(swing, x, _TOP + i * row + (row / 2 if beside else 40.0), beside=beside)
        for i, swing in enumerate(swings)
    )
    bottom = _TOP + len(swings) * row
    at = x(middle)
    return TornadoDrawing(
        frame=Frame(width, round(bottom + 48), x.start, x.end, _TOP, bottom),
        x_ticks=tuple(Tick(x(v), text) for v, text in zip(ticks, labels, strict=True)),
        x_title=title,
        zero_x=x(0.0),
        bar_height=_BAR,
        middle_x=at,
        middle_text=f"Expected: {write(middle)}",
        middle_anchor="start" if at < width / 2 else "end",
        bars=bars,
    )


def _bar(swing: Swing, x: Scale, y: float, *, beside: bool) -> Bar:
    low_x, high_x = x(swing.low), x(swing.high)
    low_is_left = low_x <= high_x

    def place(at: float, *, left: bool) -> tuple[float, str]:
        return (round(at - 9, 1), "end") if left else (round(at + 9, 1), "start")

    low_text_x, low_anchor = place(low_x, left=low_is_left)
    high_text_x, high_anchor = place(high_x, left=not low_is_left)
    return Bar(
        label=swing.label,
        label_x=0.0,
        label_y=y + 4.5 if beside else y - 17,
        y=y,
        left=min(low_x, high_x),
        right=max(low_x, high_x),
        low_x=low_x,
        high_x=high_x,
        low_text=swing.low_text,
        low_text_x=low_text_x,
        low_anchor=low_anchor,
        high_text=swing.high_text,
        high_text_x=high_text_x,
        high_anchor=high_anchor,
    )
