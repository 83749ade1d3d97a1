"""The chart of head-to-heads: score of full fine-tuning to the right, of the adapter upwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.estimator.evidence import HeadToHead
from app.web import show_numbers, show_words
from app.web.charts import Scale, nice_ticks, text_width
from app.web.evidence_numbers import gap, weighed
from app.web.evidence_query import has_foreign_base
from app.web.evidence_words import GROUPS, points_span
from app.web.figures import SMALL, DataTable, Frame, Tick

NEAR_POINTS = 2.0
"""Scores that differ by less are called equal: about the noise of a thousand questions."""
FAR_POINTS = 10.0
OTHER_TASK = "kept"
"""Series of rows on tasks that were not trained."""
SERIES = (*GROUPS, OTHER_TASK)


@dataclass(frozen=True, slots=True)
class Cloud:
    """Rows of one series as two paths: filled, and hollow where the base is of another harness."""

    key: str
    label: str
    filled: str
    hollow: str
    count: int


@dataclass(frozen=True, slots=True)
class ScatterDrawing:
    """On the diagonal both scores are equal."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    diagonal: str
    band: str
    clouds: tuple[Cloud, ...]
    x_title: str


@dataclass(frozen=True, slots=True)
class AdapterScatter:
    """A chart in two shapes (wide, and narrow for phones), with its words."""

    key: str
    title: str
    conclusion: str
    caption: str
    y_title: str
    wide: ScatterDrawing
    narrow: ScatterDrawing
    table: DataTable


def adapter_scatter(rows: Sequence[HeadToHead]) -> AdapterScatter | None:
    """One point a row; None without rows."""
    if not rows:
        return None
    conclusion = _conclusion([row for row in rows if not row.retention], rows)
    return AdapterScatter(
        key="adapter-scatter",
        title="Score of the adapter against score of full fine-tuning",
        conclusion=conclusion,
        caption=f"{conclusion} On the line both are equal; in the band they differ by less than "
        f"{NEAR_POINTS:g} points. Hollow marks: the base score, where one is stated, comes from "
        "another harness. Crosses: tasks that were not trained on.",
        y_title="Adapter, points",
        wide=_drawing(rows, 760, 500),
        narrow=_drawing(rows, 400, 400),
        table=DataTable(
            ("Kind of task", "Studies", "Rows", "Mean gap, points", "80% of the rows"),
            tuple(_table_row(name, found) for name, found in _series(rows) if found),
        ),
    )


def _series(rows: Sequence[HeadToHead]) -> list[tuple[str, list[HeadToHead]]]:
    return [(name, [row for row in rows if series_of(row) == name]) for name in SERIES]


def series_of(row: HeadToHead) -> str:
    """The series that a row is drawn in: its kind of task, or that it was not trained on."""
    return OTHER_TASK if row.retention else row.group


def _label(name: str) -> str:
    return "Task not trained on" if name == OTHER_TASK else GROUPS[name]


def _table_row(name: str, rows: Sequence[HeadToHead]) -> tuple[str, ...]:
    found = weighed(rows, gap)
    if found is None:
        return (_label(name), "0", "0", show_numbers.NONE, show_numbers.NONE)
    return (
        _label(name),
        f"{found.studies}",
        f"{found.rows}",
        show_numbers.points(found.mean),
        points_span(found.low, found.high),
    )


def _conclusion(trained: Sequence[HeadToHead], rows: Sequence[HeadToHead]) -> str:
    mean = weighed(trained or rows, gap)
    counted = trained or rows
    near = sum(abs(gap(row)) < NEAR_POINTS for row in counted)
    ahead = sum(gap(row) >= NEAR_POINTS for row in counted)
    behind = sum(gap(row) <= -NEAR_POINTS for row in counted)
    far = sum(gap(row) <= -FAR_POINTS for row in counted)
    where = "on the trained task" if trained else "on tasks that were not trained on"
    text = (
        f"In {near} of {show_words.plural(len(counted), 'row')} {where} the adapter is within "
        f"{NEAR_POINTS:g} points of full fine-tuning, in {ahead} further ahead and in {behind} "
        f"further behind, {far} of them by {FAR_POINTS:g} points or more."
    )
    if mean is not None:
        text += (
            " Every study weighing the same, the adapter is "
            f"{show_numbers.number(abs(mean.mean), 1)} points "
            f"{'ahead' if mean.mean >= 0 else 'behind'} on average."
        )
    return text


def _drawing(rows: Sequence[HeadToHead], width: int, height: int) -> ScatterDrawing:
    values = [score for row in rows for score in (row.full, row.adapter)]
    ticks = nice_ticks(min(values), max(values), 6 if width > 500 else 4)
    labels = [show_numbers.significant(tick) for tick in ticks]
    left = round(max(text_width(label, SMALL) for label in labels) + 16, 1)
    right = round(width - text_width(labels[-1], SMALL) / 2 - 4, 1)
    top, bottom = 8.0, height - 48.0
    x = Scale(ticks[0], ticks[-1], left, right)
    y = Scale(ticks[0], ticks[-1], bottom, top)
    clouds = []
    for name, found in _series(rows):
        if found:
            clouds.append(
                Cloud(
                    name,
                    _label(name),
                    _marks(name, [row for row in found if not has_foreign_base(row)], x, y),
                    _marks(name, [row for row in found if has_foreign_base(row)], x, y),
                    len(found),
                )
            )
    return ScatterDrawing(
        frame=Frame(width, height, left, right, top, bottom),
        x_ticks=tuple(Tick(x(v), text) for v, text in zip(ticks, labels, strict=True)),
        y_ticks=tuple(Tick(y(v), text) for v, text in zip(ticks, labels, strict=True)),
        diagonal=f"M{left:g} {bottom:g}L{right:g} {top:g}",
        band=_band(x, y),
        clouds=tuple(clouds),
        x_title="Full fine-tuning, points",
    )


def _band(x: Scale, y: Scale) -> str:
    """The region in which both scores are called equal."""
    low, high, near = x.low, x.high, NEAR_POINTS
    corners = [
        (low, low),
        (low, low + near),
        (high - near, high),
        (high, high),
        (high, high - near),
        (low + near, low),
    ]
    return "M" + "L".join(f"{x(full):g} {y(adapter):g}" for full, adapter in corners) + "Z"


def _marks(name: str, rows: Sequence[HeadToHead], x: Scale, y: Scale) -> str:
    """One path of all marks; the same place is drawn once."""
    places = dict.fromkeys((x(row.full), y(row.adapter)) for row in rows)
    return "".join(mark(name, *place) for place in places)


OUTLINES = {
    "narrow": "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z",
    "general": "m-3 -3h6v6h-6z",
    "skill": "m0 -4.5l4.5 4.5l-4.5 4.5l-4.5-4.5z",
    "far": "m0 -4.5l4.4 7.5h-8.8z",
    "continued": "m0 4.5l4.4-7.5h-8.8z",
    "rl": "m-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
    OTHER_TASK: "m-2.5 -2.5l5 5m0-5l-5 5",
}
"""Shapes around their middle: colour is never the only cue."""


def mark(name: str, x: float, y: float) -> str:
    """The outline of a point of a series.

    Examples
    --------
    >>> mark("general", 10, 20.5)
    'M10 20.5m-3 -3h6v6h-6z'
    """
    return f"M{x:g} {y:g}{OUTLINES[name]}"
