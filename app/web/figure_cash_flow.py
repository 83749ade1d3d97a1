"""The chart of the cumulative cash flow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.estimator.currency import Currency
from app.estimator.leading import leading_method
from app.estimator.report import CashFlowReport, MethodReport, Report
from app.web import show_amounts, show_units, show_words
from app.web.charts import Scale, area, nice_ticks, path, spread, text_width
from app.web.figures import (
    SMALL,
    DataTable,
    Figure,
    Frame,
    Tick,
    currency_of,
    name_of,
    tag,
)

_LINE = 16.0
WIDE = Frame(760, 360, 76, 620, 22, 306)


@dataclass(frozen=True, slots=True)
class Line:
    """One method in the cash-flow chart."""

    method: str
    label: str
    detail: str
    d: str
    end_x: float
    end_y: float
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class CashFlowDrawing:
    """Months to the right, cumulative cash flow upwards; the band belongs to one method."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    y_title: str
    zero_y: float
    band: str
    band_method: str
    lines: tuple[Line, ...]
    payback_x: float | None
    payback_label: str
    payback_anchor: str


def month_ticks(horizon: int, most: int) -> list[int]:
    """Months at which there is a tick, at most so many."""
    step = next(s for s in (1, 2, 3, 6, 12, 24, 48) if horizon / s <= most)
    return list(range(0, horizon + 1, step))


def cash_flow(report: Report, wide: Frame = WIDE) -> Figure[CashFlowDrawing] | None:
    """Cumulative expected cash flow of every method, with the range of the leading one.

    Parameters
    ----------
    wide : size of the wide drawing.
    """
    methods = [m for m in report.methods if m.cash_flow is not None]
    leader = leading_method(report)
    if not methods:
        return None
    banded = leader if leader in methods and leader is not None else methods[0]
    currency = currency_of(report)
    payback = show_units.months(banded.payback_months)
    says = (
        f"{name_of(banded.method)} is expected to pay back after {payback}"
        if banded.payback_months is not None
        else f"{name_of(banded.method)} is not expected to pay back within "
        f"{show_units.months(report.horizon_months)}"
    )
    ends = show_words.join_words(
        [
            f"{name_of(m.method)} at "
            f"{show_amounts.usd_short(m.cash_flow.cumulative_usd[-1], currency)}"
            for m in methods
            if m.cash_flow
        ]
    )
    columns = ["Month"]
    for m in methods:
        columns += [name_of(m.method), f"{name_of(m.method)}, 80% range"]
    rows = []
    for month in range(report.horizon_months + 1):
        row = [str(month)]
        for m in methods:
            flow = m.cash_flow
            assert flow is not None  # noqa: S101 - kept above
            row += [
                show_amounts.usd(flow.cumulative_usd[month], currency),
                f"{show_amounts.usd_short(flow.cumulative_p10_usd[month], currency)} to "
                f"{show_amounts.usd_short(flow.cumulative_p90_usd[month], currency)}",
            ]
        rows.append(tuple(row))
    return Figure(
        key="cash-flow",
        title="When the money comes back",
        conclusion=f"{says}. Expected cumulative cash flow after "
        f"{show_units.months(report.horizon_months)}: {ends}.",
        caption="Cumulative cash flow at month ends, undiscounted; month 0 is what is "
        f"paid at the start. The band is the 80% range of {name_of(banded.method)}; the "
        "table has the ranges of all.",
        wide=_cash_flow_drawing(report, methods, banded, wide, 12),
        narrow=_cash_flow_drawing(report, methods, banded, Frame(400, 360, 68, 300, 22, 306), 4),
        legend=(),
        table=DataTable(tuple(columns), tuple(rows)),
    )


def _converted(flow: CashFlowReport, currency: Currency) -> CashFlowReport:
    """The cash flow in the shown currency, so that ticks are round in it."""
    return CashFlowReport(
        *(
            tuple(currency.of(value) for value in values)
            for values in (
                flow.monthly_usd,
                flow.cumulative_usd,
                flow.cumulative_p10_usd,
                flow.cumulative_p90_usd,
            )
        )
    )


def _cash_flow_drawing(
    report: Report, methods: Sequence[MethodReport], banded: MethodReport, frame: Frame, most: int
) -> CashFlowDrawing:
    currency = currency_of(report)
    flows = [(m, _converted(m.cash_flow, currency)) for m in methods if m.cash_flow is not None]
    band_flow = next((flow for m, flow in flows if m is banded), flows[0][1])
    values = [v for _, flow in flows for v in flow.cumulative_usd]
    values += [*band_flow.cumulative_p10_usd, *band_flow.cumulative_p90_usd, 0.0]
    y_values = nice_ticks(min(values), max(values), 5)
    y_labels = [show_amounts.amount_short(v, currency, trim=True) for v in y_values]
    # Amounts may be long, and with a minus sign longer: the frame begins where they end.
    frame = replace(frame, left=math.ceil(max(text_width(t, SMALL) for t in y_labels)) + 18.0)
    x = Scale(0, report.horizon_months, frame.left, frame.right)
    y = Scale(y_values[0], y_values[-1], frame.bottom, frame.top)
    xs = [x(month) for month in range(report.horizon_months + 1)]
    wanted = [y(flow.cumulative_usd[-1]) for _, flow in flows]
    label_ys = spread(wanted, 2 * _LINE + 4, frame.top + 8, frame.bottom - 8)
    lines = tuple(
        Line(
            method=m.method,
            label=tag(m.method),
            detail=show_amounts.amount_short(flow.cumulative_usd[-1], currency),
            d=path(xs, [y(v) for v in flow.cumulative_usd]),
            end_x=frame.right,
            end_y=end_y,
            label_x=frame.right + 14,
            label_y=label_y,
        )
        for (m, flow), end_y, label_y in zip(flows, wanted, label_ys, strict=True)
    )
    payback = banded.payback_months
    at = None if payback is None else x(min(payback, report.horizon_months))
    return CashFlowDrawing(
        frame=frame,
        x_ticks=tuple(Tick(x(v), str(v)) for v in month_ticks(report.horizon_months, most)),
        y_ticks=tuple(Tick(y(v), t) for v, t in zip(y_values, y_labels, strict=True)),
        x_title="Months after the start",
        y_title="Cumulative cash flow",
        zero_y=y(0),
        band=area(
            xs,
            [y(v) for v in band_flow.cumulative_p10_usd],
            [y(v) for v in band_flow.cumulative_p90_usd],
        ),
        band_method=banded.method,
        lines=lines,
        payback_x=at,
        payback_label=f"{tag(banded.method)} pays back: {show_units.months(payback)}",
        payback_anchor="end" if at is not None and at > (frame.left + frame.right) / 2 else "start",
    )
