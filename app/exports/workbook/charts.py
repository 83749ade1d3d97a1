"""Native charts, drawn from the cells, so that they follow a change."""

from __future__ import annotations

from collections.abc import Sequence

from xlsxwriter.chart import Chart

from app.exports.workbook.calendar_sheet import Calendar
from app.exports.workbook.comparison_sheet import Compared, Side
from app.exports.workbook.paper import Sheet
from app.exports.workbook.sensitivity_sheet import DELTA, Tornado

COLOURS = ("#1D4ED8", "#B45309", "#047857", "#7E22CE")
DASHES = ("solid", "dash", "round_dot", "long_dash")
MARKERS = ("circle", "square", "diamond", "triangle")
TITLE = {"size": 12}
SIZE = {"width": 760, "height": 360}


def _chart(sheet: Sheet, kind: str) -> Chart:
    chart = sheet.book.workbook.add_chart({"type": kind})
    if chart is None:
        raise ValueError(f"XlsxWriter has no chart of type {kind}")
    return chart


def _series(chart: Chart, name: str, categories: str, values: str, **look: object) -> None:
    chart.add_series({"name": name, "categories": f"={categories}", "values": f"={values}"} | look)


def cumulative_chart(sheet: Sheet, at: int, sides: Sequence[Side], calendar: Calendar) -> None:
    """Cumulative cash flow of the methods; colour, dash and marker tell them apart."""
    chart = _chart(sheet, "line")
    for place, side in enumerate(sides):
        _series(
            chart,
            side.label,
            calendar.months.text,
            side.flows.returns.cumulative.text,
            line={"color": COLOURS[place % 4], "dash_type": DASHES[place % 4], "width": 2},
            marker={"type": MARKERS[place % 4], "size": 4, "fill": {"color": COLOURS[place % 4]}},
        )
    chart.set_title({"name": "Cumulative cash flow, expected", "name_font": TITLE})
    chart.set_x_axis({"name": "Month", "label_position": "low", "interval_unit": 6})
    chart.set_y_axis({"name": "USD", "num_format": "#,##0", "major_gridlines": {"visible": True}})
    chart.set_legend({"position": "bottom"})
    chart.set_size(SIZE)
    _insert(sheet, at, 0, chart, "Cumulative cash flow of every method by month, in US dollars")


def category_chart(
    sheet: Sheet, at: int, table: Sheet, compared: Compared, sides: Sequence[Side]
) -> None:
    """Cost by category, one bar for each method."""
    first, last, column = compared.categories
    chart = _chart(sheet, "bar")
    for place, side in enumerate(sides):
        _series(
            chart,
            side.label,
            f"{table.own}$A${first + 1}:$A${last + 1}",
            table.column_range(first, last, column + place),
            fill={"color": COLOURS[place % 4]},
            gap=60,
        )
    chart.set_title({"name": "Cost by category over the horizon", "name_font": TITLE})
    chart.set_y_axis({"reverse": True})
    chart.set_x_axis({"name": "USD", "num_format": "#,##0", "label_position": "high"})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 760, "height": 440})
    _insert(sheet, at, 0, chart, "Cost of every method by category, in US dollars")


def tornado_chart(sheet: Sheet, tornado: Tornado) -> None:
    """What a change of each figure takes from or adds to the net present value."""
    chart = _chart(sheet, "bar")
    names = f"{sheet.own}$A${tornado.first + 1}:$A${tornado.last + 1}"
    for place, name in enumerate(("20% less", "20% more")):
        _series(
            chart,
            name,
            names,
            sheet.column_range(tornado.first, tornado.last, DELTA + place),
            fill={"color": COLOURS[1 - place]},
            overlap=100,
            gap=40,
        )
    chart.set_title(
        {"name": f"{tornado.label}: change of the net present value", "name_font": TITLE}
    )
    chart.set_y_axis({"reverse": True, "label_position": "low"})
    chart.set_x_axis({"name": "USD", "num_format": "#,##0", "label_position": "high"})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 720, "height": 330})
    _insert(
        sheet,
        tornado.heading,
        DELTA + 3,
        chart,
        f"How the net present value of {tornado.label} moves with each figure",
    )


def _insert(sheet: Sheet, row: int, col: int, chart: Chart, description: str) -> None:
    sheet.worksheet.insert_chart(
        row, col, chart, {"object_position": 1, "description": description}
    )
