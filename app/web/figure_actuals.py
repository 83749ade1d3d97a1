"""The chart of what was planned against what was spent, cumulative."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from app.estimator.currency import Currency
from app.estimator.variance import MonthVariance, VarianceReport
from app.web import show_amounts
from app.web.actual_words import month_name, month_short, sentence
from app.web.charts import Scale, nice_ticks, path, spread, text_width
from app.web.figure_cash_flow import month_ticks
from app.web.figures import SMALL, DataTable, Figure, Frame, Tick

_LINE = 16.0


@dataclass(frozen=True, slots=True)
class EndLabel:
    """What stands at the right end of a line.

    Parameters
    ----------
    kind : planned, actual (every month is reported) or outlook.
    """

    kind: str
    label: str
    detail: str
    end_y: float
    label_y: float


@dataclass(frozen=True, slots=True)
class PlanActualDrawing:
    """Months to the right, cumulative cost upwards.

    Parameters
    ----------
    planned : the whole plan.
    actual : one piece for every run of reported months.
    outlook : the pieces between and after them, which go on as planned.
    points : ends of reported months.
    spent_x : of the last of them, whose label stands where no line is.
    """

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    y_title: str
    zero_y: float
    planned: str
    actual: tuple[str, ...]
    outlook: tuple[str, ...]
    points: tuple[tuple[float, float], ...]
    spent_x: float
    spent_label_y: float
    spent_label: str
    spent_anchor: str
    labels: tuple[EndLabel, ...]
    label_x: float


def plan_against_actual(
    found: VarianceReport, method: str, currency: Currency
) -> Figure[PlanActualDrawing] | None:
    """Planned and actual, cumulative; None where no month was reported."""
    if found.to_date is None:
        return None
    rows = tuple(_row(month, currency) for month in found.months)
    return Figure(
        key="plan-actual",
        title="Planned and spent, cumulative",
        conclusion=sentence(found, method, currency),
        caption="At month ends; what is paid at the start stands in the first month. The thin line "
        "is the plan, the thick one with marks what was spent, and the dashed one goes on as "
        "planned from there; a month that was not reported is drawn as planned too.",
        wide=_drawing(found, currency, Frame(760, 360, 76, 620, 22, 306), 8),
        narrow=_drawing(found, currency, Frame(400, 360, 68, 300, 22, 306), 3),
        legend=(),
        table=DataTable(
            ("Month", "Planned", "Spent", "Planned, cumulative", "Spent, then as planned"), rows
        ),
    )


def _row(month: MonthVariance, currency: Currency) -> tuple[str, ...]:
    spent = (
        "not reported"
        if month.compared is None
        else show_amounts.usd(month.compared.actual_usd, currency)
    )
    return (
        month_name(month.label),
        show_amounts.usd(month.planned_usd, currency),
        spent,
        show_amounts.usd(month.cumulative_planned_usd, currency),
        show_amounts.usd(month.cumulative_outlook_usd, currency),
    )


def _drawing(
    found: VarianceReport, currency: Currency, frame: Frame, most: int
) -> PlanActualDrawing:
    months = found.months
    planned = [0.0, *(currency.of(m.cumulative_planned_usd) for m in months)]
    outlook = [0.0, *(currency.of(m.cumulative_outlook_usd) for m in months)]
    y_values = nice_ticks(min(0.0, *outlook), max(*planned, *outlook), 5)
    y_labels = [show_amounts.amount_short(v, currency, trim=True) for v in y_values]
    frame = replace(frame, left=math.ceil(max(text_width(t, SMALL) for t in y_labels)) + 18.0)
    x = Scale(0, len(months), frame.left, frame.right)
    y = Scale(y_values[0], y_values[-1], frame.bottom, frame.top)
    xs = [x(at) for at in range(len(months) + 1)]
    ys = [y(value) for value in outlook]
    reported = [month.compared is not None for month in months]
    last = max(at for at, there in enumerate(reported) if there) + 1
    right = xs[last] > (frame.left + frame.right) / 2
    ends = [("planned", "Plan", planned[-1]), *_last_line(reported, outlook[-1])]
    label_ys = spread([y(v) for _, _, v in ends], 2 * _LINE + 4, frame.top + 8, frame.bottom - 8)
    return PlanActualDrawing(
        frame=frame,
        x_ticks=tuple(
            Tick(xs[at + 1], month_short(months[at].label))
            for at in month_ticks(len(months) - 1, most)
        ),
        y_ticks=tuple(Tick(y(v), t) for v, t in zip(y_values, y_labels, strict=True)),
        x_title="Month ends",
        y_title="Cumulative cost",
        zero_y=y(0),
        planned=path(xs, [y(value) for value in planned]),
        actual=_pieces(reported, xs, ys, wanted=True),
        outlook=_pieces(reported, xs, ys, wanted=False),
        points=tuple((xs[at + 1], ys[at + 1]) for at, there in enumerate(reported) if there),
        spent_x=xs[last],
        # A cumulative line rises to the right, so there is room below it there, above it before.
        spent_label_y=ys[last] + (-10 if right else 18),
        spent_label=f"{show_amounts.amount_short(currency.of(_spent(found)), currency)} spent",
        spent_anchor="end" if right else "start",
        labels=tuple(
            EndLabel(kind, label, show_amounts.amount_short(value, currency), y(value), label_y)
            for (kind, label, value), label_y in zip(ends, label_ys, strict=True)
        ),
        label_x=frame.right + 14,
    )


def _spent(found: VarianceReport) -> float:
    return 0.0 if found.to_date is None else found.to_date.actual_usd


def _last_line(reported: Sequence[bool], value: float) -> list[tuple[str, str, float]]:
    return [("actual", "Spent", value)] if all(reported) else [("outlook", "Outlook", value)]


def _pieces(
    reported: Sequence[bool], xs: Sequence[float], ys: Sequence[float], *, wanted: bool
) -> tuple[str, ...]:
    """The line over every run of months that are reported, or are not."""
    found = []
    at = 0
    for kind, run in groupby(reported):
        end = at + len(list(run))
        if kind == wanted:
            found.append(path(xs[at : end + 1], ys[at : end + 1]))
        at = end
    return tuple(found)
