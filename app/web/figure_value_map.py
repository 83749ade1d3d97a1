"""The map of which choice is worth most, by what a point is worth and by how many answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.estimator.report_risk import ValueMap
from app.web import show_numbers
from app.web.charts import spread, text_width
from app.web.figure_learning_curve import example_ticks
from app.web.figures import SMALL, Frame, Tick, Write
from app.web.scatter import LogScale

FULL, ADAPTER, NEITHER = "full", "adapter", "neither"
_FEW = 3
"""Cells below which a region is named in the words alone."""


@dataclass(frozen=True, slots=True)
class Region:
    """All cells of one choice.

    Parameters
    ----------
    d : outline of its cells.
    label : at (label_x, label_y); empty where there are too few cells for it.
    """

    kind: str
    d: str
    label: str
    label_x: float
    label_y: float
    cells: int


@dataclass(frozen=True, slots=True)
class MapDrawing:
    """Worth of a point to the right, answers a month upwards, both on a log scale."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    y_title: str
    zero_y: float
    """of the lower edge, where the axis is drawn"""
    regions: tuple[Region, ...]
    break_even: str
    now_x: float
    now_y: float
    now_text: str
    now_text_x: float
    now_anchor: str


def kinds_of(found: ValueMap) -> list[list[str]]:
    """The choice of every cell, adapters as one. (rows, columns)"""
    return [
        [choice if choice in {FULL, NEITHER} else ADAPTER for choice in row] for row in found.best
    ]


def edges(centres: Sequence[float]) -> list[float]:
    """Edges of cells around their centres, even in the logarithm. (n + 1,)

    Examples
    --------
    >>> [round(edge, 9) for edge in edges([1.0, 4.0, 16.0])]
    [0.5, 2.0, 8.0, 32.0]
    """
    inner = [math.sqrt(a * b) for a, b in pairwise(centres)]
    return [centres[0] ** 2 / inner[0], *inner, centres[-1] ** 2 / inner[-1]]


def stretches(
    kinds: Sequence[str], at: Sequence[float], leads: Sequence[float]
) -> list[tuple[str, float]]:
    """Choices along a line, each with where it begins; the first begins at the first place.

    Parameters
    ----------
    kinds, at, leads : choice, place and lead of full over the adapter of each cell. (n,)

    Notes
    -----
    Full and the adapter change places where the lead is 0, found between the cells with the lead as
    a line in the logarithm of the place; another change lies in their middle.

    Examples
    --------
    >>> stretches(["neither", "neither", "full"], [1.0, 4.0, 16.0], [-1.0, 1.0, 3.0])
    [('neither', 1.0), ('full', 8.0)]
    """
    found = [(kinds[0], at[0])]
    for i in range(1, len(kinds)):
        if kinds[i] == kinds[i - 1]:
            continue
        part = 0.5
        if {kinds[i], kinds[i - 1]} == {FULL, ADAPTER} and leads[i] * leads[i - 1] < 0:
            part = leads[i - 1] / (leads[i - 1] - leads[i])
        found.append((kinds[i], at[i - 1] * (at[i] / at[i - 1]) ** part))
    return found


def border(
    leads: Sequence[Sequence[float]],
    kinds: Sequence[Sequence[str]],
    xs: Sequence[float],
    ys: Sequence[float],
) -> str:
    """The ``d`` of the edges between cells in which full leads and cells in which it does not.

    Parameters
    ----------
    kinds : choice of each cell; between two in which nothing pays, who leads does not matter.
    xs, ys : edges of the cells, in pixels. (columns + 1,), (rows + 1,)

    Examples
    --------
    >>> border([[-1.0, 1.0]], [["neither", "full"]], [0, 10, 20], [30, 20])
    'M10 30L10 20'
    """
    ahead = [[lead > 0 for lead in row] for row in leads]

    def parted(a: tuple[int, int], b: tuple[int, int]) -> bool:
        if kinds[a[0]][a[1]] == kinds[b[0]][b[1]] == NEITHER:
            return False
        return ahead[a[0]][a[1]] != ahead[b[0]][b[1]]

    parts = []
    for r, row in enumerate(ahead):
        for c in range(len(row)):
            if c + 1 < len(row) and parted((r, c), (r, c + 1)):
                parts.append(f"M{xs[c + 1]:g} {ys[r]:g}L{xs[c + 1]:g} {ys[r + 1]:g}")
            if r + 1 < len(ahead) and parted((r, c), (r + 1, c)):
                parts.append(f"M{xs[c]:g} {ys[r + 1]:g}L{xs[c + 1]:g} {ys[r + 1]:g}")
    return "".join(parts)


def drawing(
    found: ValueMap,
    per_usd: float,
    names: Mapping[str, str],
    titles: tuple[str, str],
    size: tuple[int, int],
    most: int,
    write: Write,
    *,
    compared: bool,
) -> MapDrawing:
    """The map.

    Parameters
    ----------
    per_usd : of the shown currency; names : of the kinds of choice, on the map.
    titles : of the axis to the right and of the one upwards.
    compared : whether full stands against an adapter, so that there is a break-even to draw.
    """
    width, height = size
    worths = [value * per_usd for value in found.value_per_point_usd]
    x_edges, y_edges = edges(worths), edges(found.answers_per_month)
    y_values = example_ticks(y_edges[0], y_edges[-1], 6)
    y_labels = [show_numbers.count_short(value) for value in y_values]
    left = math.ceil(max(text_width(text, SMALL) for text in y_labels)) + 16.0
    frame = Frame(width, height, left, width - 12.0, 8.0, height - 54.0)
    x = LogScale(x_edges[0], x_edges[-1], frame.left, frame.right)
    y = LogScale(y_edges[0], y_edges[-1], frame.bottom, frame.top)
    kinds = kinds_of(found)
    xs, ys = [x(edge) for edge in x_edges], [y(edge) for edge in y_edges]
    x_values = example_ticks(x_edges[0], x_edges[-1], most)
    now_x, now_y = x(found.now_value_per_point_usd * per_usd), y(found.now_answers_per_month)
    late = now_x > (frame.left + frame.right) / 2
    return MapDrawing(
        frame=frame,
        x_ticks=tuple(Tick(x(value), write(value, trim=True)) for value in x_values),
        y_ticks=tuple(Tick(y(v), text) for v, text in zip(y_values, y_labels, strict=True)),
        x_title=titles[0],
        y_title=titles[1],
        zero_y=frame.bottom,
        regions=_regions(kinds, xs, ys, names, frame, now_y),
        break_even=border(found.lead_usd, kinds, xs, ys) if compared else "",
        now_x=now_x,
        now_y=now_y,
        now_text="This scenario",
        now_text_x=round(now_x + (-12 if late else 12), 1),
        now_anchor="end" if late else "start",
    )


def _regions(
    kinds: Sequence[Sequence[str]],
    xs: Sequence[float],
    ys: Sequence[float],
    names: Mapping[str, str],
    frame: Frame,
    taken_y: float,
) -> tuple[Region, ...]:
    """Regions with their names where they are: at the cell nearest to the middle of each.

    Parameters
    ----------
    taken_y : height at which the scenario is written; names keep off it.
    """
    made = []
    for kind in (NEITHER, ADAPTER, FULL):
        cells = [(r, c) for r, row in enumerate(kinds) for c, at in enumerate(row) if at == kind]
        if not cells:
            continue
        d = "".join(
            f"M{xs[c]:g} {ys[r]:g}H{xs[c + 1]:g}V{ys[r + 1]:g}H{xs[c]:g}z" for r, c in cells
        )
        middle = (sum(r for r, _ in cells) / len(cells), sum(c for _, c in cells) / len(cells))
        free = [(r, c) for r, c in cells if abs((ys[r] + ys[r + 1]) / 2 - taken_y) > 22] or cells
        r, c = min(free, key=lambda cell: math.dist(cell, middle))
        label = names[kind] if len(cells) >= _FEW else ""
        half = text_width(label, 13) / 2
        label_x = min(max((xs[c] + xs[c + 1]) / 2, frame.left + half + 4), frame.right - half - 4)
        made.append((kind, d, label, label_x, (ys[r] + ys[r + 1]) / 2 + 4.5, len(cells)))
    label_ys = spread([entry[4] for entry in made], 18, frame.top + 14, frame.bottom - 8)
    return tuple(
        Region(kind, d, label, round(label_x, 1), label_y, count)
        for (kind, d, label, label_x, _, count), label_y in zip(made, label_ys, strict=True)
    )
