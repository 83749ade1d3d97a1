"""The chart of the plans that no other is both cheaper and quicker than."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.estimator.currency import Currency
from app.estimator.hardware import PURCHASE_OPTIONS
from app.estimator.report import MethodReport, Report
from app.estimator.report_plans import FrontierPoint
from app.web import show_amounts, show_numbers, show_units
from app.web.charts import Scale, nice_ticks, path, text_width
from app.web.figures import SMALL, DataTable, Figure, Frame, Tick, currency_of, name_of
from app.web.result_plans import option_tag
from app.web.scatter import LogScale, log_ticks, mark

WIDE_RATIO = 4.0
"""From here on an axis is logarithmic."""


@dataclass(frozen=True, slots=True)
class Series:
    """The frontier of one method: its line, its plans as one path, and the chosen plan."""

    method: str
    label: str
    count: int
    line: str
    marks: str
    chosen_x: float | None
    chosen_y: float | None


@dataclass(frozen=True, slots=True)
class FrontierDrawing:
    """Hours of one run to the right, its cost upwards."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    y_title: str
    series: tuple[Series, ...]


def where(point: FrontierPoint) -> str:
    """What a plan rents, in a few words."""
    return f"{point.gpus} × {point.accelerator_name}"


def said(point: FrontierPoint) -> str:
    """The same in a sentence: a price that is not a firm list price is called what it is."""
    bought = option_tag(point.purchase_option, point.tier)
    return f"{where(point)}, {bought}" if bought else where(point)


def frontier(report: Report) -> Figure[FrontierDrawing] | None:
    """Cost against hours of one run, for every method that has plans."""
    methods = [m for m in report.methods if m.frontier]
    if not methods:
        return None
    currency = currency_of(report)
    logarithmic = [
        name
        for name, values in (
            ("hours", [p.hours for m in methods for p in m.frontier]),
            ("cost", [p.usd for m in methods for p in m.frontier]),
        )
        if _is_wide(values)
    ]
    scales = {0: "", 1: f" The scale of {''.join(logarithmic)} is logarithmic."}.get(
        len(logarithmic), " Both scales are logarithmic."
    )
    return Figure(
        key="frontier",
        title="Cost against hours of one run",
        conclusion=" ".join(_said(m, currency) for m in methods),
        caption="Each mark is a plan that no other is both cheaper and quicker than; the large "
        f"mark is the chosen plan. Further down is cheaper, further left is quicker.{scales}",
        wide=_drawing(methods, currency, 760, 420),
        narrow=_drawing(methods, currency, 400, 380),
        legend=(),
        table=DataTable(
            (
                "Method",
                "GPUs",
                "Provider",
                "Bought",
                "Hours of one run",
                "Cost of one run",
                "Runs out",
            ),
            tuple(
                (
                    name_of(m.method),
                    where(point),
                    point.provider_name,
                    PURCHASE_OPTIONS.get(point.purchase_option, point.purchase_option)
                    + (" (marketplace)" if point.tier == "marketplace" else ""),
                    show_units.hours(point.hours),
                    show_amounts.usd(point.usd, currency),
                    show_numbers.percent(point.probability_out_of_memory),
                )
                for m in methods
                for point in m.frontier
            ),
        ),
    )


def _is_wide(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) / min(values) >= WIDE_RATIO


def _said(m: MethodReport, currency: Currency) -> str:
    cheapest, fastest = m.frontier[0], m.frontier[-1]
    first = (
        f"{show_amounts.usd(cheapest.usd, currency)} in {show_units.hours(cheapest.hours)} on "
        f"{said(cheapest)}"
    )
    if len(m.frontier) == 1:
        return f"{name_of(m.method)}: {first}, the cheapest and the fastest at once."
    return (
        f"{name_of(m.method)}: from {first} to {show_amounts.usd(fastest.usd, currency)} in "
        f"{show_units.hours(fastest.hours)} on {said(fastest)}."
    )


def _axis(
    values: Sequence[float],
    count: int,
    start: float,
    end: float,
    write: Callable[[float], str],
) -> tuple[Callable[[float], float], tuple[Tick, ...]]:
    """The scale of an axis and its ticks."""
    scale: Callable[[float], float]
    if _is_wide(values):
        at = log_ticks(min(values), max(values), count)
        scale = LogScale(at[0], at[-1], start, end)
    else:
        at = nice_ticks(min(values), max(values), count)
        scale = Scale(at[0], at[-1], start, end)
    return scale, tuple(Tick(scale(v), write(v)) for v in at)


def _drawing(
    methods: Sequence[MethodReport], currency: Currency, width: int, height: int
) -> FrontierDrawing:
    hours = [p.hours for m in methods for p in m.frontier]
    costs = [currency.of(p.usd) for m in methods for p in m.frontier]
    top, bottom = 10.0, height - 48.0
    y, y_ticks = _axis(
        costs,
        8 if width > 500 else 6,
        bottom,
        top,
        lambda v: show_amounts.amount_short(v, currency, trim=True),
    )
    left = max(text_width(tick.label, SMALL) for tick in y_ticks) + 18
    right = width - 28.0
    x, x_ticks = _axis(hours, 9 if width > 500 else 5, left, right, show_units.hours)
    series = []
    for m in methods:
        xs, ys = [x(p.hours) for p in m.frontier], [y(currency.of(p.usd)) for p in m.frontier]
        series.append(
            Series(
                method=m.method,
                label=name_of(m.method),
                count=len(m.frontier),
                line=path(xs, ys) if len(xs) > 1 else "",
                marks="".join(mark(m.method, px, py) for px, py in zip(xs, ys, strict=True)),
                chosen_x=x(m.plan.hours) if m.plan else None,
                chosen_y=y(currency.of(m.plan.usd)) if m.plan else None,
            )
        )
    return FrontierDrawing(
        frame=Frame(width, height, left, right, top, bottom),
        x_ticks=x_ticks,
        y_ticks=y_ticks,
        x_title="Hours of one run",
        y_title="Cost of one run",
        series=tuple(series),
    )
