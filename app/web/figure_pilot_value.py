"""The chart of what knowing more is worth: pilots by size, below what knowing all is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from app.web.charts import Scale, text_width, ticks_with_room
from app.web.figures import SMALL, Frame, Tick, Write

PILOT, BOUND = "pilot", "bound"
_ROW_WIDE, _ROW_NARROW = 30.0, 46.0
_TOP = 8.0


@dataclass(frozen=True, slots=True)
class Worth:
    """One way to know more, and what it is worth in the shown currency.

    Parameters
    ----------
    kind : pilot, or bound for what is known exactly, which no pilot reaches.
    text : in a column at the right; strong : the pilot that the verdict speaks of.
    """

    kind: str
    label: str
    value: float
    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """One row; a bound is hollow."""

    kind: str
    strong: bool
    label: str
    label_x: float
    label_y: float
    y: float
    width: float
    text: str
    text_x: float
    text_y: float


@dataclass(frozen=True, slots=True)
class PilotValueDrawing:
    """Worth to the right; the line marks what knowing all is worth."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    x_title: str
    bar_height: float
    bars: tuple[Bar, ...]
    most_x: float


def drawing(
    worths: Sequence[Worth],
    most_worth: float,
    title: str,
    width: int,
    write: Write,
    *,
    beside: bool,
) -> PilotValueDrawing:
    """The bars, in the order given.

    Parameters
    ----------
    most_worth : of knowing all, in the shown currency.
    beside : names stand beside the bars, else above them.
    """
    names = max(text_width(worth.label, 14.5) for worth in worths) + 12 if beside else 2.0
    room = 1.1 * max(text_width(worth.text, SMALL) for worth in worths) + 16
    high = max(most_worth, *(worth.value for worth in worths))
    ticks = ticks_with_room(0.0, high, width - room - names, partial(write, trim=True), SMALL)
    x = Scale(0.0, ticks[-1], round(names, 1), round(width - room, 1))
    row = _ROW_WIDE if beside else _ROW_NARROW
    height = 16.0
    bars = []
    for i, worth in enumerate(worths):
        y = _TOP + i * row + ((row - height) / 2 if beside else 22.0)
        end = x(worth.value)
        bars.append(
            Bar(
                worth.kind,
                worth.strong,
                worth.label,
                round(names - 10, 1) if beside else 0.0,
                y + 12.5 if beside else y - 6,
                y,
                round(end - x.start, 1),
                worth.text,
                x.end + 12,
                y + 12.5,
            )
        )
    bottom = _TOP + len(worths) * row
    return PilotValueDrawing(
        frame=Frame(width, round(bottom + 48), x.start, x.end, _TOP, bottom),
        x_ticks=tuple(Tick(x(v), write(v, trim=True)) for v in ticks),
        x_title=title,
        bar_height=height,
        bars=tuple(bars),
        most_x=x(most_worth),
    )
