"""The chart of monthly serving cost against the number of variants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.estimator.currency import Currency
from app.estimator.report_serving import ServingReport, VariantsPoint
from app.web import show_amounts, show_numbers, show_words
from app.web.charts import Scale, nice_ticks, path, spread, text_width
from app.web.figures import SMALL, DataTable, Figure, Frame, Tick
from app.web.scatter import LogScale, log_ticks

WIDE_RATIO = 50.0
"""Numbers of variants from which on their axis is logarithmic."""
LABEL_GAP = 30.0
_DEDICATED, _ADAPTERS = "full", "lora"
"""Whose colours, marks and dashes the two lines take: only dedicated models serve full
fine-tuning."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """One way to serve, over the numbers of variants."""

    method: str
    label: str
    d: str
    end_x: float
    end_y: float
    label_y: float
    detail: str


@dataclass(frozen=True, slots=True)
class VariantsDrawing:
    """Variants to the right, cost of a month upwards.

    Parameters
    ----------
    crossing_x : where adapters become cheaper; None where they never do.
    crossing_anchor : on which side of the mark its label stands.
    """

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    y_title: str
    zero_y: float
    lines: tuple[CostLine, ...]
    crossing_x: float | None
    crossing_label: str
    crossing_anchor: str


def by_variants(serving: ServingReport, currency: Currency) -> Figure[VariantsDrawing] | None:
    """Dedicated models against adapters on one base; None without two numbers of variants."""
    points = serving.by_variants
    if len(points) < 2:
        return None
    return Figure(
        key="serving",
        title="Serving by number of variants",
        conclusion=_said(serving, currency),
        caption="The same answers a month, shared by more and more variants. A dedicated model "
        "needs GPUs of its own for each variant, however little it is asked; adapters share one "
        "base. Steps are whole instances."
        + (" The scale of variants is logarithmic." if _is_wide(points) else ""),
        wide=_drawing(serving, currency, 760, 380),
        narrow=_drawing(serving, currency, 400, 360),
        legend=(),
        table=DataTable(
            ("Variants", "Dedicated models, a month", "Adapters on one base, a month"),
            tuple(
                (
                    show_numbers.number(p.variants),
                    show_amounts.usd(p.dedicated_usd_per_month, currency),
                    show_amounts.usd(p.adapters_usd_per_month, currency),
                )
                for p in points
            ),
        ),
    )


def _is_wide(points: Sequence[VariantsPoint]) -> bool:
    return points[-1].variants / points[0].variants >= WIDE_RATIO


def _said(serving: ServingReport, currency: Currency) -> str:
    last = serving.by_variants[-1]
    at_last = (
        f"with {show_numbers.number(last.variants)} variants dedicated models cost "
        f"{show_amounts.usd(last.dedicated_usd_per_month, currency)} a month and adapters "
        f"{show_amounts.usd(last.adapters_usd_per_month, currency)}."
    )
    if serving.break_even_variants is None:
        return f"Adapters on one base never cost less than dedicated models: {at_last}"
    return (
        "Adapters on one base cost less than dedicated models from "
        f"{show_words.plural(serving.break_even_variants, 'variant')} on: {at_last}"
    )


def _drawing(
    serving: ServingReport, currency: Currency, width: int, height: int
) -> VariantsDrawing:
    points = serving.by_variants
    dedicated = [currency.of(p.dedicated_usd_per_month) for p in points]
    adapters = [currency.of(p.adapters_usd_per_month) for p in points]
    top, bottom = 24.0, height - 48.0
    heights = nice_ticks(0.0, max(*dedicated, *adapters), 6)
    y = Scale(heights[0], heights[-1], bottom, top)
    y_ticks = tuple(Tick(y(v), show_amounts.amount_short(v, currency, trim=True)) for v in heights)
    left = max(text_width(tick.label, SMALL) for tick in y_ticks) + 18
    names = ("Dedicated", "Adapters")
    details = tuple(show_amounts.amount_short(v[-1], currency) for v in (dedicated, adapters))
    # The names are bold and stand beside the marks.
    right = width - 16 - 1.15 * max(text_width(text, SMALL) for text in (*names, *details))
    x, x_ticks = _x_axis(points, width, left, right)
    xs = [x(p.variants) for p in points]
    lines = [
        CostLine(
            method=method,
            label=name,
            d=path(xs, [y(v) for v in values]),
            end_x=xs[-1],
            end_y=y(values[-1]),
            label_y=at,
            detail=detail,
        )
        for method, name, values, detail, at in zip(
            (_DEDICATED, _ADAPTERS),
            names,
            (dedicated, adapters),
            details,
            spread([y(dedicated[-1]), y(adapters[-1])], LABEL_GAP, top, bottom - 14),
            strict=True,
        )
    ]
    crossing = serving.break_even_variants
    at = None
    if crossing is not None and points[0].variants <= crossing <= points[-1].variants:
        at = x(crossing)
    label = f"cheaper from {crossing}" if at is not None else ""
    room = at is not None and at + 8 + text_width(label, SMALL) <= right
    return VariantsDrawing(
        frame=Frame(width, height, left, right, top, bottom),
        x_ticks=x_ticks,
        y_ticks=y_ticks,
        x_title="Variants",
        y_title="Cost of a month",
        zero_y=y(0.0),
        lines=tuple(lines),
        crossing_x=at,
        crossing_label=label,
        crossing_anchor="start" if room else "end",
    )


def _x_axis(
    points: Sequence[VariantsPoint], width: int, left: float, right: float
) -> tuple[Callable[[float], float], tuple[Tick, ...]]:
    """The scale of variants and its ticks, whole numbers from 1 on."""
    first, last = points[0].variants, points[-1].variants
    if _is_wide(points):
        at = log_ticks(first, last, 7 if width > 500 else 5)
        log = LogScale(at[0], at[-1], left, right)
        return log, tuple(Tick(log(v), show_numbers.number(v)) for v in at)
    count = 9 if width > 500 else 5
    whole = [v for v in nice_ticks(first, last, count) if v == int(v) and first <= v <= last]
    scale = Scale(first, last, left, right)
    return scale, tuple(
        Tick(scale(v), show_numbers.number(v)) for v in sorted({float(first), *whole})
    )
