"""The chart of the expected score by the number of training examples, with what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.estimator.report import MethodReport, Report
from app.estimator.report_accuracy import CurveReport, PilotReport, PilotScoreReport
from app.web import show_numbers, show_words
from app.web.charts import Scale, area, nice_ticks, path, spread, text_width
from app.web.figures import SMALL, DataTable, Figure, Frame, Tick, name_of, name_within, tag

_P90_SD = 1.2816
"""Standard deviations from the mean to the end of an 80% range of a normal distribution."""
_LINE = 16.0
_BASE_ROOM = 34.0
"""Left of the first number of examples, where the base model's score stands. [px]"""


@dataclass(frozen=True, slots=True)
class Curve:
    """One method: its line, its 80% band and its name at the right end."""

    method: str
    label: str
    line: str
    band: str
    end_x: float
    end_y: float
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class Point:
    """A measured score; `low_y` and `high_y` are the ends of its 80% range."""

    method: str
    x: float
    y: float
    low_y: float
    high_y: float


@dataclass(frozen=True, slots=True)
class LearningCurveDrawing:
    """Training examples to the right on a log scale, score upwards."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    y_title: str
    zero_y: float
    """of the lower edge, where the axis is drawn"""
    curves: tuple[Curve, ...]
    points: tuple[Point, ...]
    planned_x: float
    planned_label: str
    planned_anchor: str


def learning_curve(report: Report) -> Figure[LearningCurveDrawing] | None:
    """Expected score of every method by data size; None without a pilot or curves."""
    methods = [m for m in report.methods if m.accuracy and m.accuracy.learning_curve]
    pilot, planned = report.pilot, report.data.examples
    if pilot is None or not methods:
        return None
    ends = [
        f"{name_within(m.method)} at {show_numbers.number(m.accuracy.final_points.mean, 1)} (80% "
        f"range {show_numbers.number(m.accuracy.final_points.p10, 1)} to "
        f"{show_numbers.number(m.accuracy.final_points.p90, 1)})"
        for m in methods
        if m.accuracy
    ]
    return Figure(
        key="learning-curve",
        title="What more training data is expected to bring",
        conclusion=f"With the planned {show_words.plural(planned, 'example')}, the studies and "
        f"your pilot expect {show_words.join_words(ends)}.",
        caption="Expected score by the number of training examples. Bands and error bars are 80% "
        "ranges, those of marks by the size of the test set alone. How a score grows with data is "
        "weakly known: its form comes from one published scaling law and one study of continued "
        "pretraining.",
        wide=_drawing(methods, pilot, planned, Frame(760, 360, 52, 630, 22, 306), 8),
        narrow=_drawing(methods, pilot, planned, Frame(400, 360, 46, 312, 22, 306), 3),
        legend=(),
        table=_table(methods, pilot),
    )


def _curve(m: MethodReport) -> CurveReport:
    assert m.accuracy is not None  # noqa: S101 - kept by the caller
    assert m.accuracy.learning_curve is not None  # noqa: S101
    return m.accuracy.learning_curve


def _range(score: PilotScoreReport) -> tuple[float, float]:
    """The 80% range of a measured score. [points]"""
    half = _P90_SD * score.sd_points
    return max(0.0, score.points - half), min(100.0, score.points + half)


def _table(methods: Sequence[MethodReport], pilot: PilotReport) -> DataTable:
    """Measured scores first, then the curves at every size."""
    keys = [m.method for m in methods]
    columns = ["Training examples", "Base model, measured"]
    for m in methods:
        columns += [name_of(m.method), f"{name_of(m.method)}, 80% range"]
    rows = []
    for score in pilot.scores:
        low, high = _range(score)
        between = f"{show_numbers.number(low, 1)} to {show_numbers.number(high, 1)}"
        at = "None" if score.method == "base" else f"{score.examples:,}"
        row = [f"{at}, measured on {show_words.plural(score.test_set_size, 'question')}"]
        base = f"{show_numbers.number(score.points, 1)} ({between})"
        row.append(base if score.method == "base" else "")
        for key in keys:
            mine = key == score.method
            row += [show_numbers.number(score.points, 1), between] if mine else ["", ""]
        rows.append(tuple(row))
    for i, examples in enumerate(_curve(methods[0]).examples):
        row = [f"{examples:,}", ""]
        for m in methods:
            curve = _curve(m)
            row += [
                show_numbers.number(curve.mean_points[i], 1),
                f"{show_numbers.number(curve.p10_points[i], 1)} to "
                f"{show_numbers.number(curve.p90_points[i], 1)}",
            ]
        rows.append(tuple(row))
    return DataTable(tuple(columns), tuple(rows))


def example_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers of examples within the range: 1, 2 and 5, 1 and 3, or 1 times powers of ten.

    Examples
    --------
    >>> example_ticks(400, 30_000, 8)
    [500.0, 1000.0, 2000.0, 5000.0, 10000.0, 20000.0]
    >>> example_ticks(400, 30_000, 3)
    [1000.0, 10000.0]
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = range(first, last + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [f * 10.0**p for p in powers for f in factors if low <= f * 10.0**p <= high]
        if len(found) <= most:
            break
    return found[:: math.ceil(len(found) / most)] if len(found) > most else found


def _count(examples: float) -> str:
    """A number of examples on an axis.

    Examples
    --------
    >>> _count(500), _count(20_000), _count(3e6)
    ('500', '20k', '3M')
    """
    for limit, suffix in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if examples >= limit:
            return f"{examples / limit:g}{suffix}"
    return f"{examples:g}"


def _drawing(
    methods: Sequence[MethodReport], pilot: PilotReport, planned: int, frame: Frame, most: int
) -> LearningCurveDrawing:
    curves = [(m, _curve(m)) for m in methods]
    shown = [
        s for s in pilot.scores if s.method == "base" or s.method in {m.method for m in methods}
    ]
    values = [v for _, c in curves for v in (*c.p10_points, *c.p90_points)]
    values += [v for score in shown for v in _range(score)]
    y_values = nice_ticks(min(values), max(values), 5)
    y = Scale(y_values[0], y_values[-1], frame.bottom, frame.top)
    sizes = curves[0][1].examples
    low = min(sizes[0], *(s.examples for s in shown if s.examples), planned)
    high = max(sizes[-1], *(s.examples for s in shown), planned)
    room = _BASE_ROOM if any(s.method == "base" for s in shown) else 0.0
    log = Scale(
        math.log(low), max(math.log(high), math.log(low) + 1e-9), frame.left + room, frame.right
    )
    xs = [log(math.log(size)) for size in sizes]
    wanted = [y(c.mean_points[-1]) for _, c in curves]
    label_ys = spread(wanted, _LINE, frame.top + 8, frame.bottom - 8)
    drawn = tuple(
        Curve(
            method=m.method,
            label=tag(m.method),
            line=path(xs, [y(v) for v in c.mean_points]),
            band=area(xs, [y(v) for v in c.p10_points], [y(v) for v in c.p90_points]),
            end_x=xs[-1],
            end_y=end_y,
            label_x=frame.right + 14,
            label_y=label_y,
        )
        for (m, c), end_y, label_y in zip(curves, wanted, label_ys, strict=True)
    )
    at = log(math.log(planned))
    planned_label = f"planned: {planned:,}"
    before = at - text_width(planned_label, SMALL) - 8 > frame.left
    ticks = [Tick(log(math.log(v)), _count(v)) for v in example_ticks(low, high, most)]
    if room:
        ticks = [Tick(frame.left + 10, "base"), *(t for t in ticks if t.at > frame.left + room + 8)]
    return LearningCurveDrawing(
        frame=frame,
        x_ticks=tuple(ticks),
        y_ticks=tuple(Tick(y(v), f"{v:g}") for v in y_values),
        x_title="Training examples (each step on the scale multiplies)",
        y_title="Expected score, points",
        zero_y=frame.bottom,
        curves=drawn,
        points=_points(shown, frame, log, y),
        planned_x=at,
        planned_label=planned_label,
        planned_anchor="end" if before else "start",
    )


def _points(
    scores: Sequence[PilotScoreReport], frame: Frame, log: Scale, y: Scale
) -> tuple[Point, ...]:
    """Marks of what was measured; those of one size stand side by side."""
    offset = {"full": -5.0, "lora": 0.0, "qlora": 5.0}
    found = []
    for score in scores:
        low, high = _range(score)
        x = (
            frame.left + 10
            if score.method == "base"
            else log(math.log(score.examples)) + offset.get(score.method, 0.0)
        )
        found.append(Point(score.method, round(x, 1), y(score.points), y(low), y(high)))
    return tuple(found)
